"""Training images: any source, decoded once into a cached uint8 memory map.

The survey reads headers and settles resolution, channels, classes and order; a second pass decodes. The cache holds

    <fingerprint>.npy     pixels uint8 [M, H, W, C]
    <fingerprint>.json    labels, class names, what could not be decoded; written last, so it vouches for the .npy
    <key>.source.json     the survey's outcome for a source in this state, so that an unchanged source is not read again
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import tempfile
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from gan.base import check_shape
from gan.files import cache_home, replacing, sweep, write_json
from gan.picture import FORMATS, decode
from train.data.cache import alone, cache_errors, note, npy_header
from train.data.folders import Files
from train.data.items import Item, Source, digest, key_of, printable
from train.data.pairs import halves, partners, within_class
from train.data.reading import Ticker, each, hint_of, say_skipped
from train.data.sources import open_source
from train.data.spec import DataSpec

__all__ = ["VERSION", "Images", "check_enough", "check_names", "decoded", "load_images", "nearest_resolution", "probe"]

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
    partner: np.ndarray | None = None  # int64 [M]: the other picture of each one's pair, None if there are no pairs
    sample: Images | None = None  # some of them decoded, where ``pixels`` are windows of a set that is read as it is needed
    unpaired: str = "no pairs were looked for: recipes that take them do, in folders and zip files"  # why there are none

    @property
    def hint(self) -> str:
        """Ends a message of what is missing here: it may be among what could not be used."""
        return hint_of(self.skipped)


def load_images(
    path: str | Path, *, resolution: int | None = None, pairs: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Images:
    """Images out of a folder, a zip, parquet or a Hub data set, decoded on first use and cached since.

    ``resolution`` in px; None takes the power of two nearest to the median short side, 16 to 64. ``pairs`` says whether two
    pictures may belong together, see ``train.data.pairs``. ``progress(done, total)`` counts the files of both passes.
    Errors: ``FileNotFoundError``; ``ValueError`` for a source without usable images and for a cache that cannot be
    written, each of one line.
    """
    if resolution is not None:
        check_shape(resolution, 1, 1)
    cache = cache_home()
    with open_source(path) as source, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL's: broken EXIF, large pictures, odd palettes
        pairs = pairs and isinstance(source, Files)
        source = halves(source) if pairs else source
        state = hashlib.sha256(f"{VERSION} {source.key} {resolution}{' pairs' * pairs}".encode()).hexdigest()[:32]
        survey_note = cache / f"{state}.source.json"
        images = _surveyed(cache, survey_note, source.name)
        if images is None:
            with cache_errors(cache):
                cache.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=cache).close()  # better now than after minutes of reading
                sweep(cache)
            with alone(cache, state):
                images = _surveyed(cache, survey_note, source.name) or \
                    _read(source, resolution, pairs, cache, survey_note, Ticker(progress, 2 * len(source)))
    if images is None:
        raise ValueError(f"the image cache in {cache} was changed by another program meanwhile: try again")
    say_skipped(images.name, images.skipped)
    return images


def _read(source: Source, resolution: int | None, pairs: bool, cache: Path, survey_note: Path,
          tick: Ticker) -> Images | None:
    survey = _survey(source, resolution, pairs, tick)
    fingerprint = survey.fingerprint
    images = _cached(cache, fingerprint, source.name, survey.skipped)
    if images is None:
        fingerprint = _decode_all(source, survey, cache, tick)
        images = _cached(cache, fingerprint, source.name, survey.skipped)
    with cache_errors(cache):
        write_json(survey_note, {"fingerprint": fingerprint, "skipped": survey.skipped})
    tick.finish()
    return images


def _surveyed(cache: Path, survey_note: Path, name: str) -> Images | None:
    """The cached set of a source whose survey is known."""
    known = note(survey_note)
    return _cached(cache, known.get("fingerprint", ""), name, known.get("skipped", ()))


def _cached(cache: Path, fingerprint: str, name: str, skipped: Sequence[str]) -> Images | None:
    """The cached set, if it is all there; ``skipped`` are the survey's."""
    about = note(cache / f"{fingerprint}.json")
    try:
        spec = DataSpec(**{**about["spec"], "class_names": tuple(about["spec"]["class_names"])})
        labels = None if about["labels"] is None else np.array(about["labels"], np.int64)
        pairs = {"partner": np.array(about["partner"], np.int64) if about["partner"] else None,
                 "unpaired": about["unpaired"]} if "partner" in about else {}
        pixels = np.load(cache / f"{fingerprint}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, KeyError, TypeError, ValueError):
        return None
    if pixels.dtype != np.uint8 or pixels.shape != (spec.count, spec.resolution, spec.resolution, spec.channels):
        return None
    return Images(pixels, labels, spec, name, fingerprint, (*skipped, *about.get("skipped", ())), **pairs)


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
    members: list[tuple[str, list[int]]]  # of each chosen item its name within its class and its size; [] = no pairs wanted


def probe(item: Item) -> tuple[str, list[int], bool]:
    """(digest, [width, height] in px, grey?) of an image; only its header is parsed."""
    with item.open() as file:
        if item.digest:
            known = item.digest
        else:  # read whole for its digest; the second pass will find it in the page cache
            data = file.read()
            known, file = digest(len(data), zlib.crc32(data)), io.BytesIO(data)
        with Image.open(file, formats=FORMATS) as image:
            if image.mode == "F":
                raise ValueError("floating-point pixels have no known white")
            return known, list(image.size), image.mode in GREY


def _survey(source: Source, resolution: int | None, pairs: bool, tick: Ticker) -> _Survey:
    headers, skipped = {}, []
    for i, (item, header) in enumerate(each(source, probe, tick)):
        if isinstance(header, str):
            skipped.append(f"{printable(item.name)}: {header}")
        else:
            headers[i] = (*header, item.name)
    if headers and resolution is None:
        resolution = nearest_resolution(float(np.median([min(size) for _, size, _, _ in headers.values()])))
    for i, (_, size, _, name) in list(headers.items()):
        if 4 * min(size) < resolution:
            skipped.append(f"{printable(name)}: short side {min(size)} px, under a quarter of {resolution}")
            del headers[i]
    check_enough(len(headers), source, skipped)
    chosen = list(headers)
    labels, class_names = source.classes(chosen)
    check_names(source, class_names)
    channels = 1 if all(grey for _, _, grey, _ in headers.values()) else 3
    # No names and no times: the same pictures, zipped, unpacked or on another machine, have the same fingerprint.
    content = [VERSION, resolution, channels, class_names, [known for known, *_ in headers.values()],
               labels if labels is None else labels.tolist()]
    members = []
    if pairs:  # names decide what belongs together
        inside = within_class([name for *_, name in headers.values()])
        members = [(name, size) for name, (_, size, _, _) in zip(inside, headers.values())]
        content.append(members)
    fingerprint = key_of(*content)[:32]
    return _Survey(chosen, labels, class_names, resolution, channels, fingerprint, skipped, members)


def nearest_resolution(short_px: float) -> int:
    """The power of two from 16 to 64 that is nearest to a short side, in px."""
    return 2 ** min(max(round(math.log2(max(short_px, 1))), 4), 6)


def check_names(source: Source, class_names: tuple[str, ...]) -> None:
    """Errors: ``ValueError`` for a class whose name no model's config may hold."""
    for name in class_names:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise ValueError(f"{source.name}: the name of a class must have 1 to {LONGEST_NAME} characters, and "
                             f"{name[:60]!r} has {len(name):,}")


def check_enough(count: int, source: Source, skipped: list[str]) -> None:
    """Errors: ``ValueError`` where there are fewer than two usable pictures."""
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


def decoded(item: Item, resolution: int, channels: int) -> np.ndarray:
    """uint8 [R, R, C], as ``gan.picture.decode``."""
    with item.open() as file:
        data = file.read()
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:  # its header
        image.draft(None, (2 * resolution, 2 * resolution))
        size = image.size
    with ROOM.for_(math.prod(size)):
        return decode(data, resolution, channels)


def _decode_all(source: Source, survey: _Survey, cache: Path, tick: Ticker) -> str:
    """Writes the .npy and then the .json, and returns the fingerprint: the survey's where all could be decoded, else one of
    what could, so that a source that is mended later is another data set.

    The file is written from front to back and not through the map: where the disk is full, a write raises, but a store into
    a mapped page kills the process.
    """
    chosen, good, skipped = set(survey.chosen), [], []
    tick.add(len(source) - len(chosen))
    items = (item for i, item in enumerate(source) if i in chosen)
    shape = (survey.resolution, survey.resolution, survey.channels)
    decode_one = partial(decoded, resolution=survey.resolution, channels=survey.channels)
    pixels = cache / f"{survey.fingerprint}.npy"
    with cache_errors(cache), replacing(pixels) as file:
        file.write(npy_header(len(chosen), shape))
        for row, (item, image) in enumerate(each(items, decode_one, tick)):
            if isinstance(image, str):
                skipped.append(f"{printable(item.name)}: {image}")
            else:
                good.append(row)
                file.write(image.tobytes())
        check_enough(len(good), source, survey.skipped + skipped)
        file.seek(0)
        file.write(npy_header(len(good), shape))
    fingerprint = survey.fingerprint
    if skipped:
        fingerprint = key_of(fingerprint, good)[:32]
        with cache_errors(cache):
            os.replace(pixels, cache / f"{fingerprint}.npy")
    labels = None if survey.labels is None else survey.labels[good].tolist()
    spec = DataSpec(resolution=survey.resolution, channels=survey.channels, classes=len(survey.class_names),
                    class_names=survey.class_names, count=len(good))
    about = {"spec": asdict(spec), "labels": labels, "skipped": skipped}
    if survey.members:
        about |= partners([survey.members[row] for row in good], labels, survey.class_names)
    with cache_errors(cache):
        write_json(cache / f"{fingerprint}.json", about, indent=None)
    return fingerprint
