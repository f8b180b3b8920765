"""The shared GPUs of a Hugging Face Space (ZeroGPU): this process has none, but a function of it may run where one is lent.

``spaces.GPU`` forks a process that keeps the GPU for a few seconds at a time and is given each call's arguments pickled.
What this process loaded after the fork is not there, and its locks may be held for ever; so such a function names its model,
loads it where it runs, and returns NumPy. Elsewhere nothing of this has an effect, and ``spaces`` is not imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import torch

from gan import hub

__all__ = ["HERE", "is_lent", "lent_model", "on_shared_gpu"]

HERE = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")  # as the package ``spaces`` reads it
SECONDS = 10  # that a call may take: the shorter, the sooner it is served, and the less of a visitor's quota it needs
F = TypeVar("F", bound=Callable)
_lent: dict[str, hub.Model] = {}  # models on the GPU, in the process that has it


def on_shared_gpu(function: F) -> F:
    """The function, run where a GPU is lent if this is a Space with shared GPUs, else the function itself.

    It must be a plain one of a module: neither async, which the package refuses, nor a generator, which would keep the GPU
    from all others while its reader is slow.
    """
    if not HERE:
        return function
    import spaces

    return spaces.GPU(function, duration=SECONDS)


def is_lent(model: hub.Model) -> bool:
    """Whether drawings of the model are worth a shared GPU: those of light nets are done before one would be lent."""
    return HERE and model.G.chunk_size == 1  # a picture of 4 GFLOP or more, see ``gan.cost``


def lent_model(name: str) -> hub.Model:
    """The model on the GPU of this process, which runs a function of ``on_shared_gpu``."""
    if name not in _lent:
        torch.set_num_threads(1)  # OpenMP's threads did not come along when the process was forked
        _lent[name] = hub.load(name, device="cuda" if torch.cuda.is_available() else "cpu")
    return _lent[name]
