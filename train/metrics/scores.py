"""How good samples are, from features of a classifier that the project trains itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["frechet_distance", "precision_recall"]


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """|m_r - m_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)) of two feature sets [N, F] (Heusel et al. 2017, arXiv:1706.08500).

    The trace of the root is that of the symmetric (S_r^(1/2) S_f S_r^(1/2))^(1/2): the same eigenvalues, all real.
    """
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    difference = real.mean(0) - fake.mean(0)
    cov_real, cov_fake = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    values, vectors = np.linalg.eigh(cov_real)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    trace = np.sqrt(np.linalg.eigvalsh(root @ cov_fake @ root).clip(0)).sum()
    return float(difference @ difference + np.trace(cov_real) + np.trace(cov_fake) - 2 * trace)


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """(share of fakes that lie among reals, share of reals that lie among fakes), features [N, F]. A point lies among
    others where it is within one of their balls, each reaching to its k-th neighbour (Kynkaanniemi et al. 2019,
    arXiv:1904.06991, eq. 1 and 2)."""
    a, b = torch.from_numpy(real).float(), torch.from_numpy(fake).float()
    return _share_inside(b, a, k), _share_inside(a, b, k)


def _share_inside(points: Tensor, centres: Tensor, k: int, chunk: int = 1000) -> float:
    nearest = [torch.cdist(part, centres).kthvalue(k + 1).values for part in centres.split(chunk)]  # the first is itself
    radii = torch.cat(nearest)
    inside = torch.cat([(torch.cdist(part, centres) <= radii).any(1) for part in points.split(chunk)])
    return inside.float().mean().item()
