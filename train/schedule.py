"""Numbers that move over a run: a ``Schedule`` may stand wherever a recipe takes a ``Number``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Union

from gan.spec import write

__all__ = ["Number", "Schedule", "at", "check_range"]


@dataclass(frozen=True)
class Schedule:
    """A number that moves from ``start`` to ``end`` while ``kimg`` thousand images are seen, and stays there.

    Without ``kimg`` it moves over the whole run, however long that is.
    """

    start: float
    end: float
    kimg: float | None = None
    shape: Literal["linear", "cosine"] = "linear"

    def __post_init__(self):
        if self.kimg is not None and self.kimg <= 0:
            raise ValueError(f"kimg of a Schedule must be above 0, got {self.kimg}")

    def at(self, nimg: int, planned_nimg: int) -> float:
        """The number after ``nimg`` images of a run that was planned for ``planned_nimg``."""
        over = planned_nimg if self.kimg is None else 1000 * self.kimg
        t = min(nimg / over, 1.0) if over else 1.0
        if self.shape == "cosine":
            t = (1 - math.cos(math.pi * t)) / 2
        return self.start + (self.end - self.start) * t


Number = Union[float, Schedule]


def at(value: Number, nimg: int, planned_nimg: int) -> float:
    """The number itself, or the schedule's value after nimg images of a run of planned_nimg."""
    return value.at(nimg, planned_nimg) if isinstance(value, Schedule) else value


def check_range(what: str, value: Number, least: float = 0.0, below: float = math.inf) -> None:
    """Errors: ``ValueError`` for a number, or one that a schedule passes, that is not in [least, below)."""
    for number in (value.start, value.end) if isinstance(value, Schedule) else (value,):
        if not least <= number < below:
            most = f" and below {below:g}" if below < math.inf else ""
            raise ValueError(f"{what} must be at least {least:g}{most}, got {write(value)}")
