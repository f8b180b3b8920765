"""A run on disk: its state and its identity in one file, ``checkpoint.safetensors``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan.files import write_tensors
from gan.spec import Recorded, read
from train.recipe import Recipe, named

__all__ = ["CHECKPOINT", "HEALTHY", "differences", "identity_of", "load_checkpoint", "peek", "save_checkpoint"]

CHECKPOINT = "checkpoint.safetensors"
HEALTHY = "healthy.safetensors"  # the last state that the collapse watch found well, where it may be gone back to
FREE = ("kimg", "licence", "from_licence")  # what may change between sessions: a budget may be raised


def identity_of(slots: dict[str, str], *, recipe: str, data: str, seed: int, licence: str,
                hold_out: float | None, origin: dict[str, str]) -> dict[str, str]:
    """What must be the same when a run is resumed, as flat text: every slot, the data's fingerprint, the seed, the
    share of pictures held out, what it started from (``origin``: "from" and "from_licence"); and, beside these, what
    ``FREE`` names."""
    held_out = {"hold_out": f"{hold_out:g}"} if hold_out else {}
    return {"recipe": recipe, **slots, "data": data, "seed": str(seed), "licence": licence, **held_out, **origin}


def differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """One line for every part of the identity that differs, the free ones aside.

    Slots are compared by what they mean today: 25 is 25.0, and what an old run does not say, since it began before a slot or
    an argument was thought of, has the default.
    """
    return [f"{k}: {old.get(k, 'absent')} in the run, {new.get(k, 'absent')} asked"
            for k in sorted({*old, *new}) if k not in FREE and _meaning(old, k) != _meaning(new, k)]


def _meaning(identity: dict[str, str], key: str) -> Any:
    slot = next((f for f in dataclasses.fields(Recipe) if f.name == key), None)
    if slot is None:
        return identity.get(key)
    if key not in identity:
        made = slot.default_factory
        return _comparable(slot.default if made is dataclasses.MISSING else made())
    try:
        return _comparable(read(identity[key], named()))
    except ValueError:  # of a version with other names
        return identity[key]


def _comparable(value: Any) -> Any:
    """A value in which objects that were made from equal arguments are equal."""
    if isinstance(value, Recorded):
        return type(value).__name__, {k: _comparable(v) for k, v in value.config.items()}
    if isinstance(value, (list, tuple)):
        return tuple(map(_comparable, value))
    return {k: _comparable(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def save_checkpoint(path: Path, state: tuple[dict[str, Tensor], dict[str, Any]], identity: dict[str, str]) -> None:
    """Writes (tensors, what JSON can hold). Errors: ``OSError``; the checkpoint that stood there is then untouched."""
    tensors, meta = state
    write_tensors(path, tensors, {"state": json.dumps(meta), "identity": json.dumps(identity)})


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
