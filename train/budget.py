"""What a run costs, known before it begins: time, so that minutes become images once and for all, and memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from train.config import DataSpec, Recipe
from train.data import Images, Stream
from train.loop import Run, build_phases
from train.step import Step

__all__ = ["check_memory", "images_per_s", "kimg_in", "memory_bytes"]

MOMENTS = (0.125, 0.375, 0.625, 0.875)  # of a run: where nets grow, it is slower at its end than at its start


def images_per_s(recipe: Recipe, images: Images, *, device: str | torch.device = "cpu", trial_s: float = 6.0,
                 clock: Callable[[], float] = time.perf_counter) -> float:
    """The mean speed of the whole run, from a throw-away one that is put to four moments of it. ``clock`` says which
    seconds count: those that pass, or with ``time.process_time`` those of the processor. The recipe's own terms stay as
    they are."""
    trial = Run(recipe.fresh(), Stream(images, seed=0, flip=recipe.flip), device=device)
    seconds_per_image = []
    for moment in MOMENTS:
        trial.nimg = int(moment * recipe.total_nimg)
        trial.step()  # warms up
        began, before = clock(), trial.nimg
        while clock() - began < trial_s / len(MOMENTS) or trial.nimg == before:
            trial.step()
        seconds_per_image.append((clock() - began) / (trial.nimg - before))
    return len(MOMENTS) / sum(seconds_per_image)


def kimg_in(minutes: float, rate: float) -> float:
    """Thousands of images in these minutes at this speed, with three digits. ``ValueError`` for no time or endless time."""
    if not 0 < minutes < math.inf:
        raise ValueError(f"minutes must be a number above 0, got {minutes:g}")
    return max(0.1, float(f"{rate * minutes * 60 / 1000:.3g}"))


def check_memory(recipe: Recipe, spec: DataSpec, device: torch.device) -> None:
    """Errors: ``ValueError`` with the estimate where training would not fit; nothing is allocated to find out."""
    weights, pictures = memory_bytes(recipe, spec)
    free = _free_bytes(device)
    if weights + pictures > free:
        raise ValueError(f"this needs at least {(weights + pictures) / 1e9:,.1f} GB ({weights / 1e9:,.1f} for weights and "
                         f"optimisers, {pictures / 1e9:,.1f} for a batch on its way) and {free / 1e9:,.1f} GB are free: "
                         f"choose a smaller width (g.width and d.width), --batch or --resolution")


def memory_bytes(recipe: Recipe, spec: DataSpec) -> tuple[int, int]:
    """(of weights, gradients, Adam's moments and the average; of what the largest phase keeps for its backward pass).

    Every phase's losses are evaluated on tensors that have shapes and no memory. It is a lower bound: a run was seen to take
    1.3 to 1.7 times as much, for what convolutions work with.
    """
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        return tensor

    with FakeTensorMode():
        recipe = recipe.fresh()
        G, D = recipe.nets()
        terms = nn.ModuleList(recipe.penalties)
        for term in terms:
            term.build(G, D)
        size = {net: sum(4 * p.numel() for p in net.parameters()) for net in (G, D, terms)}
        most = 0
        for phase in build_phases(recipe, G, D, terms):
            kept.clear()
            real = torch.zeros(recipe.batch, spec.channels, spec.resolution, spec.resolution)
            c = torch.zeros(recipe.batch, dtype=torch.long) if recipe.latent.classes else None
            rng = torch.Generator()
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), \
                    torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bfloat16"):
                step = Step(G, D, recipe.latent.sample(recipe.batch, generator=rng), c, real, net=phase.net, rng=rng,
                            mix=recipe.mix, augment=recipe.augment, input_grad=phase.input_grad)
                _ = [loss(step) for loss in phase.losses]
            most = max(most, sum(kept.values()))
    return 5 * size[G] + 4 * size[D] + 4 * size[terms], most


def _free_bytes(device: torch.device) -> float:
    """Memory that is there to be taken, infinity where nobody can tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):  # another system than Linux
        return math.inf
