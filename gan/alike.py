"""Which pictures have been seen before, or nearly so: for sets of a million, in little memory.

Two pictures are near-duplicates where their thumbnails of 8 x 8 differ by less than a part of what two pictures of the
model usually differ by. To find those to compare, each thumbnail has six names, each from five random projections cut into
steps (Datar et al. 2004, "Locality-sensitive hashing scheme based on p-stable distributions", sec. 3.2): near-duplicates
share a name nine times in ten or more, others rarely. Thumbnails lie in a file, names in memory: 24 bytes a picture.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["Seen", "thumbnails"]

SIDE = 8
NAMES, PROJECTIONS = 6, 5
BITS = 16
STEP = 4  # of a projection, in the largest distance that is near


def thumbnails(pixels: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, C] -> uint8 [N, 64 C], each the means of 8 x 8 squares of the picture."""
    n, h, w, c = pixels.shape
    squares = pixels.reshape(n, SIDE, h // SIDE, SIDE, w // SIDE, c)
    return np.round(squares.mean((2, 4), dtype=np.float32)).astype(np.uint8).reshape(n, -1)


def _differences(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Root mean square differences along the last axis."""
    return np.sqrt(np.square(a.astype(np.float32) - b).mean(-1))


class Seen:
    """Thumbnails accepted so far, at most ``most``, kept in ``path``; what the file holds is taken up again.

    ``examples`` [N, F] are thumbnails of usual pictures of the model; near means closer than ``share`` of their usual
    difference (root mean square).
    """

    def __init__(self, path: Path, most: int, examples: np.ndarray, share: float):
        self.size = examples.shape[1]
        half = len(examples) // 2
        usual = _differences(examples[:half], examples[half : 2 * half])
        self.near = share * float(np.median(usual))
        rs = np.random.RandomState(0)
        width = STEP * self.near * np.sqrt(self.size)
        self._planes = (rs.randn(self.size, NAMES * PROJECTIONS) / max(width, 1e-6)).astype(np.float32)
        self._offsets = rs.random_sample(NAMES * PROJECTIONS).astype(np.float32)
        self._mixers = rs.randint(1, 2**31, PROJECTIONS) | 1
        self._head = np.full((NAMES, 2**BITS), -1, np.int32)  # the picture that was last given this name
        self._next = np.full((NAMES, most), -1, np.int32)  #    and, after each, the one before it
        self.count = 0
        self._end = open(path, "ab", buffering=0)
        self._file = open(path, "rb", buffering=0)
        self._take_up()

    def _take_up(self) -> None:
        self._file.seek(0)
        while len(data := self._file.read(4096 * self.size)) >= self.size:
            rows = np.frombuffer(data[: len(data) // self.size * self.size], np.uint8).reshape(-1, self.size)
            for names in self._names(rows[: self._next.shape[1] - self.count]):
                self._link(names)

    def forget_after(self, count: int) -> None:
        """Goes back to the first ``count``: what was written beyond belongs to pictures that never got their line."""
        self._end.truncate(count * self.size)
        self._head[:], self._next[:], self.count = -1, -1, 0
        self._take_up()

    def _names(self, rows: np.ndarray) -> np.ndarray:
        """[N, F] -> [N, NAMES]."""
        cells = np.floor(rows.astype(np.float32) @ self._planes + self._offsets).astype(np.int64)
        return (cells.reshape(len(rows), NAMES, PROJECTIONS) @ self._mixers >> 7) % 2**BITS

    def _link(self, names: np.ndarray) -> None:
        for k, name in enumerate(names):
            self._next[k, self.count], self._head[k, name] = self._head[k, name], self.count
        self.count += 1

    def add(self, rows: np.ndarray) -> list[bool]:
        """[N, F] -> whether each is new; those are accepted, and later rows meet them."""
        fresh: list[bool] = []
        for row, names in zip(rows, self._names(rows)):
            new = not self._met(row, names)
            if new:
                self._end.write(row.tobytes())
                self._link(names)
            fresh.append(new)
        return fresh

    def _met(self, row: np.ndarray, names: np.ndarray) -> bool:
        known: set[int] = set()
        for k, name in enumerate(names):
            at = int(self._head[k, name])
            while at >= 0:
                if at not in known and _differences(self._at(at), row) < self.near:
                    return True
                known.add(at)
                at = int(self._next[k, at])
        return False

    def _at(self, index: int) -> np.ndarray:
        self._file.seek(index * self.size)
        return np.frombuffer(self._file.read(self.size), np.uint8)

    def close(self) -> None:
        self._file.close()
        self._end.close()
