"""Examples of what a model reads, cut from the sheet of its samples: there every picture stands on the right of what it was
made from."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gan.gallery import Entry
from gan.image import GAP
from gan.ui.parts.timeline import MAX_FILE, MAX_PIXELS

__all__ = ["example"]


def example(entry: Entry, number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(what the sample of that number was made from, uint8 [h, w, C] at the size that the model reads; the sample, uint8
    [H, W, C]). After the last sample comes the first. None where there is no such sheet."""
    if entry.source is None or entry.samples is None:
        return None
    try:
        if entry.samples.stat().st_size > MAX_FILE:
            return None
        with Image.open(entry.samples, formats=["PNG"]) as sheet:
            step = entry.resolution + GAP
            columns, rows = (sheet.width + GAP) // step // 2, (sheet.height + GAP) // step
            if not columns or not rows or sheet.width * sheet.height > MAX_PIXELS:
                return None
            number %= columns * rows
            left, top = 2 * (number % columns) * step, number // columns * step
            sheet = sheet.convert("L" if entry.channels == 1 else "RGB")
            tiles = [sheet.crop((x, top, x + entry.resolution, top + entry.resolution)) for x in (left, left + step)]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    read, made = (np.asarray(tile).reshape(*tile.size, entry.channels) for tile in tiles)
    scale = entry.source.scale  # of which each pixel of what was read is a square there
    return read[scale // 2 :: scale, scale // 2 :: scale], made
