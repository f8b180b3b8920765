"""Does every shipped model still draw what it drew? Seeds 0 to 15 of each, as one digest a model.

    python -m benchmarks.pixels --out before.json      # before a change
    python -m benchmarks.pixels --against before.json  # after it: names the models whose pixels moved, and exits with 1
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from gan import hub
from gan.base import Generator
from gan.engine import draw
from gan.gallery import list_models
from gan.latent import Draw


def digests() -> dict[str, str]:
    """Model -> sha256 of the uint8 pixels of seeds 0 to 15, drawn on the CPU; one that reads pictures is given noise."""
    draws = [Draw(seed) for seed in range(16)]
    nets = {entry.name: hub.load(entry.name).G for entry in list_models()}
    return {name: hashlib.sha256(draw(G, draws, noise(G)).tobytes()).hexdigest() for name, G in nets.items()}


def noise(G: Generator) -> Tensor | None:
    """y [16, Cy, H/s, W/s], the same whenever it is asked, None where G reads none."""
    if G.source is None:
        return None
    side = G.resolution // G.source.scale
    return torch.rand(16, G.source.channels, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def main() -> int:
    p = argparse.ArgumentParser("python -m benchmarks.pixels", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", type=Path, help="write the digests to this file")
    p.add_argument("--against", type=Path, help="compare with the digests in this file")
    args = p.parse_args()
    torch.set_num_threads(1)
    found = digests()
    if args.out:
        args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not args.against:
        print(json.dumps(found, indent=1))
        return 0
    before = json.loads(args.against.read_text(encoding="utf-8"))
    moved = [name for name in before if found.get(name) != before[name]]
    print(f"{len(before) - len(moved)} of {len(before)} models draw the same", *(f"moved: {m}" for m in moved), sep="\n")
    return 1 if moved else 0


if __name__ == "__main__":
    sys.exit(main())
