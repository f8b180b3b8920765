"""Layers under equalised learning rate: ProGAN and its heirs (Karras et al. 2018, arXiv:1710.10196)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers.blocks import minibatch_std

__all__ = ["ACTIVATION_GAIN", "EqualConv", "EqualHead", "EqualLinear", "StdFeatures", "StyleMapping", "activated",
           "halving_plan", "pixel_norm"]


def halving_plan(resolution: int, width: int, taper: int = 32) -> list[int]:
    """Channels at 4, 8, ... resolution px: ``width`` up to ``taper`` px, then half of it at each doubling, at least 8."""
    if not 4 <= taper <= 1024 or taper & (taper - 1):
        raise ValueError(f"taper must be a power of two from 4 to 1024 px, got {taper}")
    return [max(8, width * taper // max(taper, 4 << k)) for k in range(resolution.bit_length() - 2)]


class EqualLinear(nn.Module):
    """Linear layer under equalised learning rate (Karras et al. 2018, arXiv:1710.10196, sec. 4.1): weights ~ N(0, 1), scaled
    at run time by He's constant. ``rate`` scales the learning rate of the layer, ``bias`` is the bias at the start.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.rate, self.gain = rate, rate / math.sqrt(inputs)

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        return F.linear(x, self.weight * (self.gain * gain), self.bias * (self.rate * gain))


class EqualHead(base.Head):
    """``base.Head`` with its linear score under equalised learning rate."""

    def __init__(self, dim: int, classes: int = 0):
        super().__init__(dim, classes)
        self.score = EqualLinear(dim, 1)


class EqualConv(nn.Module):
    """Convolution under equalised learning rate; a stride above 1 leaves the padding to the caller."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.stride, self.padding = 1 / math.sqrt(inputs * kernel**2), stride, kernel // 2 if stride == 1 else 0

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        bias = None if self.bias is None else self.bias * gain
        return F.conv2d(x, self.weight * (self.gain * gain), bias, self.stride, self.padding)


ACTIVATION_GAIN = math.sqrt(2)  # He's, which keeps the variance through a leaky ReLU: equalised layers leave it to that


def activated(layer: EqualLinear | EqualConv, x: Tensor) -> Tensor:
    """sqrt(2) * leaky ReLU of slope 0.2 of layer(x). The factor is moved to the weights, with which it commutes: that
    spares a pass over the pictures here, in the backward pass and in the one of a penalty."""
    return F.leaky_relu(layer(x, ACTIVATION_GAIN), 0.2)


def pixel_norm(x: Tensor) -> Tensor:
    """Every feature vector to mean square 1 (Karras et al. 2018, arXiv:1710.10196, sec. 4.2). [N, C, ...] -> the same."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class StyleMapping(nn.Module):
    """z [N, Z], c [N] -> w [N, D]: the mapping net of the style-based generators (Karras, Laine and Aila 2019,
    arXiv:1812.04948, fig. 1b and app. C: its learning rate is a hundredth), the class embedding beside z."""

    def __init__(self, dim: int, classes: int, w_dim: int, layers: int):
        super().__init__()
        if not 1 <= layers <= 32:
            raise ValueError(f"mapping_layers must be from 1 to 32, got {layers}")
        self.embed = nn.Embedding(classes, w_dim) if classes else None
        first = dim + (w_dim if classes else 0)
        self.layers = nn.ModuleList(EqualLinear(first if k == 0 else w_dim, w_dim, rate=0.01) for k in range(layers))

    def forward(self, z: Tensor, c: Tensor | None) -> Tensor:
        h = pixel_norm(z)
        if self.embed is not None:
            h = torch.cat([h, pixel_norm(self.embed(c))], 1)
        for layer in self.layers:
            h = activated(layer, h)
        return h


class StdFeatures(nn.Module):
    """The end of ProGAN's D and its heirs': x [N, C, 4, 4] -> standard deviation over ``group`` samples (0 = without) -> 3x3
    -> linear -> h [N, C] (Karras et al. 2018, arXiv:1710.10196, table 2)."""

    def __init__(self, channels: int, group: int):
        super().__init__()
        self.group = group
        self.conv = EqualConv(channels + (group > 0), channels, 3)
        self.linear = EqualLinear(channels * 16, channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.group:
            x = minibatch_std(x, self.group)
        return activated(self.linear, activated(self.conv, x).flatten(1))
