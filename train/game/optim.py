"""Optimisers as a recipe states them, and their state as a checkpoint holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from train.schedule import Number, at, check_range

__all__ = ["Adam", "RMSprop", "packed", "unpack"]
RECIPE_NAMES = ("Adam", "RMSprop")


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980); the betas are DCGAN's unless a recipe says otherwise."""

    lr: Number = 2e-4
    betas: tuple[Number, Number] = (0.5, 0.999)

    def __post_init__(self):
        check_range("lr", self.lr)
        for beta in self.betas:
            check_range("each of betas", beta, below=1.0)

    def values(self, nimg: int, planned_nimg: int, *, updates: float) -> dict[str, Any]:
        """What the optimiser works with after nimg images of planned_nimg. ``updates`` counts those of a round for each one
        of the main phase: 1 + 1/k with a term every k rounds, 1 + 1/k + 1/m with two. Adam's time constants, in rounds, are
        kept by r = 1 / updates, which is k / (k + 1) with one (Karras et al. 2020, arXiv:1912.04958, appendix B)."""
        r = 1 / updates
        betas = tuple(float(at(beta, nimg, planned_nimg)) ** r for beta in self.betas)
        return dict(lr=at(self.lr, nimg, planned_nimg) * r, betas=betas)

    def build(self, params: list[torch.nn.Parameter], updates: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(params, fused=True, **self.values(0, 1, updates=updates))


@dataclass(frozen=True)
class RMSprop:
    """RMSprop (Hinton 2012), which WGAN uses because momentum made its critic unstable (arXiv:1701.07875, sec. 4)."""

    lr: Number = 5e-5

    def __post_init__(self):
        check_range("lr", self.lr)

    def values(self, nimg: int, planned_nimg: int, *, updates: float) -> dict[str, Any]:
        return dict(lr=at(self.lr, nimg, planned_nimg))

    def build(self, params: list[torch.nn.Parameter], updates: float) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(params, **self.values(0, 1, updates=updates))


def packed(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state by name: ``<index of the parameter>.<slot>``."""
    return {f"{i}.{slot}": tensor for i, slots in optimiser.state_dict()["state"].items() for slot, tensor in slots.items()}


def unpack(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Gives an optimiser the state that ``packed`` took. Errors: ``KeyError`` where a part of it is missing."""
    state: dict[int, dict[str, Tensor]] = {}
    params = optimiser.param_groups[0]["params"]
    for name, tensor in tensors.items():
        i, slot = name.split(".", 1)
        param = params[int(i)]
        # Copied: a tensor as it was read stays a window on its file. Moments lie in memory as their parameter does: fused
        # optimisers walk both side by side.
        same = torch.empty_like(param, dtype=tensor.dtype) if tensor.shape == param.shape else torch.empty_like(tensor)
        state.setdefault(int(i), {})[slot] = same.copy_(tensor)
    slots = set().union(*state.values())
    for i, found in state.items():
        if missing := slots - found.keys():
            raise KeyError(f"{min(missing)} of parameter {i}")
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
