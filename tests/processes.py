"""Several processes that train one run together, started as a launcher starts them; and the same run in one of them.

As a program it plays cases, one of several processes: ``python tests/processes.py OUT CASE …``, where a case is a recipe's
name and its settings, with blanks between them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from runs import images_for, tiny_run
from safetensors.torch import save_file

import train.run.loop as loop
from gan.base import Batch
from train.run.loop import Run
from train.run.world import World, launched

ROOT = Path(__file__).resolve().parent.parent
BATCH, ROUNDS = 14, 20  # a part of 7, which is no other size that anything draws
# What one process does to a whole batch and several do to their parts of it: statistics of a batch, groups of samples. And
# cyclegan goes its way slowly, since there the rounding of losses, which are float32, grows to 1e-2 within 20 rounds.
ALIKE = {"progan": ("d.group=0",), "stylegan": ("d.group=0",), "vae-gan": ("d.group=0",), "cvae-gan": ("d.group=0",),
         "cyclegan": ("pool=none", "g_opt.lr=5e-5", "d_opt.lr=5e-5"),
         "stylegan2": ("d.group=0", "penalties=R1(2, every=3), PathLength(every=2, shrink=1)")}


@contextmanager
def held_port() -> Iterator[socket.socket]:
    """A socket bound to a free port of 127.0.0.1, which the system gives to nobody while the socket is open, here or in a
    process that inherits it; a server that is told the port may listen on it all the same, as servers reuse addresses."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held


def start(size: int, *arguments: object) -> list[subprocess.Popen]:
    """``python ARGUMENTS`` so often, each told who it is. Nothing is forked: this process has threads."""
    env = {**os.environ, "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1",
           "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    with held_port() as held:
        env["MASTER_PORT"] = str(held.getsockname()[1])
        return [subprocess.Popen([sys.executable, *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE, text=True,
                                 env={**env, "RANK": str(rank), "LOCAL_RANK": str(rank)}, pass_fds=[held.fileno()])
                for rank in range(size)]


def ended(processes: list[subprocess.Popen], timeout_s: float = 120) -> list[tuple[int, str]]:
    """(exit status, what it said) of each."""
    try:
        return [(p.wait(timeout_s), p.stderr.read()) for p in processes]
    finally:
        for process in processes:
            process.kill()


@contextmanager
def drawing_by_rows(rank: int, size: int) -> Iterator[None]:
    """What is drawn for a part of a batch are the rows that would be drawn for the whole batch."""
    part, real = BATCH // size, {name: getattr(torch, name) for name in ("rand", "randn", "randint")}

    def by_rows(name, *bounds_and_shape, **kwargs):
        *bounds, shape = bounds_and_shape
        if part not in shape:
            return real[name](*bounds, shape, **kwargs)
        axis = shape.index(part)
        whole = [BATCH if k == axis else n for k, n in enumerate(shape)]
        return real[name](*bounds, whole, **kwargs).split(part, axis)[rank]

    def shaped(name):
        return lambda *shape, **kwargs: by_rows(name, list(shape[0] if isinstance(shape[0], tuple) else shape), **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", shaped("rand"))
        patch.setattr(torch, "randn", shaped("randn"))
        patch.setattr(torch, "randn_like", lambda x: by_rows("randn", list(x.shape)))
        patch.setattr(torch, "randint", lambda *args, **kwargs: by_rows("randint", *args, **kwargs))
        patch.setattr(F, "dropout", lambda x, p, training, inplace=False: x * (torch.rand(*x.shape) > p) / (1 - p))
        yield


def played(case: str, world: World) -> dict[str, torch.Tensor]:
    """The weights after ROUNDS rounds of a case, and the losses of every round.

    In float64: Adam makes whole steps of gradients that are zero but for rounding, which soon would hide what is compared.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return _rounds(_prepared(*case.split(), world=world), world)
    finally:
        torch.set_default_dtype(before)


def _prepared(name: str, *settings: str, world: World) -> Run:
    run = tiny_run(name, f"batch={BATCH}", "precision=float32", *ALIKE.get(name, ()), *settings, world=world, seed=3,
                   images=images_for(name), kimg=BATCH * ROUNDS / 1000)
    run.own, batch = torch.Generator(), run.stream.batch
    run.stream.batch = lambda *args: Batch(*(part.double() if part is not None and part.is_floating_point() else part
                                             for part in batch(*args)))
    for module in [*run.game.G.modules(), *run.game.D.modules()]:
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()  # its statistics would be those of a part of the batch
    return run


def _rounds(run: Run, world: World) -> dict[str, torch.Tensor]:
    losses = []
    with pytest.MonkeyPatch.context() as patch, drawing_by_rows(world.rank, world.size):
        patch.setattr(loop, "seed_round", lambda *_: None)
        for k in range(ROUNDS):
            run.own.manual_seed(1000 + k)
            torch.manual_seed(2000 + k)
            run.advance()
            losses.append(torch.stack([run.losses.get(p.name, torch.zeros(())) for p in run.game.phases]))
    found = {k: v.clone() for k, v in run.state()[0].items() if k.split(".")[0] in ("G", "D", "G_ema", "terms")}
    return found | {"losses": torch.stack(losses), "p": torch.tensor(getattr(run.game.augment, "p", 0.0))}


if __name__ == "__main__":
    torch.set_num_threads(1)
    out, *cases = sys.argv[1:]
    with launched() as world:
        for k, case in enumerate(cases):
            weights = played(case, world)
            save_file({n: t.contiguous() for n, t in weights.items()}, f"{out}/{k}.{world.rank}.safetensors")
