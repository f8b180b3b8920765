"""Terms of games in which G reads a picture: they compare what it makes with a picture."""

from __future__ import annotations

from torch import Tensor

from gan.base import Discriminator, Generator
from train.features import EYES, load_features
from train.game.penalties import Term
from train.game.step import Step
from train.schedule import Number

__all__ = ["L1", "Perceptual"]
RECIPE_NAMES = ("L1", "Perceptual")


class L1(Term):
    """|x - G(y)|, the mean over all numbers of a picture (Isola et al. 2016, arXiv:1611.07004, eq. 3, lambda 100)."""

    nets = ("G",)

    def __init__(self, weight: Number = 100.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return (s.real - s.fake.float()).abs().flatten(1).mean(1)


class Perceptual(Term):
    """|difference| of what a frozen net sees of x and of G(y), the mean over a map, summed over the three finest, at 1/2,
    1/4 and 1/8 of the side (Ledig et al. 2017, arXiv:1609.04802, eq. 5, there squares of one map of VGG; absolute values:
    Wang et al. 2018, arXiv:1809.00219, code). The net is ``eyes`` of ``train.features``, never the judge of scores.
    """

    nets = ("G",)

    def build(self, G: Generator, D: Discriminator) -> None:
        self.eyes = load_features(EYES)

    def forward(self, s: Step) -> Tensor:
        pairs = zip(self.eyes.maps(s.fake)[:3], self.eyes.maps(s.real)[:3])
        return sum((fake.float() - real.float()).abs().flatten(1).mean(1) for fake, real in pairs)
