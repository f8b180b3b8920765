"""What a picture costs, known from the net's shapes before anything is allocated; and the chunk that follows from it.

The net runs once on PyTorch's meta device: shapes without memory or arithmetic. Floating-point operations are counted, and
so are the bytes that live at the same time. Both are per row, so that a chunk of n rows costs n times as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import conv_flop_count, flop_registry

from gan.base import Encoder, Generator
from gan.layers import prepare

__all__ = ["CHUNKS", "Cost", "Operations", "check_cost", "chunk_of", "cost_of"]

CHUNKS = (8, 4, 2, 1)
CHUNK_FLOP = 8e9  #        a chunk of more keeps who asked for one picture waiting: about 0.1 s on two cores
CHUNK_BYTES = 2**30
MAX_FLOP = 1e12  #         of one chunk: about 20 s on two cores, in which nobody else is served
MAX_BYTES = 4 * 2**30  #   of one chunk, beside the weights


@dataclass(frozen=True)
class Cost:
    """Of one picture."""

    flop: int
    bytes: int  # at most alive at once, beside the weights; the libraries' own workspace may double it


class Operations(TorchDispatchMode):
    """Counts the floating-point operations of the matrix products and convolutions that run inside it."""

    flop = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        packet = func._overloadpacket
        if packet is torch.ops.aten.convolution_backward:  # torch's rule (2.13) counts weights once for each group
            gradient, x, weight, *_, wanted = args
            self.flop += conv_flop_count(x.shape, weight.shape, gradient.shape, transposed=args[7]) * (wanted[0] + wanted[1])
        elif packet in flop_registry:
            self.flop += flop_registry[packet](*args, **(kwargs or {}), out_val=out)
        return out


class _Meter(Operations):
    """Follows the bytes of all storages that were made and are still alive too."""

    def __init__(self, weights: Iterable[Tensor]):
        super().__init__()
        self.weights = {StorageWeakRef(t.untyped_storage()) for t in weights}  # which views of them are not counted again
        self.alive: dict[StorageWeakRef, int] = {}
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = super().__torch_dispatch__(func, types, args, kwargs)
        self.alive = {ref: size for ref, size in self.alive.items() if not ref.expired()}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and (ref := StorageWeakRef(tensor.untyped_storage())) not in self.weights:
                self.alive[ref] = tensor.untyped_storage().nbytes()
        self.bytes = max(self.bytes, sum(self.alive.values()))
        return out


@torch.no_grad()
def cost_of(net: Generator | Encoder) -> Cost:
    """Of a picture that G draws, or that an encoder reads. The net must stand on the meta device and in evaluation mode; it
    is left ready for use."""
    prepare(net.requires_grad_(False))
    c = torch.empty(1, dtype=torch.long, device="meta") if net.latent.classes else None
    with _Meter((*net.parameters(), *net.buffers())) as meter:
        if isinstance(net, Encoder):
            net(_picture(net.channels, net.resolution), c)
        else:
            source = net.source
            y = None if source is None else _picture(source.channels, net.resolution // source.scale)
            net(torch.empty(1, net.latent.dim, device="meta"), c, y)
    return Cost(meter.flop, meter.bytes)


def _picture(channels: int, side: int) -> Tensor:
    return torch.empty(1, channels, side, side, device="meta")


def chunk_of(cost: Cost) -> int:
    """Rows that a model is evaluated on at a time: the largest of 8, 4, 2, 1 whose chunk stays under 8 GFLOP and 1 GiB.

    Light nets fill their cores only with 8; heavy ones fill them with one picture, and more would only be waited for.
    """
    return next((n for n in CHUNKS if n * cost.flop <= CHUNK_FLOP and n * cost.bytes <= CHUNK_BYTES), 1)


def check_cost(cost: Cost, chunk: int) -> None:
    """``ValueError`` where a draw would take memory or time from everybody else."""
    if chunk * cost.bytes > MAX_BYTES:
        size = chunk * cost.bytes / 2**30
        raise ValueError(f"a draw would take {size:.1f} GiB of memory, more than {MAX_BYTES / 2**30:g}")
    if chunk * cost.flop > MAX_FLOP:
        raise ValueError(f"a draw would take {chunk * cost.flop / 1e12:.1f} TFLOP, more than {MAX_FLOP / 1e12:g}")
