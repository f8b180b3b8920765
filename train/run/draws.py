"""The random generators of a run: independent ones out of one seed, and their states in a checkpoint."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from torch import Tensor

from train.seeds import derived

__all__ = ["generator", "restore_states", "seed_round", "states"]

log = logging.getLogger(__name__)

# Layers that draw on a device (dropout) use its own generator, which is not the one of the CPU.
DEVICES = {"cuda": (torch.cuda.get_rng_state, torch.cuda.set_rng_state),
           "mps": (lambda device: torch.mps.get_rng_state(), lambda state, device: torch.mps.set_rng_state(state))}


def generator(seed: int, device: torch.device) -> torch.Generator:
    """Seeds torch's own generators, for initial weights and layers that draw, and returns one for z and for what terms and
    transforms draw."""
    torch.manual_seed(derived(seed, "weights"))
    return torch.Generator(device).manual_seed(derived(seed, "latents"))


def seed_round(own: torch.Generator, seed: int, purpose: str) -> None:
    """For one of several processes, whose terms, transforms and layers shall draw otherwise than the others': its own
    generator and torch's begin anew in every round, so that no checkpoint need hold the states of all processes."""
    own.manual_seed(derived(seed, f"terms of {purpose}"))
    torch.manual_seed(derived(seed, f"layers of {purpose}"))


def states(rng: torch.Generator) -> dict[str, Tensor]:
    """The states of all generators of a run, by name."""
    found = {"rng.torch": torch.get_rng_state(), "rng.run": rng.get_state()}
    if rng.device.type in DEVICES:
        found[f"rng.{rng.device.type}"] = DEVICES[rng.device.type][0](rng.device)
    return found


def restore_states(rng: torch.Generator, tensors: Mapping[str, Tensor], *, otherwise: int) -> None:
    """The inverse of ``states``. A state of another kind of device means nothing on this one: ``rng`` is then seeded with
    ``otherwise``, and a warning says that the run goes on with other numbers than it would have drawn."""
    torch.set_rng_state(tensors["rng.torch"])
    kind, state = rng.device.type, tensors["rng.run"]
    if state.shape == rng.get_state().shape and (kind not in DEVICES or f"rng.{kind}" in tensors):
        rng.set_state(state)
        if kind in DEVICES:
            DEVICES[kind][1](tensors[f"rng.{kind}"], rng.device)
    else:
        rng.manual_seed(otherwise)
        log.warning("the checkpoint was made on another kind of device than this %s: training goes on from it, with other "
                    "random numbers than it would have drawn there", kind)
