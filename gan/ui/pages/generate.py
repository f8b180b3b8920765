"""The Generate page: controls on one side, the sheet on the other."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from gan.gallery import Entry
from gan.recipe import PngRecipe, SeedsRecipe, StripRecipe
from gan.ui.messages import on, warn, without
from gan.ui.page import Page, Room
from gan.ui.parts.controls import Controls
from gan.ui.parts.link import Link
from gan.ui.parts.sheet import Sheet
from gan.ui.parts.stage import beside
from gan.ui.parts.tray import Tray
from gan.ui.studio import Studio
from gan.ui.view import READS, SHEET, View, fitted, from_link, from_recipe, most_tiles, run_of, seeds_of, seeds_text

__all__ = ["PAGE"]

ID = "generate"
LAYOUTS = [("4 × 4", "16"), ("8 × 8", "64"), ("every class", "class"), ("along psi", "psi")]  # what a sheet shows
Values = dict[Component, Any]


class Generate:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.controls = Controls(studio)
        with beside(self._lay_out_controls):
            self.sheet = Sheet(studio, ID, "generate")
            self.tray = Tray(studio)
        self._wire()

    def _lay_out_controls(self) -> None:
        self.controls.model_row()
        with gr.Row(elem_classes="seed-row"):
            self.seed = gr.Number(0, label="Seed", elem_id="seed", min_width=120, info="A number: it always draws the same.")
            self.seed.preprocess = lambda given: given  # ``whole`` refuses what is no seed; Gradio would round it
            self.dice = gr.Button("Roll the dice", elem_id="dice", variant="primary", min_width=120)
        self.controls.dials()
        self.layout = gr.Radio(LAYOUTS, value="16", label="Sheet", elem_id="layout")
        self.layout.preprocess = lambda given: given if isinstance(given, str) else ""
        with gr.Row(elem_classes="seed-row"):
            self.seeds = gr.Textbox(seeds_text(run_of(0)), label="Seeds of the sheet", placeholder="0-15,42", max_lines=1,
                                    elem_id="seeds", min_width=120, info="Any seeds and ranges, as in 0-15,42.")
            self.draw_button = gr.Button("Draw", elem_id="draw", min_width=80)

    @property
    def outputs(self) -> list[Component]:
        return [*self.controls.outputs, self.seed, self.seeds, self.layout, self.sheet.component,
                self.tray.component]

    def open(self, link: Link) -> Values:
        """Draws what a link asks for and sets every control to it."""
        view = from_link(link, self.studio.models)
        if view is None:
            return {}
        entry = self.studio.entry(view.model)
        view, notes = fitted(view, entry)
        link.notes += notes
        given = link.given(lambda: view.recipe(entry.class_names))
        return {**self.show(view, given), **self.controls.fit(view), self.tray.component: self.tray.show(view.model)}

    def show(self, view: View, given: np.ndarray | None = None) -> Values:
        """Draws a view and sets what stands for its seeds. Errors as ``Studio.draw``."""
        entry = self.studio.entry(view.model)
        choices = [choice for choice in LAYOUTS if _fits(choice[1], entry)]
        return {self.sheet.component: self.sheet.show(view, given), self.seed: view.seeds[0],
                self.seeds: seeds_text(view.seeds), self.layout: gr.update(choices=choices, value=layout_of(view))}

    def link_of(self, recipe: PngRecipe) -> str | None:
        """The link that draws a picture again. ``ValueError`` for a class or codes that its model does not have."""
        if not isinstance(recipe, (SeedsRecipe, StripRecipe)):
            return None
        view, notes = from_recipe(recipe)
        entry = self.studio.entry(view.model)
        shown, more = fitted(view, entry)
        if shown.label != view.label or shown.strip != view.strip or (shown.codes is None) != (view.codes is None):
            raise ValueError(more[0])
        warn([*notes, *more])
        return shown.link(ID)

    def view(self, values: Values, first: int | None = None) -> View:
        """What the controls describe: the seeds as typed, or with ``first`` as many from there as the layout holds."""
        layout = values[self.layout]
        if first is None:
            seeds = seeds_of(values[self.seeds])
        else:
            seeds = run_of(first, int(layout) if layout.isdecimal() else 1 if layout else SHEET)
        return replace(self.controls.read(values, seeds), strip=layout if layout in ("class", "psi") else "")

    def draw(self, values: Values) -> Values:
        """The seeds as typed: a strip ends there. The field stays: the visitor may have gone on typing."""
        return without(self.show(self.view({**values, self.layout: ""})), self.seeds)

    def redraw(self, values: Values) -> Values:
        return {self.sheet.component: self.sheet.show(self.view(values))}

    def from_seed(self, values: Values) -> Values:
        if values[self.seed] is None:
            return {self.seeds: gr.skip()}  # the field was emptied to type another
        return without(self.show(self.view(values, whole(values[self.seed]))), self.seed, self.layout)

    def change_layout(self, values: Values) -> Values:
        return without(self.show(self.view(values, seeds_of(values[self.seeds])[0])), self.layout)

    def roll(self, values: Values) -> Values:
        first = random.randrange(1_000_000)
        return {**self.from_seed({**values, self.seed: first}), self.seed: first}

    def change_model(self, values: Values) -> Values:
        """The same seeds and psi, and the class where the other model has one of that name."""
        view = self.view({**values, self.controls.by_hand: False})
        view = fitted(view, self.studio.entry(view.model))[0]
        return {**self.show(view), **without(self.controls.fit(view), self.controls.model),
                self.tray.component: self.tray.show(view.model)}

    def _wire(self) -> None:
        controls, sheet = self.controls, self.sheet.component
        inputs = {*controls.inputs, self.seed, self.seeds, self.layout}
        drawn = [self.seed, self.seeds, self.layout, sheet]
        on(self.dice.click, self.roll, inputs, [self.seed, self.seeds, sheet])
        on(self.seed.input, self.from_seed, inputs, [self.seeds, sheet], trigger_mode="always_last")
        on(self.layout.input, self.change_layout, inputs, drawn, trigger_mode="always_last")
        on([self.draw_button.click, self.seeds.submit], self.draw, inputs, drawn, trigger_mode="always_last")
        on([control.input for control in controls.live], self.redraw, inputs, [sheet], trigger_mode="always_last")
        on(controls.model.input, self.change_model, inputs, self.outputs, trigger_mode="always_last")


def layout_of(view: View) -> str | None:
    """The choice of the layout that a view is, None where its seeds are any others."""
    known = {run_of(view.seeds[0], int(value)): value for _, value in LAYOUTS if value.isdecimal()}
    return view.strip or known.get(view.seeds)


def _fits(layout: str, entry: Entry) -> bool:
    if layout == "class":
        return bool(entry.class_names)
    return int(layout) <= most_tiles(entry.resolution) if layout.isdecimal() else True


def whole(given: Any) -> int:
    """A whole number. ``ValueError`` for anything else: 1.5 is no seed, and is not taken for 2."""
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError(f"a seed is a whole number, got {str(given)[:40]!r}")
    return given


def build(studio: Studio) -> Room:
    page = Generate(studio)
    return Room(page.open, page.outputs, page.link_of)


PAGE = Page(ID, "Generate", build, READS, needs=("seeds",))
