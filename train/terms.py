"""What G and D minimise: Objective pairs, and Terms (penalties) that are added to them.

Each takes a ``Step`` and returns one loss per sample, [N]. A term never samples reals, zeroes, backpropagates or steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.base import Discriminator, Generator
from gan.spec import Recorded
from train.config import Number
from train.step import Step

__all__ = ["Objective", "R1", "Term", "nonsaturating"]
RECIPE_NAMES: tuple[str, ...] = ()  # filled at the end of the file


@dataclass(frozen=True)
class Objective:
    """The two sides of the game: losses of D and of G, Step -> [N]."""

    constant_name: str
    d: Callable[[Step], Tensor]
    g: Callable[[Step], Tensor]


# --- Objectives -------------------------------------------------------------------------------------------------------


def _logistic_d(s: Step) -> Tensor:
    return F.softplus(s.fake_logits) + F.softplus(-s.real_logits)


def _nonsaturating_g(s: Step) -> Tensor:
    return F.softplus(-s.fake_logits)


# Goodfellow et al. 2014, arXiv:1406.2661: eq. 1 for D (softplus(-l) = -log sigmoid(l)); for G the alternative that
# section 3 gives, maximise log D(G(z)), whose gradient does not vanish while D is winning.
nonsaturating = Objective("nonsaturating", d=_logistic_d, g=_nonsaturating_g)


# --- Penalties --------------------------------------------------------------------------------------------------------


class Term(Recorded, nn.Module):
    """A penalty: ``weight * mean(term(step))`` is added to the loss of ``net``, every ``every`` steps, times ``every``.

    It is a Module, so that its own parameters are optimised with the net's and its buffers are saved, by construction.
    """

    net = "D"  #              whose parameters it trains
    input_grad = False  #     needs gradients with respect to the images: reals and fakes become leaves

    def __init__(self, weight: Number = 1.0, *, every: int = 1):
        super().__init__()
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        self.weight, self.every = weight, every

    def build(self, G: Generator, D: Discriminator) -> None:
        """Creates modules and buffers whose sizes depend on the nets."""

    def forward(self, s: Step) -> Tensor:
        raise TypeError(f"{type(self).__name__} has no forward")


def squared_gradient_norm(out: Tensor, x: Tensor) -> Tensor:
    """|d out_n / d x_n|^2 per sample, [N]; keeps the graph so that it can be minimised. out [N], x [N, ...]."""
    (gradient,) = torch.autograd.grad(out.sum(), x, create_graph=True)
    return gradient.flatten(1).square().sum(1)


class R1(Term):
    """|grad D(real)|^2 / 2 (Mescheder et al. 2018, arXiv:1801.04406, eq. 9); weight is their gamma."""

    input_grad = True

    def forward(self, s: Step) -> Tensor:
        return squared_gradient_norm(s.real_logits, s.real) / 2


RECIPE_NAMES = ("nonsaturating", "R1")
