"""Parquet shards and data sets of the Hub as sources of training images: a row is an image, perhaps with a label."""

from __future__ import annotations

import io
import json
import logging
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from train.data.items import CHUNK, SPLITS, Item, Source, key_of, keys_of, printable, size_problem

__all__ = ["Hub", "Parquet", "of_train"]

log = logging.getLogger(__name__)
USUAL = ("image", "img")  # names of the image column


def of_train(shards: list[str], name: str) -> list[str]:
    """Those shards of a set that are of its train split, all where none is called so."""
    split = {shard: next((s for s in SPLITS for part in shard.split("/") if re.match(rf"{s}([-_.]|$)", part)), None)
             for shard in shards}
    train = [shard for shard in shards if split[shard] == "train"]
    if train and len(train) < len(shards):
        log.info("%s: only the train split is used, %d of %d shards", name, len(train), len(shards))
    return train or shards


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

    def _with_classes(self, key: str) -> str:
        """Another key where another column is taken for labels: what an older version cached of the same files has none."""
        return key_of(key, self._names)

    def __len__(self) -> int:
        return len(self._labels)

    @abstractmethod
    def _cells(self) -> Iterator[tuple[str, Any]]:
        """(name, cell) of every row; a cell is bytes or a dict with bytes and path."""

    def __iter__(self) -> Iterator[Item]:
        for label, (name, cell) in zip(self._labels, self._cells(), strict=True):
            yield self._item(label, name, cell)

    def _item(self, label: int | None, name: str, cell: Any) -> Item:
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        problem = "has no image bytes" if data is None else size_problem(len(data))
        if self._labelled and label is None:
            problem = problem or "has no label"
        return Item(name, partial(io.BytesIO, data or b""), problem=problem)

    def usable(self) -> list[int]:
        return [i for i, label in enumerate(self._labels) if label is not None or not self._labelled]

    def classes(self, chosen: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        labels = [self._labels[i] for i in chosen]
        if not self._labelled or len(set(labels)) < 2:
            return None, ()
        return np.array(labels, np.int64), self._names


class Parquet(Table):
    """Parquet shards as the Hub serves them, read in small batches, or some rows where they lie."""

    def __init__(self, shards: Sequence[PurePath], name: str):
        try:
            import pyarrow.parquet as pq
        except ImportError:
            raise ValueError(f"reading {name} needs pyarrow: pip install pyarrow") from None
        self.name, self._shards, self._pq = name, shards, pq
        self._counts: list[int] = []  # rows of each shard
        values: list[Any] = []
        for shard in shards:
            with self._reading(shard) as file:
                self._counts.append(file.metadata.num_rows)
                self._image, label, names = _columns(file.schema_arrow)
                values += file.read([label]).column(0).to_pylist() if label else [None] * file.metadata.num_rows
                schema = file.schema_arrow
        _say_if_passed_over(schema, label, name)
        super().__init__(values, names)
        key, self.content = self._known()
        self.key = self._with_classes(key)

    def _open(self, shard: PurePath) -> Any:
        return self._pq.ParquetFile(shard, buffer_size=1 << 20)  # else a whole row group is read at once

    @contextmanager
    def _reading(self, shard: PurePath) -> Iterator[Any]:
        """The open shard; every error in it becomes a ``ValueError`` of one line."""
        try:
            with self._open(shard) as file:
                yield file
        except OSError as error:  # pyarrow's errors are ValueError or OSError, some of many lines
            raise ValueError(f"cannot read {shard}: {str(error).splitlines()[0]}") from None
        except ValueError as error:
            raise ValueError(f"{str(error).splitlines()[0]} ({shard.name})") from None

    def _known(self) -> tuple[str, str]:
        """(key, content)."""
        return keys_of("parquet", self._shards)

    def rows(self, start: int, stop: int) -> Iterator[Item]:
        """Errors: ``ValueError`` for a shard that cannot be read."""
        before = 0  # rows of the shards that come first
        for shard, count in zip(self._shards, self._counts):
            if start < before + count and stop > before:
                with self._reading(shard) as file:
                    for row, cell in _cells_of(file, self._image, max(start - before, 0), min(stop - before, count)):
                        yield self._item(self._labels[before + row], f"{shard.name}#{row}", cell)
            before += count

    def _cells(self) -> Iterator[tuple[str, Any]]:
        for shard in self._shards:
            with self._reading(shard) as file:
                batches = file.iter_batches(CHUNK, columns=[self._image])
                for row, cell in enumerate(cell for batch in batches for cell in batch.column(0).to_pylist()):
                    yield f"{shard.name}#{row}", cell


def _cells_of(file: Any, column: str, start: int, stop: int) -> Iterator[tuple[int, Any]]:
    """(row, cell) of rows start ... stop - 1 of a shard; only the row groups that hold them are read."""
    first = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        a, b = max(start - first, 0), min(stop - first, count)
        if a < b:
            cells = file.read_row_group(group, [column]).column(0)[a:b].to_pylist()
            yield from enumerate(cells, first + a)
        first += count


def _columns(schema: Any) -> tuple[str, str | None, tuple[str, ...] | None]:
    """The image column, the label column and its names, from the Hub's metadata, else from types and usual names."""
    import pyarrow.types as types

    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    except (TypeError, KeyError, ValueError):
        features = {}
    kind = {name: f.get("_type") for name, f in features.items() if isinstance(f, dict) and name in schema.names}
    columns = list(zip(schema.names, schema.types))
    packed = {n for n, t in columns if types.is_struct(t) and t.get_field_index("bytes") >= 0}
    plain = {n for n, t in columns if types.is_binary(t) or types.is_large_binary(t)}
    images = [n for n in schema.names if kind.get(n) == "Image"]
    images += [n for n in schema.names if n in packed - kind.keys() or n in USUAL and n in packed | plain]
    if not images:
        raise ValueError(f"no image column; the columns are {', '.join(schema.names)}")
    image = next((n for n in USUAL if n in images), images[0])
    labels = [n for n in schema.names if kind.get(n) == "ClassLabel"]
    if labels:
        label = "label" if "label" in labels else labels[0]
        return image, label, tuple(features[label]["names"]) if features[label].get("names") else None
    return image, "label" if any(n == "label" and _names_classes(t) for n, t in columns) else None, None


def _names_classes(kind: Any) -> bool:
    """Whether a column holds whole numbers, truths or text, as they are or as indices into a list of them (categories of
    pandas)."""
    import pyarrow.types as types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return any(is_it(kind) for is_it in (types.is_integer, types.is_boolean, types.is_string, types.is_large_string,
                                         types.is_string_view))


def _say_if_passed_over(schema: Any, label: str | None, name: str) -> None:
    if label is None and "label" in schema.names:
        log.warning("%s: its column label holds %s, which name no classes: read without them", name,
                    schema.field("label").type)


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
        try:
            image, label, names = _columns(schema := data.features.arrow_schema)
        except ValueError as error:
            raise ValueError(f"{error} ({name})") from None
        _say_if_passed_over(schema, label, name)
        super().__init__(list(data[label]) if label else [None] * len(data), names)
        self.name, self._image = name, image
        self._data = data.select_columns([image]).cast_column(image, datasets.Image(decode=False))
        self.content = key_of("hub", name, data._fingerprint)
        self.key = self._with_classes(self.content)

    def _cells(self) -> Iterator[tuple[str, Any]]:
        for row, value in enumerate(self._data):
            cell = value[self._image]
            if cell and cell.get("bytes") is None and cell.get("path"):  # some builders keep the file instead
                cell = {"bytes": Path(cell["path"]).read_bytes()}
            yield f"#{row}", cell
