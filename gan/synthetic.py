"""A synthetic set as a data set on the Hugging Face Hub: parquet shards that its viewer shows, and a card."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import Any

from gan import hub
from gan.augment import Order
from gan.dataset import check_form, described, lines_of, write_parquet
from gan.files import object_in
from gan.hub.card import licence_lines
from gan.hub.publish import Kind, Published, upload

__all__ = ["check_push_set", "push_set"]

SHARD = 25_000  # images: some hundred MB at 64 px, as the Hub asks for
PROVENANCE = "gan-gallery.json"  # says that a data set was made here, and from what


def check_push_set(repo: str, *, private: bool) -> None:
    """Errors: ``HubError`` where the set could not be pushed, ``ValueError`` without pyarrow: before hours of drawing."""
    check_form(Path("x.parquet"))
    hub.check_push(repo, private=private, kind=SET)


def push_set(folder: Path, repo: str, model: hub.Model, order: Order, command: str, *, private: bool) -> Published:
    """Publishes the set of a folder in one commit. Errors: ``HubError`` in one line."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:  # where there is room for as much
        shards = list(_shards(folder, model, Path(temporary)))
        files: dict[str, Path | bytes] = {
            f"data/train-{k:05d}-of-{len(shards):05d}.parquet": path for k, path in enumerate(shards)}
        about = {"model": model.id, "revision": model.revision, "command": command, **asdict(order)}
        files[PROVENANCE] = (json.dumps(about, indent=2) + "\n").encode()
        text = f"---\n{_front_matter(model, order)}\n---\n\n{described(folder, model, order, command, repo)}"
        return upload({**files, "README.md": text.encode()}, repo, SET, private=private,
                      message=f"{order.total:,} images by {model.id} {model.revision}")


def _shards(folder: Path, model: hub.Model, out: Path) -> Iterator[Path]:
    lines = lines_of(folder)
    for number, first in enumerate(lines):
        path = out / f"{number}.parquet"
        with open(path, "wb") as file:
            for _ in write_parquet(folder, chain([first], islice(lines, SHARD - 1)), file, model.class_names):
                pass
        yield path


def _front_matter(model: hub.Model, order: Order) -> str:
    from huggingface_hub import DatasetCardData

    sizes = [(1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M")]
    size = next((name for most, name in sizes if order.total < most), "1M<n<10M")
    tasks = ["image-classification"] if model.class_names else ["unconditional-image-generation"]
    files = [{"split": "train", "path": "data/train-*.parquet"}]
    licence = licence_lines(object_in(model.training, "data"), object_in(model.training, "from"))
    return DatasetCardData(**licence, tags=["synthetic", "gan"], size_categories=[size], task_categories=tasks,
                           configs=[{"config_name": "default", "data_files": files}]).to_yaml()


def _is_set(api: Any, repo: str, commit: str, names: set[str]) -> bool:
    """Whether a data set is empty or was made here: nobody's real pictures are overwritten."""
    return PROVENANCE in names or names <= {".gitattributes", "README.md"}


def _is_shard(name: str) -> bool:
    return name.startswith("data/train-")


SET = Kind("dataset", _is_set, _is_shard)
