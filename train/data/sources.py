"""Where training images come from: a folder, a zip, parquet shards or a Hub data set, each an ordered list of items.

A source decodes nothing and unpacks nothing to disk. It lists its items in an order that depends on names alone, opens
each on demand, and says which class each belongs to once it is known which of them are images.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import re
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

__all__ = ["CHUNK", "Item", "Source", "digest", "open_source", "printable"]

log = logging.getLogger(__name__)

CHUNK = 64  #              items in memory at a time
MAX_BYTES = 200_000_000  # a larger file is no training image: it is skipped unread
SPLITS = ("train", "test", "validation", "valid", "val", "dev")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
EXPECTED = "expected a folder of images, a .zip, a .parquet or a Hub data set as user/name"


@dataclass(frozen=True)
class Item:
    """One file, or one row, that may be an image."""

    name: str  #                     path inside the source, or shard#row
    open: Callable[[], BinaryIO]
    digest: str = ""  #              of the content, where the source knows it without reading
    problem: str = ""  #             why not to open it


def digest(size: int, crc: int) -> str:
    """Names a content by its length in bytes and its CRC-32: what every zip states in its directory."""
    return f"{size}-{crc:08x}"


def printable(name: str) -> str:
    """A file name that can be logged and written to JSON, whatever bytes it is made of."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _visible(name: str) -> bool:
    return not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


class Source(ABC):
    """``name`` has no local directories and may go into a card; ``key`` changes when the source is touched."""

    name: str
    key: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Item]: ...

    @abstractmethod
    def classes(self, kept: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        """Labels int64 [len(kept)] of the items with these indices, and the class names; (None, ()) if unlabelled."""

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027, not every source holds something open
        """Closes what is open."""


class Files(Source):
    """Files by relative path, where sub-folders are classes."""

    items: list[Item]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def classes(self, kept: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        paths = [self.items[i].name.split("/") for i in kept]
        while paths and all(len(path) > 1 and path[0] == paths[0][0] for path in paths):
            paths = [path[1:] for path in paths]  # a common top folder says nothing
        names = sorted({path[0] for path in paths if len(path) > 1})
        if not names:
            return None, ()
        if stray := sum(len(path) == 1 for path in paths):
            log.warning("%s: %d images lie beside the sub-folders: these are not taken for classes", self.name, stray)
            return None, ()
        index = {name: i for i, name in enumerate(names)}
        return np.array([index[path[0]] for path in paths], np.int64), tuple(map(printable, names))


class Folder(Files):
    """A folder, sub-folders included; links are followed, each target once, so that a loop ends."""

    def __init__(self, root: Path):
        self.name = root.resolve().name or "data"
        self.items, listing, seen = [], [], set()
        for folder, folders, files in os.walk(root, followlinks=True):
            folders[:] = [f for f in sorted(folders) if _visible(f)]
            for f in [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                real = Path(folder, f).resolve()
                if real in seen or root.resolve().is_relative_to(real):
                    folders.remove(f)
                seen.add(real)
            for path in (os.path.join(folder, f) for f in files if _visible(f)):
                name = Path(path).relative_to(root).as_posix()
                try:
                    info = os.stat(path)
                except OSError:  # a link to nowhere: opening it says why
                    self.items.append(Item(name, partial(open, path, "rb")))
                    continue
                if stat.S_ISREG(info.st_mode):  # opening a pipe would wait for ever
                    self.items.append(Item(name, partial(open, path, "rb"), problem=_size_problem(info.st_size)))
                    listing.append((name, info.st_size, info.st_mtime_ns))
        self.items.sort(key=lambda item: os.fsencode(item.name))
        self.key = _key("folder", str(root.resolve()), sorted(listing))


class Zip(Files):
    """A zip file, read in place: no member is ever written to disk, so its name can do no harm."""

    def __init__(self, path: Path):
        self.name = path.name
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not a zip file, or is damaged: {error}") from None
        entries = [(info.filename.replace("\\", "/"), info) for info in self._file.infolist() if not info.is_dir()]
        self.items = [Item(name, partial(self._file.open, info), digest(info.file_size, info.CRC),
                           problem=_size_problem(info.file_size)) for name, info in entries if _visible(name)]
        self.items.sort(key=lambda item: item.name.encode("utf-8", "surrogateescape"))
        self.key = _key("zip", [(item.name, item.digest) for item in self.items])

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _size_problem(size: int) -> str:
    return f"{size / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f}" if size > MAX_BYTES else ""


class Table(Source):
    """Rows with an image and perhaps a label, given as a value each, or as indices into ``names``."""

    def __init__(self, values: list[Any], names: tuple[str, ...] | None):
        if names is None:  # numbers or text without names
            known = sorted({v for v in values if v is not None})
            names, index = tuple(map(str, known)), {v: i for i, v in enumerate(known)}
            self._labels = [index.get(v) for v in values]
        else:  # a data set marks a row without label by -1
            self._labels = [v if v is not None and 0 <= v < len(names) else None for v in values]
        self._names = tuple(map(printable, names))
        self._labelled = len(set(self._labels) - {None}) > 1

    def __len__(self) -> int:
        return len(self._labels)

    @abstractmethod
    def _cells(self) -> Iterator[tuple[str, Any]]:
        """(name, cell) of every row; a cell is bytes or a dict with bytes and path."""

    def __iter__(self) -> Iterator[Item]:
        for label, (name, cell) in zip(self._labels, self._cells(), strict=True):
            data = cell.get("bytes") if isinstance(cell, dict) else cell
            problem = "has no image bytes" if data is None else _size_problem(len(data))
            if self._labelled and label is None:
                problem = problem or "has no label"
            yield Item(name, partial(io.BytesIO, data or b""), problem=problem)

    def classes(self, kept: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        labels = [self._labels[i] for i in kept]
        if not self._labelled or len(set(labels)) < 2:
            return None, ()
        return np.array(labels, np.int64), self._names


class Parquet(Table):
    """Parquet shards as the Hub serves them, read in small batches."""

    def __init__(self, shards: list[Path], name: str):
        try:
            import pyarrow.parquet as pq
        except ImportError:
            raise ValueError(f"reading {name} needs pyarrow: pip install pyarrow") from None
        self.name, self._shards, self._pq = name, shards, pq
        values: list[Any] = []
        for shard in shards:
            try:
                with pq.ParquetFile(shard) as file:
                    self._image, label, names = _columns(file.schema_arrow, shard)
                    values += (file.read([label]).column(0).to_pylist() if label else [None] * file.metadata.num_rows)
            except OSError as error:  # pyarrow's errors are ValueError or OSError, some of many lines
                raise ValueError(f"cannot read {shard}: {str(error).splitlines()[0]}") from None
            except ValueError as error:
                raise ValueError(f"{str(error).splitlines()[0]} ({shard.name})") from None
        super().__init__(values, names)
        infos = [(str(shard.resolve()), os.stat(shard)) for shard in shards]
        self.key = _key("parquet", [(path, info.st_size, info.st_mtime_ns) for path, info in infos])

    def _cells(self) -> Iterator[tuple[str, Any]]:
        for shard in self._shards:
            with self._pq.ParquetFile(shard, buffer_size=1 << 20) as file:  # else a whole row group is read at once
                row = 0
                for batch in file.iter_batches(CHUNK, columns=[self._image]):
                    for cell in batch.column(0).to_pylist():
                        yield f"{shard.name}#{row}", cell
                        row += 1


def _columns(schema: Any, shard: Path) -> tuple[str, str | None, tuple[str, ...] | None]:
    """The image column, the label column and its names, from the Hub's metadata, else from types and usual names."""
    import pyarrow.types as types

    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    except (TypeError, KeyError, ValueError):
        features = {}
    kind = {name: f.get("_type") for name, f in features.items() if isinstance(f, dict) and name in schema.names}
    binary = lambda t: types.is_binary(t) or types.is_large_binary(t)  # noqa: E731
    images = [n for n in schema.names if kind.get(n) == "Image"]
    for n, t in zip(schema.names, schema.types, strict=True):
        if types.is_struct(t) and t.get_field_index("bytes") >= 0 or binary(t) and n in ("image", "img"):
            images += [n] if n not in kind or n in ("image", "img") else []
    if not images:
        raise ValueError(f"no image column; the columns are {', '.join(schema.names)}")
    image = next((n for n in ("image", "img") if n in images), images[0])
    labels = [n for n in schema.names if kind.get(n) == "ClassLabel"]
    if labels:
        label = "label" if "label" in labels else labels[0]
        return image, label, tuple(features[label]["names"]) if features[label].get("names") else None
    plain = "label" in schema.names and schema.field("label").type
    return image, "label" if plain and (types.is_integer(plain) or types.is_string(plain)) else None, None


class Hub(Table):
    """A data set of the Hub that is not on this disk, through the ``datasets`` package."""

    def __init__(self, name: str):
        try:
            import datasets
        except ImportError:
            raise ValueError(f"{name} is no local path; to read it as a Hub data set: pip install datasets") from None
        try:
            data = datasets.load_dataset(name, split="train")
        except Exception as error:  # whatever network, Hub or reader raise
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ValueError(f"{name} is no local path, and as a Hub data set it cannot be read: {reason}") from None
        kinds = {n: type(f).__name__ for n, f in data.features.items()}
        image = next((n for n, k in kinds.items() if k == "Image"), None)
        if image is None:
            raise ValueError(f"no image column; the columns are {', '.join(kinds)} ({name})")
        labels = [n for n, k in kinds.items() if k == "ClassLabel"]
        label = "label" if "label" in labels else next(iter(labels), None)
        super().__init__(list(data[label]) if label else [None] * len(data),
                         tuple(data.features[label].names) if label else None)
        self.name, self._image = name, image
        self._data = data.select_columns([image]).cast_column(image, datasets.Image(decode=False))
        self.key = _key("hub", name, data._fingerprint)

    def _cells(self) -> Iterator[tuple[str, Any]]:
        for row, value in enumerate(self._data):
            cell = value[self._image]
            if cell and cell.get("bytes") is None and cell.get("path"):  # some builders keep the file instead
                cell = {"bytes": Path(cell["path"]).read_bytes()}
            yield f"#{row}", cell


def open_source(path: str | Path) -> Source:
    """Finds out what ``path`` is. Errors: ``FileNotFoundError``, or ``ValueError`` saying what is wrong with it."""
    text, path = str(path), Path(path).expanduser()
    if not text.strip():  # an empty path would be the current folder
        raise ValueError(f"no data given; {EXPECTED}")
    if path.is_dir():
        source = _folder(path)
    elif path.is_file():
        source = _file(path)
    elif HUB_ID.fullmatch(text) and path.suffix.lower() not in (".zip", ".parquet"):
        source = Hub(text)
    else:
        raise FileNotFoundError(f"{text}: no such file or folder; {EXPECTED}")
    if not len(source):
        raise ValueError(f"{text} is empty; {EXPECTED}")
    return source


def _file(path: Path) -> Source:
    with open(path, "rb") as file:
        magic = file.read(4)
    if path.suffix.lower() == ".parquet" or magic == b"PAR1":
        # One shard of a Hub data set is called like a thousand others: the folder's name tells which set it is.
        shard = re.fullmatch(r"\w+-\d+-of-\d+\.parquet", path.name)
        return Parquet([path], f"{path.resolve().parent.name}/{path.name}" if shard else path.name)
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return Zip(path)
    raise ValueError(f"{path} is neither a zip nor a parquet file; {EXPECTED}")


def _folder(root: Path) -> Source:
    folder = Folder(root)
    endings = {os.path.splitext(item.name)[1].lower() for item in folder}
    if ".parquet" not in endings or endings & set(Image.registered_extensions()):
        return folder
    shards = [item.name for item in folder if item.name.lower().endswith(".parquet")]
    split = {name: next((s for s in SPLITS for part in name.split("/") if re.match(rf"{s}([-_.]|$)", part)), None)
             for name in shards}
    train = [name for name in shards if split[name] == "train"]
    if train and len(train) < len(shards):
        log.info("%s: only the train split is used, %d of %d shards", folder.name, len(train), len(shards))
    return Parquet([root / name for name in train or shards], folder.name)
