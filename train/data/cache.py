"""Files of the image cache: written atomically, so that a killed run or a full disk leaves nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["cache_errors", "cache_home", "npy_header", "read_json", "replacing", "write", "write_json"]


def cache_home() -> Path:
    """Where decoded data sets and trained classifiers are kept: ``$XDG_CACHE_HOME/gan-gallery``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "gan-gallery"


def npy_header(count: int, shape: tuple[int, ...]) -> bytes:
    """The first 128 bytes of a .npy: numpy pads its header to a multiple of 64, so the count can be put right later."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)})
    assert len(header.getvalue()) == 128, header.getvalue()
    return header.getvalue()


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):  # absent, or of another program
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    with replacing(path) as file:
        write(file, path.parent, json.dumps(value).encode())


def write(file: BinaryIO, cache: Path, data: bytes) -> None:
    with cache_errors(cache):
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of ``path`` when the block ends well, and else leaves nothing behind."""
    for stale in path.parent.glob(f"{path.name}.*.part"):  # of a run that was killed; a living one writes all the time
        with suppress(OSError):
            if time.time() - stale.stat().st_mtime > 3600:
                stale.unlink()
    with cache_errors(path.parent):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
    file = os.fdopen(handle, "wb")
    try:
        yield file
        with cache_errors(path.parent):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            os.replace(name, path)
    except BaseException:
        with suppress(OSError):  # closing a file on a full disk fails too
            file.close()
        with suppress(OSError):
            os.unlink(name)
        raise


@contextmanager
def cache_errors(cache: Path) -> Iterator[None]:
    """One line for a disk that is full or read-only."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space or point XDG_CACHE_HOME at another disk" if full else \
            "point XDG_CACHE_HOME at a folder that can be written"
        raise ValueError(f"cannot write the image cache in {cache}: {error.strerror or error}; {advice}") from None
