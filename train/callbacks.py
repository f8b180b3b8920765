"""What changes over time or watches a run. A callback moves a knob or reads a statistic; it never computes a loss."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.engine import draw
from gan.image import contact_sheet, to_pil
from gan.latent import Draw
from gan.spec import Recorded
from train.export import settled
from train.runs import peek, save_checkpoint

if TYPE_CHECKING:
    from train.loop import Phase, Run
    from train.step import Step

__all__ = ["AdaptiveAugment", "Callback", "Checkpoints", "ClipWeights", "Grow", "Log", "Snapshots", "goes_on"]
RECIPE_NAMES = ("AdaptiveAugment", "ClipWeights", "Grow")  # callbacks that a recipe may name

log = logging.getLogger(__name__)


@contextmanager
def goes_on(without: str) -> Iterator[None]:
    """A file that cannot be written, on a full disk most often, is a warning and no end of the training."""
    try:
        yield
    except OSError as error:
        log.warning("%s (%s); training goes on", without, error)


class Callback:
    """Does nothing at every moment of a run; subclasses override the moments they need."""

    def check(self, run: Run) -> None:
        """Errors: ``ValueError`` where the run's recipe has no place for it. Called once, when the run is built."""

    def on_start(self, run: Run) -> None:
        """Before the first step of a session, after a resume."""

    def before_step(self, run: Run) -> None: ...

    def on_batch(self, run: Run, real: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """May replace the reals [N, C, H, W] and classes [N] of a phase."""
        return real, c

    def after_phase(self, run: Run, phase: Phase, step: Step) -> None: ...

    def after_step(self, run: Run) -> None: ...

    def on_end(self, run: Run) -> None:
        """After the last step of a session: the budget is used, or the user interrupts."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold of it, as JSON."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """``state`` as ``state()`` gave it; {} where the checkpoint has none."""


class ClipWeights(Recorded, Callback):
    """Keeps D Lipschitz by clamping its weights after every update (Arjovsky et al. 2017, arXiv:1701.07875, alg. 1)."""

    def __init__(self, bound: float = 0.01):
        if bound <= 0:
            raise ValueError(f"bound must be above 0, got {bound}")
        self.bound = bound

    @torch.no_grad()
    def after_phase(self, run: Run, phase: Phase, step: Step) -> None:
        if phase.net == "D":
            for p in run.D.parameters():
                p.clamp_(-self.bound, self.bound)


class Grow(Recorded, Callback):
    """Progressive growing (Karras et al. 2018, arXiv:1710.10196, sec. 2): from 4 px up, ``kimg`` thousand images to fade a
    level in and as many to hold it; without ``kimg`` the levels share the run evenly. Reals are brought to the current
    resolution, and fade with the nets.
    """

    def __init__(self, kimg: float | None = None):
        if kimg is not None and kimg <= 0:
            raise ValueError(f"kimg must be above 0, got {kimg}")
        self.kimg = kimg

    def check(self, run: Run) -> None:
        if not hasattr(run.G, "grow"):
            raise ValueError(f"Grow needs nets that can grow, which {run.recipe.family} cannot")

    def at(self, nimg: int, planned_nimg: int, levels: int) -> tuple[int, float]:
        """(level, alpha) after nimg images of planned_nimg: level 0 is held, every other fades in and is held."""
        stage = planned_nimg / (2 * levels) if self.kimg is None else 1000 * self.kimg
        level, since = divmod(nimg / stage + 1, 2)  # in units of a fade and a hold
        return (int(level), min(since, 1.0)) if 0 < level < levels else (0 if level <= 0 else levels - 1, 1.0)

    def before_step(self, run: Run) -> None:
        level, alpha = self.at(run.nimg, run.planned_nimg, run.G.levels)
        for net in (run.G, run.D, run.G_ema):
            net.grow(level, alpha)

    def on_batch(self, run: Run, real: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor | None]:
        level, alpha = self.at(run.nimg, run.planned_nimg, run.G.levels)
        real = F.adaptive_avg_pool2d(real, 4 << level)
        if alpha < 1:
            real = torch.lerp(F.interpolate(F.avg_pool2d(real, 2), scale_factor=2), real, alpha)
        return real, c


class AdaptiveAugment(Recorded, Callback):
    """Moves the probability of the recipe's augmentation so that D stays as sure of the reals as ``target`` says (Karras et
    al. 2020, arXiv:2006.06676, sec. 3): r = mean sign of D(real), 0 while D cannot tell, 1 when it knows them by heart.
    Every ``every`` steps p moves one step up or down, so large that it would take ``kimg`` thousand images from 0 to 1.
    """

    def __init__(self, target: float = 0.6, *, every: int = 4, kimg: float = 500.0):
        if not 0 < target < 1 or every < 1 or kimg <= 0:
            raise ValueError(f"target must be between 0 and 1, every and kimg above 0, got {target}, {every} and {kimg}")
        self.target, self.every, self.kimg = target, every, kimg
        self.signs: list[float] = []
        self.p: float | None = None

    def check(self, run: Run) -> None:
        if not hasattr(run.recipe.augment, "p"):
            raise ValueError("AdaptiveAugment needs an augmentation to adapt: --set 'augment=DiffAugment(p=0)'")
        if not run.recipe.loss.anchored:
            raise ValueError(f"AdaptiveAugment reads the signs of D's logits, and under {run.recipe.loss.constant_name} "
                             f"only their differences mean something")

    def on_start(self, run: Run) -> None:
        if self.p is not None:
            run.recipe.augment.p = self.p

    def after_phase(self, run: Run, phase: Phase, step: Step) -> None:
        if phase.net == "D" and phase.every == 1:
            self.signs.append(step.real_logits.detach().sign().mean().item())

    def after_step(self, run: Run) -> None:
        if run.steps % self.every == 0 and self.signs:
            augment, way = run.recipe.augment, math.copysign(1, sum(self.signs) / len(self.signs) - self.target)
            by = way * self.every * run.recipe.batch * run.recipe.d_steps / (1000 * self.kimg)
            augment.p = self.p = min(max(augment.p + by, 0.0), 1.0)
            self.signs = []

    def state(self) -> dict[str, Any]:
        return {"p": self.p, "signs": self.signs}

    def restore(self, state: dict[str, Any]) -> None:
        self.p, self.signs = state.get("p"), state.get("signs", [])


class Checkpoints(Callback):
    """Saves the whole run every ``every_s`` seconds of training, and at the end."""

    def __init__(self, path: Path, identity: dict[str, Any], *, every_s: float = 60.0):
        self.path, self.identity, self.every_s = path, identity, every_s
        self.saved_at_s = self.saved_nimg = 0

    def on_start(self, run: Run) -> None:
        self.saved_at_s = run.seconds
        self.saved_nimg = peek(self.path)[0]["nimg"] if self.path.exists() else 0
        if self.saved_nimg > run.nimg:  # the run went back: what it left must not be gone on from
            self._save(run)

    def after_step(self, run: Run) -> None:
        if run.seconds - self.saved_at_s >= self.every_s:
            self._save(run)

    def on_end(self, run: Run) -> None:
        if run.nimg != self.saved_nimg:
            self._save(run)

    def _save(self, run: Run) -> None:
        self.saved_at_s = run.seconds
        try:
            save_checkpoint(self.path, run, self.identity)
            self.saved_nimg = run.nimg
        except OSError as error:  # a full disk, most often: what is there stays, and the next attempt may find room
            stays = f"the one of {self.saved_nimg / 1000:.1f} kimg stays" if self.path.exists() else "there is none yet"
            goes_on = "" if run.finished or run.stopping else ", training goes on"
            log.warning("checkpoint not saved (%s); %s%s", error, stays, goes_on)


def log_spaced_kimg(limit: float) -> list[float]:
    """0, 1, 2, 5, 10, 20, 50, ... up to the limit, in thousands of images."""
    marks, power = [0.0], 1.0
    while power <= limit:
        marks += [m * power for m in (1, 2, 5) if m * power <= limit]
        power *= 10
    return marks


class Snapshots(Callback):
    """Draws the same seeds with G_ema at log-spaced images, for the timeline that the gallery shows."""

    SEEDS = tuple(range(16))

    def __init__(self, folder: Path):
        self.folder = folder
        self.done: list[dict[str, float]] = []

    def on_start(self, run: Run) -> None:
        self.marks = [1000 * k for k in log_spaced_kimg(run.recipe.kimg)]
        found = _read_timeline(self.folder)
        self.done = [d for d in found if d["nimg"] <= run.nimg] if run.nimg else []
        if len(self.done) < len(found):  # what a run did that was killed after its checkpoint, or went back
            with goes_on("old snapshots not removed"):
                self._write()
                for later in found[len(self.done):]:
                    (self.folder / later["file"]).unlink(missing_ok=True)
        self.after_step(run)

    def after_step(self, run: Run) -> None:
        last = self.done[-1]["nimg"] if self.done else -1
        if any(last < mark <= run.nimg for mark in self.marks):
            self._draw(run)

    def on_end(self, run: Run) -> None:
        if run.finished and self.done[-1]["nimg"] != run.nimg:
            self._draw(run)

    def _draw(self, run: Run) -> None:
        tiles = draw(settled(run.G_ema), [Draw(seed) for seed in self.SEEDS])
        name = f"{run.nimg:09d}.webp"
        self.done.append({"file": name, "nimg": run.nimg, "minutes": round(run.seconds / 60, 2)})
        with goes_on("snapshot not saved"):
            self.folder.mkdir(parents=True, exist_ok=True)
            to_pil(contact_sheet(tiles)).save(self.folder / name, quality=90, method=6)
            self._write()

    def _write(self) -> None:
        text = json.dumps({"seeds": self.SEEDS, "snapshots": self.done}, indent=1)
        (self.folder / "timeline.json").write_text(text)


def _read_timeline(folder: Path) -> list[dict[str, float]]:
    try:
        return json.loads((folder / "timeline.json").read_text())["snapshots"]
    except (OSError, ValueError, KeyError):
        return []


class Log(Callback):
    """JSON lines, one each 1,000 images, and a live progress line with images/s and the time left."""

    def __init__(self, path: Path):
        self.path = path
        self.printed_s = 0.0

    def on_start(self, run: Run) -> None:
        lines = self.path.read_text().splitlines() if run.nimg and self.path.exists() else []
        kept = [line for line in lines if _nimg_of(line) <= run.nimg]  # what a killed run did after its checkpoint
        self.path.write_text("".join(f"{line}\n" for line in kept))
        self.began, self.logged_nimg = (time.monotonic(), run.nimg), run.nimg
        self.interval_s = 0.5 if sys.stderr.isatty() else 30.0

    def after_step(self, run: Run) -> None:
        if run.nimg - self.logged_nimg >= 1000:
            self.logged_nimg = run.nimg
            record = dict(nimg=run.nimg, seconds=round(run.seconds, 2), **_values(run), **run.vitals)
            with goes_on("log line not written"), open(self.path, "a") as file:
                file.write(json.dumps(record) + "\n")
        if time.monotonic() - self.printed_s >= self.interval_s:
            self.printed_s = time.monotonic()
            self._print(run)

    def on_end(self, run: Run) -> None:
        self._print(run)
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def _print(self, run: Run) -> None:
        elapsed = time.monotonic() - self.began[0]
        rate = (run.nimg - self.began[1]) / max(elapsed, 1e-9)
        left = max(run.recipe.total_nimg - run.nimg, 0) / rate if rate else 0.0
        losses = "  ".join(f"{k} {v:.3f}" for k, v in _values(run).items())
        line = (f"{run.nimg / 1000:9.1f} / {run.recipe.kimg:g} kimg {min(run.nimg / run.recipe.total_nimg, 1):5.0%}"
                f"  {rate:7.1f} images/s  ETA {clock(left)}  {losses}")
        print(f"\r{line}\033[K" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n",
              file=sys.stderr, flush=True)


def _values(run: Run) -> dict[str, float]:
    return {k: round(v.item(), 4) for k, v in run.losses.items()}


def _nimg_of(line: str) -> float:
    try:
        return json.loads(line)["nimg"]
    except (ValueError, KeyError, TypeError):
        return float("inf")  # a torn line


def clock(seconds: float) -> str:
    """h:mm:ss"""
    s = int(seconds)
    return f"{s // 3600}:{s // 60 % 60:02d}:{s % 60:02d}"
