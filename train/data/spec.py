"""What a recipe may know of the data it is for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DataSpec"]


@dataclass(frozen=True)
class DataSpec:
    """The shape of a data set."""

    resolution: int  #                     px, a power of two
    channels: int  #                       1 or 3
    classes: int = 0  #                    0 = unlabelled
    class_names: tuple[str, ...] = ()
    count: int = 0  #                      images
