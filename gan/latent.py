"""From seeds to z, from z to a truncated w, and what lies between two of them.

A seed is an integer from 0 to 2**32 - 1. Its stream is NumPy's ``RandomState``, which NumPy has frozen for good, read in
a fixed order (noise, categorical codes, continuous codes, class), so that a seed means the same picture for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan.base import Generator, Inputs, Latent
from gan.spec import fits

__all__ = ["Draw", "MAX_SEED", "check_psi", "check_seed", "inputs_of", "latents", "lerp", "parse_seeds", "slerp", "to_w",
           "w_mean_of"]

MAX_SEED = 2**32 - 1
MAX_SEEDS = 100_000  # in one request
PSI_RANGE = (0.0, 2.0)


@dataclass(frozen=True)
class Draw:
    """What one image is made from, beside the weights."""

    seed: int
    label: int | None = None  #            class index; None = the one that the seed draws
    psi: float = 1.0  #                    truncation, 1 = none
    codes: tuple[float, ...] | None = None  # categorical indices, then continuous codes; None = the seed's

    def __post_init__(self):
        check_seed(self.seed)
        object.__setattr__(self, "psi", check_psi(self.psi))  # 1 and 0 are natural to write, and no weights of a float w


def check_seed(seed: int) -> int:
    """The seed itself. ``ValueError`` for what is no integer from 0 to 2**32 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed <= MAX_SEED:
        raise ValueError(f"a seed must be a whole number from 0 to {MAX_SEED}, got {seed!r}")
    return int(seed)


def check_psi(psi: float) -> float:
    """psi as a float. ``ValueError`` for what is no number from 0 to 2."""
    if not fits(psi, float) or not PSI_RANGE[0] <= psi <= PSI_RANGE[1]:
        raise ValueError(f"psi must be a number from {PSI_RANGE[0]:g} to {PSI_RANGE[1]:g}, got {str(psi)[:50]}")
    return float(psi)


def parse_seeds(text: str, most: int = MAX_SEEDS) -> list[int]:
    """``"0-3,42"`` -> [0, 1, 2, 3, 42], with blanks or semicolons for commas, dashes for hyphens, a comma at the end.
    ``ValueError`` for anything else, and for more than ``most`` seeds."""
    seeds: list[int] = []
    plain = re.sub(r"\s*[-\u2013\u2014]\s*", "-", str(text).strip())
    for part in re.split(r"\s*[,;]\s*|\s+", re.sub(r"\s*[,;]$", "", plain)):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        if not match:
            raise ValueError(f"cannot read seeds {str(text)[:80]!r}: expected whole numbers from 0 to {MAX_SEED} and "
                             f"ranges, as in 0-15,42")
        first, last = check_seed(int(match[1])), check_seed(int(match[2] or match[1]))
        if last < first:
            raise ValueError(f"the range {part} runs backwards: write {last}-{first}")
        if last - first + 1 + len(seeds) > most:
            raise ValueError(f"more than {most:,} seeds at once")
        seeds.extend(range(first, last + 1))
    return seeds


def latents(latent: Latent, draws: Sequence[Draw]) -> tuple[Tensor, Tensor | None]:
    """z [N, Z] float32 and c [N] int64 (None without classes) of the draws, not yet truncated."""
    rows = [_row(latent, draw) for draw in draws]
    z = torch.from_numpy(np.stack([z for z, _ in rows]))
    return z, torch.tensor([c for _, c in rows]) if latent.classes else None


def _row(latent: Latent, draw: Draw) -> tuple[np.ndarray, int]:
    rs = np.random.RandomState(draw.seed)
    noise = 2 * rs.random_sample(latent.noise) - 1 if latent.prior == "uniform" else rs.randn(latent.noise)
    if latent.prior == "sphere":
        noise *= np.sqrt(latent.noise) / np.linalg.norm(noise)
    indices = [int(rs.random_sample() * k) for k in latent.categorical]
    continuous = [2 * rs.random_sample() - 1 for _ in range(latent.continuous)]
    c = int(rs.random_sample() * latent.classes)  # drawn even when it is overridden: part of the stream
    if draw.codes is not None:
        split = len(latent.categorical)
        if len(draw.codes) != split + latent.continuous:
            raise ValueError(f"this model takes {split + latent.continuous} codes, got {len(draw.codes)}")
        chosen, continuous = draw.codes[:split], list(draw.codes[split:])
        if not all(0 <= i < k and i == i // 1 for i, k in zip(chosen, latent.categorical)):
            raise ValueError(f"categorical codes must be whole numbers under {latent.categorical}, got {chosen}")
        indices = [int(i) for i in chosen]
    if draw.label is not None:
        if not 0 <= draw.label < latent.classes:
            raise ValueError(f"class {draw.label} is out of range: this model has {latent.classes or 'no'} classes")
        c = draw.label
    one_hot = [np.zeros(k) for k in latent.categorical]
    for row, index in zip(one_hot, indices):
        row[index] = 1
    return np.concatenate([noise, *one_hot, continuous]).astype(np.float32), c


def to_w(G: Generator, z: Tensor, c: Tensor | None, psi: Tensor) -> Tensor:
    """w [N, L, D], truncated by psi [N]; psi = 1 changes no bit.

    Where mapping is learned, w is drawn towards the mean w of its class (Karras et al. 2019, arXiv:1812.04948, sec. B).
    Where it is not, the noise part of z is scaled: never a class embedding, never a code.
    """
    if G.w_mean is not None:
        w = G.mapping(z, c)
        mean = w_mean_of(G, c, len(z))[:, None]
        return torch.where(psi[:, None, None] == 1, w, torch.lerp(mean, w, psi[:, None, None]))
    noise = G.latent.noise
    return G.mapping(torch.cat([z[:, :noise] * psi[:, None], z[:, noise:]], 1), c)


def inputs_of(G: Generator, draws: Sequence[Draw]) -> Inputs:
    """``latents`` of the draws, on G's device."""
    return Inputs(*latents(G.latent, draws)).to(G.device)


def w_mean_of(G: Generator, c: Tensor | None, count: int) -> Tensor:
    """[N, D]: the mean w of the class of each of N samples, where mapping is learned."""
    return G.w_mean[torch.zeros(count, dtype=torch.long, device=G.w_mean.device) if c is None else c]


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Straight line from a to b, [N, ...], t [N] in [0, 1]."""
    return torch.lerp(a, b, t.reshape(-1, *[1] * (a.ndim - 1)))


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the great circle from a to b, [N, Z], t [N]; norms move on a straight line.

    Noise of many dimensions lives near a sphere, which a straight line leaves (White 2016, arXiv:1609.04468, sec. 2.1).
    """
    t = t[:, None]
    norm_a, norm_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    cosine = ((a * b).sum(1, keepdim=True) / (norm_a * norm_b).clamp_min(1e-12)).clamp(-1, 1)
    angle = torch.acos(cosine)
    direction = (torch.sin((1 - t) * angle) * a / norm_a.clamp_min(1e-12) +
                 torch.sin(t * angle) * b / norm_b.clamp_min(1e-12)) / torch.sin(angle).clamp_min(1e-12)
    curved = direction * torch.lerp(norm_a, norm_b, t)
    return torch.where(angle.abs() < 1e-4, torch.lerp(a, b, t), curved)  # parallel: the two agree
