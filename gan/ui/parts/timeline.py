"""A model's sheets over its training: the snapshots in its folder's timeline, and light copies of them for the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from gan.files import read_json
from gan.ui.outbox import Outbox
from gan.ui.parts.reading import as_count, as_list, as_mapping, as_number, thousands

__all__ = ["Snapshot", "evenly", "preview", "snapshots"]

MAX_PIXELS = 2**24  # of a sheet that a page shows
MAX_FILE = 2**23  #   its bytes
T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot:
    """A sheet drawn in the course of a training; whether its file is a picture is not known yet."""

    path: Path
    nimg: int
    minutes: float | None

    @property
    def caption(self) -> str:
        return f"{thousands(self.nimg)} images" if self.nimg else "untrained"


def snapshots(folder: Path) -> list[Snapshot]:
    """The timeline of a model's folder; what is no snapshot is left out, and no name leads out of the folder."""
    path = folder / "timeline" / "timeline.json"
    try:
        listed = as_list(as_mapping(read_json(path)).get("snapshots"))
    except (OSError, ValueError):
        return []
    found = []
    for item in map(as_mapping, listed):
        name, nimg = item.get("file"), as_count(item.get("nimg"))
        if isinstance(name, str) and re.fullmatch(r"\w[\w-]*\.(webp|png)", name) and nimg is not None:
            found.append(Snapshot(path.with_name(name), nimg, as_number(item.get("minutes"))))
    return found


def evenly(items: Sequence[T], count: int) -> list[T]:
    """At most ``count`` of the items, evenly picked, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(k * (len(items) - 1) / (count - 1))] for k in range(count)]


def preview(path: Path, outbox: Outbox) -> dict[str, Any] | None:
    """A light copy of a picture for the page, decoded and encoded anew; None where there is no usable one."""
    def write(copy: Path) -> dict[str, Any]:
        with Image.open(path, formats=["PNG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError("too large to be shown")
            image.convert("RGB").save(copy, "WEBP", quality=88)
            return {"url": outbox.url(copy), "width": image.width, "height": image.height}

    try:
        return None if path.stat().st_size > MAX_FILE else outbox.copy_of(path, ".webp", write)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
