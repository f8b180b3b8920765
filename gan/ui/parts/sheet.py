"""A sheet of pictures: a click on a tile opens the single image; whole or as a zip it can be downloaded.

A page may hold several, and several pages may: nothing of a sheet is shared but its code.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from typing import Any

import gradio as gr

from gan.image import GAP, columns_of
from gan.recipe import from_json, save_png
from gan.ui.messages import on
from gan.ui.outbox import file_stem
from gan.ui.studio import Drawn, Studio
from gan.ui.view import View, from_recipe, seeds_text

__all__ = ["Sheet"]


class Sheet:
    """The part: ``component`` shows what ``show`` returns. ``name`` tells it from the app's other sheets."""

    def __init__(self, studio: Studio, page: str, name: str):
        self.studio, self.page = studio, page
        plain = dict(html_template="", apply_default_css=False)
        self.component = gr.HTML(
            None, elem_classes="sheet-part", elem_id=f"{name}-sheet", **plain,
            js_on_load=f"gan.sheet.build({json.dumps(name)}, element, props, watch, "
                       "{select: data => trigger('select', data), zip: data => trigger('zip', data)})")
        answer = gr.HTML(None, elem_classes="no-room", **plain,
                         js_on_load=f"gan.sheet.answer({json.dumps(name)}, props, watch)")

        def select(event: gr.EventData) -> dict[gr.HTML, Any]:
            return {answer: self.single(event._data)}

        def archive(event: gr.EventData) -> dict[gr.HTML, Any]:
            return {answer: self.archive(event._data)}

        # "multiple": with "always_last" Gradio sends the last of several clicks with the data of the first
        on(self.component.select, select, None, [answer], trigger_mode="multiple")
        on(self.component.zip, archive, None, [answer])

    def show(self, view: View) -> dict[str, Any]:
        """Draws a view: the component's value. Errors as ``Studio.draw``."""
        drawn = self.studio.draw(view)
        path = self.studio.save(drawn)
        picture, tile, now = drawn.picture, drawn.pixels.shape[1], drawn.view.revision
        other = view.revision not in ("", now)
        return {
            "url": self.studio.outbox.url(path), "name": path.name, "seeds": list(view.seeds), "tile": tile, "gap": GAP,
            "columns": columns_of(len(drawn.pixels)), "width": picture.shape[1], "height": picture.shape[0],
            "model": view.model, "about": about(view), "recipe": drawn.recipe.to_json(), "link": drawn.view.link(self.page),
            "status": f"drawn on {self.studio.device} in {drawn.ms:.0f} ms",
            "other": f"drawn by another version of {view.model}: {now[:12]} is here, "
                     f"{view.revision[:12]} was asked for" if other else "",
        }

    def single(self, asked: Any) -> dict[str, Any]:
        """One image of the sheet that the recipe describes. ``ValueError`` for what this page did not ask."""
        view, seed = _view_of(asked), asked.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int) or seed not in view.seeds:
            raise ValueError(f"seed {str(seed)[:20]} is not on this sheet")
        drawn = self.studio.draw(replace(view, seeds=(seed,)))
        path = self.studio.save(drawn)
        return {"kind": "single", "url": self.studio.outbox.url(path), "name": path.name, "seed": seed,
                "link": drawn.view.link(self.page)}

    def archive(self, asked: Any) -> dict[str, Any]:
        """A zip of the single images of that sheet, each with its recipe inside. Errors as ``single``."""
        drawn = self.studio.draw(_view_of(asked))
        path = self.studio.outbox.fresh(_archive_name(drawn))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
            for seed, image in dict(zip(drawn.view.seeds, drawn.pixels)).items():
                file = path.with_name(f"seed{seed:04d}.png")
                archive.write(save_png(file, image, replace(drawn.recipe, seeds=(seed,))), file.name)
                file.unlink()
        return {"kind": "download", "url": self.studio.outbox.url(path), "name": path.name}


def _view_of(asked: Any) -> View:
    if not isinstance(asked, dict) or not isinstance(asked.get("recipe"), str):
        raise ValueError("there is no sheet yet")
    return from_recipe(from_json(asked["recipe"]))[0]


def _archive_name(drawn: Drawn) -> str:
    text = seeds_text(drawn.view.seeds)
    return f"{file_stem(drawn.view.model)}-seeds{text if len(text) <= 60 else f'-{len(drawn.view.seeds)}-images'}.zip"


def about(view: View) -> str:
    """The view in words, for those who cannot see the picture."""
    many = f"{len(view.seeds)} images" if len(view.seeds) > 1 else "One image"
    label = f", class {view.label}" if view.label is not None else ""
    seeds = seeds_text(view.seeds)
    return f"{many} drawn by {view.model}, seed{'s' * (len(view.seeds) > 1)} {seeds[:100]}{label}, psi {view.psi:g}"
