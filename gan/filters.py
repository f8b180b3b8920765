"""Filters in plain torch: grey, smoothing, the lines of a picture, strokes of a brush."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["gaussian", "grey", "lines", "to_segment"]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's grey


def lines(x: Tensor, *, smooth: float, keep: float) -> Tensor:
    """Where a grey picture x [N, 1, H, W] in [-1, 1] changes most: ink [N, 1, H, W], 1 on a line, 0 off it.

    Canny 1986 (IEEE TPAMI 8.6): the gradient of the smoothed picture, kept where it is largest along its own direction, and
    followed from strong places along weaker ones. ``smooth`` is a sigma in px of a picture of 64 px, and in proportion for
    others; ``keep`` is the share of the pixels whose gradient is strong, so that pale pictures have lines too, and flat ones
    have none.
    """
    unit = max(x.shape[-1] / 64, 0.5)  # px in one of 64
    g = gaussian(x, smooth * unit)
    g = F.pad(g, (1, 1, 1, 1), mode="replicate")
    dx, dy = (g[..., 1:-1, 2:] - g[..., 1:-1, :-2]) / 2, (g[..., 2:, 1:-1] - g[..., :-2, 1:-1]) / 2
    size = torch.hypot(dx, dy) * unit
    thin = _largest_along(size, dx, dy)
    rank = round((1 - keep) * (size[0].numel() - 1)) + 1
    strong = size.flatten(1).kthvalue(rank, dim=1).values[:, None, None, None].clamp(min=0.03)
    weak, line, fewer = thin & (size > 0.4 * strong), thin & (size > strong), None
    while fewer is None or not torch.equal(line, fewer):
        line, fewer = weak & _spread(line), line
    ink = gaussian(line.float(), 0.6 * unit)  # a pen has a width
    return (ink * 2.2 * unit).clamp(max=1)


def grey(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, 1, H, W]."""
    if x.shape[1] == 1:
        return x
    return (x * torch.tensor(LUMA, dtype=x.dtype, device=x.device)[:, None, None]).sum(1, keepdim=True)


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """x [N, C, H, W] smoothed by a Gaussian of sigma px; the rim is continued."""
    reach = min(math.ceil(3 * sigma), 4 * min(x.shape[2:]))
    taps = torch.exp(-torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device).square() / (2 * sigma**2))
    taps = (taps / taps.sum()).expand(x.shape[1], 1, 1, -1)
    x = F.pad(x, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, taps, groups=x.shape[1]), taps.transpose(2, 3), groups=x.shape[1])


def _spread(mask: Tensor) -> Tensor:
    """bool [N, 1, H, W]: true where one of the nine places around is."""
    mask = F.pad(mask, (1, 1, 1, 1))
    mask = mask[..., :-2] | mask[..., 1:-1] | mask[..., 2:]
    return mask[..., :-2, :] | mask[..., 1:-1, :] | mask[..., 2:, :]


def _largest_along(size: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """bool [N, 1, H, W]: where the gradient (dx, dy), of that size, is larger than at both neighbours in its direction,
    which is taken as one of four."""
    octant = torch.round(torch.atan2(dy, dx) / (math.pi / 4)).long() % 4
    padded = F.pad(size, (1, 1, 1, 1))
    h, w = size.shape[2:]
    shifted = lambda down, right: padded[..., 1 + down : 1 + down + h, 1 + right : 1 + right + w]  # noqa: E731
    found = torch.zeros_like(size, dtype=torch.bool)
    for k, (down, right) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        # >= on one side only, so that of two equal neighbours one stays
        found |= (octant == k) & (size > shifted(down, right)) & (size >= shifted(-down, -right))
    return found


def to_segment(place: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """[H, W]: the distance of every place [H, W, 2] to the segment from a [2] to b [2]."""
    along = b - a
    t = ((place - a) @ along / along.square().sum().clamp(min=1e-12)).clamp(0, 1)
    return (place - a - t[..., None] * along).norm(dim=-1)
