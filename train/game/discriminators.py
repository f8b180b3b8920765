"""What is put around a family's discriminator, whatever the family: several of them, packing, spectral normalisation;
and the one that takes its place, whatever the family, and judges what a frozen net sees.

Each is an option of the recipe's slot ``d`` beside the family's own: ``d=dict(copies=3)``, ``--set d.pack=2``. Logits stay
as they are, so no objective and no loop knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from gan.base import Discriminator, Latent
from gan.layers import EqualConv, EqualLinear, spectral_normalise
from gan.models import family_of
from gan.spec import kinds
from train.game.projected import Projected

__all__ = ["OPTIONS", "build"]

OPTIONS = {"copies": int, "pack": int, "projected": bool, "spectral": bool}


class Copies(Discriminator):
    """Several discriminators from different initial weights, each judging its part of every batch.

    G meets the mean of their losses (Durugkar, Gemp and Mahadevan 2016, arXiv:1611.01673, GMAN with lambda = 0), estimated
    without more work than one discriminator takes. What G does to please one of them does not please the others.
    """

    shared_features = False  # each has features of its own

    def __init__(self, nets: Sequence[Discriminator]):
        nn.Module.__init__(self)  # their size is not its own
        self.nets = nn.ModuleList(nets)
        self.feature_dim = self.nets[0].feature_dim

    def grow(self, level: int, alpha: float) -> None:
        for D in self.nets:
            D.grow(level, alpha)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """x [N, C, H, W], c [N], y -> h [N, F]: the first rows from the first net, and so on."""
        return torch.cat([D.features(*part) for D, *part in self._parts(x, c, y)])

    def head(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        """h [N, F] -> logits [N] or [N, P]."""
        return torch.cat([D.head(*part) for D, *part in self._parts(h, c)])

    def _parts(self, *rows: Tensor | None) -> Iterator[tuple[Any, ...]]:
        """(net, its part of each of the tensors)."""
        count = len(self.nets)
        return zip(self.nets, *([None] * count if r is None else r.tensor_split(count) for r in rows))


class Packed(Discriminator):
    """D judges ``pack`` pictures at once, as one of so many times the channels (Lin et al. 2017, arXiv:1712.04086): fakes
    that are too much alike give themselves away. Each picture gets its pack's logit.
    """

    shared_features = False  # those of a pack, not of a picture
    ties_samples = True

    def __init__(self, D: Discriminator, pack: int):
        nn.Module.__init__(self)  # its size is D's
        self.D, self.pack, self.feature_dim = D, pack, D.feature_dim

    def grow(self, level: int, alpha: float) -> None:
        self.D.grow(level, alpha)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """x [N, C, H, W], y -> h [N, F], the same for all of a pack. Without classes: ``build`` sees to that."""
        return self.D.features(self._together(x), y=self._together(y)).repeat_interleave(self.pack, 0)

    def head(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        return self.D.head(h)

    def _together(self, x: Tensor | None) -> Tensor | None:
        """[N, C, H, W] -> [N / pack, pack C, H, W]."""
        return None if x is None else x.reshape(len(x) // self.pack, -1, *x.shape[2:])


def build(make: type[Discriminator], latent: Latent, options: Mapping[str, Any], batch: int) -> Discriminator:
    """D with everything that ``options`` put around it. Errors: ``ValueError`` where they do not go together."""
    if options.get("projected"):
        make = Projected
    own = kinds(make)
    around = {name: options[name] for name in OPTIONS if name in options and name not in own}
    unread = set() if "source" in own else {"source"}  # a D that judges x alone, whatever G made it from
    if make is Projected:
        unread = options.keys() - own  # of the family's own D
    plain = {name: value for name, value in options.items() if name not in around.keys() | unread}
    copies, pack = around.get("copies", 1), around.get("pack", 1)
    if copies < 1 or pack < 1:
        raise ValueError(f"d.copies and d.pack must be at least 1, got {copies} and {pack}")
    if batch % (copies * pack):
        raise ValueError(f"a batch of {batch} cannot be shared by {copies} discriminator(s) in packs of {pack}: make it a "
                         f"multiple of {copies * pack} (--batch)")
    if pack > 1:
        if latent.classes:
            raise ValueError("d.pack needs a recipe without classes: a pack of several classes has no class of its own")
        plain["channels"] = pack * plain["channels"]
        if "source" in plain:
            plain["source"] = replace(plain["source"], channels=pack * plain["source"].channels)

    def one() -> Discriminator:
        D = make(latent, **plain)
        if around.get("spectral") and make is not Projected:  # whose small nets are, and whose frozen one must not change
            _normalise(D)
        return Packed(D, pack) if pack > 1 else D

    return Copies([one() for _ in range(copies)]) if copies > 1 else one()


def _normalise(D: Discriminator) -> None:
    family = family_of(D)
    if any(isinstance(module, (EqualConv, EqualLinear)) for module in D.modules()):
        raise ValueError(f"d.spectral does not suit {family}: its layers are under equalised learning rate, which scales "
                         f"their weights itself")
    weights = [p for name, p in D.named_parameters() if name.endswith("weight")]
    # Weights without memory, in which the memory is estimated, cannot be asked.
    if not all(isinstance(p, FakeTensor) or p.any() for p in weights):
        raise ValueError(f"d.spectral does not suit {family}: some of its layers start at zero, without a norm")
    if not spectral_normalise(D):
        raise ValueError(f"d.spectral does not suit {family}: it has no layer of a kind that can be normalised")
