"""Pictures that belong together two by two: two folders with equal names, or the two halves of wide pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from PIL import Image

from gan.picture import FORMATS
from train.data.folders import Files, below_the_top, size_of
from train.data.items import Item, key_of

__all__ = ["halves", "partners", "within_class"]

SIDES = ("A", "B")  # left and right, as pix2pix's sets call them
SAID = 3  #           pictures that a message names


def halves(source: Files) -> Files:
    """The source with every picture cut in two where all are exactly twice as wide as high and in no sub-folders, as the
    sets of pix2pix are (Isola et al. 2017, arXiv:1611.07004): left halves lie in A/, right ones in B/. Else as it is.

    Errors: ``ValueError`` where one of the folders A and B is empty: without its pictures another task would be learned."""
    for item in source.items:
        side = PurePosixPath(item.name)
        if item.name.endswith("/") and side.name in SIDES:
            other = side.with_name(SIDES[1 - SIDES.index(side.name)])
            if all(PurePosixPath(member.name).is_relative_to(other) for member in source.items if member is not item):
                raise ValueError(f"{source.name}: {side}/ is empty: pairs are pictures of equal names in {side}/ and "
                                 f"{other}/; take {side}/ away to learn from {other}/ alone")
    if source.classes(list(range(len(source))))[1]:
        return source
    sizes = [size for item in source.items if (size := size_of(item))]
    return Halves(source) if sizes and all(width == 2 * height for width, height in sizes) else source


class Halves(Files):
    """Each picture of a source twice, as its left and its right half."""

    def __init__(self, source: Files):
        self.name, self.key = source.name, key_of("halves", source.key)
        self.items = [Item(f"{side}/{item.name}", partial(_half, item, k), problem=item.problem)
                      for k, side in enumerate(SIDES) for item in source.items]


def _half(item: Item, k: int) -> BinaryIO:
    """Half k of a picture, as a file without compression."""
    with item.open() as file, Image.open(file, formats=FORMATS) as image:
        side, half = image.height, io.BytesIO()
        image.crop((k * side, 0, (k + 1) * side, side)).save(half, "TIFF")
    half.seek(0)
    return half


def within_class(names: Sequence[str]) -> list[str]:
    """What files are called in the folders of their classes, without the endings, that may differ in a pair."""
    paths = below_the_top([PurePosixPath(name).with_suffix("").parts for name in names])
    return ["/".join(path[1:] or path) for path in paths]


def partners(members: Sequence[tuple[str, list[int]]], labels: Sequence[int] | None, class_names: tuple[str, ...]
             ) -> dict[str, Any]:
    """``partner``: of each picture the index of the other one of its pair, [] where there are no pairs; ``unpaired``: why.
    ``members`` are names within their classes, and sizes."""
    if labels is None or len(class_names) != 2:
        return _none("pairs are two folders with equal names in them, or pictures that stand side by side, all of them "
                     "twice as wide as high")
    rows: list[dict[str, int]] = [{}, {}]
    for row, ((name, _), label) in enumerate(zip(members, labels)):
        if rows[label].setdefault(name, row) != row:
            return _none(f"two pictures in {class_names[label]}/ are called {name}: a name belongs to one pair")
    alone = [(class_names[k], class_names[1 - k], name) for k in (0, 1) for name in rows[k] if name not in rows[1 - k]]
    if alone:
        some = ", ".join(f"{mine}/{name} has none in {other}/" for mine, other, name in alone[:SAID])
        return _none(f"{len(alone)} of {len(members)} pictures have no partner of their name ({some}"
                     f"{', …' if len(alone) > SAID else ''}): add the others, or take these away")
    partner = [rows[1 - label][name] for (name, _), label in zip(members, labels)]
    for row, other in enumerate(partner):
        (name, size), (_, size_of_other) = members[row], members[other]
        if size != size_of_other:
            mine, its = (f"{class_names[labels[k]]}/ has {s[0]} x {s[1]} px"
                         for k, s in ((row, size), (other, size_of_other)))
            return _none(f"the two pictures of a pair must be of one size, and of {name} {mine}, {its}")
    return {"partner": partner, "unpaired": ""}


def _none(reason: str) -> dict[str, Any]:
    return {"partner": [], "unpaired": reason}
