"""Layers that change the resolution."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.layers.prepared import Prepared

__all__ = ["UpConv", "Upsampling", "smooth", "smooth_down", "smooth_up", "up_block"]

Upsampling = Literal["nearest", "transposed"]


class UpConv(Prepared):
    """Nearest-neighbour upsampling by 2, then a 3x3 convolution: [N, I, H, W] -> [N, O, 2H, 2W].

    The pair (Odena, Dumoulin and Olah 2016, doi:10.23915/distill.00003, against checkerboards) is computed as one
    transposed convolution whose 4x4 kernel is the 3x3 kernel spread by a 2x2 box. That is the same function, since
    every input pixel stands on a 2x2 square of the upsampled image, with 4 multiply-adds for each 9.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.register_buffer("kernel", None, persistent=False)  # spread beforehand: that takes longer than to draw with it
        nn.init.normal_(self.weight, 0.0, 0.02)

    def prepare(self) -> None:
        if isinstance(self.weight, nn.Parameter):  # else spectral norm makes it anew at every call
            with torch.inference_mode(False), torch.no_grad():
                self.kernel = _spread(self.weight.clone())  # a clone, since the weight may be an inference tensor

    def forget(self) -> None:
        self.kernel = None

    def forward(self, x: Tensor) -> Tensor:
        """x [N, I, H, W] -> [N, O, 2H, 2W]."""
        weight = self.weight  # once: under spectral norm each reading is a power iteration
        if self.training and weight.requires_grad and torch.is_grad_enabled():  # torch.func differentiates no Function
            kernel = _Spread.apply(weight)
        else:
            kernel = _spread(weight) if self.kernel is None or weight.requires_grad else self.kernel
        return F.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)


def _spread(weight: Tensor) -> Tensor:
    """[O, I, 3, 3] -> [I, O, 4, 4]: flipped, as a transposed convolution reads it, and summed over a 2x2 box."""
    last, (outputs, inputs) = weight.is_contiguous(memory_format=torch.channels_last), weight.shape[:2]
    if last:  # in the order of memory, and transposed as a matrix, or most of the time goes into the order
        k = weight.permute(0, 2, 3, 1).reshape(outputs, -1).t().contiguous()
        k, rows = k.view(3, 3, inputs, outputs).permute(2, 0, 1, 3), 1
    else:
        k, rows = weight.transpose(0, 1).contiguous(), 2
    for dim in (rows, rows + 1):
        c, b, a = k.unbind(dim)
        k = torch.stack((a, a + b, b + c, c), dim)
    return k.permute(0, 3, 1, 2) if last else k


class _Spread(torch.autograd.Function):
    """``_spread`` with the gradient that autograd would find, bit for bit, without the zeros that it adds up on the way."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        return _spread(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        g = gradient[:, :, :, :-1] + gradient[:, :, :, 1:]
        return (g[:, :, :-1] + g[:, :, 1:]).transpose(0, 1).flip(2, 3)


def up_block(inputs: int, outputs: int, up: Upsampling, *, bias: bool) -> nn.Module:
    """Doubles the resolution: Odena's upsample-and-convolve, or Radford's transposed 4x4 convolution."""
    if up == "nearest":
        return UpConv(inputs, outputs, bias=bias)
    if up == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)
    raise ValueError(f"up must be nearest or transposed, got {up!r}")


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
