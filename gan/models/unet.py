"""U-Net and patch discriminator of pix2pix (Isola et al. 2016, arXiv:1611.07004, sec. 3.2 and app. 6.1), at any power-of-two
resolution: a picture in, a picture out.

Two things differ from the paper. The coarsest map has 4 px, not 1, since a norm over a single pixel leaves nothing of it;
and noise, where a recipe asks for any, enters there as part of z, so that a picture is a function of weights, seed and
y: dropout, the paper's noise, is left to training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass, Norm, PatchDiscriminator, Upsampling, beside, init_normal, norm_layer, up_block


def plan(resolution: int, width: int) -> list[int]:
    """Channels at resolution / 2, / 4, ..., 4 px: width, twice and four times that (the paper goes up to eight times, with
    14 times as many weights: 54 million at width 64)."""
    return [width * min(2**k, 4) for k in range(resolution.bit_length() - 3)]


class Generator(base.Generator):
    """y -> halved by 4x4 convolutions down to 4 px, w beside it -> doubled, beside the map of the same size -> x, tanh."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 256,  #           px
        channels: int = 3,  #               1 or 3
        width: int = 64,  #                 channels at resolution / 2
        source: base.Source,  #             the picture it reads; a smaller one is enlarged first
        norm: Norm = "batch",  #            of all maps but the first and, on the way down, the last
        dropout: float = 0.0,  #            in training, of the maps of 8 and 16 px on the way up (paper: 0.5)
        up: Upsampling = "nearest",  #      nearest = upsample and convolve; transposed = as the paper
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, source=source)
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout:g}")
        self.append = AppendClass(latent.classes)
        sizes, beside = plan(resolution, width), latent.dim + self.append.size
        last = len(sizes) - 1
        self.down = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in zip([source.channels, *sizes], sizes))
        self.down_norms = nn.ModuleList(norm_layer(norm if 0 < k < last else "none", o) for k, o in enumerate(sizes))
        ups = list(zip([sizes[last] + beside, *(2 * o for o in sizes[-2::-1])], [*sizes[-2::-1], channels]))
        self.up = nn.ModuleList(up_block(i, o, up, bias=True) for i, o in ups)
        self.up_norms = nn.ModuleList(norm_layer(norm, o) for _, o in ups[:-1])
        self.dropout = dropout
        init_normal(self)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        h = y if self.source.scale == 1 else F.interpolate(y, scale_factor=self.source.scale)
        maps: list[Tensor] = []
        for k, (conv, norm) in enumerate(zip(self.down, self.down_norms)):
            h = norm(conv(F.leaky_relu(h, 0.2) if k else h))
            maps.append(h)
        maps.pop()
        h = beside(h, w)
        for k, (up, norm) in enumerate(zip(self.up, self.up_norms)):
            h = norm(up(F.relu(h)))
            if k < 2 and self.dropout:
                h = F.dropout(h, self.dropout, self.training)
            h = torch.cat([h, maps.pop()], 1)
        return torch.tanh(self.up[-1](F.relu(h)))


class Discriminator(PatchDiscriminator):
    """x beside y -> a score for each of P overlapping patches."""
