"""ProGAN (Karras et al. 2018, arXiv:1710.10196): nets that grow from 4 px, each new level faded in.

``level`` (0 = 4 px, doubled at each) and ``alpha`` (share of the newest level) are buffers, so that every checkpoint and
every average knows how far it had grown. Training sees pictures of the current resolution, no larger.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import (
    AppendClass,
    EqualConv,
    EqualHead,
    EqualLinear,
    Prepared,
    StdFeatures,
    activated,
    halving_plan,
    pixel_norm,
)


def double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2)


class Growing(Prepared):
    """``level`` and ``alpha`` of a net that grows."""

    levels: int

    def start(self, levels: int) -> None:
        self.levels = levels
        self.register_buffer("level", torch.tensor(levels - 1))
        self.register_buffer("alpha", torch.tensor(1.0))
        self.stage: tuple[int, bool] | None = None  # as numbers: what is exported cannot branch on a buffer

    def grow(self, level: int, alpha: float) -> None:
        """Sets how far the net has grown; what is above ``level`` takes no part."""
        self.level.fill_(level)
        self.alpha.fill_(alpha)
        self.forget()

    def prepare(self) -> None:
        self.stage = self._stage()

    def forget(self) -> None:
        self.stage = None

    def _stage(self) -> tuple[int, bool]:
        """(level, whether it is still faded in)."""
        if self.level.is_meta:  # shapes without values: as large as it can be
            return self.levels - 1, False
        return self.stage or (int(self.level), bool(self.level > 0) and bool(self.alpha < 1))


class Generator(Growing, base.Generator):
    """w [N, 1, D] -> 4x4 -> ... -> x [N, C, R, R] of the current resolution; in evaluation always the full one.

    The first layer differs from the authors' code: here it is activated like any other. There its gain is sqrt(2) / 4 in
    the place of sqrt(2), it has one bias a channel in the place of one a channel and place, and a pixel norm follows. Only
    its rate of learning and the first 4x4 depend on that, and weights in use are of this form.
    """

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 128,  #      channels up to ``taper`` px (paper: 512)
        taper: int = 32,  #       px from which on they halve at each doubling (paper: 32)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width, taper)
        self.append = AppendClass(latent.classes)
        self.first = EqualLinear(latent.dim + self.append.size, sizes[0] * 16)
        self.size = sizes[0]
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualConv(i, o, 3), EqualConv(o, o, 3)] if k else [EqualConv(i, o, 3)])
            for k, (i, o) in enumerate(zip([sizes[0], *sizes], sizes)))
        self.pixels = nn.ModuleList(EqualConv(size, channels, 1) for size in sizes)
        self.start(len(sizes))

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        level, fading = self._stage()
        x = activated(self.first, w[:, 0]).reshape(-1, self.size, 4, 4)
        below = x
        for k, block in enumerate(self.blocks[: level + 1]):
            below, x = x, double(x) if k else x
            for conv in block:
                x = pixel_norm(activated(conv, x))
        picture = self.pixels[level](x)
        if fading:  # fig. 2: the new level fades in over the old picture, doubled
            picture = torch.lerp(double(self.pixels[level - 1](below)), picture, self.alpha)
        return picture if self.training else F.interpolate(picture, size=self.resolution)


class Discriminator(Growing, base.Discriminator):
    """x [N, C, R, R] of the current resolution -> 4x4 -> minibatch standard deviation -> h [N, width] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 128,  #      channels up to ``taper`` px (paper: 512)
        taper: int = 32,  #       px from which on they halve at each doubling (paper: 32)
        group: int = 4,  #        samples that share a standard deviation, 0 = without it
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width, taper)
        self.pixels = nn.ModuleList(EqualConv(channels, size, 1) for size in sizes)
        self.blocks = nn.ModuleList(  # block k leads from level k to level k - 1
            nn.ModuleList([EqualConv(o, o, 3), EqualConv(o, i, 3)]) for i, o in zip(sizes, sizes[1:]))
        self.last = StdFeatures(sizes[0], group)
        self.feature_dim = sizes[0]
        self.head = EqualHead(self.feature_dim, latent.classes)
        self.start(len(sizes))

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        level, fading = self._stage()
        h = activated(self.pixels[level], x)
        for k in range(level, 0, -1):
            for conv in self.blocks[k - 1]:
                h = activated(conv, h)
            h = F.avg_pool2d(h, 2)
            if k == level and fading:
                h = torch.lerp(activated(self.pixels[k - 1], F.avg_pool2d(x, 2)), h, self.alpha)
        return self.last(h)
