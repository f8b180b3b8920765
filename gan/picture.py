"""A picture from outside, made into what the nets read: upright, over white, square, at the model's resolution."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["FORMATS", "decode", "read_picture"]

Image.init()
# Pictures only: EPS would start Ghostscript, and TGA has no signature, so text could pass for it.
FORMATS = [f for f in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000") if f in Image.OPEN]
MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000  # a photo of a large camera; what claims more is refused before it is decoded


def decode(data: bytes, resolution: int, channels: int) -> np.ndarray:
    """uint8 [R, R, C] of an encoded picture: its first frame, upright, over white, cut to its central square, Lanczos.

    Errors: whatever the decoders raise for a broken file, from ``OSError`` to ``KeyError``.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        image.draft(None, (2 * resolution, 2 * resolution))  # a large JPEG is decoded at a half, a quarter or an eighth
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):  # 16 bits of grey
            grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
            image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if channels == 1 else "RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))  # resize(box=) would let the rim bleed in
        image = image.resize((resolution, resolution), Image.Resampling.LANCZOS)
        return np.asarray(image).reshape(resolution, resolution, channels)


def read_picture(path: Path | str, resolution: int, channels: int) -> np.ndarray:
    """uint8 [R, R, C] of a picture that anybody may have made.

    Errors: ``ValueError`` of one line for what is no picture, is broken, too large or too small; ``OSError`` for what cannot
    be read at all.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"this file is larger than {MAX_BYTES / 1e6:.0f} MB: make the picture smaller first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL's: broken EXIF, large pictures, odd palettes
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"this picture has {width} x {height} pixels, at most {MAX_PIXELS // 1_000_000} million "
                                 "are read: make it smaller first")
            if 4 * min(width, height) < resolution:
                raise ValueError(f"this picture is {width} x {height} pixels, too small for a model of {resolution} px: its "
                                 f"short side must be at least {-(-resolution // 4)}")
            return decode(data, resolution, channels)
    except ValueError as error:
        if str(error).startswith("this picture"):
            raise
        raise ValueError(f"this picture is broken: {str(error)[:100]}") from None
    except UnidentifiedImageError:
        raise ValueError("this is no picture: give a PNG, JPEG, WebP or another common format") from None
    except Image.DecompressionBombError:
        raise ValueError("this picture has too many pixels to be read: make it smaller first") from None
    except Exception as error:  # decoders meet broken files with anything from KeyError to struct.error
        raise ValueError(f"this picture is broken: {type(error).__name__}: {str(error)[:100]}") from None
