"""python -m benchmarks.training: images/s of a whole D+G step, ours against a plain loop over the same nets.

The plain loop is what a tutorial writes: float32, NCHW, upsample then convolve as two operations, Adam without fusing.
Ours is the recipe as it is trained: one transposed convolution for the pair, channels_last, bfloat16 autocast, fused
Adam. All variants run in turn, round after round, in one process; the ratio is the median over the rounds, so that a
machine that speeds up or slows down meanwhile does not decide.

  python -m benchmarks.training                     # 64 px, RGB, batch 32, both kinds of upsampling
  python -m benchmarks.training --resolution 32 --channels 1 --rounds 9
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gan.base import Batch
from gan.layers import UpConv
from train.data.images import Images
from train.data.spec import DataSpec
from train.data.stream import Stream
from train.recipe import Recipe
from train.recipes import find
from train.run.build import build_nets
from train.run.loop import Run
from train.settings import overridden


class TwoOperations(nn.Module):
    """UpConv as a plain loop has it, over the same weights."""

    def __init__(self, layer: UpConv):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.interpolate(x, scale_factor=2), self.layer.weight, self.layer.bias, padding=1)


def plain(net: nn.Module) -> nn.Module:
    """Replaces every UpConv by its two operations."""
    for name, child in list(net.named_children()):
        setattr(net, name, TwoOperations(child) if isinstance(child, UpConv) else plain(child))
    return net


def plain_loop(recipe: Recipe, images: Images) -> Callable[[], None]:
    """One step of the loop that everybody writes, with G left out of D's step and D frozen in G's."""
    torch.manual_seed(0)
    G, D = build_nets(recipe)
    plain(G)
    d_opt = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
    g_opt = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
    stream, noise = Stream(images, seed=0), recipe.latent.noise

    def step() -> None:
        real = stream.batch(recipe.batch).x
        with torch.no_grad():
            fake = G(torch.randn(recipe.batch, noise))
        loss = F.softplus(D(fake)).mean() + F.softplus(-D(real)).mean()
        d_opt.zero_grad()
        loss.backward()
        d_opt.step()
        D.requires_grad_(False)
        loss = F.softplus(-D(G(torch.randn(recipe.batch, noise)))).mean()
        g_opt.zero_grad()
        loss.backward()
        g_opt.step()
        D.requires_grad_(True)

    return step


def ours(recipe: Recipe, images: Images, *overrides: str) -> Callable[[], None]:
    return Run(overridden(recipe, overrides), Stream(images, seed=0), seed=0).advance


def compiled(recipe: Recipe, images: Images) -> Callable[[], None]:
    """Ours, with both nets through ``torch.compile``: no penalty is differentiated twice here."""
    run = Run(recipe, Stream(images, seed=0), seed=0)
    G, D = run.game.G, run.game.D
    G.synthesis, D.features = torch.compile(G.synthesis), torch.compile(D.features)  # the seams that a Step calls
    return run.advance


def waits_for_data(recipe: Recipe, images: Images, rounds: int = 20) -> float:
    """The share of its time that the loop spends on getting batches."""
    run, spent = Run(recipe, Stream(images, seed=0, flip=True), seed=0), 0.0
    batch = run.stream.batch

    def timed(*args: int) -> Batch:
        nonlocal spent
        began = time.perf_counter()
        found = batch(*args)
        spent += time.perf_counter() - began
        return found

    run.advance()
    run.stream.batch, began = timed, time.perf_counter()
    for _ in range(rounds):
        run.advance()
    return spent / (time.perf_counter() - began)


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.training", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--recipe", default="dcgan", help="an unconditional recipe (default: dcgan)")
    p.add_argument("--resolution", type=int, default=64)
    p.add_argument("--channels", type=int, default=3)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--steps", type=int, default=4, help="steps a variant and round")
    p.add_argument("--compile", action="store_true", help="also with torch.compile: some minutes, and a C++ compiler")
    args = p.parse_args()
    spec = DataSpec(args.resolution, args.channels, 0, (), 1024)
    pixels = np.random.RandomState(0).randint(0, 256, (1024, args.resolution, args.resolution, args.channels), np.uint8)
    images = Images(pixels, None, spec, "noise", "", ())
    print(json.dumps(dict(torch=torch.__version__, threads=torch.get_num_threads(), **vars(args))))
    for up in ("nearest", "transposed"):
        recipe = overridden(find(args.recipe)(spec), (f"batch={args.batch}", f"g.up={up}"))
        variants = {
            "plain": plain_loop(recipe, images),
            "ours, float32, contiguous": ours(recipe, images, "precision=float32", "channels_last=false"),
            "ours, float32": ours(recipe, images, "precision=float32"),
            "ours": ours(recipe, images),
            **({"ours, compiled": compiled(recipe, images)} if args.compile else {}),
        }
        rates = measure(variants, args)
        for name, values in rates.items():
            ratio = statistics.median(v / b for v, b in zip(values, rates["plain"]))
            print(json.dumps(dict(up=up, variant=name, images_per_s=round(statistics.median(values), 1),
                                  times_plain=round(ratio, 2))), flush=True)
        print(json.dumps(dict(up=up, waits_for_data=f"{waits_for_data(recipe, images):.2%}")), flush=True)


def measure(variants: dict[str, Callable[[], None]], args: argparse.Namespace) -> dict[str, list[float]]:
    for step in variants.values():
        step()  # the first step allocates
    rates: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(args.rounds):
        for name, step in variants.items():
            began = time.perf_counter()
            for _ in range(args.steps):
                step()
            rates[name].append(args.batch * args.steps / (time.perf_counter() - began))
    return rates


if __name__ == "__main__":
    main()
