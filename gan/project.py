"""From a picture to the latent that draws it, by optimisation: what a model can draw of it, and how near it comes.

A picture is projected by descending on its distance to G's picture (Abdal, Qin and Wonka 2019, arXiv:1904.03189, sec. 4). The
landscape has many valleys, so several descents go side by side, from the best of many seeds. The distance compares the
pictures and their edges at several scales: coarse ones pull from far away, fine ones settle the rest. Latents are kept where
the model's own lie: beyond, a net draws anything, but no edit looks like the model any more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.base import Generator
from gan.directions import step_size
from gan.engine import CHUNK
from gan.image import to_uint8
from gan.latent import Draw, latents, to_w

__all__ = ["Point", "Projection", "fill_hole", "project", "w_of"]

CANDIDATES = 256  #  seeds 0, 1, ... that the descents start from the best of
STARTS = 8  #        descents side by side, at the least
STEPS = 250
SIEVE = {0.2: 2, 0.6: 1}  # after that part of the steps, so many descents for each proposal go on
RATE = 0.1
SHOWN_EVERY = 10  #  steps between two reports
DECIMALS = 4  #      of a latent's numbers: they are written into recipes


@dataclass(frozen=True)
class Point:
    """A place in a model's latent space: w [D], the same in every layer, where mapping is learned; else z [Z]."""

    latent: tuple[float, ...]
    label: int | None = None  # class index, None without classes


@dataclass(frozen=True)
class Projection:
    """How far a projection has come."""

    done: int
    steps: int
    points: tuple[Point, ...]  # the best first; more than one where proposals were asked for
    pictures: np.ndarray  #      uint8 [P, H, W, C], drawn from the points
    error: float  #              mean absolute difference of the first to the picture, in [0, 1], where it was compared
    mean_error: float  #         the same of the model's mean picture

    @property
    def share(self) -> float:
        """How much of the picture the model can draw: the part of the mean picture's error that is gone, 0 to 1."""
        return max(0.0, 1 - self.error / self.mean_error) if self.mean_error else 1.0


def w_of(G: Generator, points: list[Point]) -> Tensor:
    """w [N, L, D] of the points, on G's device. ``ValueError`` where they do not fit the model."""
    size = G.latent.dim if G.w_mean is None else step_size(G)
    for point in points:
        if len(point.latent) != size or not all(map(math.isfinite, point.latent)):
            raise ValueError(f"a latent of this model is {size} numbers, got {len(point.latent)}")
        if (point.label is None) != (not G.latent.classes) or point.label is not None and not (
                0 <= point.label < G.latent.classes):
            raise ValueError(f"class {point.label} is out of range: this model has {G.latent.classes or 'no'} classes")
    device = next(G.parameters()).device
    values = torch.tensor([p.latent for p in points], dtype=torch.float32, device=device)
    labels = torch.tensor([p.label for p in points], device=device) if G.latent.classes else None
    return _w(G, values, labels)


def _w(G: Generator, values: Tensor, c: Tensor | None) -> Tensor:
    return G.mapping(values, c) if G.w_mean is None else values[:, None].expand(-1, G.num_ws, -1)


def project(G: Generator, picture: np.ndarray, *, mask: np.ndarray | None = None, label: int | None = None,
            proposals: int = 1, steps: int = STEPS) -> Iterator[Projection]:
    """Looks for the latents that draw a picture, and tells of its progress; the last one told is the result.

    ``picture`` uint8 [R, R, C] at the model's resolution; ``mask`` bool [R, R], True where it counts; ``label`` a class
    index, None = whichever starts best. Between two reports lies less than a second of a small model's work: closing the
    iterator cancels. The same picture gives the same result on one machine. G must be in evaluation mode.
    Errors: ``ValueError`` for a picture or a mask that does not fit, or a mask that leaves nothing.
    """
    step_size(G)
    target, weight = _prepared(G, picture, mask)
    search = _Search(G, target, weight, label, proposals)
    sieve = {int(part * steps): survivors * proposals for part, survivors in SIEVE.items()}
    for done in range(steps + 1):
        if done in sieve:
            search.sift(sieve[done])
        if done % SHOWN_EVERY == 0 or done == steps:
            yield search.told(done, steps)
        if done < steps:
            search.step(done / steps)


def _prepared(G: Generator, picture: np.ndarray, mask: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """target [1, C, H, W] in [-1, 1] and its weight [1, 1, H, W]."""
    side = G.resolution
    if picture.shape != (side, side, G.channels) or picture.dtype != np.uint8:
        raise ValueError(f"expected a picture [{side}, {side}, {G.channels}] uint8, got {list(picture.shape)} {picture.dtype}")
    if mask is not None and (mask.shape != (side, side) or not mask.any()):
        raise ValueError("nothing of the picture is left outside the hole" if mask.shape == (side, side) else
                         f"expected a mask [{side}, {side}], got {list(mask.shape)}")
    device = next(G.parameters()).device
    target = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float().div(127.5).sub(1)
    weight = torch.ones(1, 1, side, side) if mask is None else torch.from_numpy(mask.astype(np.float32))[None, None]
    return target.to(device), weight.to(device)


class Pyramid:
    """The picture, averaged over 1, 2, 4, ... px down to 4 x 4, and its differences to the right and downwards at each scale.

    Where ``weight`` [1, 1, H, W] is 0 nothing is compared, at no scale.
    """

    def __init__(self, target: Tensor, weight: Tensor):
        self.levels: list[tuple[Tensor, Tensor]] = []
        while True:
            self.levels.append((target, weight))
            if target.shape[-1] <= 4:
                break
            weighed = F.avg_pool2d(target * weight, 2)
            weight = F.avg_pool2d(weight, 2)
            target = weighed / weight.clamp_min(1e-6)

    def distance(self, x: Tensor) -> Tensor:
        """x [N, C, H, W] -> [N]: mean squared differences, of values and of edges, summed over the scales."""
        total = x.new_zeros(len(x))
        for (target, weight), (_, finer) in zip(self.levels, [self.levels[0], *self.levels]):
            if x.shape[-1] != target.shape[-1]:
                x = F.avg_pool2d(x * finer, 2) / weight.clamp_min(1e-6)
            difference = x - target
            total = total + _mean(difference, weight)
            for axis in (2, 3):
                size = weight.shape[axis]
                both = weight.narrow(axis, 1, size - 1) * weight.narrow(axis, 0, size - 1)
                total = total + _mean(difference.diff(dim=axis), both)
        return total


def _mean(difference: Tensor, weight: Tensor) -> Tensor:
    return (difference.square() * weight).sum((1, 2, 3)) / (weight.sum() * difference.shape[1]).clamp_min(1e-6)


class _Search:
    """Several descents side by side, on values [S, V] of classes c [S]."""

    def __init__(self, G: Generator, target: Tensor, weight: Tensor, label: int | None, proposals: int):
        self.G, self.target, self.weight, self.proposals = G, target, weight, proposals
        self.pyramid = Pyramid(target, weight)
        draws = [Draw(seed, label) for seed in range(CANDIDATES)]
        z, c = (t if t is None else t.to(target.device) for t in latents(G.latent, draws))
        with torch.no_grad():
            values = z if G.w_mean is None else to_w(G, z, c, z.new_ones(len(z))).mean(1)
            pictures = torch.cat([self.draw(values[k : k + CHUNK], None if c is None else c[k : k + CHUNK])
                                  for k in range(0, CANDIDATES, CHUNK)])
            best = self.pyramid.distance(pictures).argsort()[: max(STARTS, 2 * proposals)]
            self.mean_error = float(self.difference(pictures.mean(0, keepdim=True)))
        if G.w_mean is None:
            self.centre = z.new_zeros(len(best), G.latent.noise)
            self.reach = z[:, : G.latent.noise].norm(dim=1).max()
        else:
            self.centre = (G.w_mean if c is None else G.w_mean[c[best]]).expand(len(best), -1)
            self.reach = (values - (G.w_mean if c is None else G.w_mean[c])).norm(dim=1).max()
        self.values, self.c = values[best].clone(), None if c is None else c[best]
        self.unit = values.std() if G.w_mean is not None else z.new_ones(())
        self.moments = [torch.zeros_like(self.values), torch.zeros_like(self.values)]
        self.count = 0

    def draw(self, values: Tensor, c: Tensor | None) -> Tensor:
        return self.G.synthesis(_w(self.G, values, c))

    def difference(self, x: Tensor) -> Tensor:
        """[N] mean absolute difference in [0, 1] where the picture counts."""
        gap = (x.clamp(-1, 1) - self.target).abs() * self.weight
        return gap.sum((1, 2, 3)) / (self.weight.sum() * x.shape[1] * 2)

    def step(self, part: float) -> None:
        """One step of Adam (Kingma and Ba 2015, arXiv:1412.6980, alg. 1) in every descent, at a rate that falls with ``part``."""
        values = self.values.requires_grad_(True)
        with torch.enable_grad():
            loss = self.pyramid.distance(self.draw(values, self.c)).sum()
            gradient, = torch.autograd.grad(loss, values)
        self.count += 1
        mean, square = self.moments
        mean.lerp_(gradient, 0.1)
        square.lerp_(gradient.square(), 0.01)
        rate = RATE * self.unit * 0.5 * (1 + math.cos(math.pi * part))
        change = mean / (1 - 0.9**self.count) / ((square / (1 - 0.99**self.count)).sqrt() + 1e-12)
        self.values = self._kept_near(values.detach() - rate * change)

    def _kept_near(self, values: Tensor) -> Tensor:
        """Where the model's own latents lie: no farther out than any of the candidates; codes as they were."""
        n, latent = self.centre.shape[1], self.G.latent
        free = values[:, :n] - self.centre
        free = free * (self.reach / free.norm(dim=1, keepdim=True).clamp_min(1e-12)).clamp_max(1)
        if self.G.w_mean is not None:
            return self.centre + free
        if latent.prior == "uniform":
            free = free.clamp(-1, 1)
        one_hot = self.values[:, n : latent.dim - latent.continuous].detach()
        return torch.cat([free, one_hot, values[:, latent.dim - latent.continuous :].clamp(-1, 1)], 1)

    def sift(self, count: int) -> None:
        """Goes on with the best descents only."""
        with torch.no_grad():
            best = self.pyramid.distance(self.draw(self.values, self.c)).argsort()[:count]
        self.values, self.centre = self.values[best], self.centre[best]
        self.c = None if self.c is None else self.c[best]
        self.moments = [m[best] for m in self.moments]

    @torch.no_grad()
    def told(self, done: int, steps: int) -> Projection:
        best = self.pyramid.distance(self.draw(self.values, self.c)).argsort()[: self.proposals]
        labels = [None] * len(best) if self.c is None else self.c[best].tolist()
        rounded = [tuple(round(float(v), DECIMALS) for v in row) for row in self.values[best].cpu()]
        points = tuple(Point(row, label) for row, label in zip(rounded, labels))
        x = self.G.synthesis(w_of(self.G, list(points)))
        return Projection(done, steps, points, to_uint8(x), float(self.difference(x)[0]), self.mean_error)


def fill_hole(picture: np.ndarray, drawn: np.ndarray, mask: np.ndarray, *, soft: int = 2) -> np.ndarray:
    """The picture with its hole filled: uint8 [R, R, C], ``drawn`` where ``mask`` [R, R] is False, with a seam of ``soft`` px
    inside the hole over which the two mix."""
    keep = torch.from_numpy(mask.astype(np.float32))[None, None]
    for _ in range(soft):
        keep = torch.maximum(keep, F.avg_pool2d(keep, 3, 1, 1, count_include_pad=False))
    part = keep[0, 0, :, :, None].numpy()
    return np.round(picture * part + drawn * (1 - part)).astype(np.uint8)
