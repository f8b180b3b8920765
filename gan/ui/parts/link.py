"""The address of the page: what a visitor's link asks for, and the links that we give out.

Links hold everything that they restore (``?page=&model=&rev=&seed=&class=&psi=&codes=``): nothing is kept on the server.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlencode

import numpy as np

from gan.recipe import PngRecipe

__all__ = ["Link", "finite", "flag", "link_to", "listed", "name_of", "one_of", "short_text", "whole_between"]

MAX_LINK = 8000  # characters
T = TypeVar("T")


class Link:
    """What an address asks for. A part that cannot be read is left at its default, and ``notes`` says so."""

    def __init__(self, query: Mapping[str, str]):
        self.query = dict(query)
        self.notes: list[str] = []
        self.picture: np.ndarray | None = None  # uint8 [H, W, C]: the one that was given back, where this is its link,
        self.made_by: PngRecipe | None = None  # and its recipe

    @classmethod
    def of(cls, text: str) -> Link:
        """Of a query string. ``ValueError`` for one of more characters than any of ours."""
        if len(text) > MAX_LINK:
            raise ValueError("this link is too long")
        return cls(dict(parse_qsl(text)))

    def read(self, key: str, convert: Callable[[str], T], default: T) -> T:
        """A part of the link; ``default`` where it is missing, empty, or ``convert`` raises ``ValueError``."""
        if not self.query.get(key):
            return default
        try:
            return convert(self.query[key])
        except (ValueError, OverflowError) as error:
            self.notes.append(f"the link's {key} was ignored: {error}")
            return default

    def only(self, keys: Sequence[str]) -> Link:
        """A link of these parts alone; what it notes is noted here as well."""
        part = Link({key: self.query[key] for key in keys if key in self.query})
        part.notes, part.picture, part.made_by = self.notes, self.picture, self.made_by
        return part

    def given(self, recipe: Callable[[], PngRecipe]) -> np.ndarray | None:
        """The picture that was given back, to be compared with what ``recipe()`` draws; None, and noted, where it was made
        by another one than the page can draw."""
        if self.picture is None or self.made_by is None or _plain(recipe()) == _plain(self.made_by):
            return self.picture
        self.notes.append("this page cannot draw all that the picture's recipe says: it was not verified")
        return None


def _plain(recipe: PngRecipe) -> dict[str, Any]:
    """A recipe as far as links hold it: numbers of six digits; of any version of the model, as that is told of anyway."""
    plain = json.loads(recipe.to_json(), parse_float=lambda text: f"{float(text):g}", parse_int=str)
    labels = plain.get("labels", [])
    return {**plain, "revision": "", "labels": labels[:1] if len({*labels}) == 1 else labels}


def link_to(page: str, **parts: str) -> str:
    """The query string that opens a page; ``class_`` stands for class, parts that are "" are left out."""
    return urlencode({"page": page, **{key.rstrip("_"): value for key, value in parts.items() if value != ""}}, safe=",/")


def one_of(known: Sequence[str], what: str) -> Callable[[str], str]:
    """A reader of one of the known names."""
    def read(text: str) -> str:
        if text not in known:
            some = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
            raise ValueError(f"there is no {what} {text[:60]!r} here, only {some}")
        return text
    return read


def short_text(text: str) -> str:
    """A name: at most 200 printable characters."""
    if len(text) > 200 or not text.isprintable():
        raise ValueError("it is no short printable text")
    return text


def listed(name: str) -> str:
    """A name as it stands among others with commas between; the pages' scripts do the same."""
    return re.sub("[%,]", lambda sign: quote(sign[0]), name)


def name_of(text: str) -> str:
    """The name of which ``listed`` makes this text."""
    return re.sub("%2C|%25", lambda sign: unquote(sign[0]), text)


def finite(text: str) -> float:
    """A number that is neither infinite nor NaN."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]!r} is no finite number")
    return value


def flag(text: str) -> bool:
    """0 or 1."""
    return one_of(("0", "1"), "setting")(text) == "1"


def whole_between(text: str, least: int, most: int) -> int:
    """A whole number of that range. ``ValueError`` for anything else."""
    if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise ValueError(f"expected a whole number from {least} to {most}, got {text[:20]!r}")
    return int(text)
