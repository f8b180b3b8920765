"""The Favourites page: what a visitor kept. It lives in his browser alone; the server only lays the page out."""

from __future__ import annotations

from gan.ui.page import Page, Room
from gan.ui.parts.stage import scripted
from gan.ui.studio import Studio

__all__ = ["PAGE"]


def build(studio: Studio) -> Room:
    scripted("gan.favourites", "element", elem_id="favourites")
    return Room(lambda link: {})


PAGE = Page("keep", "Favourites", build)
