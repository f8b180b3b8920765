"""What the pages' handlers draw with: the gallery's models, one engine and one outbox, shared by all visitors."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gan import hub
from gan.directions import Directions
from gan.edit import draw_edits
from gan.engine import Engine, device_name
from gan.gallery import Entry, entry, list_models
from gan.hub.remote import HUB_ID
from gan.image import columns_of, contact_sheet
from gan.latent import Draw
from gan.project import Projection, project
from gan.recipe import EditRecipe, SeedsRecipe, StripRecipe, save_png
from gan.ui.outbox import Outbox, file_stem
from gan.ui.view import View, check_tiles, seeds_text
from gan.walk import Walk

__all__ = ["Drawn", "Studio", "collect"]

log = logging.getLogger(__name__)
MOST_GUESTS = 8


@dataclass(frozen=True)
class Drawn:
    """The images of a view."""

    view: View  #             with the revision that drew it
    images: list[View]  #     of each image
    recipe: SeedsRecipe | StripRecipe
    pixels: np.ndarray  #     uint8 [N, H, W, C]
    ms: float

    @property
    def columns(self) -> int:
        """Of the sheet."""
        return self.recipe.columns if isinstance(self.recipe, StripRecipe) else columns_of(len(self.pixels))

    @cached_property
    def picture(self) -> np.ndarray:
        """uint8 [H, W, C]: the image, or a sheet of several."""
        return self.pixels[0] if len(self.pixels) == 1 else contact_sheet(self.pixels, columns=self.columns)


class Studio:
    """The models of the gallery, one engine and one outbox, shared by all visitors. Nothing of a visitor is kept."""

    def __init__(self, entries: Sequence[Entry], *, engine: Engine | None = None, outbox: Outbox | None = None):
        self.all = {e.id: e for e in entries}
        self.guests: OrderedDict[str, Entry] = OrderedDict()  # from the Hub, asked for by links
        self.needs: tuple[str, ...] = ()  # see ``of``
        self._inviting = threading.Lock()
        self.engine = engine or Engine()
        self.outbox = outbox or Outbox()
        self.device = device_name(self.engine.device)

    def of(self, needs: tuple[str, ...]) -> Studio:
        """The same studio, as a page sees it that needs these abilities of its models: there are no others."""
        seen = copy(self)
        seen.needs = needs
        return seen

    @property
    def entries(self) -> dict[str, Entry]:
        """The models of the gallery, by id."""
        return {name: e for name, e in self.all.items() if self._able(e)}

    @property
    def models(self) -> list[str]:
        """The ids of all models, guests last."""
        return [*self.entries, *(name for name, e in list(self.guests.items()) if self._able(e))]

    def _able(self, entry: Entry) -> bool:
        return {*self.needs} <= {*entry.abilities}

    def entry(self, model_id: str) -> Entry:
        """The model's entry. ``ValueError`` for one that is not in this gallery, or can do nothing here."""
        found = isinstance(model_id, str) and (self.all.get(model_id) or self.guests.get(model_id))
        known = ", ".join(list(self.entries)[:8]) or "none"
        if not found:
            raise ValueError(f"the model {str(model_id)[:80]!r} is not in this gallery; models here: {known}")
        if not self._able(found):
            what = "pictures from pictures" if "picture" in found.abilities else "pictures from seeds"
            raise ValueError(f"{found.id} makes {what}, which is another page's; models here: {known}")
        return found

    def invite(self, name: str) -> Entry:
        """A model ``user/name[@revision]`` of the Hub, downloaded where it is not in the cache: from now on it can be drawn
        like one of the gallery, until ``MOST_GUESTS`` others came.

        Errors: ``ValueError`` for what is no Hub id; those of ``gan.gallery.entry``.
        """
        if not HUB_ID.fullmatch(name):
            raise ValueError(f"{name[:80]!r} is no model of the Hub: expected user/name or user/name@revision")
        with self._inviting:  # one download at a time; drawing goes on meanwhile
            held = next((e for e in self.guests.values() if name in (e.name, e.id)), None)
            if held is None:
                _, model_id, commit = hub.folder_of(name)
                held = entry(f"{model_id}@{commit}")  # pinned: it costs no further request
            before = {guest.folder for guest in self.guests.values()}
            self.guests[held.id] = held
            self.guests.move_to_end(held.id)
            while len(self.guests) > MOST_GUESTS:
                self.guests.popitem(last=False)
            for folder in before - {guest.folder for guest in self.guests.values()}:
                self.outbox.forget_copies(folder)
        return held

    def model(self, model_id: str) -> hub.Model:
        """The loaded model. Errors as ``entry``, and as ``hub.load``."""
        return self.engine.model(self.entry(model_id).name)

    def warm(self) -> None:
        """Loads the first model and draws once, so that the first visitor need not wait for it."""
        try:
            self.draw(View(next(iter(self.of(("seeds",)).entries)), (0,)))
        except (StopIteration, ValueError, OSError) as error:
            log.warning("not warmed up: %s", error)

    def draw(self, view: View) -> Drawn:
        """Draws a view. ``ValueError`` for a model, class or codes that are not there, and for more than a sheet holds."""
        entry, model = self.entry(view.model), self.model(view.model)
        view = replace(view, revision=model.revision)
        images = view.images(model.class_names)
        check_tiles(len(images), entry.resolution)
        draws = [Draw(one.seeds[0], model.label(one.label), one.psi, one.codes) for one in images]
        started = time.perf_counter()
        pixels = self.engine.draw(entry.name, draws)
        return Drawn(view, images, view.recipe(model.class_names), pixels, (time.perf_counter() - started) * 1000)

    def frames(self, model_id: str, walk: Walk, numbers: Sequence[int]) -> np.ndarray:
        """uint8 [N, H, W, C]: those frames of a walk. Errors as ``entry`` and ``draw_walk``."""
        return self.engine.frames(self.entry(model_id).name, walk, numbers)

    def edits(self, model: hub.Model, recipes: Sequence[EditRecipe], directions: Directions | None) -> np.ndarray:
        """uint8 [N, H, W, C]: ``gan.edit.draw_edits``, with the device taken for a chunk at a time."""
        images = [replace(recipe, seeds=recipe.seeds[k : k + 1])  # none where it starts from a picture
                  for recipe in recipes for k in range(len(recipe.seeds) or 1)]
        drawn = []
        for start in range(0, len(images), model.G.chunk_size):
            with self.engine.turn():
                drawn.append(draw_edits(model, images[start : start + model.G.chunk_size], directions))
        return np.concatenate(drawn)

    def find(self, model: hub.Model, picture: np.ndarray, told: Callable[[Projection], None] = lambda projection: None,
             **how: Any) -> Projection:
        """Where a model has a picture: ``gan.project.project``, by the model's encoder if it has one, with the device taken
        for a step at a time. ``told`` of each, which may raise to break it off."""
        steps, last = project(model.G, picture, encoder=model.encoder, **how), None
        while True:
            with self.engine.turn():
                now = next(steps, None)
            if now is None:
                return last
            last = now
            told(now)

    def save(self, drawn: Drawn) -> Path:
        """The drawn image or sheet as a PNG of ours in the outbox."""
        return save_png(self.outbox.fresh(file_name(drawn.recipe)), drawn.picture, drawn.recipe)


def file_name(recipe: SeedsRecipe | StripRecipe) -> str:
    """mymodel-seed0042.png, mymodel-seeds0-15.png, mymodel-seed0042-classes.png."""
    stem = file_stem(recipe.model)
    if isinstance(recipe, StripRecipe):
        return f"{stem}-seed{recipe.seed:04d}-{'classes' if len(recipe.labels) > 1 else 'psi'}.png"
    if len(recipe.seeds) == 1:
        return f"{stem}-seed{recipe.seeds[0]:04d}.png"
    text = seeds_text(recipe.seeds)
    if len(text) > 60:
        text = f"{recipe.seeds[0]}-and-{len(recipe.seeds) - 1}-more"
    return f"{stem}-seeds{text}.png"


def collect(extra: Sequence[str]) -> list[Entry]:
    """The models in weights/, then ``extra``. One of the same id takes the other's place.

    One on the Hub is left out with a warning where the Hub cannot be reached.
    Errors: ``ValueError``, ``FileNotFoundError`` for an extra one that is no model and no folder of models.
    """
    there = list(extra)
    for name in extra:
        if not (Path(name).is_dir() and any(Path(name).glob("*/config.json"))):
            try:
                entry(name)
            except hub.Unreachable as error:
                log.warning("left out of the gallery: %s", error)
                there.remove(name)
            except (ValueError, FileNotFoundError) as error:
                raise ValueError(f"--models {name}: {error}") from None
    return list({e.id: e for e in list_models(there)}.values())
