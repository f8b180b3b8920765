"""The folder in which decoded data sets are kept, and its errors in one line."""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from gan.files import read_json

__all__ = ["alone", "cache_errors", "lock_of", "note", "npy_header"]

log = logging.getLogger(__name__)

LARGEST_NOTE = 2**30  # bytes: ours, with a label for every picture


def npy_header(count: int, shape: tuple[int, ...]) -> bytes:
    """The first 128 bytes of a .npy: numpy pads its header to a multiple of 64, so the count can be put right later."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
    assert len(header.getvalue()) == 128, header.getvalue()
    return header.getvalue()


def note(path: Path) -> dict[str, Any]:
    """What a JSON file of the cache says; {} where it is absent or of another program."""
    try:
        value = read_json(path, LARGEST_NOTE)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def lock_of(folder: Path, name: str = "") -> FileLock:
    """Of what one process at a time does with a folder, on this machine. It lies elsewhere: the folder may not be there."""
    place = hashlib.sha256(f"{folder.resolve()} {name}".encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"gan-gallery-{place}.lock")


@contextmanager
def alone(cache: Path, name: str) -> Iterator[None]:
    """Work that one process at a time does on this machine, while others that want the same wait: of several that train one
    run the first decodes its pictures. Where a process is killed in it the next one has its turn."""
    lock = lock_of(cache, name)
    with cache_errors(cache):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("another process reads the same pictures: waiting for it")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def cache_errors(cache: Path) -> Iterator[None]:
    """One line, as ``ValueError``, for a disk that is full or read-only."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space or point XDG_CACHE_HOME at another disk" if full else \
            "point XDG_CACHE_HOME at a folder that can be written"
        raise ValueError(f"cannot write the image cache in {cache}: {error.strerror or error}; {advice}") from None
