"""What every source of training images is: an ordered list of items, opened on demand, with a class each.

A source decodes nothing and unpacks nothing to disk. It lists its items in an order that depends on names alone, and says
which class each belongs to once it is known which of them are images.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["CHUNK", "SPLITS", "Item", "Source", "digest", "key_of", "keys_of", "printable", "size_problem"]

CHUNK = 64  #              items in memory at a time
SPLITS = ("train", "test", "validation", "valid", "val", "dev")  # what parts of a set are called
MAX_BYTES = 200_000_000  # a larger file is no training image: it is skipped unread


@dataclass(frozen=True)
class Item:
    """One file, or one row, that may be an image."""

    name: str  #                     path inside the source, or shard#row
    open: Callable[[], BinaryIO]
    digest: str = ""  #              of the content, where the source knows it without reading
    problem: str = ""  #             why not to open it


def digest(size: int, crc: int) -> str:
    """Names a content by its length in bytes and its CRC-32: what every zip states in its directory."""
    return f"{size}-{crc:08x}"


def printable(name: str) -> str:
    """A file name that can be logged and written to JSON, whatever bytes it is made of."""
    return name if name.isprintable() else ascii(name)[1:-1]


def key_of(*parts: Any) -> str:
    """64 hex digits that are others where a part is."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def keys_of(kind: str, shards: Sequence[Path]) -> tuple[str, str]:
    """(``key``, ``content``) of a source of shards on this disk."""
    infos = [(shard, os.stat(shard)) for shard in shards]
    return (key_of(kind, [(str(shard.resolve()), info.st_size, info.st_mtime_ns) for shard, info in infos]),
            key_of(kind, [(shard.name, info.st_size) for shard, info in infos]))


def size_problem(size: int) -> str:
    """Why a file of so many bytes is not opened, "" where it is."""
    return f"{size / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f}" if size > MAX_BYTES else ""


class Source(ABC):
    """``name`` has no local directories and may go into a card; ``key`` changes when the source is touched, ``content`` only
    when its files have other names or sizes."""

    name: str
    key: str
    content: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Item]: ...

    @abstractmethod
    def classes(self, chosen: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Labels int64 [len(chosen)] of the items with these indices, and the class names; (None, ()) if unlabelled."""

    def rows(self, start: int, stop: int) -> Iterator[Item]:
        """Items start ... stop - 1."""
        return islice(self, start, stop)

    def usable(self) -> list[int]:
        """The indices of the items that, by what is known without opening them, may be trained on."""
        return list(range(len(self)))

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027, not every source holds something open
        """Closes what is open."""
