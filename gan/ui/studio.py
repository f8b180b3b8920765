"""What the pages' handlers call: draws sheets, single images and archives, and says what went wrong in one line."""

from __future__ import annotations

import logging
import time
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gan import hub
from gan.engine import Engine, device_name
from gan.gallery import Entry, entry, list_models
from gan.image import GAP, columns_of, contact_sheet
from gan.recipe import SeedsRecipe, from_json, read_recipe, save_png
from gan.ui.outbox import Outbox, file_stem
from gan.ui.view import View, draws_of, from_recipe, seeds_text

__all__ = ["Studio", "collect", "explain"]

log = logging.getLogger(__name__)


class Studio:
    """The models of the gallery, one engine and one outbox, shared by all visitors. Nothing of a visitor is kept."""

    def __init__(self, entries: Sequence[Entry], *, engine: Engine | None = None, outbox: Outbox | None = None):
        self.entries = {e.id: e for e in entries}
        self.engine = engine or Engine()
        self.outbox = outbox or Outbox()
        self.device = device_name(self.engine.device)

    def model(self, model_id: str) -> hub.Model:
        """The loaded model. ``ValueError`` for one that is not in this gallery."""
        if model_id not in self.entries:
            known = ", ".join(list(self.entries)[:8]) or "none"
            raise ValueError(f"the model {str(model_id)[:80]!r} is not in this gallery; models here: {known}")
        return self.engine.model(self.entries[model_id].name)

    def warm(self) -> None:
        """Loads the first model and draws once, so that the first visitor need not wait for it."""
        try:
            first = next(iter(self.entries))
            self._pixels(View(first, (0,)))
        except (StopIteration, ValueError, OSError) as error:
            log.warning("not warmed up: %s", error)

    def _pixels(self, view: View):
        """(model, recipe, uint8 [N, H, W, C], ms) of a view."""
        model = self.model(view.model)
        draws = draws_of(view, model.label(view.label))
        started = time.perf_counter()
        pixels = self.engine.draw(self.entries[view.model].name, draws)
        ms = (time.perf_counter() - started) * 1000
        return model, SeedsRecipe(model.id, model.revision, view.seeds, view.label, view.psi, view.codes), pixels, ms

    def sheet(self, view: View) -> dict[str, Any]:
        """Draws the view as one PNG: what the page needs to show it."""
        model, recipe, pixels, ms = self._pixels(view)
        n, tile = len(pixels), pixels.shape[1]
        sheet = contact_sheet(pixels)
        path = save_png(self.outbox.fresh(file_name(recipe)), sheet, recipe)
        other = view.revision not in ("", model.revision)
        return {
            "url": self.outbox.url(path), "name": path.name, "seeds": list(view.seeds), "tile": tile, "gap": GAP,
            "columns": columns_of(n), "width": sheet.shape[1], "height": sheet.shape[0], "model": view.model,
            "about": about(view), "recipe": recipe.to_json(), "query": view.query(model.revision),
            "status": f"drawn on {self.device} in {ms:.0f} ms",
            "other": f"drawn by another version of {view.model}: {model.revision[:12]} is here, "
                     f"{view.revision[:12]} was asked for" if other else "",
        }

    def single(self, recipe_json: str, seed: int) -> dict[str, Any]:
        """Draws one image of the sheet that the recipe describes."""
        view, _ = from_recipe(from_json(recipe_json))
        if seed not in view.seeds:
            raise ValueError(f"seed {str(seed)[:20]} is not on this sheet")
        model, recipe, pixels, _ = self._pixels(replace(view, seeds=(seed,)))
        path = save_png(self.outbox.fresh(file_name(recipe)), pixels[0], recipe)
        return {"kind": "single", "url": self.outbox.url(path), "name": path.name, "seed": seed,
                "query": replace(view, seeds=(seed,)).query(model.revision)}

    def archive(self, recipe_json: str) -> dict[str, Any]:
        """A zip of the single images of a sheet, each with its recipe inside."""
        view, _ = from_recipe(from_json(recipe_json))
        _, recipe, pixels, _ = self._pixels(view)
        path = self.outbox.fresh(Path(file_name(recipe)).stem + ".zip")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
            for seed, image in dict(zip(view.seeds, pixels)).items():
                file = path.with_name(f"seed{seed:04d}.png")
                archive.write(save_png(file, image, replace(recipe, seeds=(seed,))), file.name)
                file.unlink()
        return {"kind": "download", "url": self.outbox.url(path), "name": path.name}

    def generate(self, model: str, seeds: Sequence[int], label: str | None, psi: float) -> Path:
        """The PNG of one seed or the sheet of several, written to the outbox: the API's endpoint."""
        _, recipe, pixels, _ = self._pixels(View(model, tuple(seeds), label or None, psi))
        picture = pixels[0] if len(pixels) == 1 else contact_sheet(pixels)
        return save_png(self.outbox.fresh(file_name(recipe)), picture, recipe)

    def recognise(self, path: str) -> tuple[View, list[str]]:
        """The view that a picture's recipe describes, with what of it cannot be shown."""
        recipe = read_recipe(path)
        if recipe.model not in self.entries:
            raise ValueError(f"this picture was made by the model {recipe.model[:80]!r}, which is not in this gallery")
        return from_recipe(recipe)


def file_name(recipe: SeedsRecipe) -> str:
    """mymodel-seed0042.png, mymodel-seeds0-15.png."""
    stem = file_stem(recipe.model)
    if len(recipe.seeds) == 1:
        return f"{stem}-seed{recipe.seeds[0]:04d}.png"
    text = seeds_text(recipe.seeds)
    if len(text) > 60:
        text = f"{recipe.seeds[0]}-and-{len(recipe.seeds) - 1}-more"
    return f"{stem}-seeds{text}.png"


def about(view: View) -> str:
    """The view in words, for those who cannot see the picture."""
    many = f"{len(view.seeds)} images" if len(view.seeds) > 1 else "One image"
    label = f", class {view.label}" if view.label is not None else ""
    seeds = seeds_text(view.seeds)
    return f"{many} drawn by {view.model}, seed{'s' * (len(view.seeds) > 1)} {seeds[:100]}{label}, psi {view.psi:g}"


def explain(error: Exception) -> str:
    """An error in one line for the page, without a path of this machine."""
    if isinstance(error, OSError) and error.errno is not None:
        text = f"a file could not be read or written: {error.strerror}"
    elif isinstance(error, (ValueError, FileNotFoundError)):
        text = str(error)
    else:
        log.error("a handler failed", exc_info=error)
        text = f"something went wrong while drawing ({type(error).__name__}); the server's log says more"
    line = " ".join(text.split())[:300]
    return line[:1].upper() + line[1:]


def collect(extra: Sequence[str]) -> list[Entry]:
    """The models in weights/, then ``extra``. One of the same id takes the other's place.

    Errors: ``ValueError``, ``FileNotFoundError`` for an extra one that is no model and no folder of models.
    """
    for name in extra:
        if not (Path(name).is_dir() and any(Path(name).glob("*/config.json"))):
            try:
                entry(name)
            except (ValueError, FileNotFoundError) as error:
                raise ValueError(f"--models {name}: {error}") from None
    return list({e.id: e for e in list_models(extra)}.values())
