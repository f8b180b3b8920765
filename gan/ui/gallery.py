"""The Gallery page: a card a model, with its samples and how it was trained.

A card comes from files that a stranger may have written. It travels to the browser as plain values and the page sets
them as text, never as markup: see ``cards`` in page.js.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from gan.gallery import Entry
from gan.ui.outbox import Outbox
from gan.ui.studio import Studio

__all__ = ["build", "card"]

MAX_PIXELS = 2**24  #  of a sheet that a card shows
MAX_FILE = 2**23  #    bytes
SNAPSHOTS = 6  #       of the timeline on a card


def build(studio: Studio) -> gr.HTML:
    """The page. The component that it returns triggers ``click`` with ``model`` where a card is opened."""
    cards = [card(entry, studio.outbox) for entry in studio.entries.values()]
    return gr.HTML(
        {"cards": cards}, html_template="", elem_id="gallery", apply_default_css=False,
        js_on_load="gan.gallery(element, props, watch, data => trigger('click', data))")


def card(entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """Everything that a card says of a model, as texts; what training.json does not say is left out."""
    t = _mapping(entry.training)
    data = _mapping(t.get("data"))
    paper = _text(t.get("paper"))
    recipe = _text(t.get("recipe"), 60)
    images, classes = _count(data.get("images")), len(entry.class_names)
    facts = [
        ("Family", entry.family + (f", recipe {recipe}" if recipe and recipe != entry.family else "")),
        ("Data", ", ".join(p for p in (_text(data.get("name"), 120), images and f"{images:,} images") if p)),
        ("Licence", _text(data.get("licence"), 200)),
        ("Classes", f"{classes}: {', '.join(entry.class_names[:12])}"[:120] + " …" * (classes > 12) if classes else ""),
        ("Size", f"{entry.bytes / 2**20:.1f} MB"),
    ]
    return {
        "id": entry.id, "shape": f"{entry.resolution} px, {'grey' if entry.channels == 1 else 'colour'}",
        "paper": paper, "paper_url": arxiv(paper), "trained": trained(t),
        "facts": [[name, value] for name, value in facts if value],
        "command": _text(t.get("command"), 2000),
        "samples": _preview(entry.folder / "samples.png", outbox), "timeline": timeline(entry.folder, outbox),
    }


def trained(t: dict[str, Any]) -> str:
    """One sentence on what the training took, "" where nothing is known."""
    nimg, minutes, hardware = _count(t.get("nimg")), _number(t.get("minutes")), _text(t.get("hardware"), 120)
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
    try:
        path = folder / "timeline" / "timeline.json"
        if path.stat().st_size > MAX_FILE:
            return []
        snapshots = [s for s in json.loads(path.read_text("utf-8"))["snapshots"] if isinstance(s, dict)]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    picked = {round(k * (len(snapshots) - 1) / (SNAPSHOTS - 1)): None for k in range(SNAPSHOTS)} if snapshots else {}
    strip = []
    for snapshot in (snapshots[k] for k in picked):
        name, nimg = snapshot.get("file"), _count(snapshot.get("nimg"))
        if isinstance(name, str) and re.fullmatch(r"\w[\w-]*\.(webp|png)", name) and nimg is not None:
            if preview := _preview(path.with_name(name), outbox):
                strip.append({**preview, "caption": f"{thousands(nimg)} images" if nimg else "untrained"})
    return strip


def _preview(path: Path, outbox: Outbox) -> dict[str, Any] | None:
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


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, longest: int = 300) -> str:
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and abs(value) < 1e15 and math.isfinite(value) and value >= 0 else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
