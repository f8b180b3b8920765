"""A run's folder is one process's: two that train in it would each write over the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from train.data.cache import lock_of

__all__ = ["alone_in"]


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Errors: ``ValueError`` where another process of this machine is in it. One that was killed is in it no more."""
    lock = lock_of(out)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(f"another process trains in {out}: wait until it ends, or choose another --out") from None
    try:
        yield
    finally:
        lock.release()
