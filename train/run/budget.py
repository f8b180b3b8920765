"""What a run costs, known before it begins: time, so that minutes become images once and for all, and memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gan.base import Batch
from train.data.images import Images
from train.data.spec import DataSpec
from train.data.stream import Stream
from train.game.game import Game, Phase
from train.game.step import Step
from train.recipe import Recipe
from train.run.build import build_game, in_bfloat16
from train.run.health import Unhealthy
from train.run.loop import Run
from train.run.world import World

__all__ = ["check_memory", "check_minutes", "check_trainable", "free_bytes", "images_per_s", "kimg_in", "memory_bytes",
           "played", "taken_bytes"]

CPU = torch.device("cpu")
TRIAL_S = 6.0
TAKES = 1.5  # memory of a run in parts of the lower bound: 1.3 to 1.7 were seen, for what convolutions work with
MOMENTS = (0.125, 0.375, 0.625, 0.875)  # of a run: where nets grow, it is slower at its end than at its start


def images_per_s(recipe: Recipe, images: Images, *, device: str | torch.device = "cpu",
                 clock: Callable[[], float] = time.perf_counter, world: World | None = None) -> float:
    """The mean speed of the whole run, from a throw-away one that is put to four moments of it. ``clock`` says which
    seconds count: those that pass, or with ``time.process_time`` those of the processor. Errors: ``ValueError`` where its
    losses do not stay finite.
    """
    trial = Run(recipe, Stream(images, seed=0, flip=recipe.flip, source=recipe.source), device=device, world=world)
    try:
        found = [_seconds_per_image(trial, int(moment * recipe.total_nimg), clock) for moment in MOMENTS]
    except Unhealthy as error:
        raise ValueError(f"a trial of some rounds, which shows how fast this is, broke down: {error}") from None
    return trial.world.share(len(MOMENTS) / sum(found))


def _seconds_per_image(trial: Run, nimg: int, clock: Callable[[], float]) -> float:
    """As the run would be after ``nimg`` images."""
    trial.game.nimg = nimg
    trial.advance()  # warms up
    began, before = clock(), trial.nimg
    while trial.world.any(clock() - began < TRIAL_S / len(MOMENTS) or trial.nimg == before):
        trial.advance()
    return (clock() - began) / (trial.nimg - before)


def check_minutes(minutes: float) -> None:
    """Errors: ``ValueError`` for no time or endless time."""
    if not 0 < minutes < math.inf:
        raise ValueError(f"minutes must be a number above 0, got {minutes:g}")


def kimg_in(minutes: float, rate: float) -> float:
    """Thousands of images in these minutes at this speed, with three digits."""
    return max(0.1, float(f"{rate * minutes * 60 / 1000:.3g}"))


def check_memory(recipe: Recipe, spec: DataSpec, device: torch.device) -> None:
    """Errors: ``ValueError`` with the estimate where training would not fit; nothing is allocated to find out."""
    weights, pictures = memory_bytes(recipe, spec, device)
    free = free_bytes(device)
    if weights + pictures > free:
        raise ValueError(f"this needs at least {(weights + pictures) / 1e9:,.1f} GB ({weights / 1e9:,.1f} for weights and "
                         f"optimisers, {pictures / 1e9:,.1f} for a batch on its way) and {free / 1e9:,.1f} GB are free: "
                         f"choose a smaller width (g.width and d.width), --batch or --resolution")


def check_trainable(recipe: Recipe, settings: Sequence[str], spec: DataSpec, device: torch.device,
                    world: World | None = None) -> None:
    """Errors: ``ValueError`` where a process's part would not fit in memory, or where its settings do not fit together."""
    recipe = replace(recipe, batch=(world or World()).share_of(recipe.batch))
    try:
        check_memory(recipe, spec, device)  # builds everything and plays one round, without memory
    except (ArithmeticError, AttributeError, IndexError, RuntimeError, StopIteration, TypeError) as error:
        if not settings:
            raise
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"this recipe cannot be trained with {', '.join(settings)}: {reason}") from error


def memory_bytes(recipe: Recipe, spec: DataSpec, device: torch.device = CPU) -> tuple[int, int]:
    """(of weights, gradients, Adam's moments and the average; of what the largest phase keeps for its backward pass).

    Every phase's losses are evaluated on tensors that have shapes and no memory. It is a lower bound: see ``TAKES``.
    """
    sizes: dict[int, int] = {}  # bytes of what the backward pass will need, by storage

    def measure(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        sizes[storage._cdata] = storage.nbytes()
        return tensor

    most = 0
    for game, phase, step in played(recipe, spec):
        sizes.clear()
        with torch.autograd.graph.saved_tensors_hooks(measure, lambda tensor: tensor), \
                torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16(recipe, device)):
            phase.evaluate(step, 0, game.planned_nimg)
        most = max(most, sum(sizes.values()))
    size_g, size_d, size_terms = (sum(4 * p.numel() for p in net.parameters()) for net in (game.G, game.D, game.terms))
    return 5 * size_g + 4 * size_d + 4 * size_terms, most


def taken_bytes(recipe: Recipe, spec: DataSpec, device: torch.device = CPU) -> float:
    """About what a run takes, of one process with the whole batch."""
    return TAKES * sum(memory_bytes(recipe, spec, device))


def played(recipe: Recipe, spec: DataSpec) -> Iterator[tuple[Game, Phase, Step]]:
    """Each phase of a game on tensors that have shapes and no memory, which whoever goes through them evaluates."""
    with FakeTensorMode():
        game = build_game(recipe.fresh())
        rng = torch.Generator()
        real = torch.zeros(recipe.batch, spec.channels, spec.resolution, spec.resolution)
        c = torch.zeros(recipe.batch, dtype=torch.long) if recipe.latent.classes else None
        y, source = None, game.G.source
        if source is not None:
            y = torch.zeros(recipe.batch, source.channels, *[spec.resolution // source.scale] * 2)
        for phase in game.phases:
            yield game, phase, game.step(phase, recipe.latent.sample(recipe.batch, generator=rng), Batch(real, c, y), rng)


def free_bytes(device: torch.device) -> float:
    """Memory that is there to be taken, infinity where nobody can tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):  # another system than Linux
        return math.inf
