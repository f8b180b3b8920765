"""Variations of somebody's own pictures, as a set: each picture is found in the model, and latents near it are drawn.

Of the pictures themselves nothing is stored: their sha256 stands in each variation's recipe and line of metadata, and the
place where the model has them in the recipe. Like any set of ``gan.augment`` it can be killed and gone on with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from torch import Tensor

from gan import hub
from gan.augment import METADATA, SLICE, write_image
from gan.begun import begin
from gan.dataset import CARD, FRONT, IMAGES
from gan.directions import Directions
from gan.edit import draw_edits
from gan.files import json_line, object_in, whole_lines, write_text
from gan.hub.contents import sha256
from gan.latent import MAX_SEED, Draw, check_seed, inputs_of, slerp, to_w
from gan.picture import read_bytes, read_picture
from gan.project import DECIMALS, Point, project
from gan.recipe import EditRecipe, Move

__all__ = ["STRENGTH", "Given", "Told", "Variations", "Way", "first_recipes", "read_pictures", "start_of",
           "vary", "write_card"]

Way = Literal["neighbours", "mix", "walk"]
STRENGTH = 0.3
MOST_PICTURES = 1000
MOST_EACH = 10_000
POINTS = ".points.jsonl"  # where the model has the pictures: looked for once


class Given(NamedTuple):
    """A picture as the model reads it."""

    source: str  #                 sha256 of the file
    pixels: np.ndarray | None  #   uint8 [R, R, C]; None where it was found before
    point: Point | None = None  #  where the model has it; None = it is looked for


@dataclass(frozen=True)
class Variations:
    """What is asked for."""

    each: int  #                 variations of each picture
    way: Way = "neighbours"  #   beside it; on the way to a random seed's picture; along the model's directions
    strength: float = STRENGTH  # 0 = the picture as the model draws it, 1 = as far as two of the model's pictures are apart
    first_seed: int = 0

    def __post_init__(self):
        if not 1 <= self.each <= MOST_EACH:
            raise ValueError(f"of each picture 1 to {MOST_EACH:,} variations are made, got {self.each:,}")
        if self.way not in get_args(Way):
            raise ValueError(f"way must be one of {', '.join(get_args(Way))}, got {str(self.way)[:40]}")
        if not 0 < self.strength <= 1:
            raise ValueError(f"strength must be over 0 and at most 1, got {self.strength}")
        check_seed(self.first_seed)

    def record(self, model: hub.Model, pictures: Sequence[Given]) -> dict[str, Any]:
        """As ``Order.record``."""
        return {"model": model.id, "revision": model.revision, **asdict(self), "sources": [p.source for p in pictures]}


class Told(NamedTuple):
    """How far it has come."""

    what: str  #    "pictures found" or "images"
    done: float
    total: int


def read_pictures(folder: Path, model: hub.Model) -> tuple[list[Given], list[str]]:
    """(the pictures under a folder, sorted by name, each once; why others were left out).

    Errors: ``ValueError`` for what is no folder, holds no picture that can be read, or too many.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder of pictures")
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in IMAGES and f.is_file())
    if len(files) > MOST_PICTURES:
        raise ValueError(f"{folder.name} holds {len(files):,} pictures, at most {MOST_PICTURES:,} are varied at a time")
    found: dict[str, Given] = {}
    left_out = []
    for file in files:
        data = read_bytes(file)
        try:
            pixels = read_picture(data, model.G.resolution, model.G.channels)
            found.setdefault(source := sha256(data), Given(source, pixels))
        except ValueError as error:
            left_out.append(f"{file.name}: {error}")
    if not found:
        raise ValueError(f"there is no picture that can be read in {folder.name}" + "".join(f"; {w}" for w in left_out[:1]))
    return list(found.values()), left_out


def vary(model: hub.Model, pictures: Sequence[Given], asked: Variations, folder: Path,
         directions: Directions | None = None, *,
         turn: Callable[[], AbstractContextManager] = nullcontext) -> Iterator[Told]:
    """Draws the variations into a folder, ``<class>/<number>.png`` (``images/`` without classes) and ``metadata.jsonl``,
    ``SLICE`` inside a ``turn()``. A folder in which the same was begun is gone on with, to the same files.

    Errors: ``ValueError`` for a model that cannot find pictures or has no directions to walk along, and a folder that holds
    anything else; ``OSError``.
    """
    total = asked.each * len(pictures)
    if asked.first_seed + total - 1 > MAX_SEED:
        raise ValueError(f"the seeds end at {MAX_SEED}: take a smaller first seed")
    _check_way(model, asked, directions)
    begin(folder, asked.record(model, pictures))
    points = [Point(tuple(row["latent"]), row["label"]) for row in map(json.loads, whole_lines(folder / POINTS))]
    for k in range(len(points), len(pictures)):
        point = pictures[k].point
        if point is None:
            for last in project(model.G, pictures[k].pixels, encoder=model.encoder):
                yield Told("pictures found", k + last.done / last.steps, len(pictures))
            point = last.points[0]
        points.append(point)
        _append(folder / POINTS, [asdict(point)])
    done = sum(1 for _ in whole_lines(folder / METADATA))
    while done < total:
        numbers = range(done, min(done + SLICE, total))
        recipes = [_recipe(model, pictures[n // asked.each].source, points[n // asked.each], asked, n, directions)
                   for n in numbers]
        with turn():
            drawn = draw_edits(model, recipes, directions)
        lines = []
        for number, recipe, pixels in zip(numbers, recipes, drawn):
            lines.append({**write_image(folder, number, pixels, recipe, model.class_names, recipe.label),
                          "seed": asked.first_seed + number, "source": recipe.source})
        _append(folder / METADATA, lines)
        done += len(lines)
        yield Told("images", done, total)


def _check_way(model: hub.Model, asked: Variations, directions: Directions | None) -> None:
    if asked.way == "walk" and directions is None:
        raise ValueError(f"{model.id} comes without directions: python -m gan directions finds them")


def first_recipes(model: hub.Model, pictures: Sequence[Given], asked: Variations, directions: Directions | None,
                  most: int) -> list[EditRecipe]:
    """Of each picture, which were found before: the picture as the model draws it, then the first of its variations, as the
    whole set will have them; ``most`` of both. Errors: as ``vary``."""
    _check_way(model, asked, directions)
    found = []
    for k, (source, _, point) in enumerate(pictures):
        numbers = range(k * asked.each, k * asked.each + min(asked.each, most - 1))
        found += [start_of(model, source, point), *(_recipe(model, source, point, asked, n, directions) for n in numbers)]
    return found


def start_of(model: hub.Model, source: str, point: Point) -> EditRecipe:
    """The picture as the model draws it."""
    label = None if point.label is None else model.class_names[point.label]
    return EditRecipe(model.id, model.revision, label=label, source=source, latent=point.latent)


def _recipe(model: hub.Model, source: str, point: Point, asked: Variations, number: int,
            directions: Directions | None) -> EditRecipe:
    """The variation of that number: its seed decides whereto."""
    seed, recipe = asked.first_seed + number, start_of(model, source, point)
    if asked.way == "walk":
        amounts = asked.strength * np.random.RandomState(seed).randn(len(directions))
        moves = tuple(Move(k, round(float(amount), DECIMALS)) for k, amount in enumerate(amounts))
        return replace(recipe, moves=moves)
    moved = _moved(model, point, seed, asked)
    return replace(recipe, latent=tuple(round(float(v), DECIMALS) for v in moved))


@torch.no_grad()
def _moved(model: hub.Model, point: Point, seed: int, asked: Variations) -> Tensor:
    """[V] the latent of the variation. Where mapping is learned the seed's w, less the mean of its class, says whereto; else
    its noise, and the result stays as long as noise is. Codes stay as they are."""
    G, at, s = model.G, torch.tensor(point.latent), asked.strength
    z, c, _ = inputs_of(G, [Draw(seed, point.label)])
    if G.w_mean is not None:
        other = to_w(G, z, c, z.new_ones(1)).mean(1)[0].cpu()
        return torch.lerp(at, other, s) if asked.way == "mix" else at + s * (other - G.w_mean[point.label or 0].cpu())
    n, own, noise = G.latent.noise, at[: G.latent.noise], z[0, : G.latent.noise].cpu()
    if asked.way == "mix":
        own = slerp(own[None], noise[None], torch.tensor([s]))[0]
    else:
        own = (1 - s * s) ** 0.5 * own + s * noise
    return torch.cat([own, at[n:]])


def _append(path: Path, rows: Sequence[dict]) -> None:
    with open(path, "ab") as file:
        file.write(b"".join(map(json_line, rows)))


def write_card(folder: Path, model: hub.Model, asked: Variations, pictures: int, command: str) -> None:
    """Writes the set's card into its folder."""
    data = object_in(model.training, "data")
    write_text(folder / CARD, f"""{FRONT}# {asked.each * pictures:,} variations of {pictures:,} pictures, drawn by {model.id}

Every image here was drawn by the generator `{model.id}`, revision `{model.revision}`, near the place where it finds one of
the pictures; the pictures themselves are not here. Each line of `{METADATA}` names its picture by the sha256 of its file.

- way: {asked.way}; strength {asked.strength:g}; seeds from {asked.first_seed} on, one an image
- The generator was trained on {data.get("name", "data that is not stated")} ({data.get("licence") or "licence not stated"}).
  That licence goes on to these images, as do the rights in the pictures that they vary.
- Made by `{command}`; on the same machine the same command makes the same files.
""")
