"""How fast a synthetic set comes to disk, and whether its memory stays flat: prints JSON.

  python -m benchmarks.augmenting                                       # images/s against the bare generator's, in turns
  python -m benchmarks.augmenting --memory 200000 --model mnist-dcgan   # resident memory as a large set grows

Both sides of the first draw the same seeds in the same chunks; the set's side encodes and writes PNGs as well. Under load
the ratio of processor time says more than that of the clock.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from benchmarks.timing import processor_s
from gan import hub
from gan.augment import SLICE, Order, augment
from gan.engine import draw
from gan.latent import Draw

MARKS = (10_000, 50_000, 100_000, 200_000)


def resident_mb() -> float:
    """Of this process, on Linux."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def bare(model: hub.Model, count: int) -> None:
    for first in range(0, count, SLICE):
        draw(model.G, [Draw(seed) for seed in range(first, min(first + SLICE, count))])


def to_disk(model: hub.Model, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in augment(model, Order((count,)), Path(folder) / "set"):
            pass


def spent(work: Callable, *arguments: object) -> tuple[float, float]:
    """Seconds of the clock and of the processors."""
    clock, processor = time.perf_counter(), processor_s()
    work(*arguments)
    return time.perf_counter() - clock, processor_s() - processor


def speed(model: hub.Model, count: int, rounds: int) -> dict[str, float]:
    """Medians of rounds in which both take turns."""
    spent(bare, model, 2 * SLICE), spent(to_disk, model, 2 * SLICE)
    pairs = [(spent(bare, model, count), spent(to_disk, model, count)) for _ in range(rounds)]
    return {"bare images/s": count / median(b[0] for b, _ in pairs), "set images/s": count / median(s[0] for _, s in pairs),
            "ratio": median(b[0] / s[0] for b, s in pairs), "ratio of processor time": median(b[1] / s[1] for b, s in pairs)}


def memory(model: hub.Model, count: int) -> dict[str, float]:
    """Resident MB when so many images are on the disk."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for progress in augment(model, Order((count,)), Path(folder) / "set"):
            for mark in MARKS:
                if progress.done >= mark and str(mark) not in found:
                    found[str(mark)] = round(resident_mb(), 1)
                    print(mark, found[str(mark)], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cats64-dcgan")
    parser.add_argument("--count", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=int, metavar="IMAGES")
    args = parser.parse_args()
    model = hub.load(args.model)
    found = memory(model, args.memory) if args.memory else speed(model, args.count, args.rounds)
    print(json.dumps({"model": args.model, "threads": torch.get_num_threads(), **found}, indent=1))


if __name__ == "__main__":
    main()
