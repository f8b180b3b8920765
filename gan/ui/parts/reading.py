"""Reading what files of models say: files that a stranger may have written, whose every value may be anything.

What is of the wrong type counts as not said. The texts travel to the browser as plain
values, and the page sets them as text.
"""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["arxiv", "as_count", "as_list", "as_mapping", "as_number", "as_text", "duration", "thousands"]

def as_mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any, longest: int = 300) -> str:
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""


def as_number(value: Any, least: float = 0) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and abs(value) < 1e15 and math.isfinite(value) and value >= least else None


def as_count(value: Any) -> int | None:
    number = as_number(value)
    return None if number is None else int(number)


def thousands(nimg: int) -> str:
    """1 234 567 -> "1.2 million", 6 016 -> "6 thousand"."""
    if nimg >= 1_000_000:
        return f"{nimg / 1e6:.1f} million"
    return f"{nimg / 1000:.0f} thousand" if nimg >= 1000 else str(nimg)


def duration(minutes: float) -> str:
    """Minutes in words."""
    if minutes < 1:
        return "under a minute"
    whole = round(minutes)
    hours = f"{whole // 60:,} h" + (f" {whole % 60} min" if whole % 60 else "")
    return hours if whole >= 90 else f"{whole} minute{'s' * (whole > 1)}"


def arxiv(paper: str) -> str:
    """The address of the first arXiv number in a text; built from its digits, so that nothing else gets into a link."""
    match = re.search(r"arXiv:(\d{4})\.(\d{4,5})\b", paper)
    return f"https://arxiv.org/abs/{match[1]}.{match[2]}" if match else ""
