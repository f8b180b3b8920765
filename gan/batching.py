"""One thread that draws for everybody who asks for pictures at the same time: chunks are shared, and turns are fair.

A model is evaluated on chunks of one size (see ``gan.cost``). A request for one picture leaves most of its chunk empty, so
that rows of other requests for the same model go along in it. Whose rows come first is decided as in fair queuing
(Demers, Keshav and Shenker 1989, "Analysis and simulation of a fair queueing algorithm"): each work gets a deadline, the
device's time used so far plus the time that the work will take. A request for a hundred pictures lets pass whoever asks for
one meanwhile, and is passed only as long as its own pictures take.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

__all__ = ["Batcher", "Busy", "Rows", "Work"]

MOST_WAITING_S = 120.0  # of work before a request: it is told at once, rather than kept waiting
MOST_PACES = 256  #       models whose pace is remembered
Rows = Sequence[Tensor | None]  # each [N, ...]; None is what the model does not read


class Busy(ValueError):
    """So much is asked for at the moment that a request would wait for minutes."""


@dataclass(eq=False)
class Work:
    """What somebody waits for: pictures of ``rows``, or without rows the device for himself."""

    key: Hashable  #                                 works of one key share chunks
    evaluate: Callable[[Rows], np.ndarray] | None = None  # rows [n <= chunk, ...] -> pictures [n, ...]
    rows: Rows = ()
    count: int = 0  #                                of rows
    chunk: int = 1
    due: float = 0.0  #                              in seconds of the device's time
    taken: int = 0  #                                rows that have been drawn, or are being
    parts: list[np.ndarray] = field(default_factory=list)
    error: Exception | None = None
    ready: threading.Event = field(default_factory=threading.Event)  # drawn; without rows: the device is free for him
    ended: threading.Event = field(default_factory=threading.Event)  # nobody waits for it any longer

    def slice(self, start: int, stop: int) -> Rows:
        return [None if part is None else part[start:stop] for part in self.rows]


class Batcher:
    """The works of one device, done one at a time by a thread of its own, which starts with the first."""

    def __init__(self):
        self.busy_since: float | None = None  # ``time.monotonic`` when what is being done now began
        self._used_s = 0.0  #                   of the device's time
        self._pace: dict[Hashable, float] = {}  # seconds that a chunk of this key took
        self._waiting: list[Work] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        """How many works wait or are under way."""
        return len(self._waiting)

    def draw(self, key: Hashable, evaluate: Callable[[Rows], np.ndarray], rows: Rows, chunk: int) -> np.ndarray:
        """``evaluate`` of all rows, at most ``chunk`` at a time, in chunks that others with the same key may share.

        Errors: those of ``evaluate``; ``Busy``.
        """
        count = next(len(part) for part in rows if part is not None)
        work = Work(key, evaluate, rows, count, chunk)
        with self._asked(work):
            work.ready.wait()
        if work.error:
            raise work.error
        return np.concatenate(work.parts)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The device for the caller alone, as long as the context lasts."""
        work = Work(None)
        with self._asked(work):
            work.ready.wait()
            yield

    @contextmanager
    def _asked(self, work: Work) -> Iterator[None]:
        """Puts a work into the queue. Whoever asked and leaves, by whatever error, takes what is left of it along."""
        with self._changed:
            lasts = self._lasts(work)
            work.due = self._used_s + lasts
            before = sum(self._lasts(other) for other in self._waiting if other.due <= work.due)
            if work.rows and before > MOST_WAITING_S:
                raise Busy("so much is being drawn that this would wait for minutes: try again a little later")
            self._waiting.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="gan-batcher", daemon=True)
                self._thread.start()
            self._changed.notify()
        try:
            yield
        finally:
            work.ended.set()
            with self._changed:
                if work in self._waiting:
                    self._waiting.remove(work)

    def _lasts(self, work: Work) -> float:
        """Seconds that what is left of a work will take, 0 where nothing is known of its kind."""
        chunks = -(-(work.count - work.taken) // work.chunk) if work.rows else 1
        return chunks * self._pace.get(work.key, 0.0)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                first = min(self._waiting, key=lambda work: work.due)
                chunk = self._chunk_of(first)
                self.busy_since = time.monotonic()
            if chunk:
                _evaluate(chunk)
            else:
                first.ready.set()
                first.ended.wait()
            with self._changed:
                took = time.monotonic() - self.busy_since
                self.busy_since = None
                self._used_s += took
                if len(self._pace) >= MOST_PACES:
                    self._pace.clear()
                self._pace[first.key] = took
                for work, _, _ in chunk:
                    if (work.error or work.taken == work.count) and work in self._waiting:
                        self._waiting.remove(work)
                        work.ready.set()

    def _chunk_of(self, first: Work) -> list[tuple[Work, int, int]]:
        """(work, its first row, the one after its last) of the next chunk, which ``first`` begins. [] for a turn."""
        chunk, room = [], first.chunk
        for work in sorted((w for w in self._waiting if first.rows and w.key == first.key), key=lambda work: work.due):
            start, work.taken = work.taken, min(work.count, work.taken + room)
            room -= work.taken - start
            if work.taken > start:
                chunk.append((work, start, work.taken))
        return chunk


def _evaluate(chunk: list[tuple[Work, int, int]]) -> None:
    """Draws a chunk. Where that fails each one's rows are drawn alone, so that an error reaches whose rows cause it."""
    try:
        rows = [None if parts[0] is None else torch.cat(parts)
                for parts in zip(*(work.slice(start, stop) for work, start, stop in chunk))]
        pictures = chunk[0][0].evaluate(rows)
    except Exception as error:
        if len(chunk) == 1:
            chunk[0][0].error = error
        else:
            for part in chunk:
                _evaluate([part])
        return
    for work, start, stop in chunk:
        work.parts.append(pictures[: stop - start])
        pictures = pictures[stop - start :]
