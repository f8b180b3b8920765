"""How good samples are: distances and shares between two sets of features [N, F], in float64, in pieces that fit in memory.

No feature net is named here: whoever prints a score says whose features it was read in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

__all__ = ["K_DENSITY", "Shares", "frechet_distance", "kernel_distance", "memorised", "nearest", "neighbours", "shares"]

PART = 1000  #        rows of a distance matrix at a time
SAME = 1e-5  #        of the features' length: what is nearer is a copy, whatever rounding makes of its distance
K, K_DENSITY = 3, 5  # neighbours within a ball: of precision and recall, of density and coverage; the papers' own


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


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """KID and its standard error: the unbiased squared maximum mean discrepancy under the kernel (x.y / F + 1)^3 (Binkowski
    et al. 2018, arXiv:1801.01401, sec. 4), over all samples where the paper takes the mean over subsets of them: as
    unbiased, and with less noise. The error is the jackknife's: what leaving out one sample after the other changes.
    ``ValueError`` for fewer than 3 samples of either.
    """
    n, m = len(real), len(fake)
    if min(n, m) < 3:
        raise ValueError(f"a kernel distance needs 3 samples of each, got {n} and {m}")
    real, fake = real.astype(np.float64), fake.astype(np.float64)
    xx, yy = _within(real), _within(fake)  # sums over all others, of each
    xy, yx = _cubic_sums(real, fake), _cubic_sums(fake, real)
    one, two, both = xx.sum() / (n * (n - 1)), yy.sum() / (m * (m - 1)), xy.sum() / (n * m)
    without_x = (xx.sum() - 2 * xx) / ((n - 1) * (n - 2)) + two - 2 * (xy.sum() - xy) / ((n - 1) * m)
    without_y = (yy.sum() - 2 * yy) / ((m - 1) * (m - 2)) + one - 2 * (yx.sum() - yx) / ((m - 1) * n)
    variance = (n - 1) * without_x.var() + (m - 1) * without_y.var()
    return float(one + two - 2 * both), float(np.sqrt(variance))


def _within(x: np.ndarray) -> np.ndarray:
    return _cubic_sums(x, x) - ((x * x).sum(1) / x.shape[1] + 1) ** 3


def _cubic_sums(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The kernel of each x with all y, summed over these, [N]."""
    return np.concatenate([((part @ y.T / x.shape[1] + 1) ** 3).sum(1) for part in np.split(x, range(PART, len(x), PART))])


class Shares(NamedTuple):
    """Of two sets, each from 0 to 1, density aside, which may be greater."""

    precision: float  # of fakes that lie among reals
    recall: float  #    of reals that lie among fakes
    density: float  #   how many reals' balls a fake lies in, over their number K
    coverage: float  #  of reals with a fake in their ball


def shares(real: np.ndarray, fake: np.ndarray) -> Shares:
    """Precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991, eq. 1 and 2), density and coverage (Naeem et al.
    2020, arXiv:2002.09797, eq. 4 and 6). A point lies among others where it is within one of their balls, each of which
    reaches to its centre's K-th neighbour."""
    reach_real, reach_fake = neighbours(real, K_DENSITY), neighbours(fake, K)
    inside = np.zeros(len(fake), bool)
    balls, found, covered = 0, [], []
    for start, d in _distances(real, fake):
        rows = slice(start, start + len(d))
        inside |= (d <= reach_real[rows, K - 1, None]).any(0)
        found.append((d <= reach_fake[None, :, K - 1]).any(1))
        within = d <= reach_real[rows, K_DENSITY - 1, None]
        balls += int(within.sum())
        covered.append(within.any(1))
    return Shares(float(inside.mean()), float(np.concatenate(found).mean()), balls / (K_DENSITY * len(fake)),
                  float(np.concatenate(covered).mean()))


def neighbours(x: np.ndarray, k: int) -> np.ndarray:
    """Distances to the first k neighbours of each, itself left out, [N, k]. ``ValueError`` for fewer than k others."""
    if len(x) <= k:
        raise ValueError(f"{k} neighbours need more than {k} samples, got {len(x)}")
    rows = []
    for start, d in _distances(x, x):
        d[np.arange(len(d)), start + np.arange(len(d))] = np.inf
        rows.append(np.sort(np.partition(d, k - 1, 1)[:, :k], 1))
    return np.concatenate(rows)


def nearest(x: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distance to, index of) the nearest of ``others`` for each x, [N] both."""
    parts = [(d.min(1), d.argmin(1)) for _, d in _distances(x, others)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def memorised(fake: np.ndarray, train: np.ndarray, held_out: np.ndarray | None = None) -> float:
    """The share of fakes that are closer to a training picture than all but 1 % of the held-out pictures are. Nothing
    was learnt by heart where it is about 1 % or less. Without held-out pictures each training picture is held out
    from the others, one after the other. Real pictures that are there twice do not say how near others come."""
    reach = neighbours(train, 1)[:, 0] if held_out is None else nearest(held_out, train)[0]
    same = SAME * np.sqrt(np.square(train.astype(np.float64)).sum(1).mean())
    apart, found = reach[reach > same], nearest(fake, train)[0]
    return float(((found <= same) | (found < (np.quantile(apart, 0.01) if apart.size else 0))).mean())


def _distances(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(first row, Euclidean distances [n, len(y)]) for a part of x after the other."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    squares = (y * y).sum(1)
    for start in range(0, len(x), PART):
        part = x[start : start + PART]
        d = (part * part).sum(1)[:, None] + squares - 2 * part @ y.T
        yield start, np.sqrt(d.clip(0))
