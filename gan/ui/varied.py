"""Variations of a visitor's own pictures as the app makes them.

The browser keeps where each picture was found, as an edit's recipe, and gives it back whenever something is drawn from it:
here neither the pictures nor what was made of them outlasts an answer.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from shlex import quote
from typing import Any

import numpy as np

from gan import hub
from gan.augment import Order, check_room, estimate
from gan.dataset import check_form, pack
from gan.directions import load_directions
from gan.hub.contents import sha256
from gan.picture import read_picture
from gan.project import Point, Projection, check_point
from gan.recipe import EditRecipe, from_json
from gan.ui.edits import field
from gan.ui.outbox import file_stem
from gan.ui.parts.code import python_call
from gan.ui.sets import check_packing
from gan.ui.studio import Studio
from gan.vary import Given, Variations, first_recipes, vary, write_card

__all__ = ["MOST_PICTURES", "Varied", "check_much", "code_of", "find_picture", "pack_varied", "preview", "varied_of"]

MOST_PICTURES = 20
MOST = 1000  #         images of a set,
MOST_BYTES = 10**7  #  which travels inside the answer
SHOWN = 6  #           of each picture: as the model has it, and the first variations


@dataclass(frozen=True)
class Varied:
    """Pictures that were found in a model, and the variations that are asked for."""

    model: hub.Model
    pictures: tuple[Given, ...]
    asked: Variations

    @property
    def total(self) -> int:
        return self.asked.each * len(self.pictures)


def find_picture(studio: Studio, model: hub.Model, data: bytes,
                 told: Callable[[Projection], None] = lambda now: None) -> Given:
    """Where a model has an uploaded picture. Errors: as ``read_picture``, and those of ``told``."""
    pixels = read_picture(data, model.G.resolution, model.G.channels)
    return Given(sha256(data), None, studio.find(model, pixels, told).points[0])


def varied_of(studio: Studio, asked: Any) -> Varied:
    """What the browser asks for. ``ValueError`` for what is none of it, and for more than travels in an answer."""
    model = studio.model(field(asked, "model"))
    found = field(asked, "found")
    if not isinstance(found, list):
        raise ValueError("choose a picture of yours first")
    each, strength = asked.get("each"), asked.get("strength")
    if type(each) is not int or type(strength) not in (int, float) or not math.isfinite(strength):
        raise ValueError("the number of variations is a whole number, and their strength a number from 0 to 1")
    wanted = Variations(each, asked.get("way"), float(strength))
    check_much(len(found), wanted)
    return Varied(model, tuple(_given(model, text) for text in found), wanted)


def check_much(pictures: int, asked: Variations) -> None:
    """``ValueError`` for no picture, and for more than travels in an answer."""
    if not 1 <= pictures <= MOST_PICTURES:
        raise ValueError(f"1 to {MOST_PICTURES} pictures are varied here at a time: the command line takes more")
    if asked.each * pictures > MOST:
        raise ValueError(f"{asked.each * pictures:,} images are too many for one download, at most {MOST:,}: on your own "
                         "machine the command line draws any number")


def _given(model: hub.Model, text: Any) -> Given:
    """The picture in the recipe that says where it was found."""
    recipe = from_json(str(text))
    if not isinstance(recipe, EditRecipe) or recipe.latent is None:
        raise ValueError("this picture was not found in a model yet: choose it again")
    if (recipe.model, recipe.revision) != (model.id, model.revision):
        raise ValueError(f"this picture was found in {recipe.model[:80]}: choose it again for {model.id}")
    point = Point(recipe.latent, model.label(recipe.label))
    check_point(model.G, point)
    return Given(recipe.source, None, point)


def preview(studio: Studio, varied: Varied) -> tuple[np.ndarray, int]:
    """(uint8 [N, H, W, C]: of each picture in turn how the model has it and its first variations; how many that is each)."""
    directions = load_directions(studio.entry(varied.model.id).folder, varied.model.G)
    recipes = first_recipes(varied.model, varied.pictures, varied.asked, directions, SHOWN)
    return studio.edits(varied.model, recipes, directions), len(recipes) // len(varied.pictures)


def pack_varied(studio: Studio, varied: Varied, form: Any, report: Callable[[int, int], None]) -> tuple[str, bytes]:
    """(file name, the packed set); ``report(done, total)`` may raise to break it off. Nothing of it is left on this disk.

    Errors: ``ValueError`` for a form that is none, and a set that is too large.
    """
    check_packing(form)
    model = varied.model
    out = studio.outbox.fresh(f"{file_stem(model.id)}-{varied.total}-variations{form}")
    try:
        check_form(out)
        with studio.engine.turn():
            needed = estimate(model, Order((varied.total,)))
        if needed > MOST_BYTES:
            raise ValueError(f"these will take about {needed / 1e6:,.0f} MB, at most {MOST_BYTES / 1e6:,.0f} are sent from "
                             "here: ask for fewer, or draw them with the command line")
        check_room(out.parent, 2 * needed)
        folder = out.with_name("set")
        directions = load_directions(studio.entry(model.id).folder, model.G)
        for told in vary(model, varied.pictures, varied.asked, folder, directions, turn=studio.engine.turn):
            report(int(told.done), varied.total)
        write_card(folder, model, varied.asked, len(varied.pictures), command_of(varied, form))
        for done in pack(folder, out, model.class_names):
            report(done, varied.total)
        return out.name, out.read_bytes()
    finally:
        shutil.rmtree(out.parent, ignore_errors=True)


def command_of(varied: Varied, form: str = ".zip") -> str:
    """The same from the command line."""
    asked = varied.asked
    return (f"python -m gan augment {quote(varied.model.id)} --from-pictures my-pictures --each {asked.each} "
            f"--way {asked.way} --strength {asked.strength:g} --out set{form}")


def code_of(varied: Varied) -> dict[str, str]:
    """What "copy as code" shows."""
    asked = varied.asked
    call = python_call("made", f'model={varied.model.id!r}, pictures=[handle_file("picture.png")], each={asked.each}, '
                               f"way={asked.way!r}, strength={asked.strength:g}", "vary")
    python = (f"import base64\n\n{call}\n"
              "open(made[\"name\"], \"wb\").write(base64.b64decode(made[\"file\"]))")
    return {"Command line": command_of(varied), "Python": python}
