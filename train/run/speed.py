"""How fast a training is, beside what the device can do."""

from __future__ import annotations

import time

import torch

from gan.cost import Operations
from train.data.spec import DataSpec
from train.game.dynamics import Grow, Prelude, WarmUp
from train.game.game import frozen
from train.recipe import Recipe
from train.run.budget import played
from train.run.loop import Observer, Run

__all__ = ["NAMES", "Speed", "flop_per_image", "peak_flop_per_s"]

NAMES = ("images/s", "TFLOP/s", "of peak")
EVERY_NIMG = 1000
TRIAL_S = 0.3
SIDE = {"cpu": 512}  #  of the matrices whose product shows the peak, 8192 elsewhere; small ones find time on busy machines


class Speed(Observer):
    """Every thousand images, for the log: images/s, TFLOP/s and its share of the device's peak, which is the rate of a large
    matrix product in the recipe's precision, measured once. Where the work of a round changes on the way (nets that grow,
    phases that wait), images/s alone."""

    def __init__(self, spec: DataSpec):
        self.spec = spec
        self.flop: float | None = None  # of an image
        self.peak = 0.0

    def on_start(self, run: Run) -> None:
        self.last = run.nimg, run.seconds
        self.steady = not any(isinstance(c, (Grow, Prelude, WarmUp)) for c in run.recipe.callbacks)

    def after_round(self, run: Run) -> None:
        nimg, seconds = self.last
        if run.nimg - nimg < EVERY_NIMG:
            return
        self.last = run.nimg, run.seconds
        rate = (run.nimg - nimg) / max(run.seconds - seconds, 1e-9)
        run.speed = {"images/s": float(f"{rate:.4g}")}
        if self.steady:
            if self.flop is None:
                self.flop = flop_per_image(run.recipe, self.spec)
                try:
                    self.peak = run.world.size * peak_flop_per_s(run.device, run.half)
                except torch.OutOfMemoryError:  # no reason to end a training that fits
                    self.steady = False
                    return
            done = rate * self.flop
            run.speed |= {"TFLOP/s": float(f"{done / 1e12:.3g}"), "of peak": round(done / self.peak, 3)}


def flop_per_image(recipe: Recipe, spec: DataSpec) -> float:
    """Floating-point operations of matrix products and convolutions, forward and back, of all phases, per real image."""
    total = 0.0
    for game, phase, step in played(recipe, spec):
        with frozen(game.D if phase.net == "G" else game.G), Operations() as counter:
            phase.evaluate(step, 0, game.planned_nimg)[0].backward()
        total += counter.flop * phase.repeats / phase.every
        nimg = game.nimg_per_round
    return total / nimg


def peak_flop_per_s(device: torch.device, half: bool) -> float:
    """The best rate of a few products of large square matrices. It draws nothing."""
    side = SIDE.get(device.type, 8192)
    a = torch.ones(side, side, device=device, dtype=torch.bfloat16 if half else torch.float32)
    began, best = time.perf_counter(), float("inf")
    while time.perf_counter() - began < TRIAL_S or best == float("inf"):
        start = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best
