"""What G and D minimise: pairs of functions of a ``Step``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from train.game.step import Step

__all__ = ["Objective", "hinge", "least_squares", "nonsaturating", "relativistic", "relativistic_average", "wasserstein"]
RECIPE_NAMES = ("nonsaturating", "least_squares", "wasserstein", "hinge", "relativistic", "relativistic_average")


@dataclass(frozen=True)
class Objective:
    """The two sides of the game: losses of D and of G, Step -> [N]."""

    constant_name: str
    d: Callable[[Step], Tensor]
    g: Callable[[Step], Tensor]
    border: float | None = 0.0  # logit of a D that cannot tell; None: only differences of logits mean something
    saturates: bool = True  #     a D that is always right teaches G little


def _logistic_d(s: Step) -> Tensor:
    return F.softplus(s.fake_logits) + F.softplus(-s.real_logits)


def _nonsaturating_g(s: Step) -> Tensor:
    return F.softplus(-s.fake_logits)


# Goodfellow et al. 2014, arXiv:1406.2661: eq. 1 for D (softplus(-l) = -log sigmoid(l)); for G the alternative that
# section 3 gives, maximise log D(G(z)), whose gradient does not vanish while D is winning.
nonsaturating = Objective("nonsaturating", d=_logistic_d, g=_nonsaturating_g)


def _hinge_d(s: Step) -> Tensor:
    return F.relu(1 - s.real_logits) + F.relu(1 + s.fake_logits)


def _wasserstein_d(s: Step) -> Tensor:
    return s.fake_logits - s.real_logits


def _wasserstein_g(s: Step) -> Tensor:
    return -s.fake_logits


def _least_squares_d(s: Step) -> Tensor:
    return ((s.real_logits - 1).square() + s.fake_logits.square()) / 2


def _least_squares_g(s: Step) -> Tensor:
    return (s.fake_logits - 1).square() / 2


def _relativistic_d(s: Step) -> Tensor:
    return F.softplus(s.fake_logits - s.real_logits)


def _relativistic_g(s: Step) -> Tensor:
    return F.softplus(s.real_logits - s.fake_logits)


def _against_the_mean(worse: Tensor, better: Tensor, s: Step) -> Tensor:
    """What it costs that ``better`` is not above the mean of ``worse``, and ``worse`` not below that of ``better``."""
    low, high = s.mean_of_all(worse.mean()), s.mean_of_all(better.mean())
    return F.softplus(low - better) + F.softplus(worse - high)


def _average_d(s: Step) -> Tensor:
    return _against_the_mean(s.fake_logits, s.real_logits, s)


def _average_g(s: Step) -> Tensor:
    return _against_the_mean(s.real_logits, s.fake_logits, s)


# Mao et al. 2016, arXiv:1611.04076, eq. 9: distances of the scores to the labels 0 and 1.
least_squares = Objective("least_squares", d=_least_squares_d, g=_least_squares_g, border=0.5)
# Arjovsky et al. 2017, arXiv:1701.07875, eq. 2 and alg. 1: D estimates the earth mover's distance, if it is Lipschitz.
wasserstein = Objective("wasserstein", d=_wasserstein_d, g=_wasserstein_g, border=None, saturates=False)
# Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16 and 17.
hinge = Objective("hinge", d=_hinge_d, g=_wasserstein_g)
# Jolicoeur-Martineau 2018, arXiv:1807.00734, sec. 4.1, in R3GAN's form (Huang et al. 2025, arXiv:2501.05441, eq. 2): each
# fake is judged against the real beside it, so that D cannot drop modes without being seen.
relativistic = Objective("relativistic", d=_relativistic_d, g=_relativistic_g, border=None)
# The same paper's average, as ESRGAN has it (Wang et al. 2018, arXiv:1809.00219, eq. 1 and 2): each picture is judged
# against the mean of the others of its batch, so that fakes and reals need not be pairs.
relativistic_average = Objective("relativistic_average", d=_average_d, g=_average_g, border=None)
