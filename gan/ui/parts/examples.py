"""Examples of what a model reads, cut from the sheet of its samples: there every picture stands on the right of what it was
made from."""

from __future__ import annotations

import base64

import numpy as np
from PIL import Image

from gan.gallery import Entry
from gan.image import GAP, png_bytes
from gan.ui.parts.timeline import MAX_FILE, MAX_PIXELS

__all__ = ["example"]


def example(entry: Entry, number: int) -> str | None:
    """What the sample of that number was made from, at the size that the model reads, as a data address; for a model that
    fills holes a whole picture. After the last sample comes the first. None where there is no such sheet."""
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
            hole = entry.task.gives == "hole"
            left, top = (2 * (number % columns) + hole) * step, number // columns * step
            side = entry.resolution // entry.source.scale
            tile = sheet.crop((left, top, left + entry.resolution, top + entry.resolution))
            tile = tile.convert("L" if entry.channels == 1 else "RGB").resize((side, side), Image.Resampling.NEAREST)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    pixels = np.asarray(tile).reshape(side, side, entry.channels)
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode()
