"""Are pictures that a model drew found again? Projects the pictures of many seeds and says how near it came, and how long.

    python -m benchmarks.projection --model cats64-dcgan --count 50
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from gan import hub
from gan.engine import draw
from gan.latent import Draw
from gan.project import CANDIDATES, project

NEAR = 0.02  #    mean absolute error, in [0, 1], that counts as found
FIRST = 1000  #   seeds from here on are none that a projection starts from


def main() -> int:
    p = argparse.ArgumentParser("python -m benchmarks.projection", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="cats64-dcgan")
    p.add_argument("--count", type=int, default=50)
    args = p.parse_args()
    assert FIRST >= CANDIDATES
    torch.set_num_threads(1)
    G = hub.load(args.model).G
    errors, seconds = [], []
    for picture in draw(G, [Draw(FIRST + k) for k in range(args.count)]):
        started = time.perf_counter()
        *_, last = project(G, picture)
        seconds.append(time.perf_counter() - started)
        errors.append(last.error)
        seed = FIRST + len(errors) - 1
        print(f"seed {seed}: error {last.error:.4f}, {last.share:.1%} drawn, {seconds[-1]:.1f} s", flush=True)
    found = np.mean(np.array(errors) <= NEAR)
    print(f"{found:.0%} of {args.count} within {NEAR}; error median {np.median(errors):.4f}, largest {max(errors):.4f}; "
          f"seconds median {np.median(seconds):.1f}, largest {max(seconds):.1f}")
    return 0 if found >= 0.9 else 1


if __name__ == "__main__":
    raise SystemExit(main())
