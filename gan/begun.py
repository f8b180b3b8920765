"""Which set a folder or a packed file holds: what was asked for lies in it, so that the same is gone on with or found to be
there, and no other set is taken for it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from gan.files import MAX_JSON, parse_json, read_json, sweep, write_json

__all__ = ["ORDER", "SCHEMA_KEY", "begin", "is_packed"]

ORDER = ".order.json"  #        in a folder, and in a .zip
SCHEMA_KEY = "gan-gallery"  # of the same text in what a .parquet says of its columns


def begin(folder: Path, asked: dict[str, Any]) -> None:
    """Makes a folder for what is asked, or finds the same begun there. ``ValueError`` for one that holds anything else."""
    begun = folder / ORDER
    if begun.is_file():
        _check_same(read_json(begun), asked, folder.name)
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder.name} is not empty: give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(begun, asked)
    for sub in folder.iterdir():
        if sub.is_dir():
            sweep(sub, older_s=0)  # of a run that was killed: nobody else writes here


def is_packed(out: Path, asked: dict[str, Any]) -> bool:
    """Whether what is asked lies packed in that file already. ``ValueError`` for a file that holds anything else."""
    if not out.exists():
        return False
    try:
        held = parse_json(_packed(out).decode("utf-8"))
    except Exception:  # anything may have that name: readers meet what is no zip, no parquet or broken with any error
        raise ValueError(f"{out.name} is there, and does not say which set it holds: give another name") from None
    _check_same(held, asked, out.name)
    return True


def _packed(out: Path) -> bytes:
    if out.suffix == ".zip":
        with zipfile.ZipFile(out) as archive, archive.open(ORDER) as file:
            return file.read(MAX_JSON)
    import pyarrow.parquet as pq

    return pq.read_schema(out).metadata[SCHEMA_KEY.encode()]


def _check_same(held: Any, asked: dict[str, Any], name: str) -> None:
    if held != asked:
        held = held if isinstance(held, dict) else {}
        key = next((k for k in asked if held.get(k) != asked[k]), "format")
        raise ValueError(f"{name} holds another set: its {key} is {str(held.get(key))[:60]}, {str(asked.get(key))[:60]} is "
                         f"asked; give another name")
