"""A picture from outside, made into what the nets read: upright, over white, square, at the model's resolution."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = ["Box", "FORMATS", "decode", "read_bytes", "read_picture", "read_whole", "remarks"]

Image.init()
# Pictures only: EPS would start Ghostscript, and TGA has no signature, so text could pass for it.
FORMATS = [f for f in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000") if f in Image.OPEN]
HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")}  # bytes 4 to 11
MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000  # a photo of a large camera; what claims more is refused before it is decoded


class Box(NamedTuple):
    """A square of a picture, in its own pixels, after it was turned upright."""

    left: int
    top: int
    side: int

    @classmethod
    def of(cls, text: str) -> Box:
        """``"120,40,256"`` -> Box(120, 40, 256). ``ValueError`` for anything else."""
        parts = text.split(",")
        if len(parts) != 3 or not all(part.strip().isdecimal() and len(part) < 9 for part in parts):
            raise ValueError(f"a box is LEFT,TOP,SIDE in px, as in 120,40,256, got {text[:40]!r}")
        return cls(*map(int, parts))


def decode(data: bytes, resolution: int, channels: int, box: Box | None = None) -> np.ndarray:
    """uint8 [R, R, C] of an encoded picture: its first frame, upright, over white, cut to its central square or to a box,
    Lanczos.

    Errors: whatever the decoders raise for a broken file, from ``OSError`` to ``KeyError``; ``ValueError`` for a box that
    lies outside the picture.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if box is None:
            image.draft(None, (2 * resolution, 2 * resolution))  # a large JPEG is decoded at a half, a quarter or an eighth
        image = _cut(_upright(image, channels), box)  # resize(box=) would let the rim bleed in
        image = image.resize((resolution, resolution), Image.Resampling.LANCZOS)
        return np.asarray(image).reshape(resolution, resolution, channels)


def _upright(image: Image.Image, channels: int) -> Image.Image:
    """Its first frame as its camera was held, over white, grey or RGB."""
    image = ImageOps.exif_transpose(image)
    if image.mode == "F":
        raise ValueError("this picture holds fractions, of which nobody knows what is white: save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if channels == 1 else "RGB")


def _cut(image: Image.Image, box: Box | None) -> Image.Image:
    """The box of a picture, without one its central square."""
    if box is None:
        side = min(image.size)
        box = Box((image.width - side) // 2, (image.height - side) // 2, side)
    left, top, side = box
    if min(left, top) < 0 or side < 1 or left + side > image.width or top + side > image.height:
        raise ValueError(f"this picture is {image.width} x {image.height} pixels: there is no square of {side} at "
                         f"{left}, {top} in it")
    return image.crop((left, top, left + side, top + side))


def read_picture(given: Path | str | bytes, resolution: int, channels: int, box: Box | None = None) -> np.ndarray:
    """uint8 [R, R, C] of a picture that anybody may have made, a file or its bytes: its central square, or a box of it.

    Errors: ``ValueError`` of one line for what is no picture, is broken, too large or too small, and for a box outside it;
    ``OSError`` for what cannot be read at all.
    """
    return _read(given, resolution, box, lambda data: decode(data, resolution, channels, box))


def read_whole(given: Path | str | bytes, least: int, channels: int, box: Box | None = None) -> np.ndarray:
    """uint8 [h, w, C]: its own pixels, all of them or those of a box. Errors: as ``read_picture`` for that resolution."""
    def pixels(data: bytes) -> np.ndarray:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            image = _upright(image, channels)
            image = image if box is None else _cut(image, box)
            return np.asarray(image).reshape(image.height, image.width, channels)

    return _read(given, least, box, pixels)


def read_bytes(path: Path | str) -> bytes:
    """A file's bytes, or the first of one that is too large to be read as a picture. ``OSError`` where it cannot be read."""
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def remarks(data: bytes) -> list[str]:
    """What of a readable picture is not read, in words: further frames, and what shines through."""
    with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        warnings.simplefilter("ignore")
        clear = image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255
        more = _has_more_frames(image)  # last: it may leave the image in the middle of a broken frame
        return ["of this animation the first frame was read"] * more + ["what is transparent was laid on white"] * clear


def _has_more_frames(image: Image.Image) -> bool:
    try:
        return getattr(image, "is_animated", False)
    except Exception:  # of a file that was cut off: decoders meet it with anything from IndexError to struct.error
        return True


def _read(given: Path | str | bytes, resolution: int, box: Box | None, decoded: Callable[[bytes], np.ndarray]) -> np.ndarray:
    """``decoded`` of the bytes, once they are known to be a picture of a bearable size; its errors in one line."""
    data = given if isinstance(given, bytes) else read_bytes(given)
    if len(data) > MAX_BYTES:
        raise ValueError(f"this file is larger than {MAX_BYTES / 1e6:.0f} MB: make the picture smaller first")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL's: broken EXIF, large pictures, odd palettes
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(*image.size, resolution, box)
            return decoded(data)
    except ValueError as error:
        if str(error).startswith("this picture"):
            raise
        raise ValueError(f"this picture is broken: {str(error)[:100]}") from None
    except UnidentifiedImageError:
        if data[4:12] in HEIC:
            raise ValueError("this picture is a HEIC, which cannot be read here: save it as a JPEG first") from None
        raise ValueError("this is no picture: give a PNG, JPEG, WebP or another common format") from None
    except Image.DecompressionBombError:
        raise ValueError("this picture has too many pixels to be read: make it smaller first") from None
    except Exception as error:  # decoders meet broken files with anything from KeyError to struct.error
        raise ValueError(f"this picture is broken: {type(error).__name__}: {str(error)[:100]}") from None


def _check_size(width: int, height: int, resolution: int, box: Box | None) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f"this picture has {width} x {height} pixels, at most {MAX_PIXELS // 1_000_000} million "
                         "are read: make it smaller first")
    read = f"{width} x {height}" if box is None else f"{box.side} x {box.side}"
    if 4 * min(width, height, *([] if box is None else [box.side])) < resolution:
        raise ValueError(f"this picture is {read} pixels, too small for a model of {resolution} px: its "
                         f"short side must be at least {-(-resolution // 4)}")
