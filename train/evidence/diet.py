"""What a classifier is fed: which pictures how often, and how they are changed on the way.

Arms differ in nothing else: the same net from the same first weights takes the same number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.image import from_uint8
from train.data.images import Images

__all__ = ["CLASSIC", "Classic", "Diet", "Fakes", "feeder", "weights"]

BATCH = 64
MIXUP = 0.2  # alpha; 0.1 to 0.4 there (Zhang et al. 2018, arXiv:1710.09412, sec. 3.1)


@dataclass(frozen=True)
class Classic:
    """Classic augmentation: every picture turned, scaled, moved, lighter or darker in its own way; edges are repeated."""

    turn: float  #   degrees, at most
    scale: float  #  share, at most
    shift: float  #  of the side, at most
    light: float  #  of the range, at most; contrast by as much
    flip: bool = False

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """x [N, C, H, W] -> the same shape."""
        n = len(x)
        coin = lambda most: most * (2 * torch.rand(n, generator=rng) - 1)  # noqa: E731
        turn, scale, dx, dy = coin(math.radians(self.turn)), 1 + coin(self.scale), coin(2 * self.shift), coin(2 * self.shift)
        side = torch.where(torch.rand(n, generator=rng) < 0.5, -1.0, 1.0) if self.flip else torch.ones(n)
        cos, sin = scale * turn.cos(), scale * turn.sin()
        theta = torch.stack([torch.stack([side * cos, -sin, dx], 1), torch.stack([side * sin, cos, dy], 1)], 1)  # [N, 2, 3]
        light, contrast = coin(2 * self.light), 1 + coin(self.light)
        grid = F.affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        light, contrast = (v[:, None, None, None].to(x.device) for v in (light, contrast))
        level = x.mean((1, 2, 3), keepdim=True)
        return (level + (x - level) * contrast + light).clamp(-1, 1)


CLASSIC = {"light": Classic(7, 0.07, 0.06, 0.05), "medium": Classic(12, 0.15, 0.1, 0.15),
           "strong": Classic(20, 0.25, 0.15, 0.3)}


@dataclass(frozen=True)
class Diet:
    """One arm with everything that was to be chosen."""

    ratio: float = 0.0  #     fakes to reals where classes are equal; else how far the gap to the largest class is filled
    classic: str = ""  #      a name in CLASSIC, "" = none
    balanced: bool = False  # every class as often as any other; fakes are always fed so
    mixup: bool = False
    reals: bool = True
    sure: bool = False  #     only fakes that the classifier of the reals reads as their label
    psi: float = 1.0  #       truncation of the fakes

    @property
    def name(self) -> str:
        """As files and tables call it."""
        if not self.reals:
            return "fakes alone"
        fakes = f"gan {self.ratio:g}" + f" psi {self.psi:g}" * (self.psi != 1) + " sure" * self.sure if self.ratio else ""
        parts = [f"classic {self.classic}" if self.classic else "", fakes, "mixup" if self.mixup else "",
                 "balanced" if self.balanced and not self.ratio else ""]
        return ", ".join(filter(None, parts)) or "nothing"


@dataclass(frozen=True)
class Fakes:
    """A generator's pictures for one subset, as many of each class as of any other."""

    pixels: np.ndarray  #   uint8 [M, H, W, C]
    labels: np.ndarray  #   int64 [M]
    sure: np.ndarray  #     bool [M]: the classifier of the reals reads the label in them


def weights(diet: Diet, reals: np.ndarray, fakes: Fakes | None, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each real picture [N] and each fake [M] is drawn; their sum is 1.

    Where there are fakes, every class has the same weight, and in it fakes the share r g / (n + r g): n reals, a gap g of
    (most of any class - n), or of n where all classes are equal, filled by r.
    """
    n = np.bincount(reals, minlength=classes)
    if fakes is None or not diet.ratio and diet.reals:
        p = 1 / (classes * n[reals]) if diet.balanced else np.full(len(reals), 1 / len(reals))
        return p, np.zeros(0)
    usable = fakes.sure if diet.sure else np.ones(len(fakes.labels), bool)
    m = np.bincount(fakes.labels[usable], minlength=classes)
    gap = n if n.min() == n.max() else n.max() - n
    share = diet.ratio * gap / (n + diet.ratio * gap) if diet.reals else np.ones(classes)
    share = np.where(m > 0, share, 0.0)
    p_fake = np.where(usable, (share / np.maximum(m, 1))[fakes.labels] / classes, 0.0)
    p_real = ((1 - share) / n)[reals] / classes if diet.reals else np.zeros(len(reals))
    total = p_fake.sum() + p_real.sum()  # below 1 where no fake of a class is sure and no real one is fed
    return p_real / total, p_fake / total


def feeder(diet: Diet, images: Images, fakes: Fakes | None, *, seed: int, steps: int,
           mirror: bool = False) -> Callable[[], tuple[Tensor, Tensor]]:
    """Gives batch after batch, ``steps`` times: x [BATCH, C, H, W] and labels [BATCH], or shares [BATCH, K] under mixup."""
    classes = images.spec.classes
    p_real, p_fake = weights(diet, images.labels, fakes, classes)
    pixels, labels = np.asarray(images.pixels), images.labels
    if len(p_fake):
        pixels, labels = np.concatenate([pixels, fakes.pixels]), np.concatenate([labels, fakes.labels])
    rs = np.random.RandomState(seed)
    rows = iter(rs.choice(len(pixels), (steps, BATCH), p=np.concatenate([p_real, p_fake])))
    rng = torch.Generator().manual_seed(seed)
    classic = replace(CLASSIC[diet.classic], flip=mirror) if diet.classic else None

    def batch() -> tuple[Tensor, Tensor]:
        chosen = next(rows)
        x, target = from_uint8(pixels[chosen]), torch.from_numpy(labels[chosen])
        if classic is not None:
            x = classic(x, rng)
        if diet.mixup:
            lam, other = rs.beta(MIXUP, MIXUP), torch.randperm(BATCH, generator=rng)
            shares = F.one_hot(target, classes).float()
            x, target = lam * x + (1 - lam) * x[other], lam * shares + (1 - lam) * shares[other]
        return x, target

    return batch
