"""A walk from seed to seed. A frame is made from its number alone, so that a film of any length needs no list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from gan.base import Generator, Latent
from gan.latent import Draw, latents, lerp, slerp, to_w

__all__ = ["MAX_FRAMES", "Rows", "Walk", "Space", "walk_w"]

Space = Literal["auto", "w", "z"]  # straight in w; around the sphere of z's noise; auto = w where mapping is learned, else z
MAX_FRAMES = 10_000  # from one key to the next


class Rows(NamedTuple):
    """What frames are made from: between which draws they lie (a and b), and how far along (t)."""

    z_a: Tensor  #         [N, Z]
    z_b: Tensor
    c_a: Tensor | None  #  [N]
    c_b: Tensor | None
    psi_a: Tensor  #       [N]
    psi_b: Tensor
    t: Tensor  #           [N] in [0, 1]


@dataclass(frozen=True)
class Walk:
    """Passes through the keys in order. ``len(walk)`` frames in all, numbered from 0."""

    keys: tuple[Draw, ...]
    frames: int  #          from one key to the next
    loop: bool = False  #   and back to the first key
    ease: bool = False  #   slow down at every key
    space: Space = "auto"

    def __post_init__(self):
        if len(self.keys) < 2:
            raise ValueError("a walk needs at least two seeds, as in --seeds 1,5,9")
        if not 1 <= self.frames <= MAX_FRAMES:
            raise ValueError(f"a walk has 1 to {MAX_FRAMES:,} frames from one seed to the next, got {self.frames:,}")

    def __len__(self) -> int:
        return len(self.keys) * self.frames if self.loop else (len(self.keys) - 1) * self.frames + 1

    def check(self, frame: int) -> int:
        """The frame's number itself. ``ValueError`` where the walk has no such frame."""
        if not 0 <= frame < len(self):
            raise ValueError(f"this walk has the frames 0 to {len(self) - 1}, there is no frame {frame}")
        return frame

    def rows(self, latent: Latent, frames: Sequence[int]) -> Rows:
        """What ``walk_w`` needs for these frames; only the keys beside them are drawn. Errors as ``check``."""
        last = len(self.keys) - (not self.loop) - 1  # stretch; the last frame of a walk that does not loop ends it
        stretch = [min(self.check(frame) // self.frames, last) for frame in frames]
        ends = [(a, (a + 1) % len(self.keys)) for a in stretch]
        used = sorted({key for pair in ends for key in pair})
        z, c = latents(latent, [self.keys[key] for key in used])
        psi = torch.tensor([self.keys[key].psi for key in used])
        a, b = torch.tensor([[used.index(key) for key in pair] for pair in ends]).T
        t = torch.tensor([frame - a * self.frames for frame, a in zip(frames, stretch)]).div(self.frames)
        if self.ease:
            t = t * t * (3 - 2 * t)
        return Rows(z[a], z[b], None if c is None else c[a], None if c is None else c[b], psi[a], psi[b], t)


def walk_w(G: Generator, space: Space, rows: Rows) -> Tensor:
    """w [N, L, D] of frames. In z, classes are crossed in w, where their embeddings are."""
    if space == "w" or space == "auto" and G.w_mean is not None:
        return lerp(to_w(G, rows.z_a, rows.c_a, rows.psi_a), to_w(G, rows.z_b, rows.c_b, rows.psi_b), rows.t)
    n, t = G.latent.noise, rows.t
    between = lerp if G.latent.prior == "uniform" else slerp
    z = torch.cat([between(rows.z_a[:, :n], rows.z_b[:, :n], t), lerp(rows.z_a[:, n:], rows.z_b[:, n:], t)], 1)
    psi = lerp(rows.psi_a, rows.psi_b, t)
    return lerp(to_w(G, z, rows.c_a, psi), to_w(G, z, rows.c_b, psi), t)
