"""Sets that are too large to be decoded once and kept: windows of them are read where they lie, decoded, and let go.

A window is a run of neighbouring pictures. The stream goes through the windows of an epoch in random order and through the
pictures of each in random order, so that which picture comes next is known from seed and index alone, as with any set, and a
run is resumed exactly. The windows in use and the next one are in memory; nothing is written to a disk.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from gan.base import check_shape
from train.data.folders import Files
from train.data.images import VERSION, Images, check_enough, check_names, decoded, nearest_resolution, probe
from train.data.items import Item, Source, key_of, printable
from train.data.part import held_rows
from train.data.reading import Ticker, each, say_skipped
from train.data.sources import open_source
from train.data.spec import DataSpec

__all__ = ["Windows", "stream_images"]

log = logging.getLogger(__name__)
MOST_BYTES, MOST = 2**28, 16384  # of a window, decoded; pictures in it
Decoded = Future[tuple[np.ndarray, np.ndarray]]
KEPT = 3  #                         windows: a batch may lie in two, and the next is on its way
LOOKED_AT, TOGETHER = 1000, 100  #  pictures by which resolution and colours are chosen, in runs of so many neighbours


class Windows:
    """uint8 [M, R, R, C]: pictures of a source that are decoded when they are asked for, a window of neighbours at a time.

    In the place of one that cannot be read stands the one before it that can. ``expect`` begins to read a window, of which
    one of several processes decodes its own pictures only. Errors of the source (a lost connection) are raised when its
    pictures are asked for.
    """

    def __init__(self, source: Source, rows: list[int], resolution: int, channels: int):
        self.shape, self.dtype = (len(rows), resolution, resolution, channels), np.dtype(np.uint8)
        self.window = min(MOST, max(MOST_BYTES // (resolution * resolution * channels), 1))
        self._source, self._rows, self._kept, self._said = source, rows, OrderedDict(), False
        self._lock, self._reader = threading.Lock(), ThreadPoolExecutor(1, "windows")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """rows int64 [n] -> uint8 [n, R, R, C]."""
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for window in np.unique(rows // self.window):
            mine = rows // self.window == window
            places = rows[mine] % self.window
            pixels, there = self._read(int(window)).result()
            if not there[places].all():  # others than were expected: after a resume in another number of processes
                pixels, _ = self._read(int(window), anew=True).result()
            found[mine] = pixels[places]
        return found

    def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError("these pictures are read in windows: they are not in memory together")

    def expect(self, rows: np.ndarray) -> None:
        """Begins to read the window of these rows, in which no others will be asked for."""
        window = int(rows[0] // self.window)
        self._read(window, frozenset((rows % self.window).tolist()))

    def _read(self, window: int, wanted: frozenset[int] | None = None, *, anew: bool = False) -> Decoded:
        with self._lock:
            if anew or window not in self._kept:
                self._kept[window] = self._reader.submit(self._decode, window, wanted)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(window)
            return self._kept[window]

    def _decode(self, window: int, wanted: frozenset[int] | None) -> tuple[np.ndarray, np.ndarray]:
        """Pixels [n, R, R, C] and which of them were decoded [n]: those at the wanted places, None = all."""
        rows = self._rows[window * self.window : (window + 1) * self.window]
        places = [k for k in range(len(rows)) if wanted is None or k in wanted]
        pixels, there = np.zeros((len(rows), *self.shape[1:]), np.uint8), np.zeros(len(rows), bool)
        chosen = {rows[k] for k in places}
        items = (item for i, item in enumerate(self._source.rows(rows[0], rows[-1] + 1), rows[0]) if i in chosen)
        decode = partial(decoded, resolution=self.shape[1], channels=self.shape[3])
        bad, last = [], -1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL's: broken EXIF, large pictures, odd palettes
            for k, (item, picture) in zip(places, each(items, decode, Ticker(None, 0))):
                there[k] = True
                if isinstance(picture, str):
                    bad.append((k, f"{printable(item.name)}: {picture}"))
                else:
                    pixels[k], last = picture, k
        if bad and len(places) < len(rows):  # what stands in its place may not have been decoded
            return self._decode(window, None)
        if len(bad) == len(rows):
            raise ValueError(f"{self._source.name}: none of {len(rows)} neighbouring pictures can be read ({bad[0][1]})")
        for k, _ in bad:
            pixels[k] = pixels[k - 1 if k else last]
        if bad and not self._said:
            self._said = True
            log.warning("%s: not all pictures can be read, the first is %s; those before them stand in their places",
                        self._source.name, bad[0][1])
        return pixels, there


def stream_images(path: str | Path, *, resolution: int | None = None, held: float = 0.0,
                  progress: Callable[[int, int], None] | None = None) -> Images:
    """Images whose pixels are ``Windows`` of a source; ``sample`` are some of them, decoded, or, where a share of the
    pictures is ``held`` out, some of these: the same that ``hold_out`` takes of a decoded set of which all can be read.
    The fingerprint is of names, sizes and labels: nobody has read all contents.

    ``resolution`` and ``progress`` (over the sample) as in ``load_images``; what is too small is not left out. Errors:
    as there.
    """
    if resolution is not None:
        check_shape(resolution, 1, 1)
    source = open_source(path, streamed=True)  # it stays open: pictures are read for as long as they are wanted
    rows = source.usable()
    skipped = _skipped(source, set(rows))
    check_enough(len(rows), source, skipped)
    labels, names = source.classes(rows)
    check_names(source, names)
    shown = trained = np.arange(len(rows))
    if held:
        trained, shown = held_rows(len(rows), labels, held)
    items, where = _spread(source, [rows[k] for k in shown])
    tick = Ticker(progress, 2 * len(items))
    headers = [header for _, header in each(items, probe, tick) if not isinstance(header, str)]
    check_enough(len(headers), source, skipped)
    resolution = resolution or nearest_resolution(float(np.median([min(size) for _, size, _ in headers])))
    channels = 1 if all(grey for *_, grey in headers) else 3
    known = [VERSION, "streamed", source.content, resolution, channels, names, None if labels is None else labels.tolist(),
             *([held] if held else [])]
    fingerprint = key_of(*known)[:32]
    spec = DataSpec(resolution, channels, len(names), names, len(trained))
    pixels = Windows(source, [rows[k] for k in trained], resolution, channels)
    of_trained, of_shown = (None if labels is None else labels[part] for part in (trained, shown))
    sample = _sample(items, where, of_shown, spec, source.name, tick)
    say_skipped(source.name, skipped)
    return Images(pixels, of_trained, spec, source.name, fingerprint, tuple(skipped), sample=sample)


def _skipped(source: Source, usable: set[int]) -> list[str]:
    """What of the files that lie here is not streamed, and why; of rows nothing is known without reading them."""
    items = enumerate(source) if isinstance(source, Files) else ()
    return [f"{printable(item.name)}: {item.problem or 'not an image by its name'}" for i, item in items if i not in usable]


def _spread(source: Source, rows: list[int]) -> tuple[list[Item], list[int]]:
    """(items, their places among rows): all, or runs of neighbours from everywhere, since neighbours may be of one class."""
    runs = max(1, min(LOOKED_AT, len(rows)) // TOGETHER)
    starts = [len(rows) * k // runs for k in range(runs)]
    items, where = [], []
    for start in starts:
        stop = len(rows) if len(rows) <= LOOKED_AT and start == starts[-1] else min(start + TOGETHER, len(rows))
        wanted = {row: k for k, row in enumerate(rows[start:stop], start)}
        for row, item in enumerate(source.rows(rows[start], rows[stop - 1] + 1), rows[start]):
            if row in wanted:
                items.append(item)
                where.append(wanted[row])
    return items, where


def _sample(items: list[Item], where: list[int], labels: np.ndarray | None, spec: DataSpec, name: str,
            tick: Ticker) -> Images:
    decode = partial(decoded, resolution=spec.resolution, channels=spec.channels)
    found = [(k, picture) for k, (_, picture) in zip(where, each(items, decode, tick)) if not isinstance(picture, str)]
    tick.finish()
    pixels = np.stack([picture for _, picture in found])
    mine = None if labels is None else labels[[k for k, _ in found]]
    return Images(pixels, mine, replace(spec, count=len(found)), name, "sample", ())
