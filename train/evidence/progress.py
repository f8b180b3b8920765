"""How far an experiment is, and when it will be done."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from train.evidence.experiment import Group
from train.run.observers import clock

__all__ = ["Progress"]

CELLS, MORE_CELLS = 17, 4  # of a group, and where its classes are unequal
GAN = 5.0  #                   a GAN takes about as long as so many classifiers


class Progress:
    """One line on stderr: rewritten in a terminal, a new one every half minute in a file."""

    def __init__(self, groups: Sequence[tuple[str, Group]]):
        self.groups, self.live = groups, sys.stderr.isatty()
        self.began, self.told, self.start = time.monotonic(), 0.0, self._done(0.0)

    def say(self, k: int, what: str, part: float) -> None:
        """Of group k. ``part`` of the GAN's training, 0 for anything else."""
        now = time.monotonic()
        if now - self.told < (0.5 if self.live else 30.0):
            return
        self.told, done = now, self._done(part)
        left = (now - self.began) * (len(self.groups) - done) / max(done - self.start, 1e-9)
        eta = f"ETA {clock(left)}" if done > self.start else "ETA not known yet"
        line = f"{k + 1} of {len(self.groups)}: {self.groups[k][0]}: {what}{f' {part:.0%}' * (part > 0)}  {eta}"
        print(f"\r{line}\033[K" if self.live else line, end="" if self.live else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the line as it is."""
        if self.live:
            print(file=sys.stderr)

    def _done(self, part: float) -> float:
        """Groups that are finished, parts of them too, by the files that are there."""
        done = 0.0
        for _, group in self.groups:
            whole = CELLS + MORE_CELLS * group.unequal + GAN
            drawn = group.path("fakes", ".safetensors").is_file()
            done += min(1.0, (sum(1 for _ in group.folder.glob("*.json")) + GAN * drawn) / whole)
        return done + part * GAN / (CELLS + GAN)
