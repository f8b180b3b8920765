"""A generator in training as it is drawn from: what belongs to training only is taken off or measured afresh."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import parametrize

from gan.base import Generator, Inputs

__all__ = ["POWER_ITERATIONS", "settled"]

BATCHES, BATCH = 16, 64  # over which BatchNorm's statistics are estimated; one is the inputs where G reads pictures
POWER_ITERATIONS = 20  #   that bring the singular vectors of spectral norm up to weights that they have never seen
LATENTS = 4096  #          over which the mean w is taken


@torch.no_grad()
def settled(G_ema: Generator, *, inputs: Inputs | None = None) -> Generator:
    """A copy of G_ema for drawing: spectral norm baked in, mean w measured, BatchNorm statistics estimated afresh.

    The average copies G's statistics, which belong to other weights. All from fixed seeds, and where G reads pictures from
    those of ``inputs``: nothing is drawn from the training generators.
    """
    G = copy.deepcopy(G_ema).requires_grad_(False).eval()
    if any(parametrize.is_parametrized(m) for m in G.modules()):
        G = _without_spectral_norm(G).requires_grad_(False).eval()
    if G.w_mean is not None:
        _measure_w_mean(G)
    norms = [m for m in G.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return G
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # None = the plain mean over all batches
        norm.train()
    rng = torch.Generator(G.device).manual_seed(0)
    classes = G.latent.classes
    reads = inputs is not None and inputs.y is not None
    n = len(inputs.y) if reads else BATCH
    for _ in range(BATCHES):
        z = G.latent.sample(n, generator=rng)
        c = torch.randint(classes, (n,), generator=rng, device=rng.device) if classes else None
        G(z, *((inputs.c, inputs.y) if reads else (c,)))
    return G.eval()


def _without_spectral_norm(G: Generator) -> Generator:
    """The same function with every normalised weight as a plain one.

    The singular vectors are first brought up to the averaged weights. The net is built anew, since a copy shares its
    parametrised classes with the net in training: taking the parametrisation off one would take it off both.
    """
    values = {name: value for name, value in G.state_dict().items() if ".parametrizations." not in f".{name}"}
    for name, module in G.named_modules():
        if parametrize.is_parametrized(module):
            module.train()
            for _ in range(POWER_ITERATIONS):
                values[f"{name}.weight"] = module.weight  # one each
    return G.rebuilt(values, spectral=False)


def _measure_w_mean(G: Generator) -> None:
    """The mean w of each class over the same z, which truncation draws towards."""
    rng = torch.Generator(G.w_mean.device).manual_seed(0)
    z = G.latent.sample(LATENTS, generator=rng)
    for k, row in enumerate(G.w_mean):
        c = torch.full((LATENTS,), k, device=z.device) if G.latent.classes else None
        row.copy_(G.mapping(z, c)[:, 0].mean(0))
