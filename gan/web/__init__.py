"""A gallery without a server: ``build_site`` writes a folder of static files. Needs the packages onnx and onnxscript."""

from gan.web.site import build_site

__all__ = ["build_site"]
