"""Labelled synthetic data sets out of a model: class folders of PNGs, written one after another, in little memory.

A set is decided by its ``Order`` and the model alone: class after class, each with seeds of its own in order, and what a
filter leaves out is left out for good. Drawing can be killed at any moment and goes on from what lies there, to the same
files byte for byte. ``gan.dataset`` describes the set and packs it.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from gan import hub
from gan.alike import Seen, thumbnails
from gan.begun import begin
from gan.engine import draw
from gan.files import json_line, whole_lines
from gan.image import to_pil
from gan.latent import MAX_SEED, Draw, check_psi, check_seed, latents
from gan.recipe import PngRecipe, SeedsRecipe, save_png

__all__ = ["DISTINCT", "METADATA", "Candidate", "Order", "Progress", "augment", "balanced", "by_class", "candidates",
           "check_room", "estimate", "folder_names", "seen_for", "write_image"]

METADATA = "metadata.jsonl"  # as the datasets library reads beside images
SEEN = ".seen"
SLICE = 64  #          images drawn, then written while the next are drawn
EXAMPLES = 256  #      pictures that say how much two of a model usually differ: seeds 0, 1, ...
MOST = 10_000_000
DISTINCT = 0.1  #      of an order that leaves near-duplicates out and names no part
MOST_DISTINCT = 0.15  # beyond, gan.alike overlooks too many
PATIENCE = 1000  #     pictures of a class that may be left out one after another
WRITERS = 2  #         threads
RECIPE = 300  #        bytes of a recipe in a PNG, about


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    counts: tuple[int, ...]  #   images of each class, in the model's order; one number = classes as the seeds draw them
    psi: float = 1.0
    first_seed: int = 0
    distinct: float = 0.0  #     what differs from another by less than this part of the usual is left out: see gan.alike

    def __post_init__(self):
        if not self.counts or min(self.counts) < 0 or not 1 <= sum(self.counts) <= MOST:
            raise ValueError(f"a set has 1 to {MOST:,} images, got {sum(self.counts):,}")
        check_psi(self.psi)
        check_seed(self.first_seed)
        if not 0 <= self.distinct <= MOST_DISTINCT:
            raise ValueError(f"distinct must be from 0 to {MOST_DISTINCT}, got {self.distinct}")

    @property
    def total(self) -> int:
        return sum(self.counts)

    def check(self, model: hub.Model) -> None:
        """``ValueError`` where the model cannot draw this."""
        if model.G.source is not None:
            raise ValueError(f"{model.id} makes pictures from pictures: it draws no set from seeds")
        classes = max(1, len(model.class_names))
        if len(self.counts) not in (1, classes):
            raise ValueError(f"counts of {len(self.counts)} classes, but {model.id} has {len(model.class_names) or 'none'}")

    def record(self, model: hub.Model) -> dict[str, Any]:
        """What a set of that model says of what was asked: see ``gan.begun``."""
        return {"model": model.id, "revision": model.revision, **asdict(self), "counts": list(self.counts)}


@dataclass(frozen=True)
class Candidate:
    """One picture that was drawn for a set."""

    seed: int
    label: int | None  #     class index, None without classes
    pixels: np.ndarray  #    uint8 [H, W, C]
    why_not: str = ""  #     why it is left out, "" where it is not


@dataclass(frozen=True)
class Progress:
    """How far a set has come."""

    done: int  #      images that are written
    total: int
    left_out: int  #  by the filter, in this session


def balanced(model: hub.Model, count: int) -> tuple[int, ...]:
    """``count`` images, as many of each class as of any other; the first classes take what is left over."""
    classes = len(model.class_names)
    if not classes:
        raise ValueError(f"{model.id} has no classes to balance")
    return tuple(count // classes + (k < count % classes) for k in range(classes))


def by_class(model: hub.Model, counts: Mapping[str, int]) -> tuple[int, ...]:
    """So many images of each class that is named, none of the others. ``ValueError`` for a class that is not there."""
    found = [0] * len(model.class_names)
    for name, count in counts.items():
        found[model.label(name)] = count
    return tuple(found)


def candidates(model: hub.Model, order: Order, seen: Seen | None, *, written: tuple[int, ...] = (), last_seed: int = -1,
               turn: Callable[[], AbstractContextManager] = nullcontext) -> Iterator[list[Candidate]]:
    """Everything that is drawn for a set, in order, until it is complete: slices of at most ``SLICE``.

    ``written`` images of each class are there already, the last from ``last_seed``. Each slice is drawn inside a
    ``turn()``. Errors: ``ValueError`` where ``PATIENCE`` pictures of a class in a row were near-duplicates, or where the
    seeds run out.
    """
    groups = len(order.counts)
    written = written or (0,) * groups
    for group, count in enumerate(order.counts):
        done, left_out = written[group], 0
        label = group if groups > 1 else None
        step = order.first_seed + group
        if 0 < done < count:
            step = last_seed + groups
        while done < count:
            seeds = [step + k * groups for k in range(min(SLICE, count - done))]
            if seeds[-1] > MAX_SEED:
                raise ValueError(f"the seeds end at {MAX_SEED}: take a smaller first seed")
            step = seeds[-1] + groups
            found = _drawn(model, order, seeds, label, turn)
            if seen is not None:
                fresh = seen.add(thumbnails(np.stack([c.pixels for c in found])))
                found = [c if new else Candidate(c.seed, c.label, c.pixels, "nearly the same as an earlier one")
                         for c, new in zip(found, fresh)]
            kept = sum(not c.why_not for c in found)
            done, left_out = done + kept, 0 if kept else left_out + len(found)
            if left_out >= PATIENCE:
                name = f" of {model.class_names[group]}" if label is not None else ""
                raise ValueError(f"the last {left_out:,} pictures{name} were all near-duplicates of earlier ones: this "
                                 f"model draws about {done:,} that differ so much; ask for fewer, or for less distinct ones")
            yield found


def _drawn(model: hub.Model, order: Order, seeds: list[int], label: int | None,
           turn: Callable[[], AbstractContextManager] = nullcontext) -> list[Candidate]:
    draws = [Draw(seed, label, order.psi) for seed in seeds]
    with turn():
        pixels = draw(model.G, draws)
    labels = [label] * len(seeds)
    if label is None and model.class_names:
        labels = latents(model.G.latent, draws)[1].tolist()
    return [Candidate(*row) for row in zip(seeds, labels, pixels)]


def examples_of(model: hub.Model, psi: float) -> np.ndarray:
    """Thumbnails of usual pictures."""
    return thumbnails(draw(model.G, [Draw(seed, psi=psi) for seed in range(EXAMPLES)]))


def seen_for(model: hub.Model, order: Order, path: Path) -> Seen | None:
    """What keeps near-duplicates out, None where the order asks for no such filter."""
    return Seen(path, order.total, examples_of(model, order.psi), order.distinct) if order.distinct else None


def estimate(model: hub.Model, order: Order) -> int:
    """Bytes that the set will take on disk, from the first pictures."""
    sizes = []
    for c in _drawn(model, order, [order.first_seed + k for k in range(16)], None):
        file = io.BytesIO()
        to_pil(c.pixels).save(file, "PNG", compress_level=1)
        sizes.append(-(-(file.tell() + RECIPE) // 4096) * 4096)  # as file systems count
    return int(np.mean(sizes) * order.total) + 200 * order.total


def check_room(folder: Path, needed: int) -> None:
    """``ValueError`` where the disk that the folder will lie on has not so many bytes left."""
    while not folder.exists() and folder != folder.parent:  # of a drive that is not there nothing is
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ValueError(f"the set will take about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free: make room, or "
                         "ask for fewer images")


def augment(model: hub.Model, order: Order, folder: Path, *,
            turn: Callable[[], AbstractContextManager] = nullcontext) -> Iterator[Progress]:
    """Draws a set into a folder: ``<class>/<number>.png`` (``images/`` without classes), each with its recipe inside, and
    ``metadata.jsonl``. A folder in which the same order was begun is gone on with.

    Errors: ``ValueError`` for an order that the model cannot draw, and a folder that holds anything else; ``OSError``.
    """
    order.check(model)
    begin(folder, order.record(model))
    written, last_seed = _take_up(folder / METADATA, model, order)
    yield Progress(sum(written), order.total, 0)
    if sum(written) == order.total:
        return
    seen = seen_for(model, order, folder / SEEN)
    try:
        if seen is not None:
            seen.forget_after(sum(written))
        yield from _write(folder, model, order, seen, written, last_seed, turn)
    finally:
        if seen is not None:
            seen.close()
    (folder / SEEN).unlink(missing_ok=True)


def _take_up(metadata: Path, model: hub.Model, order: Order) -> tuple[tuple[int, ...], int]:
    """(images of each class, the last seed) of a set that was begun; a line that was torn is cut off."""
    written, last_seed = [0] * len(order.counts), -1
    for line in whole_lines(metadata):
        try:
            about = json.loads(line)
            group = model.class_names.index(about["label"]) if len(order.counts) > 1 else 0
            last_seed = int(about["seed"])
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{metadata.name} was changed: line {sum(written) + 1} is none of ours") from None
        written[group] += 1
    return tuple(written), last_seed


def _write(folder: Path, model: hub.Model, order: Order, seen: Seen | None, written: tuple[int, ...], last_seed: int,
           turn: Callable[[], AbstractContextManager]) -> Iterator[Progress]:
    """Writes what is drawn. The lines of a slice follow its files: a line says that its file is whole."""
    done, left_out = sum(written), 0
    with open(folder / METADATA, "ab") as lines, ThreadPoolExecutor(WRITERS) as writers:
        waiting: list[Any] = []

        def settle() -> None:
            lines.write(b"".join(future.result() for future in waiting))
            lines.flush()

        for found in candidates(model, order, seen, written=written, last_seed=last_seed, turn=turn):
            settle()  # while these were drawn, those before were written
            yield Progress(done, order.total, left_out)
            kept = [c for c in found if not c.why_not]
            waiting = [writers.submit(_write_one, folder, model, order, c, done + k) for k, c in enumerate(kept)]
            done, left_out = done + len(kept), left_out + len(found) - len(kept)
        settle()
    yield Progress(done, order.total, left_out)


def _write_one(folder: Path, model: hub.Model, order: Order, c: Candidate, number: int) -> bytes:
    """Writes one PNG; its line of the metadata."""
    label = None if c.label is None else model.class_names[c.label]
    chosen = label if len(order.counts) > 1 else None
    recipe = SeedsRecipe(model.id, model.revision, (c.seed,), chosen, order.psi)
    return json_line({**write_image(folder, number, c.pixels, recipe, model.class_names, label), "seed": c.seed})


def write_image(folder: Path, number: int, pixels: np.ndarray, recipe: PngRecipe, class_names: tuple[str, ...],
                label: str | None) -> dict[str, Any]:
    """Writes a PNG of a set, into the folder of its class or ``images/``; how its line of the metadata begins."""
    sub = "images" if label is None else folder_names(class_names)[class_names.index(label)]
    (folder / sub).mkdir(exist_ok=True)
    file = f"{sub}/{number:07d}.png"
    save_png(folder / file, pixels, recipe)
    return {"file_name": file, **({} if label is None else {"label": label})}


@lru_cache(maxsize=8)  # asked for every picture of a set
def folder_names(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Class names as names of folders, no two alike on any system: a class is called what a stranger called it, and may not
    lead out of the set."""
    names, taken = [], {METADATA, "readme.md"}
    for k, label in enumerate(labels):
        clean = "".join("_" if ch in '/\\:*?"<>|' or not ch.isprintable() else ch for ch in label).strip(". ")[:80]
        name = clean if clean and clean.casefold() not in taken else f"{clean}_{k}"
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)
