"""Terms of games in which G reads a picture: they compare what it makes with a picture."""

from __future__ import annotations

from torch import Tensor

from train.game.penalties import Term
from train.game.step import Step
from train.schedule import Number

__all__ = ["L1"]
RECIPE_NAMES = ("L1",)


class L1(Term):
    """|x - G(y)|, the mean over all numbers of a picture (Isola et al. 2016, arXiv:1611.07004, eq. 3, lambda 100)."""

    nets = ("G",)

    def __init__(self, weight: Number = 100.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return (s.real - s.fake.float()).abs().flatten(1).mean(1)
