"""The families: one file each, its name the family's name, with a ``Generator`` and a ``Discriminator``."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from torch import nn

__all__ = ["families", "family", "family_of"]


def families() -> tuple[str, ...]:
    """Names of all families, sorted: the files of this folder."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


def family(name: str) -> ModuleType:
    """The module of a family. ``ValueError`` with the known names for any other."""
    if name not in families():  # the list, not the import system, decides what a config may name
        raise ValueError(f"unknown family {name!r}; known: {', '.join(families())}")
    return importlib.import_module(f"{__name__}.{name}")


def family_of(net: nn.Module) -> str:
    """The name of a net's family."""
    return type(net).__module__.rpartition(".")[2]
