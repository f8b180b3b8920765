"""The bounds of what a recipe may say: each function raises ``ValueError`` for what lies beyond."""

from __future__ import annotations

import re

from gan.image import MAX_SHEET
from gan.latent import check_psi, check_seed
from gan.spec import fits

__all__ = ["check_digest", "check_draws", "check_number", "check_text"]


def check_draws(seeds: tuple[int, ...], labels: tuple[str | None, ...], psi: float,
                codes: tuple[float, ...] | None) -> None:
    """Of images from seeds."""
    if not 1 <= len(seeds) <= MAX_SHEET:
        raise ValueError(f"{len(seeds):,} seeds: a picture is made from 1 to {MAX_SHEET:,}")
    for seed in seeds:
        check_seed(seed)
    for label in labels:
        check_text(label, "a class", optional=True)
    check_psi(psi)
    for value in codes or ():
        check_number(value, "a code")


def check_text(value: object, what: str, *, optional: bool = False) -> None:
    """Of a name, which may be None where it is ``optional``."""
    if optional and value is None:
        return
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError(f"{what} is no short printable text")


def check_number(value: float, what: str) -> None:
    """Of a code, or a task's parameter."""
    if not fits(value, float) or not -16384 <= value <= 16384:
        raise ValueError(f"{what} must be a number from -16384 to 16384, got {str(value)[:50]}")


def check_digest(value: str) -> None:
    """Of a picture that is known by its sha256 alone."""
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("source must be a sha256 in 64 hexadecimal digits")
