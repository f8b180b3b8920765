"""Layers that two families or more share."""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan import base

__all__ = ["ACTIVATION_GAIN", "AppendClass", "ConditionalBatchNorm", "EqualConv", "EqualHead", "EqualLinear", "ResDown",
           "ResUp", "StdFeatures", "StyleMapping", "UpConv", "activated", "halving_plan", "init_normal", "minibatch_std",
           "norm_layer", "pixel_norm", "smooth", "smooth_down", "smooth_up", "spectral_normalise", "up_block"]

Upsampling = Literal["nearest", "transposed"]
Norm = Literal["batch", "layer", "none"]


def norm_layer(kind: Norm, channels: int) -> nn.Module:
    """Normalisation of [N, C, H, W]: over the batch (Ioffe and Szegedy 2015, arXiv:1502.03167), or over each sample (Ba,
    Kiros and Hinton 2016, arXiv:1607.06450), which leaves the samples of a batch apart."""
    kinds = {"batch": nn.BatchNorm2d, "layer": lambda c: nn.GroupNorm(1, c), "none": lambda c: nn.Identity()}
    return kinds[kind](channels)


class AppendClass(nn.Module):
    """Mapping of the simple conditional families: z [N, Z], c [N] -> w [N, 1, Z + size], the class embedding appended.

    Mirza and Osindero 2014, arXiv:1411.1784, give G the class beside the noise. Without classes it passes z on.
    """

    def __init__(self, classes: int, size: int = 64):
        super().__init__()
        self.embed = nn.Embedding(classes, size) if classes else None
        self.size = size if classes else 0
        if self.embed is not None:  # as long as a one-hot vector: at N(0, 1) the class drowns the noise, and G ignores it
            nn.init.normal_(self.embed.weight, 0.0, size**-0.5)

    def forward(self, z: Tensor, c: Tensor | None) -> Tensor:
        return (z if self.embed is None else torch.cat([z, self.embed(c)], 1))[:, None]


class UpConv(nn.Module):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution: [N, I, H, W] -> [N, O, 2H, 2W].

    The pair (Odena, Dumoulin and Olah 2016, doi:10.23915/distill.00003, against checkerboards) is computed as one
    transposed convolution whose 4x4 kernel is the 3x3 kernel spread by a 2x2 box. That is the same function, since
    every input pixel stands on a 2x2 square of the upsampled image, with 4 multiply-adds for each 9.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self._kept: tuple[tuple[int, int], Tensor] | None = None
        nn.init.normal_(self.weight, 0.0, 0.02)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self._kernel(), self.bias, stride=2, padding=1)

    def _kernel(self) -> Tensor:
        """[I, O, 4, 4]. Kept from call to call where nobody trains: to spread it takes longer than to draw with it. A weight
        that may be trained is never kept: fused optimisers change it without raising its version."""
        weight = self.weight
        if self.training or weight.requires_grad or not isinstance(weight, nn.Parameter) or weight.is_inference():
            return _spread(weight)
        state = (weight.data_ptr(), weight._version)
        if self._kept is None or self._kept[0] != state:
            self._kept = (state, _spread(weight))
        return self._kept[1]


def _spread(weight: Tensor) -> Tensor:
    """[O, I, 3, 3] -> [I, O, 4, 4]: flipped, as a transposed convolution reads it, and summed over a 2x2 box."""
    k = F.pad(weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))  # [I, O, 5, 5], a zero around the 3x3
    k = k[:, :, :-1] + k[:, :, 1:]
    return (k[:, :, :, :-1] + k[:, :, :, 1:]).contiguous()


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose scale and shift come from a condition [N, D] (De Vries et al. 2017, arXiv:1707.00683).

    ``dim`` = 0 is plain batch norm; the condition is then not read. x [N, C, H, W] -> the same shape.
    """

    def __init__(self, channels: int, dim: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=not dim)
        self.affine = nn.Linear(dim, 2 * channels) if dim else None

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        x = self.norm(x)
        if self.affine is None:
            return x
        scale, shift = self.affine(condition)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(x + shift, x, scale)


class ResUp(nn.Module):
    """Residual block that doubles the resolution: [N, I, H, W] -> [N, O, 2H, 2W].

    norm, ReLU, upsample, 3x3; norm, ReLU, 3x3; plus the input, upsampled (Gulrajani et al. 2017, arXiv:1704.00028, app. F).
    """

    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.norm1, self.norm2 = ConditionalBatchNorm(inputs, condition), ConditionalBatchNorm(outputs, condition)
        self.up, self.conv = UpConv(inputs, outputs), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        y = self.up(F.relu(self.norm1(x, condition)))
        y = self.conv(F.relu(self.norm2(y, condition)))
        return y + F.interpolate(self.shortcut(x), scale_factor=2)  # 1x1 and nearest commute: a quarter of the work


class ResDown(nn.Module):
    """Residual block of D: ReLU, 3x3, ReLU, 3x3, mean over 2x2 where ``down``; plus the input, led past.

    A ``first`` block has no ReLU before, since its input is a picture, and no ``norm``.
    """

    def __init__(self, inputs: int, outputs: int, *, down: bool, first: bool = False, norm: Norm = "none"):
        super().__init__()
        self.norm1 = norm_layer("none" if first else norm, inputs)
        self.norm2 = norm_layer("none" if first else norm, outputs)
        self.down, self.first = down, first
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs or down else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.norm2(self.conv1(x if self.first else F.relu(self.norm1(x))))))
        if self.down:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        return y + self.shortcut(x)


def up_block(inputs: int, outputs: int, up: Upsampling, *, bias: bool) -> nn.Module:
    """Doubles the resolution: Odena's upsample-and-convolve, or Radford's transposed 4x4 convolution."""
    if up == "nearest":
        return UpConv(inputs, outputs, bias=bias)
    if up == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)
    raise ValueError(f"up must be nearest or transposed, got {up!r}")


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


def minibatch_std(x: Tensor, group: int) -> Tensor:
    """One more channel: the standard deviation over groups of samples, mean over all else (arXiv:1710.10196, sec. 3).

    [N, C, H, W] -> [N, C + 1, H, W]. The group is cut to the largest divisor of N.
    """
    n, _, h, w = x.shape
    group = next(g for g in range(min(group, n), 0, -1) if n % g == 0)
    y = x.reshape(group, n // group, -1)
    std = (y.var(0, unbiased=False) + 1e-8).sqrt().mean(1)  # [N / group]
    return torch.cat([x, std.repeat(group).reshape(n, 1, 1, 1).expand(n, 1, h, w)], 1)


class StyleMapping(nn.Module):
    """z [N, Z], c [N] -> w [N, D]: the mapping net of the style-based generators (Karras, Laine and Aila 2019,
    arXiv:1812.04948, fig. 1b and app. C: its learning rate is a hundredth), the class embedding beside z."""

    def __init__(self, dim: int, classes: int, w_dim: int, layers: int):
        super().__init__()
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


def _binomial(x: Tensor, gain: float) -> Tensor:
    """The separable filter [1, 3, 3, 1] as a depthwise kernel [C, 1, 4, 4] whose entries sum to gain."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype)
    return (torch.outer(taps, taps) * (gain / 64)).expand(x.shape[1], 1, 4, 4)


def smooth(x: Tensor, gain: float = 1.0) -> Tensor:
    """The filter [1, 3, 3, 1] at the resolution it finds: [N, C, H, W] -> [N, C, H - 1, W - 1], one row of zeros around."""
    return F.conv2d(x, _binomial(x, gain), padding=1, groups=x.shape[1])


def smooth_up(x: Tensor) -> Tensor:
    """Doubles the resolution under the filter [1, 3, 3, 1] (Karras et al. 2020, arXiv:1912.04958, app. B)."""
    return F.conv_transpose2d(x, _binomial(x, 4), stride=2, padding=1, groups=x.shape[1])


def smooth_down(x: Tensor) -> Tensor:
    """Halves the resolution under the filter [1, 3, 3, 1]."""
    return F.conv2d(x, _binomial(x, 1), stride=2, padding=1, groups=x.shape[1])


def spectral_normalise(net: nn.Module, *, skip: tuple[type, ...] = ()) -> None:
    """Puts every convolution, linear layer and embedding of the net under spectral normalisation, one power iteration.

    Source: Miyato et al. 2018, arXiv:1802.05957. ``skip`` names the kinds of layers to leave out.
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding, UpConv)
    for module in list(net.modules()):
        if isinstance(module, kinds) and not isinstance(module, skip):
            spectral_norm(module)


def init_normal(net: nn.Module, std: float = 0.02) -> None:
    """Radford et al. 2015, sec. 4: weights ~ N(0, 0.02), norm scales ~ N(1, 0.02), biases 0."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, std)
        elif isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)):
            nn.init.normal_(module.weight, 1.0, std)
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            nn.init.zeros_(module.bias)
