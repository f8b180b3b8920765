"""Scores of a generator against the pictures it was trained on, every one with the feature net that it was read in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from gan.base import Generator
from gan.engine import draw
from gan.image import from_uint8
from gan.latent import Draw
from train.data.images import Images
from train.metrics.scores import frechet_distance, kernel_distance, memorised, nearest, shares
from train.metrics.wasserstein import sliced_wasserstein

__all__ = ["closest_pairs", "fakes", "features", "how_many", "score"]

CHUNK = 50  # rows of a forward pass, always: a picture's features do not depend on how many are read
MOST = 2500  # pictures of each kind


@torch.inference_mode()
def features(net: nn.Module, pixels: np.ndarray, *, progress: bool = False) -> np.ndarray:
    """uint8 [N, H, W, C] -> float32 [N, F], by a net that reads x [n, C, H, W] in [-1, 1]."""
    parts = []
    for start in tqdm(range(0, len(pixels), CHUNK), "reading", leave=False, delay=1, disable=not progress):
        part = pixels[start : start + CHUNK]
        n = len(part)
        x = from_uint8(np.concatenate([part, np.repeat(part[-1:], CHUNK - n, 0)]))
        parts.append(net(x)[:n].numpy())
    return np.concatenate(parts)


def fakes(G: Generator, count: int, images: Images, *, progress: bool = False) -> np.ndarray:
    """Pictures of seeds 0 to count - 1, uint8 [N, H, W, C], with classes in the proportions of the data."""
    labels: list[int | None] = [None] * count
    if G.latent.classes and images.labels is not None:
        edges = np.cumsum(np.bincount(images.labels, minlength=G.latent.classes)) / len(images.labels) * count
        labels = np.searchsorted(edges, np.arange(count), side="right").tolist()
    draws = [Draw(seed, label) for seed, label in enumerate(labels)]
    starts = tqdm(range(0, count, 200), "drawing", leave=False, delay=1, disable=not progress)
    return np.concatenate([draw(G, draws[start : start + 200]) for start in starts])


def how_many(images: Images, held_out: Images | None, most: int) -> int:
    """Pictures of each kind that ``score`` compares."""
    return min(most, len(images.pixels) // 2) if held_out is None else min(most, len(images.pixels), len(held_out.pixels))


def score(G: Generator, images: Images, net: nn.Module, *, name: str, held_out: Images | None = None, most: int = MOST,
          pictures: np.ndarray | None = None, progress: bool = False) -> dict[str, Any]:
    """What ``metrics`` in training.json holds: ``features`` (name of the feature net), ``samples`` (n, pictures of each
    kind), ``against``, ``scores`` (name -> number) and ``memorised``.

    Half of the data, n pictures drawn at random, is what everything is measured against: n fakes, and as the floor the
    other n reals (``..._of_reals``), since two sets of real pictures are not alike either. Memorisation is read against
    all pictures: a fake counts where it is closer to one of them than 99 % of them are to their nearest fellow.

    With ``held_out``, pictures that the model has not seen, n of these are what everything is measured against, n training
    pictures are the floor, and a fake counts where it is closer to a training picture than 99 % of all held-out ones are.
    """
    n = how_many(images, held_out, most)
    seen = features(net, images.pixels, progress=progress)
    unseen = None if held_out is None else features(net, held_out.pixels, progress=progress)
    order = np.random.RandomState(0).permutation(len(seen))
    if held_out is None:
        rows, others, real = np.sort(order[:n]), np.sort(order[n : 2 * n]), seen
    else:
        rows, others, real = np.sort(np.random.RandomState(0).permutation(len(unseen))[:n]), np.sort(order[:n]), unseen
    if pictures is None:
        pictures = fakes(G, n, images, progress=progress)
    fake, against = features(net, pictures, progress=progress), (held_out or images).pixels[rows]
    scores: dict[str, float] = {}
    sets = (("", fake, pictures), ("_of_reals", seen[others], images.pixels[others]))
    for suffix, found, pixels in tqdm(sets, "comparing", leave=False, delay=1, disable=not progress):
        scores |= {f"{what}{suffix}": _rounded(v) for what, v in _compared(real[rows], found, against, pixels).items()}
    kind = "pictures" if held_out is None else "held-out pictures"
    return dict(features=name, samples=n, against=f"{n} {kind} of {images.name}", scores=scores,
                memorised=_rounded(memorised(fake, seen, unseen)))


def _compared(real: np.ndarray, found: np.ndarray, real_pixels: np.ndarray, found_pixels: np.ndarray) -> dict[str, float]:
    """All scores of two sets of features [N, F] and their pictures, uint8 [N, H, W, C]."""
    distance, error = kernel_distance(real, found)
    sliced = sliced_wasserstein(real_pixels, found_pixels)
    return dict(frechet_distance=frechet_distance(real, found), kernel_distance=distance, kernel_distance_error=error,
                **shares(real, found)._asdict(), **{f"sliced_wasserstein_{side}_px": v for side, v in sliced.items()})


def closest_pairs(net: nn.Module, pictures: np.ndarray, images: Images) -> np.ndarray:
    """The eight fakes that are closest to a training picture, each followed by that picture, uint8 [16, H, W, C]."""
    distance, index = nearest(features(net, pictures), features(net, images.pixels))
    chosen = np.argsort(distance)[:8]
    return np.stack([picture for i in chosen for picture in (pictures[i], images.pixels[index[i]])])


def _rounded(value: float) -> float:
    """Four digits: more are noise."""
    return float(f"{value:.4g}") if math.isfinite(value) else value
