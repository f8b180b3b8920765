"""Transforms inside a step: of w before synthesis (``mix``), of x before D (``augment``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan.spec import Recorded

if TYPE_CHECKING:
    from train.step import Step

__all__ = ["StyleMixing"]
RECIPE_NAMES = ("StyleMixing",)


class StyleMixing(Recorded):
    """With probability ``prob`` a sample takes its w from another z from a random layer on (Karras et al. 2019,
    arXiv:1812.04948, sec. 3.1), so that no two layers rely on each other."""

    def __init__(self, prob: float = 0.9):
        if not 0 <= prob <= 1:
            raise ValueError(f"prob must be from 0 to 1, got {prob}")
        self.prob = prob

    def __call__(self, step: Step, w: Tensor) -> Tensor:
        """w [N, L, D] -> [N, L, D]."""
        n, layers, _ = w.shape
        other = step.G.mapping(step.G.latent.sample(n, generator=step.rng), step.c)
        cut = torch.randint(1, max(layers, 2), (n, 1), generator=step.rng, device=w.device)
        mixed = torch.rand(n, 1, generator=step.rng, device=w.device) < self.prob
        from_other = mixed & (torch.arange(layers, device=w.device)[None] >= cut)  # [N, L]
        return torch.where(from_other[:, :, None], other, w)
