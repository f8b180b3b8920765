"""FastGAN's nets (Liu et al. 2021, arXiv:2101.04775): a light generator whose coarse maps gate its fine ones, and a D of
short residual blocks that keeps enough of a picture for it to be drawn again (``train``'s term ``Redrawing``).

The generator is the light one of the two in use: gated blocks of one convolution, without noise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass, UpConv, init_normal

REACH = 3  # a gate leads from one resolution to the one 2^3 times as large (there 2^4, in pictures of 256 px and more)


def plan(resolution: int, width: int) -> list[int]:
    """Channels at 4, 8, ... resolution px: width / 2 at the last, doubling towards 4 px, at most 3 width."""
    stages = resolution.bit_length() - 2
    return [max(1, min(width * 2**k // 2, 3 * width)) for k in range(stages - 1, -1, -1)]


def gated(x: Tensor) -> Tensor:
    """Half of the channels, each gated by one of the others (Dauphin et al. 2016, arXiv:1612.08083). Not ``F.glu``: the
    gradient of that has lost channels_last, and the norm before it then takes twenty times as long."""
    value, gate = x.chunk(2, 1)
    return value * torch.sigmoid(gate)


class GatedUp(nn.Module):
    """Doubles the resolution: upsample and convolve to twice the channels, norm, and one half gates the other.
    [N, I, H, W] -> [N, O, 2H, 2W]."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv, self.norm = UpConv(inputs, 2 * outputs, bias=False), nn.BatchNorm2d(2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        return gated(self.norm(self.conv(x)))


class Excitation(nn.Module):
    """Gates for the channels of a fine map [N, O, H, W], out of a coarse one [N, I, h, w] (sec. 3.1)."""

    def __init__(self, coarse: int, fine: int):
        super().__init__()
        self.squeeze, self.gate = nn.Conv2d(coarse, fine, 4), nn.Conv2d(fine, fine, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        x = F.leaky_relu(self.squeeze(F.adaptive_avg_pool2d(coarse, 4)), 0.1)
        return fine * torch.sigmoid(self.gate(x))


class Generator(base.Generator):
    """w [N, 1, D] -> 4x4 -> gated blocks, each doubling, with excitation from coarse to fine -> 3x3, tanh -> x."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 64,  #       channels at resolution / 2
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = plan(resolution, width)
        self.append = AppendClass(latent.classes)
        self.first = nn.ConvTranspose2d(latent.dim + self.append.size, 2 * sizes[0], 4, bias=False)  # 1 px -> 4 px
        self.norm = nn.BatchNorm2d(2 * sizes[0])
        self.blocks = nn.ModuleList(GatedUp(i, o) for i, o in zip(sizes, sizes[1:]))
        self.gates = nn.ModuleList(Excitation(i, o) for i, o in zip(sizes, sizes[REACH:]))
        self.pixels = nn.Conv2d(sizes[-1], channels, 3, 1, 1)
        init_normal(self)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        maps = [gated(self.norm(self.first(w[:, 0, :, None, None])))]  # at 4, 8, ... px
        for k, block in enumerate(self.blocks, 1):
            x = block(maps[-1])
            maps.append(self.gates[k - REACH](x, maps[k - REACH]) if k >= REACH else x)
        return torch.tanh(self.pixels(maps[-1]))


class Down(nn.Module):
    """Halves the side: the mean of strided 4x4 and 3x3 convolutions and of the pooled input (fig. 4)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs))
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.past = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.second(F.leaky_relu(self.first(x), 0.2)), 0.2)
        return (y + F.leaky_relu(self.past(F.avg_pool2d(x, 2)), 0.2)) / 2


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> 4x4 of stride 2 -> residual blocks down to 4 px -> h [N, 16 F'] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 64,  #       channels at resolution / 2
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = [width * min(2**k, 4) for k in range(resolution.bit_length() - 3)]
        self.first = nn.Conv2d(channels, sizes[0], 4, 2, 1)
        self.blocks = nn.Sequential(*(Down(i, o) for i, o in zip(sizes, sizes[1:])))
        self.feature_dim = sizes[-1] * 16
        self.head = base.Head(self.feature_dim, latent.classes)
        init_normal(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        return self.blocks(F.leaky_relu(self.first(x), 0.2)).flatten(1)
