"""How alike the patches of two sets of pictures are, scale by scale: the sliced Wasserstein distance of Karras et al. 2018
(arXiv:1710.10196, sec. 5). No feature net has a part in it: it sees texture and colour, and knows of no object."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["pyramid", "sliced_wasserstein"]

COARSEST = 16  #   px of the last level of the pyramid
PATCH = 7  #       px of a patch's side
PATCHES = 128  #   of each picture and level
DIRECTIONS = 128  # a quarter of the paper's: sorting takes the time
CHUNK = 100  #     pictures, or directions, at a time


def sliced_wasserstein(real: np.ndarray, fake: np.ndarray) -> dict[int, float]:
    """Side of a level in px -> distance, times 1,000 as in the paper. Pictures uint8 [N, H, W, C], as many of both.

    Of each picture's levels 128 patches of 7 x 7 px are taken at random; all patches of a set and level are normalised by
    the mean and the deviation of each channel; the distance is the mean over 128 random directions of the one-dimensional
    Wasserstein distance along it. All from fixed seeds. ``ValueError`` for sets that differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(f"as many pictures of one size are compared, got {real.shape} and {fake.shape}")
    found, level, side = {}, 0, real.shape[1]
    while level == 0 or side >= COARSEST:
        found[side] = 1000 * _distance(_patches(real, level, level), _patches(fake, level, level))
        level, side = level + 1, side // 2
    return found


def pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """The Laplacian pyramid of x [N, C, H, W], finest first (Burt and Adelson 1983): of each level but the last, what its
    half-sized copy does not hold."""
    found = []
    for _ in range(levels - 1):
        smaller = _smoothed(x)[:, :, ::2, ::2]
        apart = torch.zeros_like(x)
        apart[:, :, ::2, ::2] = smaller
        found.append(x - 4 * _smoothed(apart))
        x = smaller
    return [*found, x]


def _smoothed(x: Tensor) -> Tensor:
    line = torch.tensor([1.0, 4, 6, 4, 1], dtype=x.dtype) / 16
    kernel = torch.outer(line, line).expand(x.shape[1], 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, groups=x.shape[1])


def _patches(pixels: np.ndarray, level: int, seed: int) -> Tensor:
    """Normalised patches of one level, [C * 49, N * 128]: columns, so that a direction's projections lie side by side."""
    count = 1 + max(0, (pixels.shape[1] // COARSEST).bit_length() - 1)  # levels in all
    side = pixels.shape[1] >> level
    places = np.random.RandomState(seed).randint(0, side - PATCH + 1, (len(pixels), PATCHES, 2))
    parts = []
    for start in range(0, len(pixels), CHUNK):
        x = torch.from_numpy(np.array(pixels[start : start + CHUNK])).permute(0, 3, 1, 2).float()
        windows = pyramid(x, count)[level].unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # [n, C, y, x, 7, 7]
        y, x = torch.from_numpy(places[start : start + CHUNK]).unbind(2)
        parts.append(windows[torch.arange(len(windows))[:, None], :, y, x].flatten(0, 1))  # [n * 128, C, 7, 7]
    found = torch.cat(parts)
    deviation, mean = torch.std_mean(found, (0, 2, 3), keepdim=True, correction=0)
    return ((found - mean) / deviation.clamp(min=1e-8)).flatten(1).T.contiguous()


def _distance(a: Tensor, b: Tensor) -> float:
    rows = torch.from_numpy(np.random.RandomState(0).randn(DIRECTIONS, len(a))).float()
    rows = rows / rows.norm(dim=1, keepdim=True)
    found = [np.abs(np.sort((some @ a).numpy()) - np.sort((some @ b).numpy())).mean(1) for some in rows.split(CHUNK)]
    return float(np.concatenate(found).mean(dtype=np.float64))
