"""The Augment page: a labelled synthetic data set, looked at before it is made, and downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from gan.dataset import forms_here
from gan.directions import DIRECTIONS
from gan.hub.evidence import evidence_of
from gan.image import columns_of, contact_sheet, png_bytes, to_pil
from gan.ui.edits import field
from gan.ui.messages import answering, asks, on, without
from gan.ui.outbox import data_url
from gan.ui.page import Page, Room
from gan.ui.parts import job
from gan.ui.parts.code import python_call
from gan.ui.parts.controls import checked, model_choice, model_dropdown, psi_dial, tick
from gan.ui.parts.link import Link
from gan.ui.parts.stage import answers, beside, scripted
from gan.ui.sets import COUNT, MOST, READS, Set, counts_of, counts_text, fitted, make_set, preview, set_from_link
from gan.ui.studio import Studio
from gan.ui.varied import MOST_PICTURES, code_of, find_picture, pack_varied, varied_of
from gan.ui.varied import preview as first_variations
from gan.vary import start_of

__all__ = ["PAGE"]

ID = "augment"
Values = dict[Component, Any]


class Augment:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        with beside(self._lay_out_controls):
            self.set = scripted("gan.set.build", "element", "props", "watch", events=("make", "cancel"), elem_id="set")
            self.answer = answers("gan.set.answer")
        self.own = scripted("gan.set.own", "element", "upload", events=("find", "vary", "pack", "cancel"), elem_id="own")
        self.found, self.varied = answers("gan.set.found"), answers("gan.set.varied")
        self._wire()

    def _lay_out_controls(self) -> None:
        self.model = model_dropdown(self.studio)
        self.count = checked(gr.Number(COUNT, label="Images", elem_id="count", info=f"In all, at most {MOST:,}."),
                             lambda given: given)
        self.balance = tick(False, label="As many of each class", elem_id="balance", visible=False,
                            info="Otherwise as the seeds draw them.")
        self.counts = gr.Textbox("", label="Or so many of each class", placeholder="cat=100, dog=50", max_lines=1,
                                 elem_id="counts", visible=False, info="Classes that are not named get none.")
        self.psi = psi_dial()
        tenth = "What differs from an earlier image by less than a tenth of the usual."
        self.distinct = tick(False, label="Leave near-duplicates out", elem_id="distinct", info=tenth)
        self.look = gr.Button("Look at it", variant="primary", elem_id="look")

    @property
    def controls(self) -> list[Component]:
        return [self.model, self.count, self.balance, self.counts, self.psi, self.distinct]

    def read(self, values: Values) -> Set:
        """What the controls ask for. ``ValueError`` for a model that is not there, and for what is no number of images."""
        count = values[self.count]
        if isinstance(count, bool) or not isinstance(count, (int, float)) or count != count or count % 1 or not count >= 1:
            raise ValueError(f"the number of images must be a whole number from 1 to {MOST:,}, got {str(count)[:20]}")
        entry = self.studio.entry(values[self.model])
        counts = counts_of(values[self.counts]) if entry.class_names else ()
        return Set(entry.id, int(min(count, 10**9)), counts, values[self.balance] and bool(entry.class_names),
                   values[self.psi], values[self.distinct])

    def fit(self, asked: Set) -> Values:
        """Sets the controls to a set that its model can draw, and shows those that the model has."""
        classes = bool(self.studio.entry(asked.model).class_names)
        return {self.model: model_choice(self.studio, asked.model), self.count: asked.count,
                self.balance: gr.update(value=asked.balance, visible=classes),
                self.counts: gr.update(value=counts_text(asked.counts), visible=classes), self.psi: asked.psi,
                self.distinct: asked.distinct}

    def open(self, link: Link) -> Values:
        """Shows what a link asks for, and the first pictures of it."""
        asked = set_from_link(link, self.studio.models)
        if asked is None:
            return {}
        asked, notes = fitted(asked, self.studio.entry(asked.model))
        link.notes += notes
        return {**self.fit(asked), self.set: self.show(asked)}

    def show(self, asked: Set) -> dict[str, Any]:
        """The first pictures of a set, and what is left out of them and why. Errors as ``preview``."""
        found, needed = preview(self.studio, asked)
        entry, names = self.studio.entry(asked.model), self.studio.model(asked.model).class_names
        sheet = contact_sheet(np.stack([c.pixels for c in found]), gap=0)
        file = self.studio.outbox.fresh("preview.png")
        to_pil(sheet).save(file, compress_level=1)
        items = [{"seed": c.seed, "label": None if c.label is None else names[c.label], "why": c.why_not} for c in found]
        out = sum(bool(c.why_not) for c in found)
        total = asked.order(self.studio.model(asked.model)).total
        return {"kind": "set", "url": self.studio.outbox.url(file), "tile": found[0].pixels.shape[0], "items": items,
                "columns": columns_of(len(found)), "link": asked.link(ID), "model": asked.model, "forms": forms_here(),
                "text": f"{len(found)} of {total:,} images, about {needed / 1e6:,.1f} MB"
                        + (f"; {out} left out" if out else ""),
                "most": MOST_PICTURES, "directions": (entry.folder / DIRECTIONS).is_file(),
                "evidence": asdict(evidence_of(entry.training, entry.id, entry.class_names)),
                "code": {"Command line": asked.command(), "Python": _python(asked)}}

    def look_at(self, values: Values) -> Values:
        return {self.set: self.show(self.read(values))}

    def change_model(self, values: Values) -> Values:
        asked, _ = fitted(self.read({**values, self.counts: ""}), self.studio.entry(values[self.model]))
        return {**without(self.fit(asked), self.model), self.set: self.show(asked)}

    @answering
    def make(self, asked: Any) -> Iterator[dict[str, Any]]:
        """The set that a link of ours describes, as a file."""
        link = Link.of(str(asked.get("link", ""))) if isinstance(asked, dict) else Link({})
        wanted = set_from_link(link, self.studio.models)
        if wanted is None or link.notes or "model" not in link.query:
            raise ValueError(link.notes[0] if link.notes else "look at the set first")
        form = asked.get("as")

        def work(report: job.Job) -> dict[str, Any]:
            file = make_set(self.studio, wanted, form, report)
            return {"kind": "file", "url": self.studio.outbox.url(file), "name": file.name}

        yield from job.run("Drawing and packing", work)

    @answering
    def find(self, asked: Any) -> Iterator[dict[str, Any]]:
        """A visitor's picture, found in the model: its recipe, which the browser keeps."""
        data = self.studio.outbox.taken(field(asked, "path"))
        model = self.studio.model(field(asked, "model"))

        def work(report: job.Job) -> dict[str, Any]:
            source, _, point = find_picture(self.studio, model, data, lambda now: report(now.done, now.steps))
            return {"kind": "found", "recipe": start_of(model, source, point).to_json()}

        yield from job.run("Looking for it", work)

    @answering
    def vary(self, asked: Any) -> dict[str, Any]:
        """The first variations of the pictures that were found."""
        wanted = varied_of(self.studio, asked)
        tiles, each = first_variations(self.studio, wanted)
        return {"kind": "varied", "url": data_url("image/png", png_bytes(contact_sheet(tiles, columns=each, gap=0))),
                "tile": tiles.shape[1], "each": each, "total": wanted.total, "code": code_of(wanted)}

    @answering
    def pack(self, asked: Any) -> Iterator[dict[str, Any]]:
        """The variations as a file, inside the answer."""
        wanted, form = varied_of(self.studio, asked), asked.get("as")

        def work(report: job.Job) -> dict[str, Any]:
            name, data = pack_varied(self.studio, wanted, form, report)
            return {"kind": "file", "url": data_url("application/octet-stream", data), "name": name}

        yield from job.run("Drawing and packing", work)

    def _wire(self) -> None:
        inputs, shown = set(self.controls), [*self.controls, self.set]
        on([self.look.click, self.counts.submit, self.count.submit], self.look_at, inputs, [self.set],
           trigger_mode="always_last")
        on([self.psi.release, self.balance.input, self.distinct.input], self.look_at, inputs, [self.set],
           trigger_mode="always_last")
        on(self.model.input, self.change_model, inputs, shown, trigger_mode="always_last")
        asks(self.set.make, self.make, self.answer, group="sets")
        job.cancellable(self.set.cancel, self.answer)
        asks(self.own.find, self.find, self.found, group="project", trigger_mode="multiple")
        asks(self.own.vary, self.vary, self.varied, trigger_mode="multiple")
        asks(self.own.pack, self.pack, self.varied, group="sets")
        job.cancellable(self.own.cancel, self.found)


def _python(asked: Set) -> str:
    arguments = (f"model={asked.model!r}, count={asked.count}, counts={counts_text(asked.counts)!r}, "
                 f"balance={asked.balance}, psi={asked.psi:g}, distinct={asked.distinct}")
    return python_call("archive", arguments, "augment")


def build(studio: Studio) -> Room:
    page = Augment(studio)
    return Room(page.open, [*page.controls, page.set])


PAGE = Page(ID, "Augment", build, READS, needs=("seeds",))
