"""The Family tree page: models of the same data side by side over training time, what each changed in the one that it grew
from, and the scoreboards.

Everything travels to the browser at once, as texts, numbers and addresses of small pictures: tree.js draws the page and
swaps the pictures without asking the server again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from gan.files import object_in, read_json
from gan.gallery import Entry, results
from gan.hub.evidence import set_by
from gan.ui.outbox import Outbox
from gan.ui.page import Page, Room
from gan.ui.parts.kin import bare, data_of, group, parents, year_of
from gan.ui.parts.link import Link, finite
from gan.ui.parts.reading import arxiv, as_list, as_mapping, as_number, as_text, duration
from gan.ui.parts.stage import scripted
from gan.ui.parts.timeline import evenly, preview, snapshots
from gan.ui.studio import Studio

__all__ = ["PAGE", "content"]

log = logging.getLogger(__name__)
LADDER = (0, 1 / 60, 5 / 60, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1200, 3000, 6000)  # minutes of the slider
FRAMES, CHANGES = 32, 40  #         at most, of a model
BOARDS, COLUMNS, ROWS, SETTINGS = 16, 12, 100, 20  # at most, of the scoreboards and of a sheet
MAX_BOARD = 2**20  #                bytes
ALONE = ("Once two recipes have been trained on the same data at the same resolution, they appear here: side by side over "
         "their training time, and what the one changed in the other.")


def build(studio: Studio) -> Room:
    page = scripted("gan.tree", "element", "props", "watch", elem_id="tree")
    tables, value = results(), {}

    def open_(link: Link) -> dict[gr.HTML, Any]:
        """Copies the pictures when the first visitor comes: at the start nobody waits for them."""
        if not value:
            value.update(content(list(studio.entries.values()), studio.outbox, tables))
        return {page: {**value, "from": link.read("minutes", finite, None)}}

    return Room(open_, [page])


def content(entries: Sequence[Entry], outbox: Outbox, tables: Sequence[Path]) -> dict[str, Any]:
    """Everything that the page says; a part of which nothing is known is empty. ``tables`` are files of scoreboards."""
    family = group(entries)
    if not family:
        return {"alone": ALONE, "about": "", "moments": [], "sheets": [], "nodes": [], "boards": scoreboards(tables)}
    first = next(iter(family.values()))
    sheets = [sheet for recipe, entry in family.items() if (sheet := _sheet(recipe, entry, outbox))["frames"]]
    about = f"{len(family)} recipes, trained on {data_of(first) or 'the same data'} at {first.resolution} px"
    return {"alone": "", "about": about,
            "moments": moments(frame["minutes"] for sheet in sheets for frame in sheet["frames"]),
            "sheets": sheets, "nodes": nodes(family), "boards": scoreboards(tables)}


# Side by side


def _sheet(recipe: str, entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """A model's snapshots in the order of their minutes; those whose minute is not known cannot be compared."""
    timed = sorted((s for s in snapshots(entry.folder) if s.minutes is not None), key=lambda s: s.minutes)
    frames = [{**picture, "minutes": s.minutes, "caption": s.caption + (f" {after(s.minutes)}" if s.nimg else "")}
              for s in evenly(timed, FRAMES) if (picture := preview(s.path, outbox))]
    return {"model": entry.id, "recipe": recipe, "year": year_of(entry), "tile": entry.resolution, "frames": frames,
            "settings": _settings(set_by(as_text(entry.training.get("command"), 3000)))}


def moments(minutes: Iterable[float]) -> list[dict[str, Any]]:
    """The slider's steps, each with its name: those of the ladder at which some sheet is another one, and the end."""
    times = sorted(set(minutes))
    if not times:
        return []
    end = times[-1]
    steps = [b for a, b in zip((-1.0, *LADDER), LADDER)
             if b < end and after(b) != after(end) and any(a < t <= b for t in times)]
    return [{"minutes": step, "text": after(step)} for step in (*steps, end)]


def after(minutes: float) -> str:
    """A moment of the training in words."""
    if minutes <= 0:
        return "before training"
    seconds = max(1, round(60 * minutes))
    return f"after {seconds} second{'s' * (seconds > 1)}" if seconds < 60 else f"after {duration(max(1, minutes))}"


# The tree


def nodes(family: dict[str, Entry]) -> list[dict[str, Any]]:
    """A node a recipe, by year; ``under`` is the recipe that it hangs from, "" for a root."""
    under = parents(family)
    return [_node(recipe, entry, under[recipe]) for recipe, entry in family.items()]


def _node(recipe: str, entry: Entry, under: str) -> dict[str, Any]:
    t = entry.training
    paper, parent = as_text(t.get("paper")), as_text(t.get("parent"), 60)
    changed = [[as_text(slot, 60), as_text(pair[0]), as_text(pair[1])] for slot, pair in object_in(t, "changes").items()
               if isinstance(pair, (list, tuple)) and len(pair) == 2]
    return {"recipe": recipe, "under": under, "paper": paper, "paper_url": arxiv(paper), "note": as_text(t.get("note")),
            "parent": parent, "changes": changed[:CHANGES] if parent else []}


# The scoreboards


def scoreboards(tables: Sequence[Path]) -> list[dict[str, Any]]:
    """The tables of benchmarks. A broken one is left out with a warning."""
    boards = []
    for path in tables[:BOARDS]:
        try:
            boards.append(scoreboard(read_json(path, MAX_BOARD), path.stem))
        except (OSError, ValueError) as error:
            log.warning("no scoreboard: %s: %s", path.name, error)
    return boards


def scoreboard(table: Any, name: str) -> dict[str, Any]:
    """Headings and rows of texts. A row that was not run has a reason in the place of its cells."""
    table = as_mapping(table)
    rows = [row for row in as_list(table.get("rows"))[:ROWS] if isinstance(row, dict)]
    if not rows:
        raise ValueError("it holds no rows")
    judged = {key: as_text(head, 60) or key for key, head in list(object_in(table, "columns").items())[:COLUMNS]}
    more = {"kimg": "thousand images", "parameters": "parameters of G", "cpu_minutes": "CPU minutes"}
    heads = {**judged, **{key: head for key, head in more.items() if any(key in row for row in rows)}}
    cells = zip(*(_column([row.get(key) for row in rows]) for key in heads))
    return {
        "title": bare(as_text(table.get("title"), 120)) or name, "protocol": as_text(table.get("protocol"), 3000),
        "heads": list(heads.values()),
        "rows": [{"name": as_text(row.get("name"), 120), "cells": list(texts), "settings": _settings(row.get("settings")),
                  "not_run": (as_text(row["not_run"]) or "not run") if "not_run" in row else ""}
                 for row, texts in zip(rows, cells)],
    }


def _settings(listed: Any) -> list[str]:
    """What a recipe was told with ``--set``, as far as a page shows it."""
    return [text for setting in as_list(listed)[:SETTINGS] if (text := as_text(setting))]


def _column(values: Sequence[Any]) -> list[str]:
    """Numbers, all with the decimals of the finest among them; texts as they are; "" for anything else."""
    numbers = [as_number(value, least=-1e15) for value in values]
    places = max((len(f"{n:.4f}".rstrip("0").partition(".")[2]) for n in numbers if n is not None), default=0)
    return [as_text(value, 40) if n is None else f"{n:,.{places}f}" for value, n in zip(values, numbers)]


PAGE = Page("tree", "Family tree", build, ("minutes",))
