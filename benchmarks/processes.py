"""python -m benchmarks.processes: images/s of several processes that train one run, against one process; one thread each.

One and several take turns, round after round, each in fresh processes and after a warm-up, on random pictures; the ratio is
the median over the rounds. ``images_per_cpu_s`` counts the seconds of all processes' own work, in which another program on
the same cores has no part: several processes can be no faster than that allows.

  python -m benchmarks.processes                                      # dcgan, narrow, under spectral norm, on RGB at 64 px
  python -m benchmarks.processes --recipe stylegan2 --set g.width=32 --set d.width=32 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks.timing import processor_s
from train.data.images import Images
from train.data.spec import DataSpec
from train.data.stream import Stream
from train.recipe import Recipe
from train.recipes import find
from train.run.loop import Run
from train.run.world import World, launched
from train.settings import overridden

NARROW = ["g.width=48", "d.width=32", "batch=16", "d.spectral=true"]


def recipe_of(args: argparse.Namespace, processes: int) -> Recipe:
    spec = DataSpec(args.resolution, args.channels, 0, (), 1000)
    recipe = overridden(find(args.recipe)(spec), args.set or NARROW)
    return replace(recipe, batch=recipe.batch * processes) if args.weak else recipe


def measured(args: argparse.Namespace, world: World) -> dict[str, float]:
    """Of this process: rounds a second, and the share of that time in which it worked."""
    recipe = recipe_of(args, world.size)
    pixels = np.random.RandomState(0).randint(0, 256, (1000, args.resolution, args.resolution, args.channels), np.uint8)
    images = Images(pixels, None, DataSpec(args.resolution, args.channels, 0, (), 1000), "random", "0", ())
    run = Run(recipe, Stream(images, seed=0), world=world)
    for _ in range(3):
        run.advance()
    first, began, worked = run.nimg, time.perf_counter(), processor_s()
    while world.any(time.perf_counter() - began < args.seconds):
        run.advance()
    took = time.perf_counter() - began
    cpu = world.size * world.mean(torch.tensor(processor_s() - worked)).item()
    bytes_ = 4 * sum(p.numel() for phase in run.game.phases for p in phase.params) * recipe.d_steps
    return {"images_per_s": (run.nimg - first) / took, "images_per_cpu_s": (run.nimg - first) / cpu, "bytes": bytes_}


def turn(size: int) -> dict[str, float]:
    """The same command in so many processes, as a launcher starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    env = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1"}
    processes = [subprocess.Popen([sys.executable, "-m", "benchmarks.processes", *sys.argv[1:], "--measure"],
                                  env={**env, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True) for rank in range(size)]
    said = [process.communicate()[0] for process in processes]
    return json.loads(said[0])


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.processes", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", default="dcgan")
    p.add_argument("--set", action="append", metavar="SLOT=VALUE", help=f"default: {' '.join(NARROW)}")
    p.add_argument("--resolution", type=int, default=64)
    p.add_argument("--channels", type=int, default=3)
    p.add_argument("--size", type=int, default=2, help="processes that are compared with one")
    p.add_argument("--weak", action="store_true", help="each process has the recipe's batch, instead of its part of it")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    p.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.measure:
        torch.set_num_threads(1)
        with launched("cpu") as world:
            print(json.dumps(measured(args, world)))
        return
    turns = [(turn(1), turn(args.size)) for _ in range(args.rounds)]
    for what in ("images_per_s", "images_per_cpu_s"):
        alone, together = (statistics.median(t[k][what] for t in turns) for k in (0, 1))
        ratio = statistics.median(several[what] / one[what] for one, several in turns)
        print(f"{what:18}  1 process {alone:8.1f}   {args.size} processes {together:8.1f}   ratio {ratio:.2f}")
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{turns[0][0]['bytes'] / 1e6:.2f} MB of gradients a round; load {load}")


if __name__ == "__main__":
    main()
