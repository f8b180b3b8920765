"""Files that are whole or not there, JSON and tensors read strictly, and text that is UTF-8 on every machine.

Whatever writes a file that another process or a later run will read goes through ``replacing``: a killed process or a full
disk then leaves the old file as it was, and at most a temporary beside it, which ``sweep`` takes away.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

__all__ = ["MAX_JSON", "cache_home", "check_new", "composed", "json_line", "new_folder", "object_in", "parse_json",
           "print_anything", "read_json", "read_tensors", "replacing", "sweep", "visible", "whole_lines", "write_json",
           "write_tensors", "write_text"]

MAX_JSON = 4 * 2**20  # bytes
TEMPORARY = ".*.tmp"  # what a killed writer leaves: .NAME.RANDOM.tmp


def cache_home() -> Path:
    """Where what can be made again is kept: ``$XDG_CACHE_HOME/gan-gallery``. Errors: ``FileNotFoundError`` of one line."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(home).expanduser() / "gan-gallery"
    except RuntimeError:  # the user has no home, as in some containers, or ~NAME is nobody's
        raise FileNotFoundError(f"nobody knows where {home} is: point XDG_CACHE_HOME at a folder that can be "
                                f"written") from None


def print_anything() -> None:
    """A pipe that takes a few characters only, as on Windows, gets others as \\u1234, as stderr does, and no error."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def composed(name: str) -> str:
    """A file's name as it is typed: macOS writes an umlaut as two characters."""
    return unicodedata.normalize("NFC", name)


def visible(name: str) -> bool:
    """Whether a file was put there by a person: not hidden, and none of what a Mac adds to its zips."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def check_new(folder: Path, option: str) -> None:
    """Errors: ``FileExistsError`` where there is something in a folder that an option names."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} is not empty: choose another {option}")


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder that stands at ``path``, where there is none or an empty one, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
        part = Path(temporary) / path.name
        part.mkdir()
        yield part
        if path.exists():
            path.rmdir()
        part.rename(path)


@contextmanager
def replacing(path: Path, *, sync: bool = True) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` when the block ends well, and otherwise leaves nothing behind.

    Its mode is that of any new file (0666 less the umask). Without ``sync`` it is whole whatever happens to the process, but
    not to the machine: for what can be made again. Errors: ``OSError`` where it cannot be written; what stood at ``path`` is
    then untouched.
    """
    temporary = path.with_name(f".{os.fsencode(path.name)[:200].decode('utf-8', 'ignore')}.{secrets.token_hex(4)}.tmp")
    file = open(temporary, "xb")
    try:
        yield file
        file.flush()
        if sync:
            os.fsync(file.fileno())
        file.close()
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):  # to close a file on a full disk may fail as well
            file.close()
        with suppress(OSError):
            temporary.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Errors: ``OSError``, as ``replacing``."""
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> None:
    """Errors: ``OSError``, as ``replacing``; ``ValueError`` for NaN and infinity, which are no JSON."""
    write_text(path, json.dumps(value, indent=indent, allow_nan=False) + "\n")


def json_line(value: Any) -> bytes:
    """A line of a file to which lines are added."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file to which lines are added, none where there is no file; one that a killed writer left torn is
    cut off when all have been read. Errors: ``OSError``."""
    if not path.is_file():
        return
    whole = 0
    with open(path, "rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            yield line
    with open(path, "r+b") as file:
        file.truncate(whole)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes a safetensors file of tensors of any layout and device. Errors: ``OSError``, as ``replacing``."""
    data = serialise({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
                     metadata=None if metadata is None else dict(metadata))
    with replacing(path) as file:
        file.write(data)


def read_tensors(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a safetensors file, which anybody may have written: of the names, shapes and types of ``expected``,
    which need no memory. float16 may stand for float32, and is widened. Nothing is allocated before the header fits.

    Errors: ``ValueError``, for numbers that are not finite too.
    """
    try:
        with safe_open(path, framework="pt") as file:
            found = set(file.keys())
            if missing := sorted(expected.keys() - found):
                raise ValueError(f"{missing[0]} is missing ({len(missing)} in all)")
            if unknown := sorted(found - expected.keys()):
                raise ValueError(f"unknown key {unknown[0][:100]!r} ({len(unknown)} in all)")
            for name, tensor in expected.items():
                shape, kind = file.get_slice(name).get_shape(), file.get_slice(name).get_dtype()
                accepted = ("F32", "F16") if tensor.is_floating_point() else ("I64",)
                if shape != list(tensor.shape):
                    raise ValueError(f"{name} has shape {shape}, expected {list(tensor.shape)}")
                if kind not in accepted:
                    raise ValueError(f"{name} has type {kind}, expected {' or '.join(accepted)}")
            # Copies: what ``get_tensor`` gives is mapped to the file, and would change with it.
            values = {name: file.get_tensor(name).to(tensor.dtype, copy=True) for name, tensor in expected.items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    for name, value in values.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"{name} holds numbers that are not finite")
    return values


def read_json(path: Path, largest: int = MAX_JSON, *, lenient: bool = False) -> Any:
    """What a JSON file holds, which anybody may have written.

    Errors: ``OSError``; ``ValueError`` for more than ``largest`` bytes, for what is no JSON, and for numbers that no float
    holds (NaN, infinity, 1e400). ``lenient`` reads those as None, for files that are only shown.
    """
    with open(path, "rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest / 2**20:g} MiB")
    return parse_json(data.decode("utf-8"), lenient=lenient)


def parse_json(text: str, *, lenient: bool = False) -> Any:
    """What a JSON text says. Errors: ``ValueError``, as ``read_json``."""
    def number(digits: str) -> float | None:
        value = float(digits)
        if not math.isfinite(value) and not lenient:
            raise ValueError(f"{digits[:20]} is no finite number")
        return value if math.isfinite(value) else None

    try:
        return json.loads(text, parse_float=number, parse_constant=number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def object_in(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The JSON object under a key of another, {} where there is none: anybody may have written the file."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def sweep(folder: Path, *, older_s: float = 3600.0) -> None:
    """Removes the temporaries that killed writers left in a folder. One that is younger than ``older_s`` seconds may belong
    to a writer that lives; the only writer of a folder may say 0."""
    for path in folder.glob(TEMPORARY):
        with suppress(OSError):  # another process was faster
            if time.time() - path.stat().st_mtime >= older_s:
                path.unlink()
