"""Scores of a generator against the pictures it was trained on, every one with the feature net that it was read in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gan.base import Generator
from gan.engine import draw
from gan.image import from_uint8
from gan.latent import Draw
from train.data.images import Images
from train.features import FeatureNet
from train.metrics.scores import frechet_distance, kernel_distance, memorised, nearest, shares

__all__ = ["closest_pairs", "fakes", "features", "how_many", "score"]

CHUNK = 50  # rows of a forward pass, always: a picture's features do not depend on how many are read
MOST = 2500  # pictures of each kind
Progress = Callable[[int, int], None]


@torch.inference_mode()
def features(net: FeatureNet, pixels: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] -> float32 [N, F]."""
    parts = []
    for start in range(0, len(pixels), CHUNK):
        part = pixels[start : start + CHUNK]
        n = len(part)
        x = from_uint8(np.concatenate([part, np.repeat(part[-1:], CHUNK - n, 0)]))
        parts.append(net(x)[:n].numpy())
    return np.concatenate(parts)


def fakes(G: Generator, count: int, images: Images, progress: Progress | None = None) -> np.ndarray:
    """Pictures of seeds 0 to count - 1, uint8 [N, H, W, C], with classes in the proportions of the data."""
    labels: list[int | None] = [None] * count
    if G.latent.classes and images.labels is not None:
        edges = np.cumsum(np.bincount(images.labels, minlength=G.latent.classes)) / len(images.labels) * count
        labels = np.searchsorted(edges, np.arange(count), side="right").tolist()
    draws, parts = [Draw(seed, label) for seed, label in enumerate(labels)], []
    for start in range(0, count, 200):
        parts.append(draw(G, draws[start : start + 200]))
        if progress:
            progress(min(start + 200, count), count)
    return np.concatenate(parts)


def how_many(images: Images, held_out: Images | None, most: int = MOST) -> int:
    """Pictures of each kind that ``score`` compares."""
    return min(most, len(images.pixels) // 2) if held_out is None else min(most, len(images.pixels), len(held_out.pixels))


def score(G: Generator, images: Images, net: FeatureNet, *, name: str, held_out: Images | None = None, most: int = MOST,
          pictures: np.ndarray | None = None, progress: Progress | None = None) -> dict[str, Any]:
    """What ``metrics`` in training.json holds: ``features`` (name of the feature net), ``samples`` (n, pictures of each
    kind), ``against``, ``scores`` (name -> number) and ``memorised``.

    Half of the data, n pictures drawn at random, is what everything is measured against: n fakes, and as the floor the
    other n reals (``..._of_reals``), since two sets of real pictures are not alike either. Memorisation is read against
    all pictures: a fake counts where it is closer to one of them than 99 % of them are to their nearest fellow.

    With ``held_out``, pictures that the model has not seen, n of these are what everything is measured against, n training
    pictures are the floor, and a fake counts where it is closer to a training picture than 99 % of all held-out ones are.
    """
    n = how_many(images, held_out, most)
    everything = features(net, images.pixels)
    order = np.random.RandomState(0).permutation(len(everything))
    if held_out is None:
        unseen, real, other = None, everything[np.sort(order[:n])], everything[np.sort(order[n : 2 * n])]
    else:
        unseen = features(net, held_out.pixels)
        real, other = unseen[np.sort(np.random.RandomState(0).permutation(len(unseen))[:n])], everything[np.sort(order[:n])]
    if pictures is None:
        pictures = fakes(G, n, images, progress)
    fake = features(net, pictures)
    scores = {**_compared(real, fake), **{f"{what}_of_reals": value for what, value in _compared(real, other).items()}}
    kind = "pictures" if held_out is None else "held-out pictures"
    return dict(features=name, samples=n, against=f"{n} {kind} of {images.name}",
                scores={what: _rounded(value) for what, value in scores.items()},
                memorised=_rounded(memorised(fake, everything, unseen)))


def _compared(real: np.ndarray, found: np.ndarray) -> dict[str, float]:
    distance, error = kernel_distance(real, found, subsets=50)
    return dict(frechet_distance=frechet_distance(real, found), kernel_distance=distance, kernel_distance_error=error,
                **shares(real, found)._asdict())


def closest_pairs(net: FeatureNet, pictures: np.ndarray, images: Images, count: int = 8) -> np.ndarray:
    """The fakes that are closest to a training picture, each followed by that picture, uint8 [2 count, H, W, C]."""
    distance, index = nearest(features(net, pictures), features(net, images.pixels))
    chosen = np.argsort(distance)[:count]
    return np.stack([picture for i in chosen for picture in (pictures[i], images.pixels[index[i]])])


def _rounded(value: float) -> float:
    """Four digits: more are noise."""
    return float(f"{value:.4g}") if math.isfinite(value) else value
