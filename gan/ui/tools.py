"""The endpoints as tools for language models, by the Model Context Protocol: off unless asked for."""

from __future__ import annotations

import importlib.util
import inspect

import gradio as gr

__all__ = ["check_tools", "drop_picture_tools"]


def check_tools() -> None:
    """``ValueError`` of one line where the package that speaks the protocol is not installed."""
    if importlib.util.find_spec("mcp") is None:
        raise ValueError('--mcp needs the package mcp: pip install "gradio[mcp]"')


def drop_picture_tools(app: gr.Blocks) -> None:
    """Takes the tools away that read a picture from outside, once the app was launched.

    Gradio writes a picture that a tool is given into a folder of its own and leaves it there, which breaks the promise that
    nothing of a visitor's picture stays; REST and the Python client take pictures.
    """
    tools = app.mcp_server_obj.tool_to_endpoint
    for name, endpoint in list(tools.items()):
        fn = next(fn for fn in app.fns.values() if fn.api_name == endpoint.lstrip("/"))
        hints = inspect.get_annotations(inspect.unwrap(fn.fn), eval_str=True)
        if any(gr.FileData in (hint, *getattr(hint, "__args__", ())) for key, hint in hints.items() if key != "return"):
            del tools[name]
