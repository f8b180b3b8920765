"""The Gallery page: a card a model, with its samples and how it was trained.

A card comes from files that a stranger may have written. It travels to the browser as plain values and the page sets
them as text, never as markup: see ``card`` in page.js. The readers at the end serve the other pages as well.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from PIL import Image

from gan.gallery import Entry
from gan.ui.outbox import Outbox
from gan.ui.studio import Studio

__all__ = ["Snapshot", "arxiv", "as_list", "as_mapping", "as_number", "as_text", "build", "card", "duration", "evenly",
           "preview", "read_json", "snapshots"]

MAX_PIXELS = 2**24  #  of a sheet that a page shows
MAX_FILE = 2**23  #    bytes
SNAPSHOTS = 6  #       of the timeline on a card
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


def build(studio: Studio) -> gr.HTML:
    """The page. The component that it returns triggers ``click`` with ``model`` where a card is opened."""
    cards = [card(entry, studio.outbox) for entry in studio.entries.values()]
    return gr.HTML(
        {"cards": cards}, html_template="", elem_id="gallery", apply_default_css=False,
        js_on_load="gan.gallery(element, props, watch, data => trigger('click', data))")


def card(entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """Everything that a card says of a model, as texts; what training.json does not say is left out."""
    t = as_mapping(entry.training)
    data = as_mapping(t.get("data"))
    paper = as_text(t.get("paper"))
    recipe = as_text(t.get("recipe"), 60)
    images, classes = _count(data.get("images")), len(entry.class_names)
    facts = [
        ("Family", entry.family + (f", recipe {recipe}" if recipe and recipe != entry.family else "")),
        ("Data", ", ".join(p for p in (as_text(data.get("name"), 120), images and f"{images:,} images") if p)),
        ("Licence", as_text(data.get("licence"), 200)),
        ("Classes", f"{classes}: {', '.join(entry.class_names[:12])}"[:120] + " …" * (classes > 12) if classes else ""),
        ("Size", f"{entry.bytes / 2**20:.1f} MB"),
    ]
    return {
        "id": entry.id, "shape": f"{entry.resolution} px, {'grey' if entry.channels == 1 else 'colour'}",
        "paper": paper, "paper_url": arxiv(paper), "trained": trained(t),
        "facts": [[name, value] for name, value in facts if value],
        "command": as_text(t.get("command"), 2000),
        "samples": preview(entry.folder / "samples.png", outbox), "timeline": timeline(entry.folder, outbox),
    }


def trained(t: dict[str, Any]) -> str:
    """One sentence on what the training took, "" where nothing is known."""
    nimg, minutes, hardware = _count(t.get("nimg")), as_number(t.get("minutes")), as_text(t.get("hardware"), 120)
    parts = [nimg and f"{thousands(nimg)} images", minutes is not None and f"in {duration(minutes)}",
             hardware and f"on {hardware}"]
    return "Trained " + " ".join(p for p in parts if p) if any(parts) else ""


def thousands(nimg: int) -> str:
    """1 234 567 -> "1.2 million", 6 016 -> "6 thousand"."""
    if nimg >= 1_000_000:
        return f"{nimg / 1e6:.1f} million"
    return f"{nimg / 1000:.0f} thousand" if nimg >= 1000 else str(nimg)


def duration(minutes: float) -> str:
    """Minutes in words."""
    if minutes < 1:
        return "under a minute"
    whole = round(minutes)
    hours = f"{whole // 60:,} h" + (f" {whole % 60} min" if whole % 60 else "")
    return hours if whole >= 90 else f"{whole} minute{'s' * (whole > 1)}"


def arxiv(paper: str) -> str:
    """The address of the first arXiv number in a text; built from its digits, so that nothing else gets into a link."""
    match = re.search(r"arXiv:(\d{4})\.(\d{4,5})\b", paper)
    return f"https://arxiv.org/abs/{match[1]}.{match[2]}" if match else ""


def timeline(folder: Path, outbox: Outbox) -> list[dict[str, Any]]:
    """A few snapshots of the training, evenly picked, the last one among them."""
    picked = [(s, preview(s.path, outbox)) for s in evenly(snapshots(folder), SNAPSHOTS)]
    return [{**picture, "caption": snapshot.caption} for snapshot, picture in picked if picture]


def snapshots(folder: Path) -> list[Snapshot]:
    """The timeline of a model's folder; what is no snapshot is left out, and no name leads out of the folder."""
    path = folder / "timeline" / "timeline.json"
    try:
        listed = as_list(as_mapping(read_json(path)).get("snapshots"))
    except (OSError, ValueError):
        return []
    found = []
    for item in map(as_mapping, listed):
        name, nimg = item.get("file"), _count(item.get("nimg"))
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
    try:
        if path.stat().st_size > MAX_FILE:
            return None
        with Image.open(path, formats=["PNG", "WEBP"]) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            copy = outbox.fresh(f"{path.stem}.webp", part="shown")
            image.convert("RGB").save(copy, "WEBP", quality=88)
            return {"url": outbox.url(copy), "width": image.width, "height": image.height}
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def read_json(path: Path, largest: int = MAX_FILE) -> Any:
    """What a JSON file holds. ``OSError``, and ``ValueError`` for a file of more bytes or of anything else."""
    if path.stat().st_size > largest:
        raise ValueError(f"the file is larger than {largest / 2**20:g} MB")
    try:
        return json.loads(path.read_text("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def as_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any, longest: int = 300) -> str:
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""


def as_number(value: Any, least: float = 0) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and abs(value) < 1e15 and math.isfinite(value) and value >= least else None


def _count(value: Any) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)
