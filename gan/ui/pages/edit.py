"""The Mix and edit page: a seed, or a visitor's own picture, moved along the model's directions and mixed with other seeds.

What is edited travels between browser and server as its recipe, so that nothing of it is kept here. Of a visitor's picture
nothing is written to this disk but the upload itself, which is removed before its answer; pictures made from it go back
inside the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from gan import hub
from gan.directions import Directions, load_directions
from gan.hub.contents import sha256
from gan.image import contact_sheet, png_bytes
from gan.latent import check_seed
from gan.picture import read_picture
from gan.project import Projection, fill_hole
from gan.recipe import EditRecipe, Mix, Move, PngRecipe, from_json
from gan.ui.edits import direction_names, field, mask_of
from gan.ui.messages import answering, asks, on
from gan.ui.outbox import data_url, file_stem
from gan.ui.page import Page, Room
from gan.ui.parts import job
from gan.ui.parts.code import python_call
from gan.ui.parts.controls import checked, dropdown, model_choice, model_dropdown, psi_dial
from gan.ui.parts.link import Link, link_to, one_of, short_text
from gan.ui.parts.sheet import verdict
from gan.ui.parts.stage import answers, beside, scripted
from gan.ui.studio import Studio
from gan.ui.view import seeds_of

__all__ = ["PAGE"]

ID = "edit"
STILLS, REACH = 7, 4.0  #   of a direction's strip, from -REACH to REACH spreads
MOST_MIXED = 8  #           rows and columns of a mixing matrix
PROPOSALS = 4  #            fillings of a hole
Values = dict[Component, Any]


class Edit:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        with beside(self._lay_out_controls):
            self.desk = scripted("gan.edit.build", "element", "props", "watch", "upload",
                                 events=("draw", "mix", "project", "cancel"), elem_id="desk")
            self.answer, self.found = answers("gan.edit.answer"), answers("gan.edit.answer")
        self._wire()

    def _lay_out_controls(self) -> None:
        self.model = model_dropdown(self.studio)
        self.seed = checked(gr.Number(0, label="Seed", elem_id="edit-seed", info="A number: it always draws the same."),
                            lambda given: given)
        self.label = dropdown(gr.Dropdown([("as the seed draws", "")], value="", label="Class", visible=False,
                                          elem_classes="class"))
        self.psi = psi_dial()

    @property
    def controls(self) -> list[Component]:
        return [self.model, self.seed, self.label, self.psi]

    def read(self, values: Values) -> EditRecipe:
        """A seed without edits. ``ValueError`` for a model or a seed that is none."""
        seed = values[self.seed]
        seed = int(seed) if isinstance(seed, float) and seed.is_integer() else seed
        model = self.studio.model(values[self.model])
        label = values[self.label] if values[self.label] in model.class_names else None
        return EditRecipe(model.id, model.revision, (check_seed(seed),), label, values[self.psi])

    def fit(self, recipe: EditRecipe) -> Values:
        """Sets the controls to what a recipe starts from."""
        names = self.studio.entry(recipe.model).class_names
        return {self.model: model_choice(self.studio, recipe.model), self.psi: recipe.psi,
                self.seed: recipe.seeds[0] if recipe.seeds else 0,  # as edit.js has it, to see whether a control was changed
                self.label: gr.update(choices=[("as the seed draws", ""), *((n, n) for n in names)],
                                      value=recipe.label or "", visible=bool(names))}

    def open(self, link: Link) -> Values:
        """Shows the edit that a link holds, else a seed of its model."""
        models = self.studio.models
        if not models:
            return {}
        recipe = link.read("edit", self.known, None)
        rev = recipe.revision if recipe else link.read("rev", short_text, "")
        chosen = self.studio.model(recipe.model if recipe else link.read("model", one_of(models, "model"), models[0]))
        if rev not in ("", chosen.revision):
            link.notes.append(f"this is drawn by another version of {chosen.id} than the link asks for")
        if recipe is None:
            seeds = link.read("seed", seeds_of, (0,))
            label = link.read("class", lambda text: one_of(list(chosen.class_names), "class")(short_text(text)), None)
            recipe = EditRecipe(chosen.id, chosen.revision, seeds[:1], label)
        names = link.read("names", direction_names, {})
        if len(recipe.seeds) > 1:
            link.notes.append(f"this sheet holds {len(recipe.seeds)} pictures under one edit: here is its first")
            recipe, link.picture = _first(recipe), None
        return {**self.fit(recipe), self.desk: {**self.start(recipe, link.picture), "names": names}}

    def known(self, text: Any) -> EditRecipe:
        """The recipe in a text of the browser's: an edit of a model of this gallery."""
        recipe = from_json(str(text))
        if not isinstance(recipe, EditRecipe):
            raise ValueError(f"this page edits; {recipe.kind} is another page's")
        self.studio.entry(recipe.model)
        return recipe

    def link_of(self, recipe: PngRecipe) -> str | None:
        if not isinstance(recipe, EditRecipe):
            return None
        if recipe.source is not None and recipe.latent is None:
            raise ValueError("this edit starts from a picture that is not in it: project the picture again")
        return _link(recipe)

    def directions(self, model: hub.Model) -> Directions | None:
        return load_directions(self.studio.entry(model.id).folder, model.G)

    def start(self, recipe: EditRecipe, given: np.ndarray | None = None) -> dict[str, Any]:
        """The desk: the picture, and where each direction leads from where it starts. ``given`` as ``shown``."""
        model = self.studio.model(recipe.model)
        directions = self.directions(model)
        return {**self.shown(model, recipe, directions, given), "kind": "desk",
                "strips": self.strips(model, recipe, directions), "stills": STILLS, "reach": REACH,
                "count": len(directions or ()), "layers": model.G.num_ws, "tile": model.G.resolution, "model": model.id}

    def strips(self, model: hub.Model, recipe: EditRecipe, directions: Directions | None) -> str:
        """The address of a sheet with a row a direction, from -REACH to REACH; "" where there are none."""
        if directions is None:
            return ""
        ways = [replace(recipe, moves=(Move(k, float(strength)),)) for k in range(len(directions))
                for strength in np.linspace(-REACH, REACH, STILLS)]
        pixels = self.studio.edits(model, ways, directions)
        return self._sent(contact_sheet(pixels, columns=STILLS, gap=0), recipe, "strips.png")

    def shown(self, model: hub.Model, recipe: EditRecipe, directions: Directions | None,
              given: np.ndarray | None = None) -> dict[str, Any]:
        """One edited picture. ``given`` uint8 [H, W, C] is the picture that asks to be drawn again: see ``verdict``."""
        (pixels,) = self.studio.edits(model, [recipe], directions)
        recipe = replace(recipe, revision=model.revision)
        name = f"{file_stem(model.id)}-{'picture' if recipe.source else f'seed{recipe.seeds[0]:04d}'}-edited.png"
        url = self._sent(pixels, recipe, name, png_bytes(pixels, recipe.to_json()))
        python = python_call("picture", f"recipe={recipe.to_json()!r}", "draw_edit")
        return {"kind": "drawn", "url": url, "name": name, "mark": None if given is None else verdict(pixels, given),
                "recipe": json.loads(recipe.to_json()), "link": _link(recipe), "code": {
                    "Command line": f"python -m gan generate {name} --out again", "Python": python}}

    def _sent(self, pixels: np.ndarray, recipe: EditRecipe, name: str, data: bytes = b"") -> str:
        """The address of a picture: a file, or, where it shows what a visitor gave us, the picture itself."""
        data = data or png_bytes(pixels)
        if recipe.source is not None:
            return data_url("image/png", data)
        path = self.studio.outbox.fresh(name)
        path.write_bytes(data)
        return self.studio.outbox.url(path)

    @answering
    def redraw(self, asked: Any) -> dict[str, Any]:
        """The picture of a recipe that the browser has changed."""
        recipe = _first(self.known(field(asked, "recipe")))
        model = self.studio.model(recipe.model)
        directions = self.directions(model)
        strips = {"strips": self.strips(model, recipe, directions)} if asked.get("strips") is True else {}
        return {**self.shown(model, recipe, directions), **strips}

    def mix(self, asked: Any) -> dict[str, Any]:
        """The matrix of seeds: each row's picture with the styles of each column's seed in some layers (Karras et al. 2019,
        arXiv:1812.04948, fig. 3)."""
        recipe = _first(self.known(field(asked, "recipe")))
        model = self.studio.model(recipe.model)
        rows, columns = (seeds_of(str(field(asked, name))) for name in ("rows", "columns"))
        if max(len(rows), len(columns)) > MOST_MIXED:
            raise ValueError(f"a matrix has at most {MOST_MIXED} rows and {MOST_MIXED} columns")
        first, last = field(asked, "first"), field(asked, "last")
        plain = replace(recipe, source=None, latent=None, mix=(), moves=())
        sides = [replace(plain, seeds=(seed,)) for seed in (*columns, *rows)]
        cells = [replace(plain, seeds=(row,), mix=(Mix(column, first, last),)) for row in rows for column in columns]
        pixels = self.studio.edits(model, [*sides, *cells], None)  # plain: no direction is followed
        across, down, inner = np.split(pixels, [len(columns), len(sides)])
        blank = np.full_like(pixels[:1], 255)
        grid = [blank, across]
        for k in range(len(rows)):
            grid += [down[k : k + 1], inner[k * len(columns) : (k + 1) * len(columns)]]
        sheet = contact_sheet(np.concatenate(grid), columns=len(columns) + 1, gap=0)
        return {"kind": "matrix", "url": self._sent(sheet, plain, "matrix.png"), "rows": rows, "columns": columns,
                "cells": [json.loads(cell.to_json()) for cell in cells]}

    @answering
    def project(self, asked: Any) -> Iterator[dict[str, Any]]:
        """A visitor's picture, found in the model; where it comes with a mask, several fillings of the hole in it."""
        data = self.studio.outbox.taken(field(asked, "path"))
        model = self.studio.model(field(asked, "model"))
        label = model.label(asked.get("label") or None)
        picture = read_picture(data, model.G.resolution, model.G.channels)
        source = sha256(data)
        mask = mask_of(asked.get("mask"), model.G.resolution)
        base = EditRecipe(model.id, model.revision, source=source)

        def work(report: job.Job) -> dict[str, Any]:
            last = self.studio.find(model, picture, lambda now: report(
                now.done, now.steps, picture=self._sent(now.pictures[0], base, "")), mask=mask, label=label,
                proposals=1 if mask is None else PROPOSALS)
            return self._result(model, base, picture, mask, last)

        yield from job.run("Looking for it", work)

    def _result(self, model: hub.Model, base: EditRecipe, picture: np.ndarray, mask: np.ndarray | None,
                last: Projection) -> dict[str, Any]:
        found = []
        for point, drawn in zip(last.points, last.pictures):
            label = None if point.label is None else model.class_names[point.label]
            recipe = replace(base, label=label, latent=point.latent)
            filled = drawn if mask is None else fill_hole(picture, drawn, mask)
            found.append({"recipe": json.loads(recipe.to_json()), "url": self._sent(drawn, base, ""),
                          "filled": self._sent(filled, base, "")})
        return {"kind": "found", "before": self._sent(picture, base, ""), "found": found, "hole": mask is not None,
                "text": f"This model can draw {last.share:.0%} of {'it' if mask is None else 'what is around the hole'}: so "
                        f"much of the error of its mean picture is gone (mean absolute error {last.error:.3f})."}

    def restart(self, values: Values) -> Values:
        """A new desk. The controls stay: the visitor may have gone on changing them."""
        recipe = self.read(values)
        classes = dict(self.fit(recipe)[self.label])
        if (recipe.label or "") == values[self.label]:
            del classes["value"]
        return {self.label: classes, self.desk: self.start(recipe)}

    def _wire(self) -> None:
        on([*(c.input for c in (self.model, self.seed, self.label)), self.psi.release], self.restart, set(self.controls),
           [self.label, self.desk], trigger_mode="always_last")
        asks(self.desk.draw, self.redraw, self.answer, trigger_mode="multiple")
        asks(self.desk.mix, self.mix, self.answer)
        asks(self.desk.project, self.project, self.found, group="project", trigger_mode="multiple")
        job.cancellable(self.desk.cancel, self.found)


def _link(recipe: EditRecipe) -> str:
    """The model stands in it for the shell too, which fetches one of the Hub."""
    return link_to(ID, model=recipe.model, rev=recipe.revision, edit=recipe.to_json())


def _first(recipe: EditRecipe) -> EditRecipe:
    """Of its pictures the first: the desk holds one."""
    return replace(recipe, seeds=recipe.seeds[:1])


def build(studio: Studio) -> Room:
    page = Edit(studio)
    return Room(page.open, [*page.controls, page.desk], page.link_of)


PAGE = Page(ID, "Mix and edit", build, ("model", "rev", "seed", "class", "edit", "names"), needs=("seeds",))
