"""Training images: any source, decoded once into a cached uint8 memory map.

Two passes over the source. The survey reads headers and settles resolution, channels, classes and order; the second
pass decodes. In the cache folder then lie

    <fingerprint>.npy     pixels uint8 [M, H, W, C]
    <fingerprint>.json    labels, class names, what could not be decoded; written last, so it vouches for the .npy
    <key>.source.json     the survey's outcome for a source in this state, so that an unchanged source is not read again
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import os
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from gan.base import check_shape
from gan.files import replacing, sweep, write_json
from gan.picture import FORMATS, decode
from train.data.cache import cache_errors, cache_home, note, npy_header
from train.data.items import CHUNK, Item, Source, digest, printable
from train.data.sources import open_source
from train.data.spec import DataSpec

__all__ = ["Images", "load_images"]

log = logging.getLogger(__name__)

LONGEST_NAME = 200  # characters of a class's name: what a model's config may hold
VERSION = 1  # of the preprocessing: raise it when the same file would give other pixels
GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N")


@dataclass(frozen=True)
class Images:
    """A decoded data set."""

    pixels: np.ndarray  #            uint8 [M, H, W, C], a read-only memory map
    labels: np.ndarray | None  #     int64 [M], None if unlabelled
    spec: DataSpec
    name: str  #                     of the source, without local directories
    fingerprint: str  #              hex; of content, labels, order, resolution, channels and preprocessing
    skipped: tuple[str, ...]  #      "file: reason"


def load_images(
    path: str | Path, *, resolution: int | None = None, cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Images:
    """Images out of a folder, a zip, parquet or a Hub data set, decoded on first use and cached since.

    ``resolution`` in px; None takes the power of two nearest to the median short side, 16 to 64. ``cache_dir`` defaults
    to ``$XDG_CACHE_HOME/gan-gallery``. ``progress(done, total)`` counts the files of both passes.
    Errors: ``FileNotFoundError``; ``ValueError`` for a source without usable images and for a cache that cannot be
    written, each of one line.
    """
    if resolution is not None:
        check_shape(resolution, 1, 1)
    cache = Path(cache_dir) if cache_dir else cache_home()
    with open_source(path) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL's: broken EXIF, large pictures, odd palettes
        state = hashlib.sha256(f"{VERSION} {source.key} {resolution}".encode()).hexdigest()[:32]
        survey_note = cache / f"{state}.source.json"
        known = note(survey_note)
        images = _cached(cache, known.get("fingerprint", ""), source.name, known.get("skipped", ()))
        if images is None:
            with cache_errors(cache):
                cache.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=cache).close()  # better now than after minutes of reading
                sweep(cache)
            tick = _Ticker(progress, 2 * len(source))
            survey = _survey(source, resolution, tick)
            fingerprint = survey.fingerprint
            images = _cached(cache, fingerprint, source.name, survey.skipped)
            if images is None:
                fingerprint = _decode_all(source, survey, cache, tick)
                images = _cached(cache, fingerprint, source.name, survey.skipped)
            with cache_errors(cache):
                write_json(survey_note, {"fingerprint": fingerprint, "skipped": survey.skipped})
            tick.finish()
    if images is None:
        raise ValueError(f"the image cache in {cache} was changed by another program meanwhile: try again")
    if images.skipped:
        log.warning("%s: %d files skipped: %s%s", images.name, len(images.skipped), "; ".join(images.skipped[:3]),
                    "; …" if len(images.skipped) > 3 else "")
    return images


def _cached(cache: Path, fingerprint: str, name: str, skipped: Sequence[str]) -> Images | None:
    """The cached set, if it is all there; ``skipped`` are the survey's."""
    about = note(cache / f"{fingerprint}.json")
    try:
        spec = DataSpec(**{**about["spec"], "class_names": tuple(about["spec"]["class_names"])})
        labels = None if about["labels"] is None else np.array(about["labels"], np.int64)
        pixels = np.load(cache / f"{fingerprint}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, KeyError, TypeError, ValueError):
        return None
    if pixels.dtype != np.uint8 or pixels.shape != (spec.count, spec.resolution, spec.resolution, spec.channels):
        return None
    return Images(pixels, labels, spec, name, fingerprint, (*skipped, *about.get("skipped", ())))


# --- first pass: headers -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Survey:
    """What the headers say; everything the second pass needs."""

    chosen: list[int]  #               indices of the source's items to decode, in order
    labels: np.ndarray | None  #     int64 [len(chosen)]
    class_names: tuple[str, ...]
    resolution: int
    channels: int
    fingerprint: str
    skipped: list[str]


def _probe(item: Item) -> tuple[str, int, bool]:
    """(digest, short side in px, grey?) of an image; only its header is parsed."""
    with item.open() as file:
        if item.digest:
            known = item.digest
        else:  # read whole for its digest; the second pass will find it in the page cache
            data = file.read()
            known, file = digest(len(data), zlib.crc32(data)), io.BytesIO(data)
        with Image.open(file, formats=FORMATS) as image:
            if image.mode == "F":
                raise ValueError("floating-point pixels have no known white")
            return known, min(image.size), image.mode in GREY


def _survey(source: Source, resolution: int | None, tick: _Ticker) -> _Survey:
    headers, skipped = {}, []
    for i, (item, header) in enumerate(_each(source, _probe, tick)):
        if isinstance(header, str):
            skipped.append(f"{printable(item.name)}: {header}")
        else:
            headers[i] = (*header, item.name)
    if headers and resolution is None:
        resolution = _nearest(float(np.median([short for _, short, _, _ in headers.values()])))
    for i, (_, short, _, name) in list(headers.items()):
        if 4 * short < resolution:
            skipped.append(f"{printable(name)}: short side {short} px, under a quarter of {resolution}")
            del headers[i]
    _check_enough(len(headers), source, skipped)
    chosen = list(headers)
    labels, class_names = source.classes(chosen)
    for name in class_names:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{source.name}: the name of a class must have 1 to {LONGEST_NAME} characters, and "
                             f"{name[:60]!r} has {len(name):,}")
    channels = 1 if all(grey for _, _, grey, _ in headers.values()) else 3
    # No names and no times: the same pictures, zipped, unpacked or on another machine, have the same fingerprint.
    content = [VERSION, resolution, channels, class_names, [known for known, *_ in headers.values()],
               labels if labels is None else labels.tolist()]
    fingerprint = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
    return _Survey(chosen, labels, class_names, resolution, channels, fingerprint, skipped)


def _nearest(short_px: float) -> int:
    return 2 ** min(max(round(math.log2(max(short_px, 1))), 4), 6)


def _check_enough(count: int, source: Source, skipped: list[str]) -> None:
    if count < 2:
        found = "no usable image" if count == 0 else "only one usable image"
        first = f", {len(skipped)} files skipped, the first being {skipped[0]}" if skipped else ""
        raise ValueError(f"{source.name}: {found}{first}; expected at least 2")


# --- second pass: pixels -----------------------------------------------------------------------------------------


class _Room:
    """Lets threads decode at once what has ``most`` pixels together, and a larger picture alone: each pixel takes up to a
    dozen bytes on its way."""

    def __init__(self, most: int):
        self._most, self._taken, self._free = most, 0, threading.Condition()

    @contextmanager
    def for_(self, pixels: int) -> Iterator[None]:
        pixels = min(pixels, self._most)
        with self._free:
            self._free.wait_for(lambda: self._taken + pixels <= self._most)
            self._taken += pixels
        try:
            yield
        finally:
            with self._free:
                self._taken -= pixels
                self._free.notify_all()


ROOM = _Room(2**25)


def _decode(item: Item, resolution: int, channels: int) -> np.ndarray:
    """uint8 [R, R, C], as ``gan.picture.decode``."""
    with item.open() as file:
        data = file.read()
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:  # its header
        image.draft(None, (2 * resolution, 2 * resolution))
        size = image.size
    with ROOM.for_(math.prod(size)):
        return decode(data, resolution, channels)


def _decode_all(source: Source, survey: _Survey, cache: Path, tick: _Ticker) -> str:
    """Writes the .npy and then the .json, and returns the fingerprint: the survey's where all could be decoded, else one of
    what could, so that a source that is mended later is another data set.

    The file is written from front to back and not through the map: where the disk is full, a write raises, but a store into
    a mapped page kills the process.
    """
    chosen, good, skipped = set(survey.chosen), [], []
    tick.add(len(source) - len(chosen))
    items = (item for i, item in enumerate(source) if i in chosen)
    shape = (survey.resolution, survey.resolution, survey.channels)
    decode_one = partial(_decode, resolution=survey.resolution, channels=survey.channels)
    pixels = cache / f"{survey.fingerprint}.npy"
    with cache_errors(cache), replacing(pixels) as file:
        file.write(npy_header(len(chosen), shape))
        for row, (item, image) in enumerate(_each(items, decode_one, tick)):
            if isinstance(image, str):
                skipped.append(f"{printable(item.name)}: {image}")
            else:
                good.append(row)
                file.write(image.tobytes())
        _check_enough(len(good), source, survey.skipped + skipped)
        file.seek(0)
        file.write(npy_header(len(good), shape))
    fingerprint = survey.fingerprint
    if skipped:
        fingerprint = hashlib.sha256(json.dumps([fingerprint, good]).encode()).hexdigest()[:32]
        with cache_errors(cache):
            os.replace(pixels, cache / f"{fingerprint}.npy")
    labels = None if survey.labels is None else survey.labels[good].tolist()
    spec = DataSpec(resolution=survey.resolution, channels=survey.channels, classes=len(survey.class_names),
                    class_names=survey.class_names, count=len(good))
    with cache_errors(cache):
        write_json(cache / f"{fingerprint}.json", {"spec": asdict(spec), "labels": labels, "skipped": skipped}, indent=None)
    return fingerprint


def _each(items: Iterable[Item], work: Callable[[Item], Any], tick: _Ticker) -> Iterator[tuple[Item, Any]]:
    """(item, work(item)) in order, worked on by a few threads; where it fails, the reason as text instead."""

    def attempt(item: Item) -> Any:
        try:
            return item.problem or work(item)
        except UnidentifiedImageError:
            return "not an image"
        except Exception as error:  # decoders meet broken files with anything from KeyError to struct.error
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return printable(reason.splitlines()[0])

    items = iter(items)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        while chunk := list(islice(items, CHUNK)):
            yield from zip(chunk, pool.map(attempt, chunk), strict=True)
            tick.add(len(chunk))


class _Ticker:
    """Calls ``progress(done, total)`` ten times a second at most, and at the end."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int):
        self._progress, self._total, self._done, self._last = progress, total, 0, -math.inf

    def add(self, n: int) -> None:
        self._done += n
        if self._progress and self._done < self._total and time.monotonic() - self._last >= 0.1:
            self._last = time.monotonic()
            self._progress(self._done, self._total)

    def finish(self) -> None:
        if self._progress:
            self._progress(self._total, self._total)
