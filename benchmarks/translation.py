"""python -m benchmarks.translation: pictures made from pictures, on those that the training held out, in numbers.

For every model the mean absolute distance to the target, in levels of 0 to 255, over the whole picture or, where there is a
hole, in the hole; and the Frechet distance, in the features ``own``, between what is made and the targets. Where the task is
to fill holes, a plain fill stands beside it: the mean colour of what is left of the picture.

  python -m benchmarks.translation --data cats64.zip --models cats64-inpaint
  python -m benchmarks.translation --data facades128.zip --models facades128-pix2pix runs/l1/export --sheet facades.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.scoreboard import main
from gan import hub
from gan.base import Batch, Inputs
from gan.degrade import Degrade, task_of
from gan.engine import draw_inputs
from gan.image import contact_sheet, to_pil, to_uint8
from train.data.images import Images, load_images
from train.data.part import hold_out
from train.data.stream import Stream
from train.features import OWN, load_features
from train.metrics.reading import features
from train.metrics.scores import frechet_distance
from train.recipes import RECIPES

MOST = 1000  # pictures
SHOWN = 8  #   rows of the sheet


def parts_of(model: hub.Model, data: str) -> tuple[Images, Images]:
    """The pictures that a model was trained on, and those that it never saw. ``ValueError`` where it saw all."""
    share = model.training.get("data", {}).get("held_out")
    if not share:
        raise ValueError(f"{model.id} was trained without --hold-out: there are no pictures that it has not seen")
    recipe = RECIPES.get(model.training.get("recipe"))
    images = load_images(data, resolution=model.G.resolution, pairs=recipe is not None and recipe.pairs)
    return hold_out(images, share)


def held_out_of(model: hub.Model, data: str, most: int = MOST) -> Batch:
    """x, c and y of at most so many of the pictures that the training of a model never saw. ``ValueError`` as above."""
    trained, held = parts_of(model, data)
    return Stream(trained, seed=0, source=task_of(model.G.source, model.G.channels), held_out=held).shown(most)


def write_sheet(path: Path, model: hub.Model, y: Tensor, rows: Iterable[np.ndarray], real: np.ndarray) -> None:
    """A row of each: what was read, all that was made of it, the real pictures."""
    read = to_uint8(task_of(model.G.source, model.G.channels).shown(y[:SHOWN], model.G.channels))
    tiles = np.concatenate([read, *(found[:SHOWN] for found in rows), real[:SHOWN]])
    to_pil(contact_sheet(tiles, columns=SHOWN)).save(path)


def plainly_filled(y: Tensor) -> np.ndarray:
    """uint8 [N, H, W, C]: the holes of y [N, C + 1, H, W] in the mean colour of the rest."""
    hole = (y[:, -1:] + 1) / 2
    mean = y[:, :-1].sum((2, 3), keepdim=True) / (1 - hole).sum((2, 3), keepdim=True).clamp(min=1)
    return to_uint8(y[:, :-1] + hole * mean)


def distance(real: np.ndarray, found: np.ndarray, counts: np.ndarray) -> float:
    """Mean absolute difference in levels of uint8 [N, H, W, C], where ``counts`` [N, H, W, 1] is true."""
    counts = np.broadcast_to(counts, real.shape)
    return float(np.abs(real.astype(np.int16) - found)[counts].mean())


def work(args: argparse.Namespace) -> None:
    models = [hub.load(name) for name in args.models]
    task: Degrade = task_of(models[0].G.source, models[0].G.channels)
    x, c, y = held_out_of(models[0], args.data)
    real, holes = to_uint8(x), task.gives == "hole"
    counts = to_uint8(y)[..., -1:] > 127 if holes else np.ones((*real.shape[:3], 1), bool)
    rows = {"a plain fill": plainly_filled(y)} if holes else {}
    for name, model in zip(args.models, models):
        z = torch.zeros(len(y), model.G.latent.dim)
        rows[name] = draw_inputs(model.G, Inputs(z, c if model.G.latent.classes else None, y))
    net = load_features(OWN)
    of_real = features(net, real)
    print(f"{len(real):,} held-out pictures\n\n| | L1{' in the hole' if holes else ''} | Frechet distance |\n|---|---|---|")
    for name, found in rows.items():
        apart = frechet_distance(of_real, features(net, found))
        print(f"| {name} | {distance(real, found, counts):.2f} | {apart:.2f} |", flush=True)
    if args.sheet:
        write_sheet(args.sheet, models[0], y, rows.values(), real)


def parser(name: str, description: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(f"python -m benchmarks.{name}", description=description,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="the pictures of which a part was held out")
    p.add_argument("--models", nargs="+", required=True, help="names in weights/, folders, or Hub ids, of one task")
    p.add_argument("--sheet", type=Path, metavar="PNG", help="write a row of each: read, made by every model, real")
    return p


if __name__ == "__main__":
    sys.exit(main(work, parser("translation", __doc__)))
