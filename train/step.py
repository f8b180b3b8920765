"""Step: one batch as one phase sees it, evaluated on demand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from gan.base import Discriminator, Generator

__all__ = ["Step"]


class Step:
    """Holds (z, c, real) and computes the rest on first use, once, so that a loss pays only for what it reads.

    ``net`` is the net that this phase trains: D's phase never builds a graph through G. ``input_grad`` makes reals and
    fakes leaves, for penalties on D's gradient with respect to them. Shapes as in ``gan.base``.
    """

    def __init__(
        self,
        G: Generator,
        D: Discriminator,
        z: Tensor,
        c: Tensor | None,
        real: Tensor,
        *,
        net: str,  #                                     "G" or "D"
        rng: torch.Generator,  #                         for terms that draw
        mix: Callable[[Step, Tensor], Tensor] | None = None,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        input_grad: bool = False,
    ):
        self.G, self.D, self.z, self.c, self.net, self.rng = G, D, z, c, net, rng
        self.mix, self._augment, self.input_grad = mix, augment, input_grad
        self.real = real.detach().requires_grad_(input_grad)

    def augment(self, x: Tensor) -> Tensor:
        """What D sees of x [N, C, H, W]."""
        return x if self._augment is None else self._augment(x, self.rng)

    @cached_property
    def w(self) -> Tensor:
        """[N, L, D], after mixing."""
        with torch.set_grad_enabled(self.net == "G"):
            w = self.G.mapping(self.z, self.c)
            return self.mix(self, w) if self.mix else w

    @cached_property
    def fake(self) -> Tensor:
        """[N, C, H, W]."""
        with torch.set_grad_enabled(self.net == "G"):
            x = self.G.synthesis(self.w)
        return x if self.net == "G" else x.detach().requires_grad_(self.input_grad)

    @cached_property
    def fake_features(self) -> Tensor:
        """[N, F]."""
        return self.D.features(self.augment(self.fake), self.c)

    @cached_property
    def fake_logits(self) -> Tensor:
        """[N], float32: losses are never summed in half precision."""
        return self.D.head(self.fake_features, self.c).float()

    @cached_property
    def real_features(self) -> Tensor:
        """[N, F]."""
        return self.D.features(self.augment(self.real), self.c)

    @cached_property
    def real_logits(self) -> Tensor:
        """[N], float32."""
        return self.D.head(self.real_features, self.c).float()
