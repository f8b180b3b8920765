"""StyleGAN2 (Karras et al. 2020, arXiv:1912.04958): mapping net, modulated convolutions, skip generator, residual D.

Arranged for speed: the style scales the activations, one convolution serves the whole batch, and demodulation scales what
comes out. That is the same function as a kernel for each sample (eq. 1 to 3), with no such kernel in memory.
"""

from __future__ import annotations

import math

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
    smooth_down,
    smooth_up,
)


class ModulatedConv(nn.Module):
    """x [N, I, H, W], w [N, D], bias [O] -> [N, O, H, W], or [N, O, 2H, 2W] with ``up``: eq. 1 (modulation) and 3
    (demodulation). ``gain`` multiplies what comes out, at no cost where there is demodulation, which scales it anyway.

    The 1e-8 of eq. 3 is added to squares that already hold the gain 1 / sqrt(fan in), as in the paper's own code; a later
    one of the authors leaves that gain out, so that there 1e-8 weighs fan in times less. Squares are of order one here, so
    the two differ by some 1e-8 of a picture's range; weights in use keep the first.
    """

    def __init__(self, inputs: int, outputs: int, w_dim: int, *, kernel: int = 3, up: bool = False, demodulate: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.gain = 1 / math.sqrt(inputs * kernel**2)
        self.style = EqualLinear(w_dim, inputs, bias=1.0)
        self.up, self.demodulate = up, demodulate

    def forward(self, x: Tensor, w: Tensor, bias: Tensor, gain: float = 1.0) -> Tensor:
        style, weight = self.style(w), self.weight * self.gain
        x = x * style[:, :, None, None]
        if self.up:  # upsample, convolve, blur; the blur's gain makes up for the zeros between the pixels
            x = F.conv_transpose2d(x, weight.transpose(0, 1).flip(2, 3), stride=2)
            x = smooth(x, gain=4.0)
        else:
            x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return x + bias[:, None, None]
        norm = style.square() @ weight.square().sum((2, 3)).t()  # [N, O]
        return torch.addcmul(bias[:, None, None], x, (norm + 1e-8).rsqrt()[:, :, None, None] * gain)


class StyledLayer(nn.Module):
    """Modulated convolution, noise, bias, activation. The noise is drawn anew in training and is a saved buffer in use."""

    def __init__(self, inputs: int, outputs: int, w_dim: int, resolution: int, *, up: bool = False):
        super().__init__()
        self.conv = ModulatedConv(inputs, outputs, w_dim, up=up)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = self.conv(x, w, self.bias * ACTIVATION_GAIN, ACTIVATION_GAIN)
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise
        return F.leaky_relu(x + noise * (self.strength * ACTIVATION_GAIN), 0.2)


class ToRGB(nn.Module):
    """1x1 modulated convolution without demodulation, added to the picture so far (skip generator, fig. 7)."""

    def __init__(self, inputs: int, channels: int, w_dim: int):
        super().__init__()
        self.conv = ModulatedConv(inputs, channels, w_dim, kernel=1, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor, picture: Tensor | None) -> Tensor:
        y = self.conv(x, w, self.bias)
        return y if picture is None else y + smooth_up(picture)


class Generator(base.Generator):
    """z, c -> mapping -> w [N, L, D], one latent a convolution and one for the last picture -> x [N, C, H, W]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #      px
        channels: int = 3,  #         1 or 3
        width: int = 256,  #          channels up to ``taper`` px (paper: 512)
        taper: int = 32,  #           px from which on they halve at each doubling (paper: 32)
        w_dim: int = 256,  #          D (paper: 512)
        mapping_layers: int = 2,  #   (paper: 8; 2 train faster on small data, Karras et al. 2020, arXiv:2006.06676)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width, taper)
        self.num_ws = 2 * len(sizes)
        self.to_w = StyleMapping(latent.dim, latent.classes, w_dim, mapping_layers)
        self.register_buffer("w_mean", torch.zeros(max(latent.classes, 1), w_dim))
        self.constant = nn.Parameter(torch.randn(1, sizes[0], 4, 4))
        self.layers, self.pictures = nn.ModuleList(), nn.ModuleList()
        for k, size in enumerate(sizes):
            if k:
                self.layers.append(StyledLayer(sizes[k - 1], size, w_dim, 4 << k, up=True))
            self.layers.append(StyledLayer(size, size, w_dim, 4 << k))
            self.pictures.append(ToRGB(size, channels, w_dim))

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.to_w(z, c)[:, None].expand(-1, self.num_ws, -1)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.layers[0](self.constant.expand(len(w), -1, -1, -1), w[:, 0])
        picture = self.pictures[0](x, w[:, 1], None)
        for k, to_rgb in enumerate(self.pictures[1:]):  # the picture reads the latent that the next layer will read
            x = self.layers[2 * k + 1](x, w[:, 2 * k + 1])
            x = self.layers[2 * k + 2](x, w[:, 2 * k + 2])
            picture = to_rgb(x, w[:, 2 * k + 3], picture)
        return picture


class DownBlock(nn.Module):
    """3x3, blur, strided 3x3, plus a 1x1 of the halved input, over sqrt(2): [N, I, H, W] -> [N, O, H/2, W/2] (fig. 7)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1, self.conv2 = EqualConv(inputs, inputs, 3), EqualConv(inputs, outputs, 3, stride=2)
        self.skip = EqualConv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = activated(self.conv1, x)
        y = F.leaky_relu(self.conv2(smooth(F.pad(y, (1, 1, 1, 1)))), 0.2)  # its gain and the sum's 1 / sqrt(2) are 1
        return y + self.skip(smooth_down(x), 1 / math.sqrt(2))


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> down to 4x4 -> minibatch standard deviation -> 3x3 -> linear -> h [N, width] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #     px
        channels: int = 3,  #        1 or 3
        width: int = 256,  #         channels up to ``taper`` px (paper: 512)
        taper: int = 32,  #          px from which on they halve at each doubling (paper: 32)
        group: int = 4,  #           samples that share a standard deviation, 0 = without it
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = halving_plan(resolution, width, taper)[::-1]
        self.pixels = EqualConv(channels, sizes[0], 1)
        self.blocks = nn.Sequential(*(DownBlock(i, o) for i, o in zip(sizes, sizes[1:])))
        self.last = StdFeatures(sizes[-1], group)
        self.feature_dim = sizes[-1]
        self.head = EqualHead(self.feature_dim, latent.classes)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        return self.last(self.blocks(activated(self.pixels, x)))
