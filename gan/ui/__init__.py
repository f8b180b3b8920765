"""The web app: ``collect`` finds its models, ``Studio`` draws, ``build`` lays out, ``launch_options`` dresses."""

from gan.ui.shell import build, launch_options
from gan.ui.studio import Studio, collect
from gan.ui.tools import check_tools, drop_picture_tools

__all__ = ["Studio", "build", "check_tools", "collect", "drop_picture_tools", "launch_options"]
