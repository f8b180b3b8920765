"""The folder of a run: ``recipe.json``, ``log.jsonl``, ``snapshots/``, ``checkpoint.safetensors``, ``export/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from gan.files import write_tensors

if TYPE_CHECKING:
    from train.loop import Run

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


def save_checkpoint(path: Path, run: Run, identity: dict[str, str]) -> None:
    """Errors: ``OSError``; the checkpoint that stood there before is then untouched."""
    tensors, meta = run.state()
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


def load_checkpoint(path: Path, run: Run, identity: dict[str, str]) -> None:
    """Restores the run. ``ValueError`` with the differences where the checkpoint belongs to another recipe or data."""
    state, found = peek(path)
    if lines := differences(found, identity):
        raise ValueError(f"{path} belongs to another run; " + "; ".join(lines))
    with safe_open(path, framework="pt", device=str(run.device)) as file:
        tensors = {k: file.get_tensor(k) for k in file.keys()}
    for key in tensors:
        if key.startswith("rng."):  # states of generators live on the CPU, whatever they generate for
            tensors[key] = tensors[key].cpu()
    run.restore(tensors, state)
