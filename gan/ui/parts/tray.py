"""The tray: images of a model that a visitor has put aside, in order, from any tile or typed. It stays in his browser."""

from __future__ import annotations

from typing import Any

import gradio as gr

__all__ = ["Tray"]


class Tray:
    """The part: ``component`` shows what ``show`` returns. The server never sees what is in it; scripts ask ``gan.tray``."""

    def __init__(self) -> None:
        self.component = gr.HTML(None, html_template="", apply_default_css=False, elem_classes="tray-part",
                                 js_on_load="gan.tray.build(element, props, watch)")

    @staticmethod
    def show(model: str) -> dict[str, Any]:
        """The tray of a model, as the browser keeps it."""
        return {"model": model}
