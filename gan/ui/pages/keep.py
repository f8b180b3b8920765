"""The Favourites page: what a visitor kept. It lives in his browser alone; the server only lays the page out."""

from __future__ import annotations

import gradio as gr

from gan.ui.page import Page, Room
from gan.ui.studio import Studio

__all__ = ["PAGE"]


def build(studio: Studio) -> Room:
    gr.HTML(None, html_template="", elem_id="favourites", apply_default_css=False, js_on_load="gan.favourites(element)")
    return Room(lambda link: {})


PAGE = Page("keep", "Favourites", build)
