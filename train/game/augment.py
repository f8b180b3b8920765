"""Transforms inside a step: of w before synthesis (``mix``), of x before D (``augment``)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from train.game.step import Augment, Mix, Step

__all__ = ["DiffAugment", "StyleMixing"]
RECIPE_NAMES = ("DiffAugment", "StyleMixing")


def _check_shares(**shares: float) -> None:
    for what, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{what} must be from 0 to 1, got {share}")


class StyleMixing(Mix):
    """With probability ``prob`` a sample takes its w from another z from a random layer on (Karras et al. 2019,
    arXiv:1812.04948, sec. 3.1), so that no two layers rely on each other."""

    def __init__(self, prob: float = 0.9):
        _check_shares(prob=prob)
        self.prob = prob

    def __call__(self, step: Step, w: Tensor) -> Tensor:
        """w [N, L, D] -> [N, L, D]."""
        n, layers, _ = w.shape
        other = step.G.mapping(step.G.latent.sample(n, generator=step.rng), step.c)
        cut = torch.randint(1, max(layers, 2), (n, 1), generator=step.rng, device=w.device)
        mixed = torch.rand(n, 1, generator=step.rng, device=w.device) < self.prob
        from_other = mixed & (torch.arange(layers, device=w.device)[None] >= cut)  # [N, L]
        return torch.where(from_other[:, :, None], other, w)


class DiffAugment(Augment):
    """Differentiable augmentation of what D sees, reals and fakes alike (Zhao et al. 2020, arXiv:2006.10738): D cannot learn
    a small data set by heart, and G is not taught the changes, since they are not G's to make.

    ``policy`` names the changes: color (brightness, saturation, contrast), translation (up to ``shift`` of the side, zeros
    come in), cutout (a square of ``hole`` of the side becomes zero). Each is made with probability ``p``, which
    ``AdaptiveAugment`` may move.
    """

    POLICIES = ("color", "translation", "cutout")

    def __init__(self, policy: str = "color,translation,cutout", *, shift: float = 0.125, hole: float = 0.5,
                 p: float = 1.0):
        self.policy = tuple(name.strip() for name in policy.split(","))
        if unknown := [name for name in self.policy if name not in self.POLICIES]:
            raise ValueError(f"unknown policy {unknown[0]!r}; known: {', '.join(self.POLICIES)}")
        _check_shares(shift=shift, hole=hole, p=p)
        self.shift, self.hole, self.p = shift, hole, p

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """x [N, C, H, W] -> the same shape, every sample changed in its own way."""
        for name in self.policy:
            changed = getattr(self, f"_{name}")(x, rng)
            if self.p < 1:
                chosen = torch.rand(len(x), 1, 1, 1, generator=rng, device=x.device) < self.p
                changed = torch.where(chosen, changed, x)
            x = changed
        return x

    def _color(self, x: Tensor, rng: torch.Generator) -> Tensor:
        brightness, saturation, contrast = torch.rand(3, len(x), 1, 1, 1, generator=rng, device=x.device)
        x = x + (brightness - 0.5)
        grey = x.mean(1, keepdim=True)
        x = grey + (x - grey) * (2 * saturation)
        level = x.mean((1, 2, 3), keepdim=True)
        return level + (x - level) * (contrast + 0.5)

    def _translation(self, x: Tensor, rng: torch.Generator) -> Tensor:
        n, _, h, w = x.shape
        most = int(h * self.shift + 0.5)
        dy, dx = torch.randint(-most, most + 1, (2, n, 1), generator=rng, device=x.device)
        rows = (torch.arange(h, device=x.device)[None] + dy + 1).clamp(0, h + 1)  # 0 and h + 1 are the zeros around
        columns = (torch.arange(w, device=x.device)[None] + dx + 1).clamp(0, w + 1)
        padded = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
        sample = torch.arange(n, device=x.device)[:, None, None]
        return padded[sample, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    def _cutout(self, x: Tensor, rng: torch.Generator) -> Tensor:
        n, _, h, w = x.shape
        half = h * self.hole / 2
        middle = torch.rand(2, n, 1, generator=rng, device=x.device) * h
        inside_y = (torch.arange(h, device=x.device)[None] + 0.5 - middle[0]).abs() < half  # [N, H]
        inside_x = (torch.arange(w, device=x.device)[None] + 0.5 - middle[1]).abs() < half
        return x * ~(inside_y[:, None, :, None] & inside_x[:, None, None, :])
