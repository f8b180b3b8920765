"""A synthetic set as others read it: its card, and the same set as one zip or one parquet file."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gan import hub
from gan.augment import METADATA, Order, folder_names
from gan.begun import ORDER, SCHEMA_KEY
from gan.files import composed, object_in, replacing, visible, write_text

__all__ = ["CARD", "FORMS", "FRONT", "IMAGES", "check_form", "complete", "described", "forms_here", "lines_of", "pack",
           "write_card", "write_parquet"]

FORMS = (".zip", ".parquet")  # what a set can be packed into
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif", ".jp2")
ROWS = 1000  # images in a part of a parquet file, and in memory
CARD = "README.md"
FRONT = "---\nlicense: other\nlicense_name: as-the-training-data\ntags: [synthetic, gan]\n---\n\n"


def complete(model: hub.Model, folder: Path) -> tuple[int, ...]:
    """How many images of each class fill a folder of real ones up, whose sub-folders are classes: each class to the size of
    the largest. ``ValueError`` where the folders are not the model's classes, or nothing is missing."""
    if not folder.is_dir():
        raise ValueError(f"{folder.name} is no folder: --complete takes one whose sub-folders are classes")
    if not model.class_names:
        raise ValueError(f"{model.id} has no classes: it cannot fill any up")
    have = {composed(sub.name): sum(f.suffix.lower() in IMAGES and visible(f.name) for f in sub.rglob("*"))
            for sub in sorted(folder.iterdir()) if sub.is_dir() and visible(sub.name)}
    of_model = {composed(name): label for label, name in zip(model.class_names, folder_names(model.class_names))}
    if unknown := [name for name in have if name not in of_model]:
        raise ValueError(f"{model.id} has no class {unknown[0]!r}, which is a folder of {folder.name}; its classes: "
                         + ", ".join(model.class_names[:20]))
    counts = tuple(max(have.values(), default=0) - have.get(name, 0) for name in of_model)
    if not sum(counts):
        what = "every class has as many images" if have else "it has no sub-folders"
        raise ValueError(f"nothing is missing in {folder.name}: {what}")
    return counts


def write_card(folder: Path, model: hub.Model, order: Order, command: str) -> None:
    """Writes the set's card into its folder."""
    write_text(folder / CARD, FRONT + described(folder, model, order, command))


def described(folder: Path, model: hub.Model, order: Order, command: str, repo: str | None = None) -> str:
    """The card's text: what the set is, where it comes from, under which licence, and how it is made again. ``repo`` is the
    data set on the Hub that it shall describe."""
    data = object_in(model.training, "data")
    licence = str(data.get("licence") or "not stated")
    origin = f"{data.get('name', 'data that is not stated')} ({licence})"
    rows = "".join(f"| {name} | {count:,} |\n" for name, count in _counts(folder, model).items())
    counts = f"\n| class | images |\n|---|---|\n{rows}" if rows else ""
    distinct = (f"Near-duplicates were left out: what differs from an earlier one by less than {order.distinct:g} of what "
                "two usually differ by." if order.distinct else "Nothing was left out.")
    loader = f'"{repo}"' if repo else '"imagefolder", data_dir=FOLDER'
    return f"""# {order.total:,} images drawn by {model.id}

Every image here is synthetic: none was photographed or collected. All were drawn by the generator `{model.id}`, revision
`{model.revision}`, which was trained on {origin}. The licence of that data goes on to these images.

- psi {order.psi:g}; seeds from {order.first_seed} on, one an image, in `{METADATA}` and inside every PNG
- {distinct}
- Made by `{command}`; the same command makes the same files.
{counts}
Load it with `datasets.load_dataset({loader})`, or train on it with
`python -m train --data {repo or "FOLDER"}`.
"""


def lines_of(folder: Path) -> Iterator[dict[str, Any]]:
    """What a set says of each of its images, in their order."""
    with open(folder / METADATA, "rb") as file:
        yield from map(json.loads, file)


def _counts(folder: Path, model: hub.Model) -> dict[str, int]:
    counts = dict.fromkeys(model.class_names, 0)
    for about in lines_of(folder) if counts else ():
        counts[about["label"]] += 1
    return counts


def pack(folder: Path, out: Path, class_names: Sequence[str]) -> Iterator[int]:
    """Packs a whole set into a .zip or a .parquet and removes the folder; yields the number of images packed so far.

    Errors: ``ValueError`` for another ending, and for parquet where pyarrow is not installed.
    """
    check_form(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as file:
        if out.suffix == ".zip":
            yield from _zip(folder, file)
        else:
            yield from write_parquet(folder, lines_of(folder), file, class_names)
    shutil.rmtree(folder)


def forms_here() -> tuple[str, ...]:
    """What a set can be packed into with the packages that are installed: a Space has no pyarrow."""
    return FORMS if find_spec("pyarrow") else tuple(form for form in FORMS if form != ".parquet")


def check_form(out: Path) -> None:
    """``ValueError`` where a set cannot be packed into a file of that name."""
    if out.suffix not in FORMS:
        raise ValueError(f"a set is written as a folder, {' or '.join(FORMS)}, not as {out.suffix or out.name}")
    if out.suffix not in forms_here():
        raise ValueError("parquet needs pyarrow: pip install pyarrow, or write a folder or a .zip")


def _zip(folder: Path, file: Any) -> Iterator[int]:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:  # PNGs are compressed already
        def add(name: str) -> None:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # no time: the same set is the same file
            info.external_attr = 0o644 << 16
            archive.writestr(info, (folder / name).read_bytes())

        add(CARD)
        add(METADATA)
        add(ORDER)
        for count, about in enumerate(lines_of(folder), 1):
            add(about["file_name"])
            yield count


def write_parquet(folder: Path, lines: Iterable[dict[str, Any]], file: Any, class_names: Sequence[str]) -> Iterator[int]:
    """Writes the images of those lines of the metadata; yields the number of images written so far."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("seed", pa.int64())]
    features: dict[str, Any] = {"image": {"_type": "Image"}, "seed": {"dtype": "int64", "_type": "Value"}}
    if class_names:
        fields.append(("label", pa.int64()))
        features["label"] = {"names": list(class_names), "_type": "ClassLabel"}
    schema = pa.schema(fields, {"huggingface": json.dumps({"info": {"features": features}}),
                                SCHEMA_KEY: (folder / ORDER).read_bytes()})
    index = {name: k for k, name in enumerate(class_names)}
    with pq.ParquetWriter(file, schema) as writer:
        rows: list[dict[str, Any]] = []
        count = 0
        for about in lines:
            image = {"bytes": (folder / about["file_name"]).read_bytes(), "path": about["file_name"]}
            rows.append({"image": image, "seed": about["seed"], **({"label": index[about["label"]]} if class_names else {})})
            if len(rows) == ROWS:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                count, rows = count + len(rows), []
                yield count
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema))
            yield count + len(rows)
