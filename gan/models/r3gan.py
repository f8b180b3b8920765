"""R3GAN's nets (Huang et al. 2025, arXiv:2501.05441): residual blocks without normalisation, at any resolution.

No mapping net, no noise, no tanh, no batch statistics: what holds training together is the loss and the initialisation.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass, halving_plan, smooth_down, smooth_up

GROUP = 16  # channels a group of the 3x3 convolutions
BLOCKS = 2  # a stage


def _normal(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """Weights ~ N(0, gain^2 / fan in), biases 0."""
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    """x + 1x1(act(grouped 3x3(act(1x1 x)))), twice as wide inside (sec. 3.3): the inverted bottleneck of ResNeXt.

    The last layer starts at zero and the others shrink with the number of blocks in the net (fix-up initialisation, Zhang
    et al. 2019, arXiv:1901.09321), so that the net begins as the identity and needs no normalisation.
    """

    def __init__(self, channels: int, blocks: int):
        super().__init__()
        inner = 2 * channels
        gain = math.sqrt(2 / 1.04) * blocks**-0.25  # leaky ReLU of slope 0.2 keeps (1 + 0.04) / 2 of the variance
        self.expand = _normal(nn.Conv2d(channels, inner, 1), gain)
        self.spatial = _normal(nn.Conv2d(inner, inner, 3, 1, 1, groups=max(1, inner // GROUP)), gain)
        self.reduce = nn.Conv2d(inner, channels, 1, bias=False)
        nn.init.zeros_(self.reduce.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.expand(x), 0.2)
        y = F.leaky_relu(self.spatial(y), 0.2)
        return x + self.reduce(y)


def _stages(sizes: list[int]) -> nn.ModuleList:
    total = BLOCKS * len(sizes)
    return nn.ModuleList(nn.Sequential(*(Block(size, total) for _ in range(BLOCKS))) for size in sizes)


def _changes(sizes: list[int]) -> nn.ModuleList:
    """1x1 convolutions between stages, where the width changes."""
    pairs = zip(sizes, sizes[1:])
    return nn.ModuleList(nn.Identity() if i == o else _normal(nn.Conv2d(i, o, 1, bias=False)) for i, o in pairs)


class Generator(base.Generator):
    """w [N, 1, D] scales a learned 4x4 basis -> stages, doubled between -> 1x1 -> x [N, C, H, W], not squashed."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 96,  #       channels up to 32 px, a multiple of 8 (paper: 768)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width)
        self.append = AppendClass(latent.classes)
        self.basis = nn.Parameter(torch.randn(sizes[0], 4, 4))
        self.scale = _normal(nn.Linear(latent.dim + self.append.size, sizes[0], bias=False))
        self.stages, self.changes = _stages(sizes), _changes(sizes)
        self.pixels = _normal(nn.Conv2d(sizes[-1], channels, 1, bias=False))

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.stages[0](self.basis * self.scale(w[:, 0])[:, :, None, None])
        for change, stage in zip(self.changes, self.stages[1:]):
            x = stage(smooth_up(change(x)))
        return self.pixels(x)


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> 1x1 -> stages, halved between -> 4x4 depthwise -> h [N, F] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 96,  #       channels up to 32 px, a multiple of 8 (paper: 768)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width)[::-1]
        self.pixels = _normal(nn.Conv2d(channels, sizes[0], 1, bias=False))
        self.stages, self.changes = _stages(sizes), _changes(sizes)
        self.basis = _normal(nn.Conv2d(sizes[-1], sizes[-1], 4, groups=sizes[-1], bias=False))
        self.feature_dim = sizes[-1]
        self.head = base.Head(self.feature_dim, latent.classes)
        _normal(self.head.score)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        x = self.stages[0](self.pixels(x))
        for change, stage in zip(self.changes, self.stages[1:]):
            x = stage(change(smooth_down(x)))
        return self.basis(x).flatten(1)
