"""The web app: ``collect`` finds its models, ``Studio`` draws, ``build`` lays out, ``launch_options`` dresses."""

from gan.ui.shell import build, launch_options
from gan.ui.studio import Studio, collect

__all__ = ["Studio", "build", "collect", "launch_options"]
