"""Tensor <-> uint8 <-> picture: the one rounding rule, contact sheets and video."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from gan.files import replacing

__all__ = ["CHUNK_KEY", "MAX_SHEET", "check_sheet", "columns_of", "contact_sheet", "from_uint8", "png_bytes", "quantised",
           "save_video", "scale_for_video", "tiles_that_fit", "to_pil", "to_uint8"]

CHUNK_KEY = "gan-gallery"  #    the keyword of the PNG text chunk that holds a recipe
MAX_SHEET = 4096  #             tiles of a contact sheet
MAX_GIF_FPS = 50  #             browsers show what lasts under two hundredths of a second for ten
MAX_SHEET_PX = 80 * 10**6  #    pixels of one: readers begin to refuse pictures at 89 million (Pillow's limit)
GAP = 2  #                      px between the tiles


def quantised(x: Tensor) -> Tensor:
    """x [N, C, H, W] in [-1, 1] -> uint8 [N, H, W, C], ``round(127.5 x + 127.5)`` clamped. Written nowhere else."""
    return torch.round(x.float() * 127.5 + 127.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def to_uint8(x: Tensor) -> np.ndarray:
    """``quantised`` on the CPU."""
    return quantised(x).cpu().numpy()


def from_uint8(pixels: np.ndarray, *, layout: torch.memory_format = torch.preserve_format) -> Tensor:
    """uint8 [N, H, W, C] -> x float32 [N, C, H, W] in [-1, 1]: the inverse of ``to_uint8``. The channels lie last, as they
    do in the pixels, unless ``layout`` says otherwise."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32, memory_format=layout).div_(127.5).sub_(1)


def to_pil(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, C] -> a grey or RGB picture."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def png_bytes(pixels: np.ndarray, text: str = "") -> bytes:
    """uint8 [H, W, C] as a PNG file, with that text in our chunk."""
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    if text:
        info.add_text(CHUNK_KEY, text)
    to_pil(pixels).save(file, "PNG", pnginfo=info, compress_level=1)
    return file.getvalue()


def columns_of(count: int) -> int:
    """Columns of a contact sheet of so many tiles: as square as can be, wider rather than taller."""
    return max(1, math.ceil(math.sqrt(count)))


def tiles_that_fit(resolution: int) -> int:
    """Square tiles that a square contact sheet may hold."""
    return min(MAX_SHEET, int(math.sqrt(MAX_SHEET_PX) // (resolution + GAP)) ** 2)


def check_sheet(count: int, resolution: int) -> None:
    """``ValueError`` where a contact sheet of so many square tiles would be larger than other programs open."""
    if count > MAX_SHEET:
        raise ValueError(f"a sheet holds at most {MAX_SHEET:,} images, got {count:,}")
    columns = columns_of(count)
    if columns * math.ceil(count / columns) * (resolution + GAP) ** 2 > MAX_SHEET_PX:
        raise ValueError(f"a sheet of {count:,} images of {resolution} px is too large: at {MAX_SHEET_PX // 10**6} million "
                         f"pixels it holds {tiles_that_fit(resolution):,} of them")


def contact_sheet(pixels: np.ndarray, *, columns: int | None = None, gap: int = GAP) -> np.ndarray:
    """uint8 [N, H, W, C] -> one uint8 picture, row by row, on white, ``gap`` px between tiles.

    Tile k stands at ((k mod columns) (W + gap), (k // columns) (H + gap)). Errors: ``ValueError`` as ``check_sheet``.
    """
    n, h, w, c = pixels.shape
    check_sheet(n, max(h, w))
    columns = columns or columns_of(n)
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), 255, np.uint8)
    for k, tile in enumerate(pixels):
        y, x = k // columns * (h + gap), k % columns * (w + gap)
        sheet[y : y + h, x : x + w] = tile
    return sheet


def save_video(path: Path | str, frames: Iterable[np.ndarray], *, fps: int = 30, scale: int = 1, recipe: str = "") -> Path:
    """Writes uint8 [H, W, C] frames as .mp4 (H.264), .webp or .gif; each pixel becomes scale x scale. ``recipe`` is kept in
    the file as its comment. Errors: ``ValueError`` for another suffix, and for more frames a second than a .gif can hold;
    ``OSError``, which leaves what stood there."""
    path = Path(path)
    enlarged = (f.repeat(scale, 0).repeat(scale, 1) for f in frames)
    kind = path.suffix.lower()
    if kind not in (".mp4", ".webp", ".gif"):
        raise ValueError(f"cannot write a video as {path.suffix or 'a file without extension'}: use .mp4, .webp or .gif")
    if kind == ".gif" and fps > MAX_GIF_FPS:
        raise ValueError(f"a .gif shows at most {MAX_GIF_FPS} frames a second, got {fps}: use .mp4 or .webp")
    with replacing(path) as file:
        if kind == ".mp4":
            _save_mp4(file, enlarged, fps, recipe)
        else:
            _save_moving(file, kind, enlarged, fps, recipe)
    return path


def _save_moving(file: BinaryIO, kind: str, frames: Iterable[np.ndarray], fps: int, comment: str) -> None:
    """Frames last whole milliseconds, in a GIF hundredths of a second: each ends at the one that is nearest to its time."""
    first, *rest = [to_pil(f).convert("RGB") for f in frames]
    unit = 10 if kind == ".gif" else 1
    ends = [unit * round(1000 * k / (fps * unit)) for k in range(len(rest) + 2)]
    lasting = [b - a for a, b in pairwise(ends)]
    options = dict(quality=90, xmp=comment.encode()) if kind == ".webp" else dict(comment=comment.encode())
    first.save(file, kind[1:], save_all=True, append_images=rest, duration=lasting, loop=0, **options)


def _save_mp4(file: BinaryIO, frames: Iterable[np.ndarray], fps: int, comment: str) -> None:
    import av  # heavy, and only videos need it

    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = comment
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
        for index, pixels in enumerate(frames):
            if not index:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_image(to_pil(pixels).convert("RGB"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def scale_for_video(resolution: int) -> int:
    """Whole-number enlargement that brings a small model's video to about 256 px, a size that players show well."""
    return max(1, 256 // resolution)


