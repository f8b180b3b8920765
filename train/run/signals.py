"""Ctrl-C, and the signal by which a machine is taken away, end a training without loss."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from train.run.loop import Run

__all__ = ["stopping_on_signals"]

ECHO_S = 2.0  # within which a second signal to one of several processes is the same one, sent on by their launcher


@contextmanager
def stopping_on_signals(run: Run) -> Iterator[None]:
    """The first one ends the training after its round, with checkpoint and export; the second ends it at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    asked_s = -math.inf

    def stop(number: int, frame: object) -> None:
        nonlocal asked_s
        if run.world.size > 1 and time.monotonic() - asked_s < ECHO_S:
            return
        if not run.stopping:
            print("\nstopping after this round (once more: at once)", file=sys.stderr)
            run.stopping, asked_s = True, time.monotonic()
            if run.world.size > 1:
                return
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
