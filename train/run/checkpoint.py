"""A run on disk: its state and its identity in one file, ``checkpoint.safetensors``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan.files import write_tensors

__all__ = ["CHECKPOINT", "HEALTHY", "differences", "identity_of", "load_checkpoint", "peek", "save_checkpoint"]

CHECKPOINT = "checkpoint.safetensors"
HEALTHY = "healthy.safetensors"  # the last state that the collapse watch found well, where it may be gone back to
FREE = ("kimg", "licence")  # what may change between sessions: a budget may be raised


def identity_of(slots: dict[str, str], *, recipe: str, data: str, seed: int, licence: str) -> dict[str, str]:
    """What must be the same when a run is resumed, as flat text: every slot, the data's fingerprint, the seed;
    and, beside these, what ``FREE`` names."""
    return {"recipe": recipe, **slots, "data": data, "seed": str(seed), "licence": licence}


def differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """One line for every part of the identity that differs, the free ones aside."""
    return [f"{k}: {old.get(k, 'absent')} in the run, {new.get(k, 'absent')} asked"
            for k in sorted({*old, *new}) if k not in FREE and not _same(old.get(k), new.get(k))]


def _same(a: str | None, b: str | None) -> bool:
    """Whether two texts of a slot say the same: 25 is 25.0."""
    try:
        return a == b or float(a) == float(b)
    except (TypeError, ValueError):
        return False


def save_checkpoint(path: Path, state: tuple[dict[str, Tensor], dict[str, Any]], identity: dict[str, str]) -> None:
    """Writes (tensors, what JSON can hold). Errors: ``OSError``; the checkpoint that stood there is then untouched."""
    tensors, meta = state
    write_tensors(path, {k: v.contiguous() for k, v in tensors.items()},
                  {"state": json.dumps(meta), "identity": json.dumps(identity)})


def peek(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """(state without tensors, identity) of a checkpoint. ``ValueError`` where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
        return json.loads(meta["state"]), json.loads(meta["identity"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint that can be read: {error}; remove it to start anew") from None


def load_checkpoint(path: Path, identity: dict[str, str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, on the CPU; the rest of the state). ``ValueError`` with the differences where the checkpoint belongs to
    another recipe or other data."""
    meta, found = peek(path)
    if lines := differences(found, identity):
        raise ValueError(f"{path} belongs to another run; " + "; ".join(lines))
    with safe_open(path, framework="pt") as file:
        return {k: file.get_tensor(k) for k in file.keys()}, meta
