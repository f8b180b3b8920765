"""The Generate page: controls on one side, the sheet on the other."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from gan.base import Latent
from gan.ui.studio import Studio, explain
from gan.ui.view import MAX_CODE, MAX_PSI, View, run_of, seeds_of, seeds_text

__all__ = ["Page", "build", "read", "shown"]

ANY_CLASS = ("as each seed draws", "")
DRAWING = dict(show_progress="hidden", concurrency_id="draw", api_visibility="private")


@dataclass
class Page:
    """The components of the page that its handlers read and write."""

    model: gr.Dropdown
    seed: gr.Number
    seeds: gr.Textbox
    label: gr.Dropdown
    psi: gr.Slider
    by_hand: gr.Checkbox
    codes: list[gr.Dropdown | gr.Slider]  # those of the model with the most codes: categorical, then continuous
    coding: gr.Accordion
    sheet: gr.HTML
    answer: gr.HTML
    notice: gr.HTML
    upload: gr.UploadButton
    dice: gr.Button
    draw: gr.Button
    categorical: int  #                     how many of ``codes`` are categorical

    @property
    def controls(self) -> list[Any]:
        """What a draw reads."""
        return [self.model, self.seeds, self.label, self.psi, self.by_hand, *self.codes]

    @property
    def everything(self) -> list[Any]:
        """What a new view writes, in the order of ``shown``."""
        return [self.model, self.seed, self.seeds, self.label, self.psi, self.by_hand, self.coding, *self.codes,
                self.sheet, self.notice]


def build(studio: Studio) -> Page:
    """Lays the page out and wires it. The notice line is left to the caller to render: it belongs to all pages."""
    with gr.Row(elem_id="studio"):
        with gr.Column(scale=3, min_width=300, elem_id="controls"):
            page = _controls(studio)
        with gr.Column(scale=5, min_width=320, elem_id="stage"):
            page.sheet.render()
    page.answer.render()
    _wire(studio, page)
    return page


def _dial(least: float, most: float, start: float, **options: Any) -> gr.Slider:
    """A slider whose number field may be empty while another number is typed, or hold one beyond its ends."""
    slider = gr.Slider(least, most, start, step=0.05, buttons=[], **options)
    # Not a subclass: Gradio writes a .pyi file beside the source of each.
    slider.preprocess = lambda given: min(max(start if given is None else given, least), most)
    return slider


def _controls(studio: Studio) -> Page:
    latents = [e.latent for e in studio.entries.values()]
    names = list(dict.fromkeys(n for e in studio.entries.values() for n in e.class_names))
    most = max((latent.classes for latent in latents), default=0)
    names += [str(k) for k in range(most) if str(k) not in names]
    models = list(studio.entries)
    model = gr.Dropdown(models, value=models[0] if models else None, label="Model", elem_id="model")
    with gr.Row(elem_id="seed-row"):
        seed = gr.Number(0, label="Seed", precision=0, elem_id="seed", min_width=120)
        dice = gr.Button("Roll the dice", elem_id="dice", variant="primary", min_width=120)
    label = gr.Dropdown([ANY_CLASS, *((n, n) for n in names)], value="", label="Class", visible=False, elem_id="class")
    psi = _dial(0, MAX_PSI, 1.0, label="Psi", elem_id="psi",
                info="Less: more typical images, and more alike. 1: as trained. More: wilder, more often broken.")
    with gr.Accordion("Codes", open=False, visible=False, elem_id="codes") as coding:
        by_hand = gr.Checkbox(False, label="Set the codes by hand", info="Otherwise each seed draws its own.")
        largest = max((k for latent in latents for k in latent.categorical), default=1)
        rows = max((len(latent.categorical) for latent in latents), default=0)
        values = [str(v) for v in range(largest)]
        codes: list[Any] = [gr.Dropdown(values, value="0", label=f"Code {k + 1}", visible=False)
                            for k in range(min(rows, 16))]
        columns = max((latent.continuous for latent in latents), default=0)
        codes += [_dial(-MAX_CODE, MAX_CODE, 0.0, label=f"Dial {k + 1}", visible=False)
                  for k in range(min(columns, 32))]
    with gr.Row(elem_id="seeds-row"):
        seeds = gr.Textbox(seeds_text(run_of(0)), label="Seeds of the sheet", placeholder="0-15,42", max_lines=1,
                           elem_id="seeds", min_width=120, info="Any seeds and ranges, as in 0-15,42.")
        draw = gr.Button("Draw", elem_id="draw", min_width=80)
    upload = gr.UploadButton("Restore from a picture …", elem_id="restore", variant="secondary", size="md")
    return Page(model, seed, seeds, label, psi, by_hand, codes, coding, *_displays(), upload, dice, draw, min(rows, 16))


def _displays() -> tuple[gr.HTML, gr.HTML, gr.HTML]:
    plain = dict(html_template="", apply_default_css=False, render=False)
    sheet = gr.HTML(None, elem_id="sheet", **plain,
                    js_on_load="gan.sheet(element, props, watch, {select: data => trigger('select', data), "
                               "zip: data => trigger('zip', data)})")
    answer = gr.HTML(None, elem_id="answer", **plain, js_on_load="gan.answer(element, props, watch)")
    notice = gr.HTML(None, elem_id="notice", **plain, js_on_load="gan.notice(element, props, watch)")
    return sheet, answer, notice


def read(studio: Studio, page: Page, values: Sequence[Any]) -> View:
    """The view of the controls' values, in the order of ``Page.controls``. ``ValueError`` for bad seeds."""
    model, seeds, label, psi, by_hand, *codes = values
    latent = studio.entries[model].latent if model in studio.entries else None
    chosen = None
    if by_hand and latent and has_codes(latent, page):
        categorical, dials = codes[: page.categorical], codes[page.categorical :]
        chosen = [*categorical[: len(latent.categorical)], *dials[: latent.continuous]]
    return View(model, seeds_of(seeds), label or None, float(psi),
                None if chosen is None else tuple(float(v or 0) for v in chosen))


def has_codes(latent: Latent, page: Page) -> bool:
    """Whether the model has codes, and the page controls enough for them."""
    fits = len(latent.categorical) <= page.categorical and latent.continuous <= len(page.codes) - page.categorical
    return fits and bool(latent.categorical or latent.continuous)


def shown(studio: Studio, page: Page, view: View, notes: Sequence[str] = ()) -> list[Any]:
    """Draws a view and sets every control to it: values for ``Page.everything``. Errors as ``Studio.sheet``."""
    sheet = studio.sheet(view)
    return [view.model, view.seeds[0], seeds_text(view.seeds), *_fit(studio, page, view), sheet, told(*notes)]


def _fit(studio: Studio, page: Page, view: View) -> list[Any]:
    """Updates that fit class, psi and codes to what the view's model can do."""
    model = studio.model(view.model)
    names, latent = model.class_names, model.G.latent
    label = gr.update(choices=[ANY_CLASS, *((n, n) for n in names)], value=view.label or "", visible=bool(names))
    count = len(latent.categorical)
    codes = list(view.codes or ())
    if len(codes) != count + latent.continuous:
        codes = [0.0] * (count + latent.continuous)
    rows = [gr.update(visible=k < count, **(dict(choices=[str(v) for v in range(latent.categorical[k])],
                                                 value=str(int(codes[k]))) if k < count else {}))
            for k in range(page.categorical)]
    dials = [gr.update(visible=k < latent.continuous,
                       **(dict(value=dial.preprocess(codes[count + k])) if k < latent.continuous else {}))
             for k, dial in enumerate(page.codes[page.categorical :])]
    by_hand = view.codes is not None
    coding = gr.update(visible=has_codes(latent, page), **(dict(open=True) if by_hand else {}))
    return [label, view.psi, by_hand, coding, *rows, *dials]


def told(*lines: str, error: bool = False) -> dict[str, Any]:
    """What the notice line shows; nothing hides it."""
    return {"text": " ".join(line.rstrip(".") + "." for line in lines), "error": error, "at": random.random()}


def kept(count: int, error: Exception) -> list[Any]:
    """Leaves ``count`` components as they are, and says why on the notice line."""
    return [gr.skip()] * count + [told(explain(error), error=True)]


def _wire(studio: Studio, page: Page) -> None:
    def guarded(handler: Callable[..., list[Any]], outputs: Sequence[Any]) -> Callable[..., list[Any]]:
        def run(*values: Any) -> list[Any]:
            try:
                return [*handler(*values), told()]
            except Exception as error:  # nothing that a visitor does may lose the picture
                return kept(len(outputs), error)
        return run

    def on(trigger, handler, inputs, outputs, **options):
        trigger(guarded(handler, outputs), inputs, [*outputs, page.notice], **{**DRAWING, **options})

    def draw(*values):
        view = read(studio, page, values)
        return [view.seeds[0], studio.sheet(view)]

    def redraw(*values):
        return [studio.sheet(read(studio, page, values))]

    def from_seed(seed, *values):
        if seed is None:
            return [gr.skip(), gr.skip()]  # the field was emptied to type another
        text = seeds_text(run_of(int(seed)))
        return [text, studio.sheet(read(studio, page, [values[0], text, *values[2:]]))]

    def roll(*values):
        first = random.randrange(1_000_000)
        return [first, *from_seed(first, *values)]

    def change_model(*values):
        view = read(studio, page, values)
        names = studio.model(view.model).class_names
        view = replace(view, label=view.label if view.label in names else None, codes=None)
        return [*_fit(studio, page, view), studio.sheet(view)]

    fitted = [page.label, page.psi, page.by_hand, page.coding, *page.codes, page.sheet]
    on(page.dice.click, roll, page.controls, [page.seed, page.seeds, page.sheet])
    on(page.seed.input, from_seed, [page.seed, *page.controls], [page.seeds, page.sheet], trigger_mode="always_last")
    for trigger in (page.draw.click, page.seeds.submit):
        on(trigger, draw, page.controls, [page.seed, page.sheet])
    for control in (page.psi, page.label, page.by_hand, *page.codes):
        on(control.input, redraw, page.controls, [page.sheet], trigger_mode="always_last")
    on(page.model.input, change_model, page.controls, fitted)
    _wire_tiles(studio, page)


def _wire_tiles(studio: Studio, page: Page) -> None:
    def select(event: gr.EventData) -> list[Any]:
        try:
            return [studio.single(event.recipe, event.seed), gr.skip()]
        except Exception as error:
            return kept(1, error)

    def archive(event: gr.EventData) -> list[Any]:
        try:
            return [studio.archive(event.recipe), gr.skip()]
        except Exception as error:
            return kept(1, error)

    page.sheet.select(select, None, [page.answer, page.notice], **{**DRAWING, "trigger_mode": "always_last"})
    page.sheet.zip(archive, None, [page.answer, page.notice], **DRAWING)

