"""Reading many items: a few threads, reasons in the place of errors, and how far it has come."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from PIL import UnidentifiedImageError

from train.data.items import CHUNK, Item, printable

__all__ = ["Ticker", "each", "hint_of", "say_skipped"]

log = logging.getLogger(__name__)


def each(items: Iterable[Item], work: Callable[[Item], Any], tick: Ticker) -> Iterator[tuple[Item, Any]]:
    """(item, work(item)) in order, worked on by a few threads; where it fails, the reason as text instead."""

    def attempt(item: Item) -> Any:
        try:
            return item.problem or work(item)
        except UnidentifiedImageError:
            return "not an image"
        except Exception as error:  # decoders meet broken files with anything from KeyError to struct.error
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return printable(reason.splitlines()[0])

    items = iter(items)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(items, CHUNK)):
            yield from zip(chunk, pool.map(attempt, chunk), strict=True)
            tick.add(len(chunk))


class Ticker:
    """Calls ``progress(done, total)`` ten times a second at most, and at the end."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int):
        self._progress, self._total, self._done, self._last = progress, total, 0, -math.inf

    def add(self, n: int) -> None:
        self._done += n
        if self._progress and self._done < self._total and time.monotonic() - self._last >= 0.1:
            self._last = time.monotonic()
            self._progress(self._done, self._total)

    def finish(self) -> None:
        if self._progress:
            self._progress(self._total, self._total)


def hint_of(skipped: Sequence[str]) -> str:
    """The first of what could not be used, at the end of a message."""
    return f" (skipped: {'; '.join(skipped[:3])}{'; …' * (len(skipped) > 3)})" if skipped else ""


def say_skipped(name: str, skipped: Sequence[str]) -> None:
    if skipped:
        log.warning("%s: %d files cannot be used%s", name, len(skipped), hint_of(skipped))
