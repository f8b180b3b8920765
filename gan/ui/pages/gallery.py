"""The Gallery page: a card a model, with its samples and how it was trained.

A card comes from files that a stranger may have written. It travels to the browser as plain values and the page sets them
as text, never as markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from gan.gallery import Entry
from gan.ui.outbox import Outbox
from gan.ui.page import Page, Room
from gan.ui.parts.reading import arxiv, as_count, as_mapping, as_number, as_text, duration, thousands
from gan.ui.parts.timeline import evenly, preview, snapshots
from gan.ui.studio import Studio

__all__ = ["PAGE", "card"]

SNAPSHOTS = 6  # of the timeline on a card
EMPTY = """### No models yet
Train one, and it appears here: `python -m train --help` shows how. Or start with
`python app.py --models FOLDER_OR_HUB_ID`."""


def build(studio: Studio) -> Room:
    cards = [card(entry, studio.outbox) for entry in studio.entries.values()]
    gr.HTML({"cards": cards}, html_template="", elem_id="gallery", apply_default_css=False,
            js_on_load="gan.gallery(element, props, watch)")
    if not studio.entries:
        gr.Markdown(EMPTY)
    return Room(lambda link: {})


def card(entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """Everything that a card says of a model, as texts; what training.json does not say is left out."""
    t = as_mapping(entry.training)
    data = as_mapping(t.get("data"))
    paper = as_text(t.get("paper"))
    recipe = as_text(t.get("recipe"), 60)
    images, classes = as_count(data.get("images")), len(entry.class_names)
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
    nimg, minutes, hardware = as_count(t.get("nimg")), as_number(t.get("minutes")), as_text(t.get("hardware"), 120)
    parts = [nimg and f"{thousands(nimg)} images", minutes is not None and f"in {duration(minutes)}",
             hardware and f"on {hardware}"]
    return "Trained " + " ".join(p for p in parts if p) if any(parts) else ""


def timeline(folder: Path, outbox: Outbox) -> list[dict[str, Any]]:
    """A few snapshots of the training, evenly picked, the last one among them."""
    picked = [(s, preview(s.path, outbox)) for s in evenly(snapshots(folder), SNAPSHOTS)]
    return [{**picture, "caption": snapshot.caption} for snapshot, picture in picked if picture]


PAGE = Page("gallery", "Gallery", build)
