"""A sheet of pictures: a click on a tile opens the single image; whole or as a zip it can be downloaded.

A page may hold several, and several pages may: nothing of a sheet is shared but its code.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from gan.image import GAP
from gan.recipe import from_json, save_png
from gan.ui.messages import asks
from gan.ui.outbox import file_stem
from gan.ui.parts.stage import answers, scripted
from gan.ui.studio import Drawn, Studio, file_name
from gan.ui.view import View, from_recipe, seeds_text

__all__ = ["Sheet"]


class Sheet:
    """The part: ``component`` shows what ``show`` returns. ``name`` tells it from the app's other sheets."""

    def __init__(self, studio: Studio, page: str, name: str):
        self.studio, self.page = studio, page
        self.component = scripted("gan.sheet.build", json.dumps(name), "element", "props", "watch", events=("select", "zip"),
                                  elem_classes="sheet-part", elem_id=f"{name}-sheet")
        answer = answers("gan.sheet.answer", json.dumps(name))

        # "multiple": with "always_last" Gradio sends the last of several clicks with the data of the first
        asks(self.component.select, self.single, answer, trigger_mode="multiple")
        asks(self.component.zip, self.archive, answer)

    def show(self, view: View, given: np.ndarray | None = None) -> dict[str, Any]:
        """Draws a view: the component's value. Errors as ``Studio.draw``.

        ``given`` uint8 [H, W, C] is the picture that asks to be drawn again: the sheet says whether it was, pixel for pixel.
        """
        drawn = self.studio.draw(view)
        path = self.studio.save(drawn)
        picture, tile, now = drawn.picture, drawn.pixels.shape[1], drawn.view.revision
        other = view.revision not in ("", now)
        return {
            "url": self.studio.outbox.url(path), "name": path.name, "tile": tile, "gap": GAP, "columns": drawn.columns,
            "tiles": [{"seed": one.seeds[0], "label": one.label, "text": _caption(view, one)} for one in drawn.images],
            "width": picture.shape[1], "height": picture.shape[0], "model": view.model, "strip": view.strip,
            "about": about(drawn), "recipe": drawn.recipe.to_json(), "link": drawn.view.link(self.page),
            "status": f"drawn on {self.studio.device} in {drawn.ms:.0f} ms",
            "other": f"drawn by another version of {view.model}: {now[:12]} is here, "
                     f"{view.revision[:12]} was asked for" if other else "",
            "mark": None if given is None else verdict(picture, given),
        }

    def single(self, asked: Any) -> dict[str, Any]:
        """One image of the sheet that the recipe describes. ``ValueError`` for what this page did not ask."""
        view, tile = _view_of(asked), asked.get("tile")
        images = view.images(self.studio.entry(view.model).class_names)
        if isinstance(tile, bool) or not isinstance(tile, int) or not 0 <= tile < len(images):
            raise ValueError(f"there is no image {str(tile)[:20]} on this sheet")
        drawn = self.studio.draw(images[tile])
        path = self.studio.save(drawn)
        return {"kind": "single", "url": self.studio.outbox.url(path), "name": path.name, "tile": tile,
                "from": asked["recipe"], "recipe": drawn.recipe.to_json(), "link": drawn.view.link(self.page)}

    def archive(self, asked: Any) -> dict[str, Any]:
        """A zip of the single images of that sheet, each with its recipe inside. Errors as ``single``."""
        drawn = self.studio.draw(_view_of(asked))
        path = self.studio.outbox.fresh(_archive_name(drawn))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
            names = {_tile_name(drawn, k): k for k in range(len(drawn.images))}  # a seed may stand on a sheet twice
            for name, k in names.items():
                file = save_png(path.with_name(name), drawn.pixels[k], drawn.images[k].recipe(()))
                archive.write(file, name)
                file.unlink()
        return {"kind": "download", "url": self.studio.outbox.url(path), "name": path.name}


def verdict(drawn: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    """Whether a picture that was given back is the one that its recipe draws here: a mark, in words."""
    if drawn.shape != given.shape:
        return {"verified": False, "text": "not verified: this is no picture of the size that its recipe draws"}
    most = int(np.abs(drawn.astype(np.int16) - given).max())
    if most > 1:
        return {"verified": False, "text": f"not verified: it differs from what its recipe draws, by up to {most}/255"}
    return {"verified": True, "text": "verified: drawn again, pixel for pixel" if not most else
            "verified: drawn again within 1/255, as another device draws it"}


def _caption(view: View, one: View) -> str:
    if view.strip == "class":
        return str(one.label)
    return f"psi {one.psi:g}" if view.strip else f"seed {one.seeds[0]}"


def _view_of(asked: Any) -> View:
    if not isinstance(asked, dict) or not isinstance(asked.get("recipe"), str):
        raise ValueError("there is no sheet yet")
    return from_recipe(from_json(asked["recipe"]))[0]


def _tile_name(drawn: Drawn, k: int) -> str:
    one = drawn.images[k]
    along = {"": "", "class": f"-{k:03d}-{file_stem(str(one.label))}", "psi": f"-psi{one.psi:g}"}[drawn.view.strip]
    return f"seed{one.seeds[0]:04d}{along}.png"


def _archive_name(drawn: Drawn) -> str:
    return f"{Path(file_name(drawn.recipe)).stem}.zip"


def about(drawn: Drawn) -> str:
    """The sheet in words, for those who cannot see it."""
    view, count = drawn.view, len(drawn.images)
    many = f"{count} images" if count > 1 else "One image"
    seeds = seeds_text(view.seeds[:1] if view.strip else view.seeds)
    label = f", class {view.label}" if view.label is not None and view.strip != "class" else ""
    along = {"": f", psi {view.psi:g}", "class": f", every class, psi {view.psi:g}", "psi": ", psi from 0 up"}[view.strip]
    several = "s" * (len(view.seeds) > 1 and not view.strip)
    return f"{many} drawn by {view.model}, seed{several} {seeds[:100]}{label}{along}"
