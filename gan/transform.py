"""A picture made from a picture: what a model reads of what somebody gives, drawn as everything else is drawn.

The model says what it does: ``G.source.made`` is a task of ``gan.degrade``. Most tasks see a picture as a whole, at the
model's resolution. Where a task is local (super-resolution, deblurring) a picture of any size is cut into tiles that
overlap. Where two tiles meet the result goes over from one to the other along a straight line, and the outermost pixels of
a tile, which know nothing of what lies beyond, count for nothing: so that no seam is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan import hub
from gan.base import Generator
from gan.degrade import Degrade, task_of
from gan.engine import draw
from gan.hub.contents import sha256
from gan.image import from_uint8
from gan.latent import Draw
from gan.picture import Box, read_picture, read_whole, remarks
from gan.recipe import TransformRecipe

__all__ = ["Given", "MOST_PX", "Made", "hole_of", "task_for", "transform", "transformed"]

MOST_PX = 2**25  #  pixels of a result: what a tiled picture becomes is held in memory as a whole
OVERLAP = 4  #      neighbouring tiles share a quarter of their side at the least,
RIM = 4  #          and a quarter of that, on either side, is not used
FIRST = Draw(0)  # what a model draws that reads nothing but the picture
Drawing = Callable[[Sequence[Draw], Tensor], np.ndarray]  # draws, y [N, Cy, h, w] -> uint8 [N, H, W, C]
Report = Callable[[int, int], None]  # tiles done, of so many; it may raise to break the work off


@dataclass(frozen=True)
class Given:
    """What somebody gives a model to work on."""

    data: bytes  #                       of an encoded picture
    box: Box | None = None  #            the part that counts; None = its central square, or all where the task is local
    hole: np.ndarray | None = None  #    bool [h, w] at the size that the model reads, True where it shall be filled
    seed: int = 0  #                     for a model that reads noise as well
    label: str | None = None  #          class name: for a model with classes, what the picture becomes


@dataclass(frozen=True)
class Made:
    """What came of it."""

    read: np.ndarray  #      uint8 [h, w, C]: the picture as the model read it
    pixels: np.ndarray  #    uint8 [H, W, C]: what it made of it
    recipe: TransformRecipe
    notes: tuple[str, ...]  # what of the file was not read


def task_for(model: hub.Model) -> Degrade:
    """What a model does with a picture. ``ValueError`` for one that draws from seeds."""
    if model.G.source is None:
        raise ValueError(f"{model.id} draws pictures from seeds and reads none: choose one that makes them from pictures")
    return task_of(model.G.source, model.G.channels)


def transform(model: hub.Model, given: Given, *, by: Drawing | None = None, report: Report = lambda done, total: None,
              most_px: int = MOST_PX) -> Made:
    """Makes a picture from what is given; ``by`` draws in the place of ``gan.engine.draw``, with the same pixels.

    Errors: ``ValueError`` in one line for a model that reads no picture, what is no usable picture, an empty drawing, a hole
    that is missing, empty or everything, a class that is missing or not there, and a result of more than ``most_px``.
    """
    task, G = task_for(model), model.G
    draws = Draw(given.seed, _label(model, given.label))
    side = G.resolution // G.source.scale
    if task.local:
        read = read_whole(given.data, side, G.channels, given.box)
        height, width = (n * G.source.scale for n in read.shape[:2])
        if height * width > most_px:
            raise ValueError(f"the result would have {width:,} x {height:,} pixels, more than {most_px / 1e6:.1f} million: "
                             "make the picture smaller first, or give a part of it")
    else:
        read = read_picture(given.data, side, G.channels, given.box)
    _check(task, read, given.hole)
    pixels = transformed(G, task, read, hole=given.hole, of=draws, by=by, report=report)
    return Made(read, pixels, _recipe(model, task, given), tuple(remarks(given.data)))


def transformed(G: Generator, task: Degrade, read: np.ndarray, *, hole: np.ndarray | None = None, of: Draw = FIRST,
                by: Drawing | None = None, report: Report = lambda done, total: None) -> np.ndarray:
    """uint8 [H, W, C] of a picture uint8 [h, w, C] that is read already: see ``transform``. A hole alone is changed."""
    by = by or partial(draw, G)
    x = from_uint8(read.copy()[None])
    mask = None if hole is None else torch.from_numpy(hole.astype(np.float32))[None, None]
    y = task.given(x, mask)
    if task.local:
        return _tiled(G, y, of, by, report)
    report(0, 1)
    pixels = by([of], y)[0]
    return pixels if hole is None else np.where(hole[..., None], pixels, read)


def _tiled(G: Generator, y: Tensor, of: Draw, by: Drawing, report: Report) -> np.ndarray:
    """uint8 [s h, s w, C] of y [1, Cy, h, w], tile by tile."""
    side, scale = G.resolution // G.source.scale, G.source.scale
    height, width = y.shape[2:]
    y = F.pad(y, (0, max(0, side - width), 0, max(0, side - height)), mode="replicate")  # no smaller than a tile
    rows, columns = (_cuts(n, side) for n in y.shape[2:])
    places = [(top, left) for top in rows for left in columns]
    down, across = (_shares(starts, side * scale, scale) for starts in (rows, columns))
    out = np.zeros((y.shape[2] * scale, y.shape[3] * scale, G.channels), np.float32)
    for done in range(0, len(places), G.chunk_size):
        report(done, len(places))
        some = places[done : done + G.chunk_size]
        tiles = by([of] * len(some), torch.cat([y[:, :, top : top + side, left : left + side] for top, left in some]))
        for (top, left), tile in zip(some, tiles):
            part = out[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
            part += tile * down[top][:, None, None] * across[left][None, :, None]
    return np.clip(np.round(out[: height * scale, : width * scale]), 0, 255).astype(np.uint8)


def _cuts(length: int, side: int) -> list[int]:
    """Where tiles of that side begin, evenly spread over a length, two neighbours sharing ``side // OVERLAP`` or more."""
    count = math.ceil((length - side) / (side - side // OVERLAP)) + 1
    return [round(k * (length - side) / max(1, count - 1)) for k in range(count)]


def _shares(starts: Sequence[int], side: int, scale: int) -> dict[int, np.ndarray]:
    """Start -> float32 [side]: how much a tile counts along one axis of the result; over a pixel's tiles it sums to 1."""
    overlap = side // OVERLAP
    rim = overlap // RIM
    ramp = np.clip((np.arange(overlap) - rim + 0.5) / (overlap - 2 * rim), 0, 1)
    length = starts[-1] * scale + side
    total = np.zeros(length)
    shares = {}
    for start in starts:
        share = np.ones(side)
        if start != starts[0]:
            share[:overlap] = ramp
        if start != starts[-1]:
            share[side - overlap :] = ramp[::-1]
        shares[start] = share
        total[start * scale : start * scale + side] += share
    return {start: (share / total[start * scale : start * scale + side]).astype(np.float32)
            for start, share in shares.items()}


def hole_of(data: bytes, model: hub.Model) -> np.ndarray:
    """bool [h, w] of a picture that is white where the hole is. Errors: those of ``gan.picture.read_picture``."""
    return read_picture(data, model.G.resolution // model.G.source.scale, 1)[..., 0] > 127


def _check(task: Degrade, read: np.ndarray, hole: np.ndarray | None) -> None:
    if task.gives == "drawing" and (read == read[0, 0]).all():
        raise ValueError("there is nothing on this drawing: draw a few lines, dark on white")
    if (hole is None) == (task.gives == "hole"):
        raise ValueError("say where the hole is: this model fills one, in a picture" if hole is None else
                         "this model fills no holes: give it the picture alone")
    if hole is not None and (hole.shape != read.shape[:2] or not hole.any() or hole.all()):
        raise ValueError("paint the hole first: there is none" if not hole.any() else
                         "nothing of the picture is left outside the hole" if hole.all() else
                         f"the hole must be {list(read.shape[:2])} pixels, got {list(hole.shape)}")


def _label(model: hub.Model, name: str | None) -> int | None:
    if name is None and model.class_names:
        raise ValueError(f"say what the picture shall become: {model.id} makes {', '.join(model.class_names[:20])}")
    return model.label(name)


def _recipe(model: hub.Model, task: Degrade, given: Given) -> TransformRecipe:
    """What a PNG of the result carries: of the picture, its sha256."""
    parameters = [(field.name, getattr(task, field.name)) for field in fields(task)]
    if given.box is not None:
        parameters += zip(("left", "top", "side"), given.box)
    if given.hole is not None:
        parameters.append(("hole", sha256(np.packbits(given.hole).tobytes())))
    return TransformRecipe(model.id, model.revision, type(task).__name__.lower(), sha256(given.data),
                           tuple(parameters), given.seed if model.G.latent.dim else None, given.label)

