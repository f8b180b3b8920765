"""A net of gated convolutions that fills holes (Yu et al. 2018, arXiv:1806.03589, sec. 3), at any power-of-two resolution.

A gate says, place by place, what of a convolution counts, so that nothing has to be learnt about what a hole looks like.
One gate for all channels of a layer, which takes half of the work of one each (Yi et al. 2020, arXiv:2005.09704, sec. 3.3);
one stage in the place of two; no contextual attention.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass, PatchDiscriminator, UpConv, beside


class Gated(nn.Module):
    """ELU(conv(x)) times a gate in (0, 1): [N, I, H, W] -> [N, O, H', W']."""

    def __init__(self, conv: nn.Conv2d | UpConv):
        super().__init__()
        self.conv = conv
        fan_in = conv.weight[0].numel()
        nn.init.normal_(conv.weight, 0.0, 1.8 * math.sqrt(2 / fan_in))  # He et al. 2015, about doubled: gates open half
        nn.init.zeros_(conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x)
        return F.elu(h[:, 1:]) * torch.sigmoid(h[:, :1])


def gated(inputs: int, outputs: int, size: int = 3, *, stride: int = 1, dilation: int = 1) -> Gated:
    return Gated(nn.Conv2d(inputs, 1 + outputs, size, stride, dilation * (size // 2), dilation))


class Generator(base.Generator):
    """y = picture without the hole, and the hole -> down to a quarter -> ever wider dilations -> up -> what fills the hole.

    What is outside of the hole stays as it is.
    """

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 256,  #  px
        channels: int = 3,  #      1 or 3
        width: int = 48,  #        channels at full resolution; twice at a half, four times at a quarter
        source: base.Source,  #    the picture with a hole, and one channel that is 1 in it and -1 elsewhere
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, source=source)
        if source.channels != channels + 1 or source.scale != 1:
            raise ValueError(f"a net that fills holes reads a picture and its hole: {source.made or 'this source'} is none")
        self.append = AppendClass(latent.classes)
        half, quarter = 2 * width, 4 * width
        self.down = nn.Sequential(gated(source.channels, width, 5), gated(width, half, stride=2), gated(half, half),
                                  gated(half, quarter, stride=2))
        dilations = [2**k for k in range(1, 5) if 2**k <= resolution // 8]  # 2 to 16 (sec. 3), at most half of the map
        self.middle = nn.Sequential(gated(quarter + latent.dim + self.append.size, quarter),
                                    *(gated(quarter, quarter, dilation=d) for d in dilations), gated(quarter, quarter))
        self.up = nn.Sequential(Gated(UpConv(quarter, 1 + half)), gated(half, half), Gated(UpConv(half, 1 + width)))
        self.pixels = nn.Conv2d(width, channels, 3, 1, 1)
        nn.init.xavier_normal_(self.pixels.weight)
        nn.init.zeros_(self.pixels.bias)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        hole = (y[:, -1:] + 1) / 2
        filled = torch.tanh(self.pixels(self.up(self.middle(beside(self.down(y), w)))))
        return y[:, :-1] * (1 - hole) + filled * hole


class Discriminator(PatchDiscriminator):
    """x beside y -> a score for each of P overlapping patches."""
