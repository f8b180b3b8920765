"""Layers of the families with normalisation: DCGAN, the residual nets, BigGAN."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan.layers.resampling import UpConv

__all__ = ["AppendClass", "ConditionalBatchNorm", "Norm", "ResDown", "ResUp", "init_normal", "minibatch_std", "norm_layer",
           "spectral_normalise"]

Norm = Literal["batch", "layer", "instance", "none"]

def norm_layer(kind: Norm, channels: int) -> nn.Module:
    """Normalisation of [N, C, H, W]: over the batch (Ioffe and Szegedy 2015, arXiv:1502.03167), over each sample (Ba, Kiros
    and Hinton 2016, arXiv:1607.06450), or over each channel of each sample (Ulyanov et al. 2016, arXiv:1607.08022), which
    both leave the samples of a batch apart."""
    kinds = {"batch": nn.BatchNorm2d, "layer": lambda c: nn.GroupNorm(1, c), "none": lambda c: nn.Identity(),
             "instance": lambda c: nn.InstanceNorm2d(c, affine=True)}  # GroupNorm(c, c) is the same, 3 to 5 times as slow
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


def minibatch_std(x: Tensor, group: int) -> Tensor:
    """One more channel: the standard deviation over groups of samples, mean over all else (arXiv:1710.10196, sec. 3).

    [N, C, H, W] -> [N, C + 1, H, W]. The group is cut to the largest divisor of N.
    """
    n, _, h, w = x.shape
    group = next(g for g in range(min(group, n), 0, -1) if n % g == 0)
    y = x.reshape(group, n // group, -1).to(torch.promote_types(x.dtype, torch.float32))
    variance = (y - y.mean(0)).square().mean(0)  # Tensor.var takes nine times as long over so few samples
    std = (variance + 1e-8).sqrt().mean(1).to(x.dtype)  # [N / group]
    return torch.cat([x, std.repeat(group).reshape(n, 1, 1, 1).expand(n, 1, h, w)], 1)


def spectral_normalise(net: nn.Module, *, skip: tuple[type, ...] = ()) -> int:
    """Puts every convolution, linear layer and embedding of the net under spectral normalisation, one power iteration, and
    returns how many.

    Source: Miyato et al. 2018, arXiv:1802.05957. ``skip`` names the kinds of layers to leave out.
    """
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding, UpConv)
    found = [module for module in net.modules() if isinstance(module, kinds) and not isinstance(module, skip)]
    for module in found:
        spectral_norm(module)
    return len(found)


def init_normal(net: nn.Module) -> None:
    """Radford et al. 2015, sec. 4: weights ~ N(0, 0.02), norm scales ~ N(1, 0.02), biases 0."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.InstanceNorm2d, nn.GroupNorm)):
            nn.init.normal_(module.weight, 1.0, 0.02)
        if isinstance(getattr(module, "bias", None), nn.Parameter):
            nn.init.zeros_(module.bias)
