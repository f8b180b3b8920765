"""Residual nets of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028, app. F) and SNGAN (Miyato et al. 2018,
arXiv:1802.05957, table 4), at any power-of-two resolution.

The same width in every block, as in the papers' nets for 32 px. Conditional: batch norm modulated by the class embedding
in G, projection in D (Miyato and Koyama 2018, arXiv:1802.05637).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import (
    AppendClass,
    ConditionalBatchNorm,
    Norm,
    ResDown,
    ResUp,
    UpConv,
    minibatch_std,
    spectral_normalise,
)


class Generator(base.Generator):
    """w [N, 1, D] -> linear to 4x4 -> up-blocks -> BatchNorm, ReLU, 3x3, tanh -> x [N, C, H, W]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 128,  #      channels of every block (paper at 32 px: 128 with WGAN-GP, 256 with SNGAN)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.append = AppendClass(latent.classes)
        self.width, condition = width, self.append.size
        self.first = nn.Linear(latent.dim, width * 16)
        self.blocks = nn.ModuleList(ResUp(width, width, condition) for _ in range(resolution.bit_length() - 3))
        self.norm = ConditionalBatchNorm(width, 0)
        self.pixels = nn.Conv2d(width, channels, 3, 1, 1)
        _init(self)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        noise, condition = w[:, 0].split([self.latent.dim, self.append.size], 1)
        x = self.first(noise).reshape(-1, self.width, 4, 4)
        for block in self.blocks:
            x = block(x, condition)
        return torch.tanh(self.pixels(F.relu(self.norm(x, condition))))


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> down to 8x8 -> two blocks there -> ReLU, pooled -> h [N, F] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #                       px
        channels: int = 3,  #                          1 or 3
        width: int = 128,  #                           channels of every block
        spectral: bool = False,  #                     spectral norm in every layer
        pool: Literal["mean", "sum"] = "mean",  #      over the last 8x8: mean in WGAN-GP, sum in SNGAN
        norm: Norm = "none",  #                        in every block but the first
        group: int = 0,  #                             samples that share a standard deviation at 8 px, 0 = without it
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        halvings = resolution.bit_length() - 4  # down to 8 px
        self.blocks = nn.Sequential(
            ResDown(channels, width, down=halvings > 0, first=True),
            *(ResDown(width, width, down=k < halvings, norm=norm) for k in range(1, max(halvings, 1) + 2)))
        self.pool, self.group, self.feature_dim = pool, group, width + (group > 0)
        self.head = base.Head(self.feature_dim, latent.classes)
        _init(self)
        if spectral:
            spectral_normalise(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        h = F.relu(self.blocks(x))
        if self.group:
            h = minibatch_std(h, self.group)
        return h.sum((2, 3)) if self.pool == "sum" else h.mean((2, 3))


def _init(net: nn.Module) -> None:
    """Uniform weights of variance 2 / (fan in + fan out) (Glorot and Bengio 2010), and twice that on the main path of a
    block, where a ReLU takes half of it; biases 0. So both papers' codes, whose "He initialisation" is of this form too.

    With He's 2 / (fan in) in every layer D starts several times as steep: its first layer has a fan in of 27 at the most.
    """
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, UpConv, nn.Linear)):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in net.modules():
        if isinstance(block, (ResUp, ResDown)):
            for name, layer in block.named_children():
                if isinstance(layer, (nn.Conv2d, UpConv)) and name != "shortcut":
                    nn.init.xavier_uniform_(layer.weight, math.sqrt(2))
