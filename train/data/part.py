"""Some of the pictures of a set as a set of its own, without a copy of them: a training part, a held-out part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gan.files import object_in
from train.data.images import Images

__all__ = ["held_out_share", "held_rows", "hold_out", "part"]

FEWEST = 10  # pictures of a held-out part that says anything


class Rows:
    """uint8 [M, H, W, C]: rows of another array, read where they lie when they are asked for."""

    def __init__(self, pixels: np.ndarray, rows: np.ndarray):
        self._pixels, self._rows = np.asarray(pixels), rows
        self.shape, self.dtype = (len(rows), *pixels.shape[1:]), pixels.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | slice | np.ndarray) -> np.ndarray:
        return self._pixels[self._rows[index]]

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)


def part(images: Images, rows: np.ndarray) -> Images:
    """The pictures ``rows`` (indices, in this order) of a set; its fingerprint is one of its own, all classes stay."""
    rows = np.asarray(rows, np.int64)
    known = hashlib.sha256(images.fingerprint.encode() + rows.tobytes()).hexdigest()[:32]
    partner = None if images.partner is None else _within(images.partner, rows)
    labels = None if images.labels is None else images.labels[rows]
    return replace(images, pixels=Rows(images.pixels, rows), labels=labels, partner=partner,
                   spec=replace(images.spec, count=len(rows)), fingerprint=known)


def hold_out(images: Images, share: float) -> tuple[Images, Images]:
    """(what is trained on, what is held out): a share of each class's pictures. Errors: as ``held_rows``."""
    return tuple(part(images, rows) for rows in held_rows(images.spec.count, images.labels, share, images.partner))


def held_out_share(training: Mapping[str, Any]) -> float:
    """The share by which a model's training split its data, as its record says; 0 where it kept nothing apart, or says
    nonsense: anybody may have written it."""
    share = object_in(training, "data").get("held_out")
    return share if isinstance(share, float) and 0 < share < 1 else 0.0


def held_rows(count: int, labels: np.ndarray | None, share: float,
              partner: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(rows that are trained on, rows that are held out) of so many pictures, in order: a share of each class's, drawn at
    random, the same whenever it is asked; of pairs both or none.

    Errors: ``ValueError`` where either part would be too small to be of use.
    """
    if not 0 < share < 1:
        raise ValueError(f"the held-out share must be above 0 and under 1, got {share:g}")
    order = np.random.RandomState(0).permutation(count)
    labels = np.zeros(count, np.int64) if labels is None else labels
    ranked = order[np.argsort(labels[order], kind="stable")]  # class after class, each in random order
    # Every picture whose place passes the next whole number of held-out ones: an equal share of each class.
    held = ranked[np.diff(np.floor(np.arange(count + 1) * share)).astype(bool)]
    if partner is not None:
        held = held[labels[held] == 0]
        held = np.concatenate([held, partner[held]])
    trained = np.setdiff1d(order, held)
    if len(held) < FEWEST or len(trained) < 2:
        raise ValueError(f"{share:g} of {count:,} pictures are {len(held)} held out and {len(trained)} to train on; it "
                         f"takes {FEWEST} and 2 at least")
    return trained, np.sort(held)


def _within(partner: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """Partners as places among rows, None where a pair was torn apart."""
    place = np.full(len(partner), -1)
    place[rows] = np.arange(len(rows))
    inside = place[partner[rows]]
    return None if (inside < 0).any() else inside
