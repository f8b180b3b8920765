"""Terms of variational autoencoders: reals are found in the latent space by G's encoder and drawn again by G.

All likelihoods are of a picture, in nats: -ELBO is ``Reconstruction() + KL()`` (Kingma and Welling 2013, arXiv:1312.6114,
eq. 10), and bits per dimension are that over C H W ln 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.base import Discriminator, Generator, Likelihood
from train.game.penalties import Term, require_shared_features
from train.game.step import Step

__all__ = ["KL", "FeatureReconstruction", "JudgedReconstruction", "Reconstruction", "kl", "log_likelihood"]
RECIPE_NAMES = ("Reconstruction", "KL", "FeatureReconstruction", "JudgedReconstruction")

HALF = 1 / 255  # half of the distance between two levels of a uint8 picture, in units of x


def log_likelihood(x: Tensor, mean: Tensor, log_scale: Tensor, likelihood: Likelihood) -> Tensor:
    """log p(x | mean) of pictures of 256 levels, [N] in nats. x and mean [N, C, H, W], log_scale [C, 1, 1].

    The probability of a level is that of the interval half way to its neighbours, the first and the last reaching to
    infinity, so that the levels of a number sum to 1 (Kingma et al. 2016, arXiv:1606.04934; the logistic's there).
    """
    centre, inverse = x.float() - mean.float(), torch.exp(-log_scale.float())
    upper, lower = (centre + HALF) * inverse, (centre - HALF) * inverse
    below, above, between = (_logistic if likelihood == "logistic" else _gaussian)(upper, lower)
    return torch.where(x > 1 - HALF, above, torch.where(x < HALF - 1, below, between)).sum((1, 2, 3))


def _logistic(upper: Tensor, lower: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logarithms of P(t < upper), P(t > lower) and P(lower < t < upper), which is the product of the two and of
    1 - exp(lower - upper): no digit is lost to a difference of sums."""
    below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
    return below, above, below + above + torch.log(-torch.expm1(lower - upper))


def _gaussian(upper: Tensor, lower: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same of the normal distribution; the third on the side of 0 on which both sums are small."""
    log_ndtr = torch.special.log_ndtr
    right = upper + lower > 0
    larger = log_ndtr(torch.where(right, -lower, upper))
    ratio = log_ndtr(torch.where(right, -upper, lower)) - larger
    return log_ndtr(upper), log_ndtr(-lower), larger + torch.log(-torch.expm1(ratio.clamp_max(-1e-6)))


def kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) in nats, [N, Z] both -> [N] (Kingma and Welling 2013, arXiv:1312.6114, app. B)."""
    return (mean.square() + logvar.exp() - 1 - logvar).sum(1) / 2


class _Encoded(Term):
    nets = ("G",)

    def build(self, G: Generator, D: Discriminator) -> None:
        if G.encoder is None:
            raise ValueError(f"{type(self).__name__} needs an encoder: set e={{}}, where the family has one")


class Reconstruction(_Encoded):
    """-log p(real | code), code ~ q(z | real): the number of nats that G's picture leaves open of the real one."""

    def forward(self, s: Step) -> Tensor:
        encoder = s.G.encoder
        return -log_likelihood(s.real, s.redrawn, encoder.log_scale, encoder.likelihood)


class KL(_Encoded):
    """KL(q(z | real) || N(0, 1)): what the code costs. A weight other than that of the reconstruction is beta (Higgins et
    al. 2017, beta-VAE, ICLR)."""

    def forward(self, s: Step) -> Tensor:
        return kl(*s.posterior)


class FeatureReconstruction(_Encoded):
    """|h(real) - h(redrawn)|^2 / 2, h the features of D: a Gaussian of variance 1 where D looks, in the place of pixels
    (Larsen et al. 2016, arXiv:1512.09300, eq. 7 and 8). It reaches encoder and G; D is not taught by it (alg. 1)."""

    def build(self, G: Generator, D: Discriminator) -> None:
        super().build(G, D)
        require_shared_features(self, D)

    def forward(self, s: Step) -> Tensor:
        redrawn = s.D.features(s.redrawn, s.c, s.y).float()
        return (s.plain_features.float() - redrawn).square().flatten(1).sum(1) / 2


class JudgedReconstruction(_Encoded):
    """D takes redrawn reals for fakes as well, and G learns to have them taken for real (Larsen et al. 2016,
    arXiv:1512.09300, alg. 1), in the logistic form of the paper. The encoder is not moved by it."""

    nets = ("D", "G")

    def forward(self, s: Step) -> Tensor:
        logits = s.D(s.augment(s.draw(s.code.detach())), s.c, s.y).float()
        return F.softplus(logits if s.net == "D" else -logits)
