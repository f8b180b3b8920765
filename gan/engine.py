"""Draws images: picks the device, keeps models warm, and makes every pixel independent of the batch around it."""

from __future__ import annotations

import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan import hub
from gan.base import Generator
from gan.image import to_uint8
from gan.latent import Draw, latents, to_w
from gan.walk import Rows, Walk, walk_w

__all__ = ["CHUNK", "Engine", "device_name", "draw", "draw_walk", "pick_device"]

# Every net is evaluated on exactly so many rows: natural batching picks other kernels for other sizes, and flips
# pixels. Chosen by benchmarks/serving.py: larger costs a single image more, smaller costs a sheet more.
CHUNK = 8


def pick_device(name: str | None = None) -> torch.device:
    """The device of that name; without one CUDA, else Apple's MPS, else the CPU. ``ValueError`` if it is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(kind for kind, there in available.items() if there))
    kind, _, index = name.partition(":")
    if not available.get(kind) or index and not (index.isdigit() and int(index) < max(1, torch.cuda.device_count())):
        there = ", ".join(kind for kind, there in available.items() if there)
        raise ValueError(f"device {name!r} is not here; available: {there}")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """The device in words, for pages and records: a GPU's name, or the processor's."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor() or platform.machine()} (CPU)"


def _pixels(synthesise: Callable[..., Tensor], G: Generator, *rows: Tensor | None) -> np.ndarray:
    """uint8 [n, H, W, C] of ``synthesise(*rows)`` -> x, for at most ``CHUNK`` rows, the last repeated up to that number."""
    device = next(G.parameters()).device
    n = next(len(r) for r in rows if r is not None)
    padded = [None if r is None else torch.cat([r, r[-1:].expand(CHUNK - n, *r.shape[1:])]).to(device) for r in rows]
    with torch.inference_mode():
        x = synthesise(*padded)
    return to_uint8(x[:n])


def draw(G: Generator, draws: Sequence[Draw]) -> np.ndarray:
    """Images of the draws, uint8 [N, H, W, C]. G must be in evaluation mode."""
    z, c = latents(G.latent, draws)
    psi = torch.tensor([d.psi for d in draws])
    synthesise = lambda z, c, psi: G.synthesis(to_w(G, z, c, psi))  # noqa: E731
    parts = [slice(start, start + CHUNK) for start in range(0, len(draws), CHUNK)]
    return np.concatenate([_pixels(synthesise, G, z[p], None if c is None else c[p], psi[p]) for p in parts])


def draw_walk(G: Generator, walk: Walk, frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """Frames of a walk, uint8 [H, W, C] one by one: all of them, or those of the given numbers.

    Errors: ``ValueError`` for a number that the walk does not have.
    """
    numbers = iter(range(len(walk)) if frames is None else frames)
    synthesise = lambda *rows: G.synthesis(walk_w(G, walk.way, Rows(*rows)))  # noqa: E731
    while chunk := list(islice(numbers, CHUNK)):
        yield from _pixels(synthesise, G, *walk.rows(G.latent, chunk))


class Engine:
    """Models by name, loaded on first use; the ``keep`` last used stay on the device. Safe to call from threads."""

    def __init__(self, *, device: str | None = None, keep: int = 4):
        self.device = pick_device(device)
        self.keep = keep
        self._models: OrderedDict[str, hub.Model] = OrderedDict()
        self._lock = threading.Lock()  # one computation at a time: two would only share the same cores

    def model(self, name: str) -> hub.Model:
        """The model of a name in weights/, a folder, or a Hub id with optional @revision."""
        with self._lock:
            if name not in self._models:
                self._models[name] = hub.load(name, device=self.device)
                while len(self._models) > self.keep:
                    self._models.popitem(last=False)
            self._models.move_to_end(name)
            return self._models[name]

    def draw(self, name: str, draws: Sequence[Draw]) -> np.ndarray:
        """uint8 [N, H, W, C]."""
        model = self.model(name)
        with self._lock:
            return draw(model.G, draws)
