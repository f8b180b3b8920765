"""What a model's folder and repository hold: the names that are ours, the most bytes of each, and how files are compared.

Nothing else is ever uploaded or downloaded. So no pickle and no script goes either way, a repository of ten thousand files
costs no more than one of ten, and a pull never takes more of a disk than MOST_WEIGHTS and MOST_OTHER together.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

from gan.files import read_json

__all__ = ["CONFIG", "DIRECTIONS", "DISCRIMINATOR", "FIXED", "MOST_OTHER", "MOST_WEIGHTS", "SHEET", "TIMELINE",
           "WEIGHTS_FILE", "contents", "git_sha1", "largest", "sha256", "sheets"]

MB = 2**20
CONFIG, WEIGHTS_FILE, TIMELINE = "config.json", "model.safetensors", "timeline/timeline.json"
DIRECTIONS = "directions.safetensors"
DISCRIMINATOR = "discriminator.safetensors"  # for training to go on from; nothing that draws reads it
MOST_WEIGHTS = 2048 * MB  # and never more than what the net of config.json needs
MOST_SHEETS = 64
FIXED = {CONFIG: 4 * MB, WEIGHTS_FILE: MOST_WEIGHTS, "training.json": 4 * MB, "README.md": MB, "samples.png": 8 * MB,
         DIRECTIONS: MB, DISCRIMINATOR: 8 * MB, "curves.json": MB, "nearest.png": 8 * MB, TIMELINE: MB}
SHEET = re.compile(r"timeline/\w[\w-]{0,60}\.(webp|png)", re.ASCII)
SHEET_BYTES = MB
MOST_OTHER = sum(FIXED.values()) - MOST_WEIGHTS + MOST_SHEETS * SHEET_BYTES
CHUNK = 2**20


def largest(name: str) -> int | None:
    """The most bytes that a file of this name may have; None where it is none of ours."""
    return SHEET_BYTES if SHEET.fullmatch(name) else FIXED.get(name)


def sheets(timeline: Path) -> list[str]:
    """The names of the sheets that a timeline.json lists, at most MOST_SHEETS; what is no such name is left out."""
    try:
        listed: Any = read_json(timeline, FIXED[TIMELINE])
        names = [f"timeline/{row['file']}" for row in listed["snapshots"] if isinstance(row.get("file"), str)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return list(dict.fromkeys(name for name in names if SHEET.fullmatch(name)))[:MOST_SHEETS]


def contents(folder: Path) -> dict[str, Path]:
    """The files of a model's folder that belong to a model, by name in the repository.

    Errors: ``ValueError`` for one that is larger than its kind may be.
    """
    names = [name for name in FIXED if (folder / name).is_file()]
    names += [name for name in sheets(folder / TIMELINE) if (folder / name).is_file()]
    for name in names:
        if (size := (folder / name).stat().st_size) > largest(name):
            raise ValueError(f"{name} has {size:,} bytes, at most {largest(name):,} are possible")
    return {name: folder / name for name in names}


def sha256(source: Path | bytes) -> str:
    """Hex digits by which the Hub names a large file, and a recipe somebody's picture."""
    return _digest(source, hashlib.sha256())


def git_sha1(source: Path | bytes) -> str:
    """Hex digits by which git names a file: sha1 of "blob", its size and its bytes."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    return _digest(source, hashlib.sha1(b"blob %d\0" % size))


def _digest(source: Path | bytes, digest: Any) -> str:
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
