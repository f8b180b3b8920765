"""What games need in which G reads a picture: terms that compare pictures, and a memory of what G made."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan.base import Discriminator, Generator
from gan.spec import Recorded
from train.features import EYES, load_features
from train.game.penalties import Term
from train.game.step import Step
from train.schedule import Number

__all__ = ["Cycle", "Identity", "L1", "Perceptual", "Pool"]
RECIPE_NAMES = ("L1", "Perceptual", "Cycle", "Identity", "Pool")


def distance(a: Tensor, b: Tensor) -> Tensor:
    """[N]: |a - b|, the mean over all numbers of a picture."""
    return (a.float() - b.float()).abs().flatten(1).mean(1)


class L1(Term):
    """|x - G(y)|, the mean over all numbers of a picture (Isola et al. 2016, arXiv:1611.07004, eq. 3, lambda 100)."""

    nets = ("G",)

    def __init__(self, weight: Number = 100.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return distance(s.real, s.fake)


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
        return sum(distance(real, fake) for fake, real in pairs)


class TwoDomains(Term):
    """A term of a G that goes both ways between two domains, which are its classes."""

    nets = ("G",)

    def build(self, G: Generator, D: Discriminator) -> None:
        if G.latent.classes != 2 or G.source is None or G.source.channels != G.channels or G.source.scale != 1:
            raise ValueError(f"{type(self).__name__} needs a generator that goes both ways between two domains, as with "
                             f"source=Unpaired() and latent.classes=2")


class Cycle(TwoDomains):
    """|y - G(G(y))|, there and back again (Zhu et al. 2017, arXiv:1703.10593, eq. 2, lambda 10)."""

    def __init__(self, weight: Number = 10.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return distance(s.y, s.G(s.z, 1 - s.c, s.fake))


class Identity(TwoDomains):
    """|x - G(x)|: what is of the wanted domain already stays as it is (Zhu et al. 2017, arXiv:1703.10593, sec. 5.2, half of
    the cycle's lambda)."""

    def __init__(self, weight: Number = 5.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return distance(s.real, s.G(s.z, s.c, s.real))


class Pool(Recorded, nn.Module):
    """Shows D older pictures of G among the newest: a recipe's slot ``pool`` (Shrivastava et al. 2017, arXiv:1612.07828,
    sec. 2.3; as in Zhu et al. 2017, arXiv:1703.10593, sec. 4, with 50).

    Each class has a pool of ``size`` pictures. While it fills, D sees what G made; then by a coin either that, or one of the
    pool that it takes the place of. Buffers hold it, so that a checkpoint does. Every process has its own.
    """

    def __init__(self, size: int = 50):
        super().__init__()
        if not 1 <= size <= 10_000:
            raise ValueError(f"size of a Pool must be from 1 to 10000, got {size}")
        self.size = size

    def build(self, G: Generator) -> None:
        pools = max(G.latent.classes, 1)
        self.register_buffer("pictures", torch.zeros(pools, self.size, G.channels, G.resolution, G.resolution))
        self.register_buffer("filled", torch.zeros(pools, dtype=torch.long))

    @torch.no_grad()
    def forward(self, x: Tensor, c: Tensor | None, rng: torch.Generator) -> Tensor:
        """x [N, C, H, W], c [N] or None -> the same shape. No number is read out, so that a GPU is not waited for."""
        n, shown = len(x), []
        classes = torch.zeros(n, dtype=torch.long, device=x.device) if c is None else c
        coins = torch.rand(n, 1, generator=rng, device=x.device) < 0.5
        places = torch.randint(self.size, (n, 1), generator=rng, device=x.device)
        for new, k, coin, place in zip(x.float(), classes[:, None], coins, places):
            full = self.filled[k] >= self.size
            place = torch.where(full, place, self.filled[k])
            old = self.pictures[k, place]
            shown.append(torch.where(full & coin, old, new))
            self.pictures[k, place] = torch.where(full & ~coin, old, new)
            self.filled[k] += (~full).long()
        return torch.cat(shown).to(x.dtype)
