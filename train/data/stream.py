"""The one endless stream of training pictures, with the pictures y that G reads where it reads any."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan.base import Batch
from gan.degrade import Degrade
from gan.image import from_uint8
from gan.spec import write
from train.data.images import Images

__all__ = ["Stream"]

SHOWN = 2**32  # in the place of a seed: what is drawn for the pictures that are shown is the same in every run


class Stream:
    """The one endless stream of reals. Item k is permutation(seed, k // M)[k % M], mirrored by a coin of (seed, k), and with
    a ``source`` y is made with a generator of (seed, k), or stored, and then mirrored by the same coin.

    ``index`` is the next k. It is all there is to save: with the same images and seed, setting it resumes exactly.
    ``held_out`` are pictures that training never sees, for ``shown``.
    """

    def __init__(self, images: Images, *, seed: int, flip: bool = False, source: Degrade | None = None,
                 held_out: Images | None = None):
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be an integer from 0 to 2^32-1, got {seed}")
        self.index = 0
        self._pictures, self._seed, self._flip = Pictures(images, source), seed, flip
        self._shown = self._pictures if held_out is None else Pictures(held_out, source)
        self._epoch, self._order, self._coins = -1, np.empty(0, np.int64), np.empty(0, bool)

    def batch(self, n: int, rank: int = 0, size: int = 1) -> Batch:
        """Of the next n * size items those from n * rank on: x float32 [n, C, H, W] in [-1, 1], c int64 [n] or None if
        unlabelled, y or None."""
        first, self.index = self.index + n * rank, self.index + n * size
        places, coins = self._take(first, n)
        if first // len(self._pictures.rows) == self._epoch:  # not where these n lie in two epochs
            self._pictures.expect(self._order, first % len(self._pictures.rows), n, size)
        return self._pictures.batch(places, coins if self._flip else None, self._seed, first)

    def shown(self, n: int) -> Batch:
        """n pictures, or as many as there are, of those held out, else of those trained on: the same in every run on this
        data, whatever its seed. Nothing moves."""
        order = np.random.RandomState(0).permutation(len(self._shown.rows))
        return self._shown.batch(order[:n], None, SHOWN, 0)

    def _take(self, first: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The places and the coins of n items from the first on, which may lie in several epochs."""
        places, coins, k, count = [], [], first, len(self._pictures.rows)
        while k < first + n:
            epoch, start = divmod(k, count)
            if epoch != self._epoch:
                rs = np.random.RandomState([self._seed, epoch])  # frozen for good, unlike numpy's newer generators
                self._epoch, self._order = epoch, self._pictures.order(rs)
                self._coins = rs.random_sample(count) < 0.5
            stop = min(count, start + first + n - k)
            places.append(self._order[start:stop])
            coins.append(self._coins[start:stop])
            k += stop - start
        return np.concatenate(places), np.concatenate(coins)


class Pictures:
    """A set with what G reads of each picture. ``rows`` are those that may be x: in pairs one side only.

    Errors: ``ValueError`` where the data has not what the source reads.
    """

    def __init__(self, images: Images, source: Degrade | None):
        self._pixels, self._labels, self._partner, self._source = images.pixels, images.labels, images.partner, source
        self.rows, names = np.arange(len(images.pixels)), images.spec.class_names
        self._expected: list[int] = []  # windows, the last two
        if source is not None and source.stored == "pair":
            if images.partner is None:
                raise ValueError(f"{images.name}: {write(source)} reads pairs; {images.unpaired}{images.hint}")
            if source.reads not in names:
                raise ValueError(f"{write(source)}: the folders of the pairs in {images.name} are {' and '.join(names)}")
            self.rows = np.flatnonzero(self._labels != names.index(source.reads))
        if source is not None and source.stored == "domain":
            if images.sample is not None:
                raise ValueError(f"{write(source)} reads a second picture from anywhere, which --stream cannot: leave it "
                                 f"out")
            if len(names) != 2:
                raise ValueError(f"{images.name}: {write(source)} needs two folders of pictures, one for each kind, and "
                                 f"finds {', '.join(names) or 'one only'}{images.hint}")
            self._others = [np.flatnonzero(self._labels != label) for label in (0, 1)]

    def batch(self, places: np.ndarray, coins: np.ndarray | None, seed: int, first: int) -> Batch:
        """The pictures at these places among ``rows``, those with a coin mirrored; y of place k is drawn for item first + k
        of that seed."""
        rows = self.rows[places]
        x = self._read(rows, coins)
        c = None if self._labels is None else torch.from_numpy(self._labels[rows])
        if self._source is None:
            return Batch(x, c)
        if self._source.stored == "pair":
            return Batch(x, c, self._read(self._partner[rows], coins))
        generators = [_generator(seed, first + k) for k in range(len(rows))]
        if self._source.stored == "domain":
            others = [self._others[label] for label in self._labels[rows]]
            drawn = [other[int(torch.randint(len(other), (), generator=g))] for other, g in zip(others, generators)]
            return Batch(x, c, self._read(np.array(drawn), coins))
        return Batch(x, c, torch.cat([self._source(one[None], generator=g) for one, g in zip(x, generators)]))

    def order(self, rs: np.random.RandomState) -> np.ndarray:
        """Random places of all rows: where they are read in windows, window after window."""
        count, window = len(self.rows), getattr(self._pixels, "window", None)
        if window is None:
            return rs.permutation(count)
        return np.concatenate([start + rs.permutation(min(window, count - start))
                               for start in window * rs.permutation(-(-count // window))])

    def expect(self, order: np.ndarray, k: int, n: int, size: int) -> None:
        """From place k of an order n are read now, and so on after those of the other processes: the windows of this one
        and of what comes a window later will be."""
        window = getattr(self._pixels, "window", None)
        if window is None:
            return
        for place in (k, k + window):
            if place < len(order) and (own := int(order[place]) // window) not in self._expected:
                near = order[k : k + 2 * window]
                mine = near[(np.arange(len(near)) // n % size == 0) & (near // window == own)]
                self._pixels.expect(mine)
                self._expected = [*self._expected[-1:], own]

    def _read(self, rows: np.ndarray, coins: np.ndarray | None) -> Tensor:
        """float32 [n, C, H, W], those with a coin mirrored."""
        pixels = self._pixels[rows]  # a copy [n, H, W, C]
        if coins is not None:
            pixels[coins] = pixels[coins, :, ::-1]
        return from_uint8(pixels, layout=torch.contiguous_format)


def _generator(seed: int, k: int) -> torch.Generator:
    """For what is drawn for item k."""
    state = np.random.SeedSequence([seed, k]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))
