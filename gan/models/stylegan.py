"""StyleGAN (Karras, Laine and Aila 2019, arXiv:1812.04948): a learned mapping, and a synthesis net that reads w as styles.

The picture starts from a learned constant; at every layer w sets the scale and shift of each normalised feature map (AdaIN),
and noise gives the detail that w need not know. The full resolution is trained from the start.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import (
    ACTIVATION_GAIN,
    EqualConv,
    EqualHead,
    EqualLinear,
    StdFeatures,
    StyleMapping,
    activated,
    halving_plan,
    smooth,
    smooth_up,
)


class StyledLayer(nn.Module):
    """(upsample,) convolution, noise, bias, activation, then AdaIN (eq. 1). The noise is a saved buffer in use."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int, *, up: bool = False, constant: bool = False):
        super().__init__()
        self.conv = None if constant else EqualConv(inputs, outputs, 3, bias=False)
        self.up, self.style = up, EqualLinear(w_dim, 2 * outputs)
        self.strength = nn.Parameter(torch.zeros(outputs))  # of the noise, a number a feature map
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, I, H, W], w [N, D] -> [N, O, H, W], or [N, O, 2H, 2W] with ``up``."""
        if self.up:
            x = smooth_up(x)
        x = x * ACTIVATION_GAIN if self.conv is None else self.conv(x, ACTIVATION_GAIN)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise
        strength, bias = (ACTIVATION_GAIN * p[:, None, None] for p in (self.strength, self.bias))
        x = F.leaky_relu(torch.addcmul(x + bias, noise, strength), 0.2)
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        return F.instance_norm(x, eps=1e-8) * (1 + scale) + shift


class Generator(base.Generator):
    """z, c -> mapping -> w [N, L, D], one latent a layer, two layers a resolution -> 1x1 -> x [N, C, H, W]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #      px
        channels: int = 3,  #         1 or 3
        width: int = 128,  #          channels up to ``taper`` px (paper: 512)
        taper: int = 32,  #           px from which on they halve at each doubling (paper: 32)
        w_dim: int = 128,  #          D (paper: 512)
        mapping_layers: int = 4,  #   (paper: 8)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width, taper)
        self.num_ws = 2 * len(sizes)
        self.to_w = StyleMapping(latent.dim, latent.classes, w_dim, mapping_layers)
        self.register_buffer("w_mean", torch.zeros(max(latent.classes, 1), w_dim))
        self.constant = nn.Parameter(torch.ones(1, sizes[0], 4, 4))
        self.layers = nn.ModuleList()
        for k, (i, o) in enumerate(zip([sizes[0], *sizes], sizes)):
            self.layers.append(StyledLayer(i, o, w_dim, 4 << k, up=k > 0, constant=k == 0))
            self.layers.append(StyledLayer(o, o, w_dim, 4 << k))
        self.pixels = EqualConv(sizes[-1], channels, 1)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.to_w(z, c)[:, None].expand(-1, self.num_ws, -1)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.constant.expand(len(w), -1, -1, -1)
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k])
        return self.pixels(x)


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> two 3x3 a resolution, blurred before each halving, to 4x4 -> h [N, width] -> logits [N]."""

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
        sizes = halving_plan(resolution, width, taper)[::-1]
        self.pixels = EqualConv(channels, sizes[0], 1)
        self.blocks = nn.ModuleList(nn.ModuleList([EqualConv(i, i, 3), EqualConv(i, o, 3, stride=2)])
                                    for i, o in zip(sizes, sizes[1:]))
        self.last = StdFeatures(sizes[-1], group)
        self.feature_dim = sizes[-1]
        self.head = EqualHead(self.feature_dim, latent.classes)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        h = activated(self.pixels, x)
        for conv, halve in self.blocks:
            h = activated(conv, h)
            h = activated(halve, smooth(F.pad(h, (1, 1, 1, 1))))
        return self.last(h)
