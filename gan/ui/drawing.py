"""What the handlers of the Generate page do, without a page: draw, write files, say what was done."""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

from gan.engine import Engine
from gan.gallery import Entry
from gan.hub import Model
from gan.image import PngRecipe, columns_of, contact_sheet, save_png
from gan.latent import Draw
from gan.ui.links import View, tile_seeds

__all__ = ["Studio"]

KEEP_S = 600.0  # files of a request stay so long: a download that was begun can end


class Studio:
    """Draws views with the engine and writes them to files that the page serves."""

    def __init__(self, engine: Engine, entries: Sequence[Entry]):
        self.engine = engine
        self.entries = {e.id: e for e in entries}
        self.folder = Path(tempfile.mkdtemp(prefix="gan-gallery-"))

    def model(self, model_id: str) -> Model:
        if model_id not in self.entries:
            raise ValueError(f"there is no model {str(model_id)[:60]!r} here; known: {', '.join(self.entries) or 'none'}")
        return self.engine.model(self.entries[model_id].name)

    def recipe(self, view: View) -> PngRecipe:
        """The recipe of a view. ``ValueError`` in one line where it cannot be drawn."""
        model = self.model(view.model)
        model.label(view.label)
        return PngRecipe(model.id, model.revision, tuple(tile_seeds(view.seeds)), view.label, float(view.psi))

    def draw(self, recipe: PngRecipe) -> tuple[Path, str]:
        """The PNG of a recipe (a sheet where it has several seeds) and what to say of it."""
        began = time.perf_counter()
        pixels = self._pixels(recipe)
        ms = 1000 * (time.perf_counter() - began)
        one = len(recipe.seeds) == 1
        name = f"{_plain(recipe.model)}-{f'seed{recipe.seeds[0]:04d}' if one else 'sheet'}.png"
        path = save_png(self._place() / name, pixels[0] if one else contact_sheet(pixels), recipe)
        count = "1 image" if one else f"{len(recipe.seeds)} images"
        return path, f"{count} drawn on {self._device()} in {ms:.0f} ms"

    def _pixels(self, recipe: PngRecipe):
        model = self.model(recipe.model)
        label = model.label(recipe.label)
        return self.engine.draw(self.entries[recipe.model].name,
                                [Draw(seed, label, recipe.psi, recipe.codes) for seed in recipe.seeds])

    def _device(self) -> str:
        return {"cpu": "the CPU", "cuda": "the GPU", "mps": "the GPU"}.get(self.engine.device.type, self.engine.device.type)

    def zip(self, recipe: PngRecipe) -> Path:
        """Every image of a sheet as a PNG of its own, each with its recipe."""
        place = self._place()
        path = place / f"{_plain(recipe.model)}-{len(recipe.seeds)}-images.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:  # PNGs are compressed already
            for seed, pixels in zip(recipe.seeds, self._pixels(recipe)):
                png = save_png(place / f"seed{seed:04d}.png", pixels, single(recipe, seed))
                file.write(png, png.name)
        return path

    def _place(self) -> Path:
        """A fresh folder for the files of one request; old ones go."""
        for old in self.folder.glob("*"):
            if time.time() - old.stat().st_mtime > KEEP_S:
                shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.folder))

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def single(recipe: PngRecipe, seed: int) -> PngRecipe:
    """The recipe of one tile."""
    return PngRecipe(recipe.model, recipe.revision, (seed,), recipe.label, recipe.psi, recipe.codes)


def tile_at(recipe: PngRecipe, x: int, y: int, resolution: int, gap: int = 2) -> int | None:
    """The seed of the tile at pixel (x, y) of the sheet, None beside the tiles."""
    columns = columns_of(len(recipe.seeds))
    column, row = x // (resolution + gap), y // (resolution + gap)
    index = row * columns + column
    return recipe.seeds[index] if 0 <= column < columns and 0 <= index < len(recipe.seeds) else None


def _plain(model_id: str) -> str:
    """A model's id as part of a file name."""
    return model_id.replace("/", "--")
