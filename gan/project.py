"""From a picture to the latent that draws it, by optimisation: what a model can draw of it, and how near it comes.

A picture is projected by descending on its distance to G's picture (Abdal, Qin and Wonka 2019, arXiv:1904.03189, sec. 4).
The landscape has many valleys, so several descents go side by side, from the best of many seeds. The distance compares the
pictures and their edges at several scales: coarse ones pull from far away, fine ones settle the rest. First Adam, which
leaps over small ridges, then L-BFGS on the best (Liu and Nocedal 1989, doi:10.1007/BF01589116): on pictures that
cats64-dcgan drew, it came ten times as near as Adam in the same number of gradients. Latents are kept where the model's own
lie: beyond, a net draws anything, but no edit looks like the model any more.

A model with an encoder says at once where a picture lies: at the mean of q(z | x), and nothing is searched for. Only with a
hole in the picture, which an encoder has never seen, it is searched as without one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.base import Encoder, Generator
from gan.directions import step_size
from gan.engine import full_precision
from gan.image import from_uint8, to_uint8
from gan.latent import Draw, inputs_of, to_w, w_mean_of

__all__ = ["Point", "Projection", "check_point", "fill_hole", "project", "w_of"]

CANDIDATES = 256  #  seeds 0, 1, ... that the descents start from the best of
STARTS = 8  #        descents side by side, at the least
SIFTING = 40  #      steps of Adam after which the best descents go on, each by itself
RATE = 0.1  #        of Adam, in the spread of the model's latents
POLISHING = 24  #    rounds of L-BFGS for each of them
ROUND = 4  #         iterations in a round, between two reports
BOUND = 10.0  #      weight of the cost of leaving where the model's latents lie
CHUNK = 8  #         pictures drawn at a time
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


def check_point(G: Generator, point: Point) -> None:
    """``ValueError`` for a place that is none of this model."""
    size = G.latent.dim if G.w_mean is None else step_size(G)
    if len(point.latent) != size or not all(map(math.isfinite, point.latent)):
        raise ValueError(f"a latent of this model is {size} numbers, got {len(point.latent)}")
    classes = G.latent.classes
    if (point.label is None) != (not classes) or point.label is not None and not 0 <= point.label < classes:
        raise ValueError(f"class {point.label} is out of range: this model has {classes or 'no'} classes")


def w_of(G: Generator, points: Sequence[Point]) -> Tensor:
    """w [N, L, D] of the points, on G's device. ``ValueError`` where they do not fit the model."""
    for point in points:
        check_point(G, point)
    values = torch.tensor([p.latent for p in points], dtype=torch.float32, device=G.device)
    labels = torch.tensor([p.label for p in points], device=G.device) if G.latent.classes else None
    return _w(G, values, labels)


def _w(G: Generator, values: Tensor, c: Tensor | None) -> Tensor:
    return G.mapping(values, c) if G.w_mean is None else values[:, None].expand(-1, G.num_ws, -1)


def project(G: Generator, picture: np.ndarray, *, mask: np.ndarray | None = None, label: int | None = None,
            proposals: int = 1, encoder: Encoder | None = None) -> Iterator[Projection]:
    """Looks for the latents that draw a picture, and tells of its progress; the last one told is the result.

    ``picture`` uint8 [R, R, C] at the model's resolution; ``mask`` bool [R, R], True where it counts; ``label`` a class
    index, None = whichever starts best. With an ``encoder`` and no mask there is one report, of where it finds the picture.
    Little work lies between two reports, and closing the iterator cancels. The same picture gives the same result on one
    machine. G and encoder must be in evaluation mode.
    Errors: ``ValueError`` for a picture or a mask that does not fit, or a mask that leaves nothing.
    """
    step_size(G)
    search = _Search(G, *_prepared(G, picture, mask), label, max(STARTS, 2 * proposals))
    if encoder is not None and mask is None:
        search.encode(encoder)
        yield search.told(1, 1, 1)
        return
    polishing = POLISHING if proposals == 1 else POLISHING // 2  # of several, none need be perfect
    steps = SIFTING + polishing * proposals
    adam = torch.optim.Adam([search.free], lr=RATE * search.unit, betas=(0.9, 0.99))
    for done in range(SIFTING):
        if done % ROUND == 0:
            yield search.told(done, steps, proposals)
        adam.step(partial(search.loss, adam))
    search.keep(search.best(proposals))
    for k in range(proposals):
        alone = search.only(k)  # one history of gradients each
        lbfgs = torch.optim.LBFGS([alone.free], max_iter=ROUND, history_size=20, line_search_fn="strong_wolfe")
        for done in range(polishing):
            yield search.told(SIFTING + polishing * k + done, steps, proposals)
            lbfgs.step(partial(alone.loss, lbfgs))
            search.free.data[k] = alone.free.data[0]
    yield search.told(steps, steps, proposals)


def _prepared(G: Generator, picture: np.ndarray, mask: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """target [1, C, H, W] in [-1, 1] and its weight [1, 1, H, W]."""
    side = G.resolution
    if picture.shape != (side, side, G.channels) or picture.dtype != np.uint8:
        raise ValueError(f"expected a picture uint8 [{side}, {side}, {G.channels}], got {picture.dtype} {picture.shape}")
    if mask is not None and (mask.shape != (side, side) or not mask.any()):
        raise ValueError("nothing of the picture is left outside the hole" if mask.shape == (side, side) else
                         f"expected a mask [{side}, {side}], got {list(mask.shape)}")
    target = from_uint8(picture.copy()[None])
    weight = torch.ones(1, 1, side, side) if mask is None else torch.from_numpy(mask.astype(np.float32))[None, None]
    return target.to(G.device), weight.to(G.device)


class Pyramid:
    """A picture averaged over 1, 2, 4, ... px down to 4 x 4; its distance to others is that of values and of edges at every
    scale. Where ``weight`` [1, 1, H, W] is 0 nothing is compared, at no scale.
    """

    def __init__(self, target: Tensor, weight: Tensor):
        self.levels = [(target, weight)]
        while target.shape[-1] > 4:
            finer, weight = weight, F.avg_pool2d(weight, 2)
            target = _halved(target, finer, weight)
            self.levels.append((target, weight))

    def distance(self, x: Tensor) -> Tensor:
        """x [N, C, H, W] -> [N]: mean squared differences, and those of neighbours' differences, summed over the scales."""
        total = x.new_zeros(len(x))
        for k, (target, weight) in enumerate(self.levels):
            if k:
                x = _halved(x, self.levels[k - 1][1], weight)
            difference = x - target
            total = total + _mean(difference, weight)
            for axis in (2, 3):
                size = weight.shape[axis]
                both = weight.narrow(axis, 1, size - 1) * weight.narrow(axis, 0, size - 1)
                total = total + _mean(difference.diff(dim=axis), both)
        return total


def _halved(x: Tensor, weight: Tensor, halved: Tensor) -> Tensor:
    """The mean of each 2 x 2 square of x, weighted; ``halved`` is the mean weight there."""
    return F.avg_pool2d(x * weight, 2) / halved.clamp_min(1e-6)


def _mean(difference: Tensor, weight: Tensor) -> Tensor:
    return (difference.square() * weight).sum((1, 2, 3)) / (weight.sum() * difference.shape[1]).clamp_min(1e-6)


class _Search:
    """Several descents side by side. What moves is ``free`` [S, F]: w less its centre where mapping is learned, else the
    noise and the continuous codes of z; the class and the categorical codes stay those of the start."""

    @full_precision()
    def __init__(self, G: Generator, target: Tensor, weight: Tensor, label: int | None, starts: int):
        self.G, self.target, self.weight = G, target, weight
        self.pyramid = Pyramid(target, weight)
        z, c, _ = inputs_of(G, [Draw(seed, label) for seed in range(CANDIDATES)])
        with torch.no_grad():
            self.start(z, c)
            self.reach = float(self._noise(self.free).norm(dim=1).max())  # how far out the model's own latents lie
            self.unit = float(self._noise(self.free).std())
            pictures = torch.cat([self.draw(slice(k, k + CHUNK)) for k in range(0, CANDIDATES, CHUNK)])
            self.mean_error = float(self.difference(pictures.mean(0, keepdim=True)))
            self.keep(self.pyramid.distance(pictures).argsort()[:starts])

    def start(self, z: Tensor, c: Tensor | None) -> None:
        """Puts the descents at z [S, Z] and c [S]."""
        G = self.G
        if G.w_mean is None:
            self.fixed, free = z, torch.cat([z[:, : G.latent.noise], z[:, z.shape[1] - G.latent.continuous :]], 1)
        else:
            self.fixed = w_mean_of(G, c, len(z))
            free = to_w(G, z, c, z.new_ones(len(z))).mean(1) - self.fixed
        self.c, self.free = c, free.requires_grad_(True)

    @torch.no_grad()
    @full_precision()
    def encode(self, encoder: Encoder) -> None:
        """Puts a descent where the encoder finds the picture, in each of the classes that it is now in."""
        c = None if self.c is None else self.c.unique()
        target = self.target.expand(1 if c is None else len(c), -1, -1, -1)
        self.start(encoder(target, c)[0], c)

    def _noise(self, free: Tensor) -> Tensor:
        return free if self.G.w_mean is not None else free[:, : self.G.latent.noise]

    def keep(self, rows: Tensor) -> None:
        """Goes on with these descents only."""
        self.free = self.free.detach()[rows].clone().requires_grad_(True)
        self.fixed, self.c = self.fixed[rows], None if self.c is None else self.c[rows]

    def only(self, row: int) -> _Search:
        """One of the descents, by itself."""
        alone = copy.copy(self)
        alone.keep(torch.tensor([row]))
        return alone

    def values(self, free: Tensor, rows: slice = slice(None)) -> Tensor:
        """Latents [S, V] as a ``Point`` has them."""
        fixed, latent = self.fixed[rows], self.G.latent
        if self.G.w_mean is not None:
            return fixed + free
        return torch.cat([free[:, : latent.noise], fixed[:, latent.noise : latent.dim - latent.continuous],
                          free[:, latent.noise :]], 1)

    def draw(self, rows: slice = slice(None)) -> Tensor:
        return self.G.synthesis(_w(self.G, self.values(self.free[rows], rows), None if self.c is None else self.c[rows]))

    def difference(self, x: Tensor) -> Tensor:
        """[N] mean absolute difference in [0, 1] where the picture counts."""
        gap = (x.clamp(-1, 1) - self.target).abs() * self.weight
        return gap.sum((1, 2, 3)) / (self.weight.sum() * x.shape[1] * 2)

    @full_precision()
    def loss(self, optimiser: torch.optim.Optimizer) -> Tensor:
        """The closure of an optimiser: distances, and what it costs to leave the model's own latents."""
        with torch.enable_grad():
            optimiser.zero_grad()
            beyond = F.relu(self._noise(self.free).norm(dim=1) / self.reach - 1).square()
            if self.G.w_mean is None:
                n, uniform = self.G.latent.noise, self.G.latent.prior == "uniform"
                bounded = self.free if uniform else self.free[:, n:]  # to [-1, 1]
                beyond = beyond + F.relu(bounded.abs() - 1).square().sum(1)
            loss = (self.pyramid.distance(self.draw()) + BOUND * beyond).sum()
            loss.backward()
        return loss

    @torch.no_grad()
    @full_precision()
    def best(self, count: int) -> Tensor:
        return self.pyramid.distance(self.draw()).argsort()[:count]

    @torch.no_grad()
    @full_precision()
    def told(self, done: int, steps: int, proposals: int) -> Projection:
        labels = [None] * len(self.free) if self.c is None else self.c.tolist()
        points = [Point(tuple(round(v, DECIMALS) for v in row), label)
                  for row, label in zip(self.values(self.free).cpu().tolist(), labels)]
        x = self.G.synthesis(w_of(self.G, points))  # drawn once, as the points have it
        best = self.pyramid.distance(x).argsort()[:proposals]
        x = x[best]
        return Projection(done, steps, tuple(points[k] for k in best), to_uint8(x), float(self.difference(x)[0]),
                          self.mean_error)


def fill_hole(picture: np.ndarray, drawn: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture with its hole filled: uint8 [R, R, C], ``drawn`` where ``mask`` [R, R] is False. Over two px inside the
    hole they mix, so that no seam is seen."""
    keep = torch.from_numpy(mask.astype(np.float32))[None, None]
    for _ in range(2):
        keep = torch.maximum(keep, F.avg_pool2d(keep, 3, 1, 1, count_include_pad=False))
    part = keep[0, 0, :, :, None].numpy()
    return np.round(picture * part + drawn * (1 - part)).astype(np.uint8)
