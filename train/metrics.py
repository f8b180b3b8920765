"""How good samples are, from features of a classifier that the project trains itself."""

from __future__ import annotations

import numpy as np

__all__ = ["frechet_distance"]


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
