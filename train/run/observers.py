"""What is written down of a run while it goes on: log, snapshots, checkpoints."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gan.files import read_json, write_json, write_text
from gan.image import to_pil
from train.run.checkpoint import peek, save_checkpoint
from train.run.loop import Observer, Run
from train.run.settle import settled
from train.run.sheets import sheet

__all__ = ["Checkpoints", "Log", "Snapshots", "clock", "goes_on"]

log = logging.getLogger(__name__)


@contextmanager
def goes_on(without: str) -> Iterator[None]:
    """A file that cannot be written, on a full disk most often, is a warning and no end of the training."""
    try:
        yield
    except OSError as error:
        log.warning("%s (%s); training goes on", without, error)


class Checkpoints(Observer):
    """Saves the whole run every ``every_s`` seconds of training, and at the end."""

    def __init__(self, path: Path, identity: dict[str, Any], *, every_s: float = 60.0):
        self.path, self.identity, self.every_s = path, identity, every_s
        self.saved_at_s = self.saved_nimg = 0

    def on_start(self, run: Run) -> None:
        self.saved_at_s = run.seconds
        self.saved_nimg = peek(self.path)[0]["nimg"] if self.path.exists() else 0
        if self.saved_nimg > run.nimg:  # the run went back: its later checkpoint must not be resumed
            self._save(run)

    def after_round(self, run: Run) -> None:
        if run.seconds - self.saved_at_s >= self.every_s:
            self._save(run)

    def on_end(self, run: Run) -> None:
        if run.nimg != self.saved_nimg:
            self._save(run)

    def _save(self, run: Run) -> None:
        self.saved_at_s = run.seconds
        try:
            save_checkpoint(self.path, run.state(), self.identity)
            self.saved_nimg = run.nimg
        except OSError as error:  # a full disk, most often: what is there stays, and the next attempt may find room
            stays = f"the one of {self.saved_nimg / 1000:.1f} kimg stays" if self.path.exists() else "there is none yet"
            more = "" if run.finished or run.stopping else ", training goes on"
            log.warning("checkpoint not saved (%s); %s%s", error, stays, more)


def log_spaced_kimg(limit: float) -> list[float]:
    """0, 1, 2, 5, 10, 20, 50, ... up to the limit, in thousands of images."""
    marks, power = [0.0], 1.0
    while power <= limit:
        marks += [m * power for m in (1, 2, 5) if m * power <= limit]
        power *= 10
    return marks


class Snapshots(Observer):
    """Draws with G_ema from the same inputs at log-spaced images, for the timeline that the gallery shows."""

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
        self.after_round(run)

    def after_round(self, run: Run) -> None:
        last = self.done[-1]["nimg"] if self.done else -1
        if any(last < mark <= run.nimg for mark in self.marks):
            self._draw(run)

    def on_end(self, run: Run) -> None:
        if run.finished and self.done[-1]["nimg"] != run.nimg:
            self._draw(run)

    def _draw(self, run: Run) -> None:
        inputs = run.fixed_inputs(len(self.SEEDS))
        drawn = sheet(settled(run.game.G_ema, inputs=inputs), inputs)
        name = f"{run.nimg:09d}.webp"
        self.done.append({"file": name, "nimg": run.nimg, "minutes": round(run.seconds / 60, 2)})
        with goes_on("snapshot not saved"):
            self.folder.mkdir(parents=True, exist_ok=True)
            to_pil(drawn).save(self.folder / name, quality=80, method=6)
            self._write()

    def _write(self) -> None:
        write_json(self.folder / "timeline.json", {"seeds": self.SEEDS, "snapshots": self.done}, indent=1)


def _read_timeline(folder: Path) -> list[dict[str, float]]:
    try:
        return read_json(folder / "timeline.json")["snapshots"]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class Log(Observer):
    """JSON lines, one each 1,000 images, and a live progress line with images/s and the time left."""

    def __init__(self, path: Path):
        self.path = path
        self.printed_s = 0.0

    def on_start(self, run: Run) -> None:
        lines = self.path.read_text("utf-8", "replace").splitlines() if run.nimg and self.path.exists() else []
        whole = [line for line in lines if _nimg_of(line) <= run.nimg]  # what a killed run did after its checkpoint
        write_text(self.path, "".join(f"{line}\n" for line in whole))
        self.began_s, self.began_nimg, self.logged_nimg = time.monotonic(), run.nimg, run.nimg
        self.interval_s = 0.5 if sys.stderr.isatty() else 30.0

    def after_round(self, run: Run) -> None:
        if run.nimg - self.logged_nimg >= 1000:
            self.logged_nimg = run.nimg
            record = dict(nimg=run.nimg, seconds=round(run.seconds, 2), **_values(run), **run.vitals, **run.scores,
                          **run.speed)
            with goes_on("log line not written"), open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        if time.monotonic() - self.printed_s >= self.interval_s:
            self.printed_s = time.monotonic()
            self._print(run)

    def on_end(self, run: Run) -> None:
        self._print(run)
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def _print(self, run: Run) -> None:
        rate = (run.nimg - self.began_nimg) / max(time.monotonic() - self.began_s, 1e-9)
        left = max(run.recipe.total_nimg - run.nimg, 0) / rate if rate else 0.0
        losses = "  ".join(f"{k} {v:.3f}" for k, v in {**_values(run), **run.scores}.items())
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
