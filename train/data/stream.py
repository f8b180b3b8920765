"""The one endless stream of training pictures."""

from __future__ import annotations

import numpy as np
import torch

from gan.base import Batch
from train.data.images import Images

__all__ = ["Stream"]


class Stream:
    """The one endless stream of reals. Item k is permutation(seed, k // M)[k % M], mirrored by a coin of (seed, k).

    ``index`` is the next k. It is all there is to save: with the same images and seed, setting it resumes exactly.
    """

    def __init__(self, images: Images, *, seed: int, flip: bool = False):
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be an integer from 0 to 2^32-1, got {seed}")
        self.index = 0
        self._pixels, self._labels, self._seed, self._flip = images.pixels, images.labels, seed, flip
        self._epoch, self._order, self._coins = -1, np.empty(0, np.int64), np.empty(0, bool)

    def batch(self, n: int) -> Batch:
        """The next n items: x float32 [n, C, H, W] in [-1, 1], c int64 [n] or None if unlabelled, and no y."""
        items, coins = self._take(n)
        pixels = self._pixels[items]  # a copy [n, H, W, C]
        if self._flip:
            pixels[coins] = pixels[coins, :, ::-1]
        x = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
        c = None if self._labels is None else torch.from_numpy(self._labels[items])
        self.index += n
        return Batch(x.div_(127.5).sub_(1), c)

    def first(self, n: int) -> Batch:
        """The first n items, wherever the stream is: the same whenever it is asked, and nothing moves."""
        index, self.index = self.index, 0
        try:
            return self.batch(n)
        finally:
            self.index = index

    def _take(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """The images and the coins of items index ... index + n - 1, which may lie in several epochs."""
        items, coins, k, count = [], [], self.index, len(self._pixels)
        while k < self.index + n:
            epoch, start = divmod(k, count)
            if epoch != self._epoch:
                rs = np.random.RandomState([self._seed, epoch])  # frozen for good, unlike numpy's newer generators
                self._epoch, self._order, self._coins = epoch, rs.permutation(count), rs.random_sample(count) < 0.5
            stop = min(count, start + self.index + n - k)
            items.append(self._order[start:stop])
            coins.append(self._coins[start:stop])
            k += stop - start
        return np.concatenate(items), np.concatenate(coins)
