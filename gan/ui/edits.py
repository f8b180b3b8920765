"""What the Mix and edit page reads from the browser."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from gan.ui.parts.link import short_text

__all__ = ["direction_names", "field", "mask_of"]


def field(asked: Any, name: str) -> Any:
    if not isinstance(asked, dict) or name not in asked:
        raise ValueError(f"the page did not say {name}: load it again")
    return asked[name]


def mask_of(text: Any, side: int) -> np.ndarray | None:
    """bool [R, R] of base64 bits, row by row, True where the picture counts. ``ValueError`` for anything else."""
    if text is None:
        return None
    try:
        bits = np.unpackbits(np.frombuffer(base64.b64decode(str(text), validate=True), np.uint8))
        return bits[: side * side].reshape(side, side).astype(bool)
    except ValueError:
        raise ValueError(f"the hole is no picture of {side} x {side} bits") from None


def direction_names(text: str) -> dict[str, str]:
    """What a visitor called the directions, in a link: number -> name."""
    found = json.loads(text[:4000])
    if not isinstance(found, dict) or not all(k.isdecimal() and isinstance(v, str) for k, v in found.items()):
        raise ValueError("it names no directions")
    return {k: short_text(v)[:40] for k, v in found.items()}
