"""What a run may cost, known before it begins: its speed, so that minutes become images once and for all."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from train.config import Recipe
from train.data import Images, Stream
from train.loop import Run

__all__ = ["images_per_s", "kimg_in"]

MOMENTS = (0.125, 0.375, 0.625, 0.875)  # of a run: where nets grow, it is slower at its end than at its start


def images_per_s(recipe: Recipe, images: Images, *, device: str | torch.device = "cpu", trial_s: float = 6.0,
                 clock: Callable[[], float] = time.perf_counter) -> float:
    """The mean speed of the whole run, from a throw-away one that is put to four moments of it. ``clock`` says which
    seconds count: those that pass, or with ``time.process_time`` those of the processor."""
    trial = Run(recipe, Stream(images, seed=0, flip=recipe.flip), device=device)
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
    """Thousands of images in these minutes at this speed, with three digits."""
    return max(0.1, float(f"{rate * minutes * 60 / 1000:.3g}"))
