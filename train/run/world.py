"""World: the processes that train one run together, each on its rows of every batch.

``torchrun`` and ``accelerate launch`` start them and say by the same environment variables who each one is; the rest is
``torch.distributed``. Weights are the same in all of them: they begin alike, and every gradient is the mean of all.
"""

from __future__ import annotations

import atexit
import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["Lost", "Processes", "World", "launched"]

log = logging.getLogger(__name__)
PATIENCE = timedelta(hours=2)  # for who decodes pictures, or writes the model down, while the others wait
GOODBYE_S = 5.0  # that the first waits for who does not leave: one that was killed never does
T = TypeVar("T")


class Lost(OSError):
    """Another process of this run has ended, or cannot be reached. One line."""


class World:
    """One process alone: what all think is what it thinks."""

    rank, size = 0, 1

    @property
    def first(self) -> bool:
        """Whether this is the process that speaks, writes and watches."""
        return self.rank == 0

    def share_of(self, batch: int) -> int:
        """How many rows of a global batch are this process's. Errors: ``ValueError`` where not all get as many."""
        if batch % self.size:
            raise ValueError(f"a batch of {batch} cannot be shared by {self.size} processes: make it a multiple of "
                             f"{self.size} (--batch)")
        return batch // self.size

    def says_if_it_was(self, size: int) -> None:
        """Of a run that goes on, and was one of so many processes."""
        if size != self.size:
            log.warning("the checkpoint is of %d process(es) and goes on in %d, with other random numbers than it would "
                        "have drawn", size, self.size)

    def mean_(self, params: Sequence[nn.Parameter], values: Tensor) -> Tensor:
        """Makes every gradient the mean over all processes (zero where one has none; none where all have none), and returns
        the mean of ``values`` [K]. It all travels in one message."""
        return values

    def mean(self, t: Tensor) -> Tensor:
        """The mean over all processes, through which gradients flow."""
        return t

    def any(self, flag: bool) -> bool:
        """Whether one of them says so."""
        return flag

    def share(self, value: T) -> T:
        """What the first process gives, on all of them."""
        return value

    def is_first_to_fail(self) -> bool:
        """Whether no other process has given the reason for the end yet."""
        return True


class Processes(World):
    """One of several. Errors of every method: ``Lost``."""

    def __init__(self, rank: int, size: int, store: dist.Store):
        self.rank, self.size, self.store = rank, size, store

    @torch.no_grad()
    def mean_(self, params: Sequence[nn.Parameter], values: Tensor) -> Tensor:
        have = values.new_tensor([p.grad is not None for p in params])
        grads = [(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in params]
        flat = self._summed(torch.cat([values, have, *grads])) / self.size
        values, have, *grads = flat.split([len(values), len(have), *map(len, grads)])
        for p, some, grad in zip(params, have.tolist(), grads):
            if some:
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
                p.grad.copy_(grad.view_as(p))
        return values

    def mean(self, t: Tensor) -> Tensor:
        return _Mean.apply(t, self)

    def any(self, flag: bool) -> bool:
        return bool(self._summed(torch.tensor([float(flag)])).item())

    def share(self, value: T) -> T:
        box = [value if self.first else None]
        with self._reaching_all():
            dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def is_first_to_fail(self) -> bool:
        try:
            return self.store.add("failed", 1) == 1
        except RuntimeError:  # it went with the process that held it, which may have been killed
            return True

    def leave(self) -> None:
        """Ends the group, so that whoever waits for this process learns of it. The first, when it has said what it has to,
        stays until all others have left or have had the time to: with it goes the store, which they ask what happened."""
        dist.destroy_process_group()
        with suppress(RuntimeError):  # as in is_first_to_fail
            self.store.add("left", 1)
        if self.first:
            atexit.register(self._see_off)

    def _see_off(self) -> None:
        until = time.monotonic() + GOODBYE_S
        with suppress(RuntimeError):
            while self.store.add("left", 0) < self.size and time.monotonic() < until:
                time.sleep(0.02)

    def _summed(self, t: Tensor) -> Tensor:
        """``t`` becomes its sum over all processes."""
        with self._reaching_all():
            dist.all_reduce(t)
        return t

    @contextmanager
    def _reaching_all(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:  # all that the backends raise
            raise Lost(f"another of the {self.size} processes of this run has ended or does not answer: all stop. The last "
                       f"checkpoint stays; the same command with --resume goes on from it") from error


class _Mean(torch.autograd.Function):
    """The mean over all processes; each gets the mean of all gradients of it, as one that is averaged afterwards needs."""

    @staticmethod
    def forward(ctx: Any, t: Tensor, world: Processes) -> Tensor:
        ctx.world = world
        return world._summed(t.detach().clone()) / world.size

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.world._summed(gradient.clone()) / ctx.world.size, None


@contextmanager
def launched(device: str | None = None) -> Iterator[World]:
    """The world that a launcher has started this process into, alone without one. ``device`` as ``gan.engine.pick_device``.

    All but the first are silent in it. Of their errors one is raised, the cause; the others end with it: ``SystemExit``.
    Errors: ``ValueError`` where a machine has fewer GPUs than processes; ``Lost``.
    """
    size = int(os.environ.get("WORLD_SIZE", 1)) if "RANK" in os.environ else 1  # some clusters always set the one
    if size == 1:
        yield World()
        return
    if device != "cpu" and torch.backends.mps.is_available():  # gloo, which is all that a Mac has, sends from the CPU
        raise ValueError("several processes cannot share Apple's GPU: train in one, or add --device cpu")
    world = _joined(int(os.environ["RANK"]), size, gpus=0 if device == "cpu" else torch.cuda.device_count())
    with _silent(not world.first):
        try:
            yield world
        except (ValueError, KeyError, OSError):
            if world.is_first_to_fail():
                raise
            raise SystemExit(1) from None
        finally:
            world.leave()


def _joined(rank: int, size: int, gpus: int) -> Processes:
    local = int(os.environ.get("LOCAL_RANK", 0))
    if gpus:
        if local >= gpus:
            raise ValueError(f"more processes than GPUs on this machine: start one a GPU (--nproc-per-node {gpus})")
        torch.cuda.set_device(local)
    try:
        store, _, _ = next(iter(dist.rendezvous("env://", rank, size, timeout=PATIENCE)))
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", store=store, rank=rank, world_size=size,
                                timeout=PATIENCE)
    except RuntimeError as error:
        raise Lost(f"the {size} processes do not find each other: {str(error).strip().splitlines()[0][:200]}") from error
    return Processes(rank, size, dist.PrefixStore("gan-gallery", store))


@contextmanager
def _silent(yes: bool) -> Iterator[None]:
    """What a process prints and logs is not seen."""
    if not yes:
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere), redirect_stdout(nowhere):
            yield
    finally:
        logging.disable(before)
