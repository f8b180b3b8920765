"""The Gallery page: a card a model, what is beautiful first, and a page for each model with all that is known of it.

What is said comes from files that a stranger may have written. It travels to the browser as plain values, and the page sets
them as text, never as markup.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from gan import hub
from gan.files import object_in
from gan.gallery import Entry
from gan.hub.contents import DISCRIMINATOR
from gan.ui.messages import asks
from gan.ui.outbox import Outbox
from gan.ui.page import Page, Room
from gan.ui.parts.curves import curves
from gan.ui.parts.kin import data_of, group, recipe_of
from gan.ui.parts.link import Link, link_to, one_of
from gan.ui.parts.reading import arxiv, as_count, as_mapping, as_number, as_text, duration, thousands
from gan.ui.parts.stage import answers, scripted
from gan.ui.parts.timeline import evenly, preview, snapshots
from gan.ui.studio import Studio

__all__ = ["PAGE", "card", "details", "walls"]

ID = "gallery"
SNAPSHOTS = 12  # of a timeline
MEANING = {"frechet_distance": ": less is better", "kernel_distance": ": less is better",
           "precision": ": the share of its pictures that look real", "recall": ": the share of real pictures it can draw"}
EMPTY = """### No models yet
Train one, and it appears here: `python -m train --help` shows how. Or start with
`python app.py --models FOLDER_OR_HUB_ID`."""


class Gallery:
    """The page's components. Cards are there from the start; a timeline and a model's own page are made when asked for."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.cards = scripted("gan.gallery.build", "element", "props", "watch", events=("play",), elem_id="gallery",
                              value=walls(list(studio.entries.values()), studio.outbox))
        self.model = scripted("gan.gallery.model", "element", "props", "watch", elem_id="model-page")
        played = answers("gan.gallery.played")
        if not studio.entries:
            gr.Markdown(EMPTY)

        def play(asked: Any) -> dict[str, Any]:
            entry = studio.entry(asked.get("model") if isinstance(asked, dict) else "")
            return {"model": entry.id, "frames": self.timeline(entry)}

        asks(self.cards.play, play, played, group="look", trigger_mode="multiple")

    def open(self, link: Link) -> dict[Component, Any]:
        """Shows the model that a link names; without one the cards, those of the link's guests first."""
        model = link.read("open", one_of(self.studio.models, "model"), "")
        named = {name.partition("@")[0] for name in link.query.get("models", "").split(",")}
        guests = [entry for model_id, entry in self.studio.guests.items() if model_id in named]
        found: dict[Component, Any] = {self.model: {"closed": True}}
        if guests:
            found[self.cards] = walls(list(self.studio.entries.values()), self.studio.outbox, guests)
        if model:
            entry = self.studio.entry(model)
            found[self.model] = {**details(entry, self.studio.outbox), "frames": self.timeline(entry), "at": random.random()}
        return found

    def timeline(self, entry: Entry) -> list[dict[str, Any]]:
        """A model's sheets over its training, evenly picked, the last one among them."""
        picked = [(s, preview(s.path, self.studio.outbox)) for s in evenly(snapshots(entry.folder), SNAPSHOTS)]
        return [{**picture, "caption": s.caption} for s, picture in picked if picture]


def walls(entries: Sequence[Entry], outbox: Outbox, guests: Sequence[Entry] = ()) -> dict[str, Any]:
    """The cards in their order: guests, what is in colour and large, and last, together, a family of the same data."""
    family = group(entries)
    kin = next(iter(family.values()), None)
    inside = [e for e in entries if kin and e.resolution == kin.resolution and data_of(e) == data_of(kin)]
    others = sorted((e for e in entries if e not in inside), key=lambda e: e.rank)
    about = f"{len(inside)} models trained on {data_of(kin) or 'the same data'} at {kin.resolution} px" if inside else ""
    return {"cards": [card(e, outbox) for e in (*guests, *others)], "family": [card(e, outbox) for e in inside],
            "about": about, "kin": "tree"}


def card(entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """What a card says of a model; what training.json does not say is left out."""
    t = as_mapping(entry.training)
    paper, recipe = as_text(t.get("paper")), recipe_of(entry)
    return {
        "id": entry.id, "shape": f"{entry.resolution} px, {'grey' if entry.channels == 1 else 'colour'}",
        "says": (f"{entry.task.title}: " if entry.task else "")
                + (f"{recipe}, with the nets of {entry.family}" if recipe not in ("", entry.family) else entry.family),
        "paper": paper, "paper_url": arxiv(paper), "trained": trained(t), "can": entry.abilities,
        "moves": bool(snapshots(entry.folder)), "samples": preview(entry.folder / "samples.png", outbox),
        "kind": {"data": data_of(entry) or "not stated", "family": entry.family, "px": f"{entry.resolution} px",
                 "classes": f"{len(entry.class_names)} classes" if entry.class_names else "without classes"},
    }


def details(entry: Entry, outbox: Outbox) -> dict[str, Any]:
    """All that is known of a model, for its own page."""
    t = as_mapping(entry.training)
    data, origin, names = object_in(t, "data"), object_in(t, "from"), entry.class_names
    images, parent = as_count(data.get("images")), as_text(t.get("parent"), 60)
    facts = [
        ("Family", entry.family), ("Recipe", recipe_of(entry) + (f", grown from {parent}" if parent else "")),
        ("What is new in it", as_text(t.get("note"))),
        ("Data", ", ".join(p for p in (data_of(entry), images and f"{images:,} images") if p)),
        ("Licence of the data", as_text(data.get("licence"), 200)),
        ("Started from", origin and f"{as_text(origin.get('id'), 100)}; the licence of its data holds as well: "
                                    f"{as_text(origin.get('licence'), 200)}"),
        ("Classes", f"{len(names)}: {', '.join(names[:20])}"[:300] + " …" * (len(names) > 20) if names else "none"),
        ("Codes", ", ".join(p for p in (_codes(entry.latent.categorical), entry.latent.continuous and
                                        f"{entry.latent.continuous} dials") if p)),
        ("What it does", entry.task.words if entry.task else ""),
        ("z", f"{entry.latent.dim:,} numbers" if entry.latent.dim else ""), ("Weights", f"{entry.bytes / 2**20:.1f} MB"),
    ]
    return {**card(entry, outbox), "facts": [[name, value] for name, value in facts if value],
            "command": as_text(t.get("command"), 2000), "start": _start(entry), "metrics": metrics(t),
            "curves": curves(entry.folder), "nearest": preview(entry.folder / "nearest.png", outbox),
            "link": link_to(ID, open=entry.id)}


def _start(entry: Entry) -> str:
    """The command that goes on from a model of this gallery with a visitor's own pictures, "" where no D is beside it."""
    if not (entry.folder.parent == hub.WEIGHTS and (entry.folder / DISCRIMINATOR).is_file()):
        return ""
    return f"python -m train --data photos/ --out runs/photos --from {entry.id} --resolution {entry.resolution}"


def _codes(sizes: Sequence[int]) -> str:
    return f"{len(sizes)} of {', '.join(map(str, sizes[:8]))} values" if sizes else ""


def metrics(t: dict[str, Any]) -> dict[str, Any] | None:
    """What was measured, as training.json has it: each score beside what real pictures reach. None where nothing was."""
    found = object_in(t, "metrics")
    listed = list(object_in(found, "scores").items())[:40]
    scores = {as_text(name, 60): number for name, value in listed if (number := as_number(value, least=-1e15)) is not None}
    floor = {name: f"{scores[f'{name}_of_reals']:.4g}" for name in scores if f"{name}_of_reals" in scores}
    rows = [[name.replace("_", " ") + MEANING.get(name, ""), f"{value:.4g}", floor.get(name, "")]
            for name, value in scores.items() if not name.endswith("_of_reals")]
    if not rows:
        return None
    samples, share = as_count(found.get("samples")), as_number(found.get("memorised"))
    against, features = as_text(found.get("against"), 120), as_text(found.get("features"), 80)
    net = "this project's own net" if features == "own" else features or "a net that is not named"
    about = " ".join(filter(None, [f"By the features of {net}",
                                   samples and f"on {samples:,} pictures", against and f"against {against}"]))
    others = "held-out pictures" if object_in(t, "data").get("held_out") else "the others"
    said = "" if share is None else (f"{share:.1%} of its pictures are closer to a training picture than 99 % of {others} "
                                     "are; 1 % would be chance.")
    return {"about": f"{about}. Scores of other features cannot be compared with these.", "rows": rows, "memorised": said}


def trained(t: dict[str, Any]) -> str:
    """One sentence on what the training took, "" where nothing is known."""
    nimg, minutes, hardware = as_count(t.get("nimg")), as_number(t.get("minutes")), as_text(t.get("hardware"), 120)
    parts = [nimg and f"on {thousands(nimg)} images", minutes is not None and f"in {duration(minutes)}",
             hardware and f"on {hardware}"]
    chosen = as_count(object_in(t, "chosen").get("nimg"))
    best = f"; the best average, after {thousands(chosen)}" if chosen else ""
    return "Trained " + " ".join(p for p in parts if p) + best if any(parts) else ""


def build(studio: Studio) -> Room:
    page = Gallery(studio)
    return Room(page.open, [page.cards, page.model])


PAGE = Page(ID, "Gallery", build, ("open", "models"))  # what the filters say stands in the link too: gallery.js reads it
