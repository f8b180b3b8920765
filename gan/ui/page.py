"""What a page is: a tab of the app, declared in one module of gan/ui/pages and listed once, in its ``PAGES``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.components import Component

from gan.recipe import PngRecipe
from gan.ui.parts.link import Link
from gan.ui.studio import Studio

__all__ = ["Page", "Room"]


@dataclass(frozen=True)
class Room:
    """A page after it was built: what the shell around it needs to know."""

    open: Callable[[Link], dict[Component, Any]]  #        the values that a link sets; it may raise ``ValueError``
    outputs: Sequence[Component] = ()  #                   every component that ``open`` may set
    link_of: Callable[[PngRecipe], str | None] = lambda recipe: None  # the link that shows a picture of ours again,
    #                                                        None where another page shows such pictures


@dataclass(frozen=True)
class Page:
    """A tab. ``build`` lays it out and wires it inside the tab; files of its module's name with .js and .css go with it."""

    id: str  #                             in links, as in ?page=gallery
    title: str  #                          on the tab
    build: Callable[[Studio], Room]  #     given a studio of the models that can be opened here
    reads: tuple[str, ...] = ()  #         the parts of a link that it reads; it is given no others
    needs: tuple[str, ...] = ()  #         what a model must be able to do to be opened here: see ``Entry.abilities``

    def source(self, suffix: str) -> str:
        """The text of the module's file of that suffix, "" where it has none."""
        path = Path(inspect.getfile(self.build)).with_suffix(suffix)
        return path.read_text("utf-8") if path.is_file() else ""
