"""Work that takes seconds: done in a thread of its own, told of as it goes, and stopped by its name.

A handler that is a generator streams what ``run`` yields. The name reaches nobody but the visitor who started the job, so
that nobody else can stop it. A job whose visitor has left is stopped as well.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from gan.ui.messages import on

__all__ = ["Job", "cancel", "cancellable", "run"]

EVERY_S = 0.2  # between two reports
_running: dict[str, Job] = {}


class _Cancelled(Exception):
    """The visitor has stopped the job."""


class Job:
    """Given to the work; called with (done, total) as it goes, it raises once the visitor has stopped it."""

    def __init__(self, what: str):
        self.id, self.what = secrets.token_hex(8), what
        self.stopped = threading.Event()
        self.news: dict[str, Any] = {}  #    further fields of the reports
        self._done, self._total, self._started = 0, 0, time.monotonic()

    def __call__(self, done: int, total: int, **news: Any) -> None:
        if self.stopped.is_set():
            raise _Cancelled
        self._done, self._total, self.news = done, total, {**self.news, **news}

    def report(self) -> dict[str, Any]:
        spent = time.monotonic() - self._started
        left = spent * (self._total - self._done) / self._done if self._done else 0.0
        text = f"{self.what}: {self._done:,} of {self._total:,}" if self._total else f"{self.what} …"
        if spent > 1 and left >= 1:
            text += f", {left:.0f} s left" if left < 100 else f", {left / 60:.0f} minutes left"
        return {"kind": "progress", "job": self.id, "done": self._done, "total": self._total, "text": text, **self.news}


def run(what: str, work: Callable[[Job], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Reports of ``work(job)``, then what it returned, or {"kind": "cancelled"}. Errors: those of the work."""
    job, outcome, failed = Job(what), [], []

    def attempt() -> None:
        try:
            outcome.append(work(job))
        except _Cancelled:
            outcome.append({"kind": "cancelled"})
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    _running[job.id] = job
    try:
        thread.start()
        while thread.is_alive():
            yield job.report()
            thread.join(EVERY_S)
    finally:  # also where the visitor has left: then the generator is closed
        job.stopped.set()
        _running.pop(job.id, None)
    if failed:
        raise failed[0]
    yield outcome[0]


def cancel(asked: Any) -> None:
    """Stops the job that the browser names; one that has ended, or never was, is no error."""
    job = _running.get(asked.get("job")) if isinstance(asked, dict) and isinstance(asked.get("job"), str) else None
    if job:
        job.stopped.set()


def cancellable(event: Callable, answer: gr.HTML) -> None:
    """Lets the browser stop a job whose reports ``answer`` takes, by an event of the page. It waits in no queue."""
    def stop(asked: gr.EventData) -> dict[gr.HTML, Any]:
        cancel(asked._data)
        return {}

    on(event, stop, None, [answer], group="cancel", queue=False)
