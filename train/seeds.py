"""Independent random numbers out of one seed."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

__all__ = ["derived", "fresh_weights"]


def derived(seed: int, purpose: str) -> int:
    """The seed of one generator among several: from one and the same they would all draw the same numbers, and did, so that
    the first z of a run were the first weights of its G."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:7], "little")


def fresh_weights(net: nn.Module, seed: int) -> None:
    """The net begins anew, on weights that ``seed`` alone decides: itself, since classifiers and feature nets whose figures
    are written down were trained so."""
    torch.manual_seed(seed)
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
