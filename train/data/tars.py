"""Tar shards as a source of training images, in the form of WebDataset: files of one key are one sample."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from gan.files import composed, visible
from train.data.folders import ENDINGS, Files, ending
from train.data.items import Item, keys_of, printable, size_problem

__all__ = ["Tars"]

LONGEST_CLASS = 1000  # bytes of a .cls file


class Tars(Files):
    """Plain tars, read in place: no member is ever written to disk. ``KEY.cls`` beside ``KEY.png`` names its class, a number
    or a text; without such files sub-folders are classes. Order: shards by name, members as they lie.

    Errors: ``ValueError`` for what is no tar, or a compressed one, in which nothing can be found without reading it all.
    """

    def __init__(self, shards: list[Path], name: str):
        self.name, self.items, self._class_of = name, [], {}
        self._keys: list[tuple[Path, str]] = []  # of the items
        for shard in shards:
            try:
                with tarfile.open(shard, "r:") as file:
                    for member in file:
                        name = composed(member.name.removeprefix("./"))  # of `tar c .`
                        stem, more = _parts(name)
                        if not member.isfile() or not visible(name):
                            continue
                        if more == ".cls" and member.size <= LONGEST_CLASS:
                            text = _bytes(shard, member.offset_data, member.size).read().decode("utf-8", "replace").strip()
                            self._class_of[shard, stem] = printable(text)
                        elif ending(name) in ENDINGS:
                            self._keys.append((shard, stem))
                            self.items.append(Item(name, partial(_bytes, shard, member.offset_data, member.size),
                                                   problem=size_problem(member.size)))
            except (tarfile.TarError, EOFError) as error:
                raise ValueError(f"{shard} is no tar that can be read in place ({error}); a compressed one must be unpacked "
                                 f"first (gunzip)") from None
        self.key, self.content = keys_of("tar", shards)

    def usable(self) -> list[int]:
        """Where there are classes, the first picture of each sample that has one: others are masks and the like."""
        if not self._class_of:
            return super().usable()
        first = {key: i for i, key in reversed(list(enumerate(self._keys)))}
        return sorted(i for key, i in first.items() if key in self._class_of and not self.items[i].problem)

    def __iter__(self) -> Iterator[Item]:
        usable = set(self.usable())
        for i, item in enumerate(self.items):
            problem = item.problem or "has no class, or its sample has another picture"
            yield item if i in usable else replace(item, problem=problem)

    def classes(self, chosen: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        if not self._class_of:
            return super().classes(chosen)
        found = [self._class_of.get(self._keys[i]) for i in chosen]
        names = sorted(set(found) - {None}, key=lambda text: (not text.isdigit(), int(text) if text.isdigit() else 0, text))
        if len(names) < 2 or None in found:
            return None, ()
        index = {name: k for k, name in enumerate(names)}
        return np.array([index[text] for text in found], np.int64), tuple(names)


def _parts(name: str) -> tuple[str, str]:
    """("a/key", ".seg.png") of "a/key.seg.png": in WebDataset a key ends at the first dot of the file's name."""
    folder, slash, file = name.rpartition("/")
    key, dot, ending = file.partition(".")
    return f"{folder}{slash}{key}", f"{dot}{ending}".lower()


def _bytes(shard: Path, offset: int, size: int) -> io.BytesIO:
    with open(shard, "rb") as file:
        file.seek(offset)
        return io.BytesIO(file.read(size))
