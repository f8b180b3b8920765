"""The weights of one net for another of its family, whose classes or channels are others.

What a class has (a row of an embedding, of the mean w) goes to the class of the same name; one that is new begins as the
mean of the old ones. What the first layer reads beside the noise where classes are new begins at zero, so that G draws what
it drew. Grey becomes RGB by repeating what makes the pixel, and RGB grey by its mean; in D, which reads pictures, by parts
and by the sum, so that it judges the same picture as it did. (Under spectral norm as far as the norm of the changed layer
allows.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from train.run.settle import POWER_ITERATIONS

__all__ = ["ENCODER", "Change", "Misfit", "converted", "take_over"]


class Misfit(ValueError):
    """These weights are none for that net; the text says why."""


ENCODER = "encoder."  # how the names of its tensors begin: in training it is a part of G


@dataclass(frozen=True)
class Change:
    """What is otherwise in the new net."""

    resolution: int  #                  of both
    channels: tuple[int, int]  #        of the old one, of the new one
    classes: tuple[int, int]
    rows: tuple[int | None, ...] = ()  # for each new class, the old one of the same name


def take_over(net: nn.Module, found: Mapping[str, Tensor], change: Change, side: Literal["G", "D"]) -> None:
    """Gives a net the weights ``found``. Errors: ``Misfit``, and then nothing has changed."""
    values = converted(net, found, change, side)
    net.load_state_dict({**net.state_dict(), **values})
    for name, module in net.named_modules():
        if parametrize.is_parametrized(module) and f"{name}.parametrizations.weight.0._u" not in values:
            for _ in range(POWER_ITERATIONS):
                module.weight  # noqa: B018  one power iteration each, in training


def converted(net: nn.Module, found: Mapping[str, Tensor], change: Change, side: Literal["G", "D"]) -> dict[str, Tensor]:
    """``found`` in the shapes of the net, by the net's names; shapes are all that is read where they have no memory. An
    encoder that ``found`` came without stays as it is.

    Errors: ``Misfit``.
    """
    found = net.expanded(found) if side == "G" else found
    values, read = {}, set()
    encodes = any(name.startswith(ENCODER) for name in found)
    for name, wanted in net.state_dict().items():
        old = _name_in(found, name)
        read.add(old)
        if _is_singular_vector(name):
            if old in found and found[old].shape == wanted.shape:
                values[name] = found[old]
        elif old in found:
            reads = "D" if name.startswith(ENCODER) else side  # pictures come in there
            values[name] = _converted(net, name, found[old], wanted.shape, change, reads)
        elif not _is_of_classes(name) and (encodes or not name.startswith(ENCODER)):
            raise Misfit(f"{name} is not among its weights")
    if left := [name for name in found if name not in read and not _is_of_classes(name) and not _is_singular_vector(name)]:
        raise Misfit(f"there is no place for its {left[0]}")
    for name in [name for name in values if _is_singular_vector(name)]:  # both of a layer or none
        if not {f"{name[:-1]}u", f"{name[:-1]}v"} <= values.keys():
            del values[name]
    return values


def _name_in(found: Mapping[str, Tensor], name: str) -> str:
    """A weight under spectral norm is called otherwise than the plain one that an export has."""
    plain = name.replace(".parametrizations.weight.original", ".weight")
    return name if name in found else plain


def _is_singular_vector(name: str) -> bool:
    return name.endswith((".weight.0._u", ".weight.0._v"))


def _is_of_classes(name: str) -> bool:
    """Whether a tensor's first axis counts classes."""
    return name == "w_mean" or "embed" in name.split(".")


def _converted(net: nn.Module, name: str, old: Tensor, wanted: torch.Size, change: Change, side: str) -> Tensor:
    if _is_of_classes(name):
        rows = change.rows or (None,)
        old = torch.stack([old.mean(0) if row is None else old[row] for row in rows])
    elif old.ndim != len(wanted):
        raise Misfit(f"{name} has {old.ndim} axes in the place of {len(wanted)}")
    else:
        fan_in = old.shape[1] if old.ndim > 1 else 1
        for axis, size in enumerate(wanted):
            if old.shape[axis] != size:
                old = _along(old, axis, size, name, change, side)
        if old.ndim > 1 and isinstance(getattr(_owner(net, name), "gain", None), float):  # equalised: 1 / sqrt(fan in)
            old = old * math.sqrt(wanted[1] / fan_in)
    if old.shape != wanted:
        raise Misfit(f"{name} has the shape {tuple(old.shape)}, not {tuple(wanted)}")
    return old


def _along(old: Tensor, axis: int, size: int, name: str, change: Change, side: str) -> Tensor:
    """``old`` with one axis as long as ``size``."""
    before, after = change.channels
    k = old.shape[axis] // before
    if before != after and k in (1, change.resolution**2) and (k * before, k * after) == (old.shape[axis], size):
        parts = old.unflatten(axis, (before, k))
        reads = side == "D"
        if after > before:
            parts = parts.repeat_interleave(after, axis) / (after if reads else 1)
        else:
            parts = parts.sum(axis, keepdim=True) if reads else parts.mean(axis, keepdim=True)
        return parts.flatten(axis, axis + 1)
    if change.classes[0] != change.classes[1] and (side == "G" or before == after):
        more = max(0, size - old.shape[axis])
        nothing = old.new_zeros([more if i == axis else n for i, n in enumerate(old.shape)])
        return torch.cat([old.narrow(axis, 0, min(size, old.shape[axis])), nothing], axis)
    raise Misfit(f"{name} has {old.shape[axis]} in the place of {size}")


def _owner(net: nn.Module, name: str) -> nn.Module:
    """The layer that a tensor belongs to."""
    return net.get_submodule(name.partition(".parametrizations.")[0] if ".parametrizations." in name
                             else name.rpartition(".")[0])
