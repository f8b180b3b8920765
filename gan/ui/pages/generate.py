"""The Generate page: controls on one side, the sheet on the other."""

from __future__ import annotations

import random
from typing import Any

import gradio as gr
from gradio.components import Component

from gan.recipe import PngRecipe, SeedsRecipe
from gan.ui.messages import on, warn
from gan.ui.page import Page, Room
from gan.ui.parts.controls import Controls
from gan.ui.parts.link import Link
from gan.ui.parts.sheet import Sheet
from gan.ui.studio import Studio
from gan.ui.view import READS, View, fitted, from_link, from_recipe, run_of, seeds_of, seeds_text

__all__ = ["PAGE"]

ID = "generate"
Values = dict[Component, Any]


class Generate:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.controls = Controls(studio)
        with gr.Row(elem_classes="studio"):
            with gr.Column(scale=3, min_width=300, elem_classes="controls"):
                self._lay_out_controls()
            with gr.Column(scale=5, min_width=320, elem_classes="stage"):
                self.sheet = Sheet(studio, ID, "generate")
        self._wire()

    def _lay_out_controls(self) -> None:
        self.controls.model_row()
        with gr.Row(elem_classes="seed-row"):
            self.seed = gr.Number(0, label="Seed", elem_id="seed", min_width=120)
            self.seed.preprocess = lambda given: given  # ``whole`` refuses what is no seed; Gradio would round it
            self.dice = gr.Button("Roll the dice", elem_id="dice", variant="primary", min_width=120)
        self.controls.dials()
        with gr.Row(elem_classes="seed-row"):
            self.seeds = gr.Textbox(seeds_text(run_of(0)), label="Seeds of the sheet", placeholder="0-15,42", max_lines=1,
                                    elem_id="seeds", min_width=120, info="Any seeds and ranges, as in 0-15,42.")
            self.draw_button = gr.Button("Draw", elem_id="draw", min_width=80)

    @property
    def outputs(self) -> list[Component]:
        return [*self.controls.outputs, self.seed, self.seeds, self.sheet.component]

    def open(self, link: Link) -> Values:
        """Draws what a link asks for and sets every control to it."""
        view = from_link(link, list(self.studio.entries))
        if view is None:
            return {}
        view, notes = fitted(view, self.studio.entry(view.model))
        link.notes += notes
        return self.show(view)

    def show(self, view: View) -> Values:
        """Draws a view and sets every control to it. Errors as ``Studio.draw``."""
        return {self.sheet.component: self.sheet.show(view), **self.controls.fit(view), self.seed: view.seeds[0],
                self.seeds: seeds_text(view.seeds)}

    def link_of(self, recipe: PngRecipe) -> str | None:
        """The link that draws a picture again. ``ValueError`` for a class or codes that its model does not have."""
        if not isinstance(recipe, SeedsRecipe):
            return None
        view, notes = from_recipe(recipe)
        entry = self.studio.entry(view.model)
        shown, more = fitted(view, entry)
        if shown.label != view.label or (shown.codes is None) != (view.codes is None):
            raise ValueError(more[0])
        warn([*notes, *more])
        return shown.link(ID)

    def draw(self, values: Values) -> Values:
        view = self.controls.read(values, seeds_of(values[self.seeds]))
        return {self.seed: view.seeds[0], self.sheet.component: self.sheet.show(view)}

    def redraw(self, values: Values) -> Values:
        return {self.sheet.component: self.draw(values)[self.sheet.component]}

    def from_seed(self, values: Values) -> Values:
        if values[self.seed] is None:
            return {self.seeds: gr.skip()}  # the field was emptied to type another
        seeds = run_of(whole(values[self.seed]))
        return {self.seeds: seeds_text(seeds), self.sheet.component: self.sheet.show(self.controls.read(values, seeds))}

    def roll(self, values: Values) -> Values:
        first = random.randrange(1_000_000)
        return {self.seed: first, **self.from_seed({**values, self.seed: first})}

    def change_model(self, values: Values) -> Values:
        """The same seeds and psi, and the class where the other model has one of that name."""
        view = self.controls.read({**values, self.controls.by_hand: False}, seeds_of(values[self.seeds]))
        return self.show(fitted(view, self.studio.entry(view.model))[0])

    def _wire(self) -> None:
        controls, sheet = self.controls, self.sheet.component
        inputs = {*controls.inputs, self.seed, self.seeds}
        on(self.dice.click, self.roll, inputs, [self.seed, self.seeds, sheet])
        on(self.seed.input, self.from_seed, inputs, [self.seeds, sheet], trigger_mode="always_last")
        on([self.draw_button.click, self.seeds.submit], self.draw, inputs, [self.seed, sheet])
        on([control.input for control in controls.live], self.redraw, inputs, [sheet], trigger_mode="always_last")
        on(controls.model.input, self.change_model, inputs, self.outputs)


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


PAGE = Page(ID, "Generate", build, READS)
