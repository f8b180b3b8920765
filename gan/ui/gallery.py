"""The Gallery page: a card a model, drawn from what its folder says. All of that text is a stranger's: it is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import gradio as gr

from gan.gallery import Entry

__all__ = ["cards"]


def plain(text: Any, limit: int = 200) -> str:
    """Text that Markdown shows as it is: no markup, no HTML, one line."""
    line = " ".join(str(text).split())
    line = line if len(line) <= limit else line[: limit - 1] + "…"
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|~$&:/@-])", r"\\\1", line)


def facts(e: Entry) -> str:
    """The lines under a card's picture, as Markdown."""
    t = e.training
    data = t.get("data") if isinstance(t.get("data"), dict) else {}
    size = f"{e.bytes / 2**20:.1f} MB"
    shape = f"{e.resolution} px {'grey' if e.channels == 1 else 'colour'}"
    classes = f" · {len(e.class_names)} classes" if e.class_names else ""
    lines = [f"**{plain(t.get('recipe') or e.family, 40)}** · {plain(t.get('paper', 'paper not stated'))}",
             f"{shape} · {size}{classes}"]
    if data:
        lines.append(f"Data: {plain(data.get('name', 'not stated'), 80)}, {_number(data.get('images'))} images")
        lines.append(f"Licence: {plain(data.get('licence', 'not stated'))}")
    if "nimg" in t:
        lines.append(f"Trained {_number(t.get('minutes'))} min on {plain(t.get('hardware', 'hardware not stated'), 80)}, "
                     f"{_number(_thousands(t['nimg']))} thousand images seen")
    return "  \n".join(lines)


def _number(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, (int, float)) and not isinstance(value, bool) else "?"


def _thousands(value: Any) -> float | None:
    return value / 1000 if isinstance(value, (int, float)) else None


def timeline(e: Entry) -> list[tuple[str, str]]:
    """(file, caption) of the snapshots, at most twelve; nothing where they are not what they should be."""
    try:
        found = json.loads((e.folder / "timeline" / "timeline.json").read_text())["snapshots"]
        strip = [(e.folder / "timeline" / s["file"], f"{s['nimg'] / 1000:,.0f}k images") for s in found]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    inside = [(str(p), caption) for p, caption in strip
              if p.parent.resolve() == (e.folder / "timeline").resolve() and p.is_file()]
    return inside[-12:]


def cards(entries: Sequence[Entry]) -> list[tuple[str, gr.Button]]:
    """Lays out the cards; returns each model's id with the button that opens it."""
    buttons = []
    with gr.Row(elem_classes="cards"):
        for e in entries:
            with gr.Column(elem_classes="card", min_width=260):
                if e.samples:
                    gr.Image(str(e.samples), show_label=False, buttons=[], interactive=False, container=False,
                             alt_text=f"Samples of {e.id}", elem_classes="samples")
                gr.Markdown(f"### {plain(e.id, 80)}", elem_classes="card-title")
                gr.Markdown(facts(e), elem_classes="facts")
                with gr.Accordion("How it was trained", open=False, elem_classes="how"):
                    gr.Code(str(e.training.get("command", "not stated"))[:2000], language="shell", interactive=False,
                            show_label=False, lines=1, wrap_lines=True, buttons=["copy"])
                    if strip := timeline(e):
                        gr.Gallery(strip, show_label=False, columns=3, object_fit="contain", height="auto",
                                   interactive=False, buttons=[], elem_classes="timeline")
                buttons.append((e.id, gr.Button("Generate with it", variant="primary")))
    return buttons
