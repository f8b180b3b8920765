"""Super-resolution: residual-in-residual dense blocks without normalisation (Wang et al. 2018, ESRGAN, arXiv:1809.00219),
and the discriminator of SRGAN (Ledig et al. 2017, arXiv:1609.04802, fig. 4), which sees the large picture alone.

Other than there, G adds to the enlarged picture what is missing from it (Kim et al. 2016, arXiv:1511.04587), so that it
begins as bicubic enlargement and spends no training on learning that.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import Norm, init_normal, norm_layer, spectral_normalise

SHRUNK = 0.2  # of a block's output before it is added (sec. 3.1)


class Dense(nn.Module):
    """Five 3x3 convolutions, each reading all before it; x + 0.2 times the last (ESRGAN, fig. 4)."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        sizes = [width + k * growth for k in range(5)]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, 1, 1) for i, o in zip(sizes, [growth] * 4 + [width]))

    def forward(self, x: Tensor) -> Tensor:
        found = x
        for conv in self.convs[:-1]:
            found = torch.cat([found, F.leaky_relu(conv(found), 0.2)], 1)
        return x + SHRUNK * self.convs[-1](found)


class Generator(base.Generator):
    """y [N, C, H/s, W/s] -> 3x3 -> blocks of three dense ones, past which what came in is led -> doubled, and 3x3, up to the
    picture's size -> 3x3, 3x3 -> x [N, C, H, W], added to y enlarged. It reads no latent."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        source: base.Source,
        resolution: int = 64,  #  px of the large picture
        channels: int = 3,  #     1 or 3
        width: int = 64,  #       channels of the trunk
        growth: int = 32,  #      channels that each convolution of a dense block adds
        blocks: int = 23,  #      paper: 23 (16 in its smaller net)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, source=source)
        if latent.dim or source.channels != channels:
            raise ValueError(f"rrdb makes a picture of {channels} channels from one of as many and nothing else: it needs "
                             f"latent.noise=0 and a source that shrinks, blurs or the like, not {source.made}")
        if not 1 <= blocks <= 64 or not 1 <= growth <= 256:
            raise ValueError(f"blocks must be from 1 to 64 and growth from 1 to 256, got {blocks} and {growth}")
        self.first = nn.Conv2d(channels, width, 3, 1, 1)
        self.blocks = nn.ModuleList(nn.Sequential(*(Dense(width, growth) for _ in range(3))) for _ in range(blocks))
        self.trunk = nn.Conv2d(width, width, 3, 1, 1)
        self.ups = nn.ModuleList(nn.Conv2d(width, width, 3, 1, 1) for _ in range(source.scale.bit_length() - 1))
        self.fine, self.pixels = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, channels, 3, 1, 1)
        _small(self)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        first = self.first(y)
        h = first
        for block in self.blocks:
            h = h + SHRUNK * block(h)
        h = first + self.trunk(h)
        for up in self.ups:
            h = F.leaky_relu(up(F.interpolate(h, scale_factor=2)), 0.2)
        missing = self.pixels(F.leaky_relu(self.fine(h), 0.2))
        return missing + F.interpolate(y, size=missing.shape[2:], mode="bicubic")


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> pairs of 3x3 and strided 4x4 convolutions down to 4x4, twice as wide after each, at most 8 width ->
    h [N, F] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        source: base.Source,
        resolution: int = 64,  #    px
        channels: int = 3,  #       1 or 3
        width: int = 64,  #         channels at the full side
        spectral: bool = False,  #  spectral norm in every layer
        norm: Norm = "batch",  #    after every convolution but the first; none suits spectral norm
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        layers: list[nn.Module] = []
        inputs = channels
        for k in range(int(math.log2(resolution)) - 2):
            size = width * min(2**k, 8)
            for kernel, stride in ((3, 1), (4, 2)):
                kind = norm if layers else "none"
                layers += [nn.Conv2d(inputs, size, kernel, stride, 1), norm_layer(kind, size), nn.LeakyReLU(0.2)]
                inputs = size
        self.convs, self.feature_dim = nn.Sequential(*layers), inputs * 16
        self.head = base.Head(self.feature_dim)
        init_normal(self)
        if spectral:
            spectral_normalise(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        return self.convs(x).flatten(1)


def _small(net: nn.Module) -> None:
    """He's initialisation, a tenth as large (sec. 3.1); and the last layer at zero, where nothing is missing yet."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=0.2)
            module.weight.data.mul_(0.1)
            nn.init.zeros_(module.bias)
    nn.init.zeros_(net.pixels.weight)
