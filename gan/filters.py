"""Filters in plain torch: grey, smoothing, the lines of a picture, strokes of a brush, what JPEG leaves."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["compressed", "gaussian", "grey", "lines", "to_segment"]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as PIL's grey
STEPS = (16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22,
         29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103,
         121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99)  # ITU-T T.81, annex K.1


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


def compressed(x: Tensor, quality: Tensor) -> Tensor:
    """Pictures x [N, C, H, W] in [-1, 1], H and W multiples of 8, as a JPEG of their quality [N], 1 to 50, leaves them:
    cosine transforms of blocks of 8 px, rounded to ``STEPS`` times 50 / quality."""
    k = torch.arange(8, dtype=x.dtype)
    cosine = torch.cos(math.pi * (2 * k + 1) * k[:, None] / 16) / 2
    cosine[0] /= math.sqrt(2)  # orthonormal
    steps = torch.tensor(STEPS, dtype=x.dtype).reshape(8, 1, 8)
    steps = steps * (50 / quality.to(x.dtype))[:, None, None, None, None, None]
    blocks = (127.5 * x).unflatten(3, (-1, 8)).unflatten(2, (-1, 8))  # [N, C, H / 8, 8, W / 8, 8]
    rounded = (torch.einsum("ui,nchiwj,vj->nchuwv", cosine, blocks, cosine) / steps).round() * steps
    found = torch.einsum("ui,nchuwv,vj->nchiwj", cosine, rounded, cosine)
    return (found.flatten(4, 5).flatten(2, 3) / 127.5).clamp(-1, 1)
