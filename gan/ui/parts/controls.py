"""The controls that say what a model draws: which model, which class, psi and codes. Drawn from what the models can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr
from gradio.components import Component

from gan.base import Latent
from gan.ui.studio import Studio
from gan.ui.view import MAX_CODE, MAX_PSI, View

__all__ = ["Controls", "checked", "dial", "dropdown", "model_choice", "model_dropdown", "psi_dial", "tick", "uploaded"]

ANY_CLASS = ("as each seed draws", "")
MOST_CODES, MOST_DIALS = 16, 32  # controls of categorical and of continuous codes


class Controls:
    """``model_row`` and ``dials`` lay the controls out; ``read`` makes a view of their values, ``fit`` sets them to one."""

    model: gr.Dropdown
    label: gr.Dropdown
    psi: gr.Slider
    by_hand: gr.Checkbox
    coding: gr.Accordion
    indices: list[gr.Dropdown]  # of the categorical codes
    values: list[gr.Slider]  #    of the continuous codes

    def __init__(self, studio: Studio):
        self.studio = studio
        self.latents = [e.latent for e in studio.entries.values()]

    def model_row(self) -> None:
        self.model = model_dropdown(self.studio)

    def dials(self) -> None:
        names = list(dict.fromkeys(n for e in self.studio.entries.values() for n in e.class_names))
        self.label = dropdown(gr.Dropdown([ANY_CLASS, *((n, n) for n in names)], value="", label="Class", visible=False,
                                       elem_classes="class"))
        self.psi = psi_dial("1: as trained. More: wilder, more often broken.")
        with gr.Accordion("Codes", open=False, visible=False, elem_classes="codes") as self.coding:
            self.by_hand = gr.Checkbox(False, label="Set the codes by hand", info="Otherwise each seed draws its own.")
            rows = max((len(latent.categorical) for latent in self.latents), default=0)
            columns = max((latent.continuous for latent in self.latents), default=0)
            self.indices = [dropdown(gr.Dropdown(["0"], value="0", label=f"Code {k + 1}", visible=False))
                            for k in range(min(rows, MOST_CODES))]
            self.values = [dial(-MAX_CODE, MAX_CODE, 0.0, label=f"Dial {k + 1}", visible=False)
                           for k in range(min(columns, MOST_DIALS))]

    @property
    def live(self) -> list[Component]:
        """All but the model: what redraws as it is moved."""
        return [self.label, self.psi, self.by_hand, *self.indices, *self.values]

    @property
    def inputs(self) -> set[Component]:
        """What ``read`` takes."""
        return {self.model, *self.live}

    @property
    def outputs(self) -> list[Component]:
        """What ``fit`` sets."""
        return [self.model, self.coding, *self.live]

    def read(self, values: Mapping[Component, Any], seeds: tuple[int, ...]) -> View:
        """The view that the controls and the seeds describe. ``ValueError`` for a model that is not in this gallery."""
        model = self.studio.entry(values[self.model])
        codes = None
        if values[self.by_hand] is True and self._has_codes(model.latent):
            indices = [values[c] for c in self.indices[: len(model.latent.categorical)]]
            codes = (*(float(i) if i.isdecimal() and len(i) < 6 else 0.0 for i in indices),
                     *(values[slider] for slider in self.values[: model.latent.continuous]))
        return View(model.id, seeds, values[self.label] or None, values[self.psi], codes)

    def fit(self, view: View) -> dict[Component, Any]:
        """Sets the controls to a view that fits its model, and shows those that the model has."""
        entry = self.studio.entry(view.model)
        latent, names = entry.latent, entry.class_names
        count = len(latent.categorical)
        codes = view.codes or (0.0,) * (count + latent.continuous)
        by_hand = view.codes is not None
        found = {
            self.model: model_choice(self.studio, view.model), self.psi: view.psi, self.by_hand: by_hand,
            self.label: gr.update(choices=[ANY_CLASS, *((n, n) for n in names)], value=view.label or "",
                                  visible=bool(names)),
            self.coding: gr.update(visible=self._has_codes(latent), **(dict(open=True) if by_hand else {}))}
        for k, row in enumerate(self.indices):
            found[row] = gr.update(visible=k < count, **(dict(
                choices=[str(v) for v in range(latent.categorical[k])], value=str(int(codes[k]))) if k < count else {}))
        for k, slider in enumerate(self.values):
            there = k < latent.continuous
            found[slider] = gr.update(visible=there, **(dict(value=codes[count + k]) if there else {}))
        return found

    def _has_codes(self, latent: Latent) -> bool:
        """Whether the model has codes, and there are enough controls for them."""
        enough = len(latent.categorical) <= len(self.indices) and latent.continuous <= len(self.values)
        return enough and bool(latent.categorical or latent.continuous)


def model_dropdown(studio: Studio) -> gr.Dropdown:
    """All models, the first of them chosen."""
    models = list(studio.entries)
    return dropdown(gr.Dropdown(models, value=models[0] if models else None, label="Model", elem_classes="model"))


def model_choice(studio: Studio, model: str) -> Any:
    """Sets a dropdown of models to one, which may be a guest."""
    return gr.update(choices=list(dict.fromkeys([*studio.entries, model])), value=model)


# Gradio's own checks raise with texts that are no help to a visitor, and its types trust the sender. Not by subclasses:
# Gradio writes a .pyi file beside the source of each.

def checked(component: Any, check: Callable[[Any], Any]) -> Any:
    component.preprocess = check
    return component


def uploaded(component: gr.UploadButton) -> gr.UploadButton:
    """An upload that gives the paths of its files."""
    component.data_model = None  # whose own check speaks of its fields
    return checked(component, lambda given: [file["path"] for file in (given if isinstance(given, list) else [given])
                                             if isinstance(file, dict) and file.get("path")])


def dropdown(component: gr.Dropdown) -> gr.Dropdown:
    """A dropdown that gives a text; whether it names anything is the handler's to say."""
    return checked(component, lambda given: given[:200] if isinstance(given, str) else "")


def tick(start: bool, **options: Any) -> gr.Checkbox:
    """A checkbox that gives True or False, whatever is sent."""
    return checked(gr.Checkbox(start, **options), lambda given: given is True)


def psi_dial(more: str = "") -> gr.Slider:
    """``more`` follows what every page says of psi."""
    info = f"Less: more typical images, and more alike. {more}".strip()
    return dial(0, MAX_PSI, 1.0, label="Psi", info=info, elem_classes="psi")


def dial(least: float, most: float, start: float, *, step: float = 0.05, **options: Any) -> gr.Slider:
    """A slider. Its number field may be empty while another number is typed, or hold a number that lies beyond its ends."""
    def number(given: Any) -> float:
        usable = isinstance(given, (int, float)) and not isinstance(given, bool) and given == given  # NaN equals nothing
        return float(min(max(given, least), most)) if usable else start

    return checked(gr.Slider(least, most, start, step=step, buttons=[], **options), number)
