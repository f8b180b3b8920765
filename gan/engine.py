"""Draws images: picks the device, keeps models warm, and makes every pixel independent of the batch around it."""

from __future__ import annotations

import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan import batching, hub, shared_gpu
from gan.base import Generator, Inputs
from gan.image import to_uint8
from gan.latent import Draw, latents, to_w
from gan.walk import Rows, Space, Walk, walk_w

__all__ = ["Engine", "device_name", "draw", "draw_inputs", "draw_rows", "draw_walk", "full_precision", "has_bfloat16",
           "pick_device"]

KEEP_BYTES = 2**30  # of weights that stay on the device

def pick_device(name: str | None = None) -> torch.device:
    """The device of that name; without one CUDA, else Apple's MPS, else the CPU. ``ValueError`` if it is not there."""
    cuda = torch.cuda.is_available() and not shared_gpu.HERE
    available = {"cuda": cuda, "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(kind for kind, there in available.items() if there))
    kind, _, index = name.partition(":")
    if not available.get(kind) or index and not (index.isdigit() and int(index) < max(1, torch.cuda.device_count())):
        there = ", ".join(kind for kind, there in available.items() if there)
        raise ValueError(f"device {name!r} is not here; available: {there}")
    return torch.device(name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether it multiplies in bfloat16 itself: elsewhere that is emulated, and several times slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "mps":
        return torch.backends.mps.is_macos_or_newer(14, 0)
    there = torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return there and (platform.machine().lower() not in ("x86_64", "amd64") or torch.cpu._is_avx512_bf16_supported())


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


def _pixels(G: Generator, synthesise: Callable[..., Tensor], rows: Sequence[Tensor | None]) -> np.ndarray:
    """uint8 [n, H, W, C] of ``synthesise(*rows)`` -> x, for at most ``G.chunk_size`` rows.

    The last row is repeated up to that number: natural batching picks other kernels for other sizes, and flips pixels.
    """
    n = next(len(r) for r in rows if r is not None)
    more = G.chunk_size - n
    padded = [None if r is None else torch.cat([r, r[-1:].expand(more, *r.shape[1:])]).to(G.device) for r in rows]
    with torch.inference_mode(), full_precision():
        x = synthesise(*padded)
    return to_uint8(x[:n])


def draw_rows(G: Generator, synthesise: Callable[..., Tensor], rows: Sequence[Tensor | None]) -> np.ndarray:
    """Images of N rows of whatever ``synthesise(*rows)`` -> x [n, C, H, W] reads, uint8 [N, H, W, C]. Parts may be None."""
    count = next(len(r) for r in rows if r is not None)
    parts = [slice(start, start + G.chunk_size) for start in range(0, count, G.chunk_size)]
    return np.concatenate([_pixels(G, synthesise, [None if r is None else r[part] for r in rows]) for part in parts])


def draw(G: Generator, draws: Sequence[Draw], y: Tensor | None = None) -> np.ndarray:
    """Images of the draws, uint8 [N, H, W, C]. Errors and y as ``draw_inputs``."""
    z, c = latents(G.latent, draws)
    return draw_inputs(G, Inputs(z, c, y), torch.tensor([d.psi for d in draws]))


def draw_inputs(G: Generator, inputs: Inputs, psi: Tensor | None = None) -> np.ndarray:
    """Images of N inputs, uint8 [N, H, W, C]; psi [N] is 1 unless given. G must be in evaluation mode.

    Errors: ``ValueError`` where a picture y is missing, not read by G, or of another shape than G reads.
    """
    count = len(inputs.z)
    _check_source(G, inputs.y, count)
    psi = torch.ones(count) if psi is None else psi
    return draw_rows(G, partial(_of_seeds, G), [psi, *inputs])


def _of_seeds(G: Generator, psi: Tensor, z: Tensor, c: Tensor | None, y: Tensor | None) -> Tensor:
    return G.synthesis(to_w(G, z, c, psi), y)


def _of_walk(G: Generator, space: Space, *rows: Tensor | None) -> Tensor:
    return G.synthesis(walk_w(G, space, Rows(*rows)))


def _check_source(G: Generator, y: Tensor | None, count: int) -> None:
    """``ValueError`` unless y is what G reads beside ``count`` latents."""
    if G.source is None:
        if y is not None:
            raise ValueError("this model makes pictures from seeds, and reads no picture")
        return
    side = G.resolution // G.source.scale
    shape = (count, G.source.channels, side, side)
    if y is None:
        raise ValueError(f"this model makes a picture from a picture of {side} px: give it one")
    if tuple(y.shape) != shape:
        raise ValueError(f"y has shape {list(y.shape)}, this model reads {list(shape)}")


def draw_walk(G: Generator, walk: Walk, frames: Iterable[int] | None = None) -> Iterator[np.ndarray]:
    """Frames of a walk, uint8 [H, W, C] one by one: all of them, or those of the given numbers.

    Errors: ``ValueError`` for a number that the walk does not have, and for a model that reads a picture.
    """
    _check_walk(G)
    numbers = iter(range(len(walk)) if frames is None else frames)
    while some := list(islice(numbers, G.chunk_size)):
        yield from _pixels(G, partial(_of_walk, G, walk.space), walk.rows(G.latent, some))


def _check_walk(G: Generator) -> None:
    if G.source is not None:
        raise ValueError("this model makes a picture from a picture: there is no walk between seeds")


@contextmanager
def full_precision() -> Iterator[None]:
    """float32 as it is written, without TF32: on Ampere and later GPUs that rounds factors to 10 bits, and moves pixels."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


class Engine:
    """Models by name, loaded on first use; those last used stay, up to ``keep_bytes`` of weights. Threads may share it:
    what several ask one model for at the same time is drawn together, see ``gan.batching``."""

    def __init__(self, *, device: str | None = None, keep_bytes: int = KEEP_BYTES):
        self.device = pick_device(device)
        self.keep_bytes = keep_bytes
        self._models: OrderedDict[str, hub.Model] = OrderedDict()
        self._loading: dict[str, threading.Lock] = {}
        self._cache = threading.Lock()  #  held for a look-up
        self.batcher = batching.Batcher()  # one computation at a time: two would only share the same cores

    def model(self, name: str) -> hub.Model:
        """The model of a name in weights/, a folder, or a Hub id with optional @revision.

        Nobody who draws waits while another model is read or downloaded. Errors as ``hub.load``.
        """
        with self._cache:
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:  # who asks for the same model waits for it, and does not read it twice
            with self._cache:
                if name in self._models:
                    self._models.move_to_end(name)
                    return self._models[name]
            try:
                model = hub.load(name, device=self.device)
            finally:
                with self._cache:
                    self._loading.pop(name, None)
            with self._cache:
                self._models[name] = model
                self._make_room()
                return model

    def _make_room(self) -> None:
        """Lets go of the models that were not used for longest; the last one stays, whatever its size."""
        sizes = {name: _bytes_of(model) for name, model in self._models.items()}
        while len(sizes) > 1 and sum(sizes.values()) > self.keep_bytes:
            oldest, _ = self._models.popitem(last=False)
            del sizes[oldest]

    def turn(self) -> AbstractContextManager[None]:
        """The device, for one step of a longer work: others draw between the steps."""
        return self.batcher.turn()

    def draw(self, name: str, draws: Sequence[Draw], y: Tensor | None = None) -> np.ndarray:
        """uint8 [N, H, W, C]. Errors as the function ``draw``, and ``gan.batching.Busy``."""
        model = self.model(name)
        if shared_gpu.is_lent(model):
            return _draw_lent(name, draws, y)
        z, c = latents(model.G.latent, draws)
        _check_source(model.G, y, len(draws))
        return self._merged(model.G, "seeds", partial(_of_seeds, model.G), [torch.tensor([d.psi for d in draws]), z, c, y])

    def frames(self, name: str, walk: Walk, numbers: Sequence[int]) -> np.ndarray:
        """uint8 [N, H, W, C]: those frames of a walk. Errors as ``draw_walk``, and ``gan.batching.Busy``."""
        model = self.model(name)
        if shared_gpu.is_lent(model):
            return _frames_lent(name, walk, numbers)
        _check_walk(model.G)
        return self._merged(model.G, walk.space, partial(_of_walk, model.G, walk.space),
                            walk.rows(model.G.latent, numbers))

    def _merged(self, G: Generator, kind: str, synthesise: Callable[..., Tensor], rows: batching.Rows) -> np.ndarray:
        """The pictures of rows; those of other requests of the kind may share their chunks."""
        return self.batcher.draw((id(G), kind), partial(_pixels, G, synthesise), rows, G.chunk_size)


@shared_gpu.on_shared_gpu
def _draw_lent(name: str, draws: Sequence[Draw], y: Tensor | None) -> np.ndarray:
    return draw(shared_gpu.lent_model(name).G, draws, y)


@shared_gpu.on_shared_gpu
def _frames_lent(name: str, walk: Walk, numbers: Sequence[int]) -> np.ndarray:
    return np.stack(list(draw_walk(shared_gpu.lent_model(name).G, walk, numbers)))


def _bytes_of(model: hub.Model) -> int:
    nets = [model.G, *([] if model.encoder is None else [model.encoder])]
    return sum(t.nbytes for net in nets for t in (*net.parameters(), *net.buffers()))
