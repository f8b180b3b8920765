"""Tensor <-> uint8 <-> file: the one rounding rule, contact sheets, PNG with the recipe inside, and video."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from gan.latent import Draw, check_seed

__all__ = ["PngRecipe", "contact_sheet", "read_recipe", "save_png", "save_video", "to_pil", "to_uint8"]

CHUNK_KEY = "gan-gallery"  # the keyword of the PNG text chunk
MAX_CHUNK = 64 * 1024  #     characters: a longer text is no recipe of ours
MAX_SHEET = 4096  #          tiles


def to_uint8(x: Tensor) -> np.ndarray:
    """x [N, C, H, W] in [-1, 1] -> uint8 [N, H, W, C], ``round(127.5 x + 127.5)`` clamped. Written nowhere else."""
    pixels = torch.round(x.float() * 127.5 + 127.5).clamp(0, 255).to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).cpu().numpy()


def to_pil(pixels: np.ndarray) -> Image.Image:
    """uint8 [H, W, C] -> a grey or RGB picture."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def columns_of(count: int) -> int:
    """Columns of a contact sheet of so many tiles: as square as can be, wider rather than taller."""
    return max(1, math.ceil(math.sqrt(count)))


def contact_sheet(pixels: np.ndarray, *, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """uint8 [N, H, W, C] -> one uint8 picture, row by row, on white, ``gap`` px between tiles.

    Tile k stands at ((k mod columns) (W + gap), (k // columns) (H + gap)).
    """
    n, h, w, c = pixels.shape
    columns = columns or columns_of(n)
    rows = math.ceil(n / columns)
    sheet = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), 255, np.uint8)
    for k, tile in enumerate(pixels):
        y, x = k // columns * (h + gap), k % columns * (w + gap)
        sheet[y : y + h, x : x + w] = tile
    return sheet


@dataclass(frozen=True)
class PngRecipe:
    """What made a picture: enough to draw it again. Stored as JSON in one PNG text chunk."""

    model: str  #                             a name or Hub id, never a local path
    revision: str  #                          see gan.hub
    seeds: tuple[int, ...]  #                 one = a single image, more = a contact sheet, or the keys of a walk
    label: str | None = None  #               class name; None = no classes, or as each seed draws
    psi: float = 1.0
    codes: tuple[float, ...] | None = None
    edits: tuple = ()  #                      latent edits, none yet
    walk: tuple[int, int, int] | None = None  # frame, frames a stretch, 1 if it loops: this is a frame of a walk

    def to_json(self) -> str:
        renamed = {("class" if k == "label" else k): v for k, v in asdict(self).items()}
        return json.dumps({"format": 1, **renamed}, ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> PngRecipe:
        """Reads a recipe that anybody may have written. ``ValueError`` where it is not one of ours."""
        try:
            if len(text) > MAX_CHUNK:
                raise ValueError("too long")
            data = json.loads(text)
            if data.get("format") != 1:
                raise ValueError(f"format {str(data.get('format'))[:20]}, expected 1")
            seeds = tuple(check_seed(s) for s in data["seeds"])
            if not 1 <= len(seeds) <= MAX_SHEET:
                raise ValueError(f"{len(seeds)} seeds")
            codes, frame = data.get("codes"), data.get("walk")
            recipe = cls(_text(data["model"]), _text(data["revision"]), seeds,
                         None if data.get("class") is None else _text(data["class"]), _number(data["psi"]),
                         None if codes is None else tuple(_number(v) for v in codes[:1000]),
                         walk=None if frame is None else (int(frame[0]), int(frame[1]), int(frame[2])))
            Draw(seeds[0], psi=recipe.psi)
            return recipe
        except (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError) as error:
            raise ValueError(f"the recipe inside this picture cannot be read ({type(error).__name__}: {error})") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError("a name is no short printable text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a value is no finite number")
    return float(value)


def save_png(path: Path | str, pixels: np.ndarray, recipe: PngRecipe) -> Path:
    """Writes uint8 [H, W, C] with its recipe inside."""
    info = PngImagePlugin.PngInfo()
    info.add_text(CHUNK_KEY, recipe.to_json())
    to_pil(pixels).save(path, "PNG", pnginfo=info, compress_level=1)
    return Path(path)


def read_recipe(path: Path | str) -> PngRecipe:
    """The recipe inside a PNG. ``ValueError`` for a picture without one, a forged one, or what is no picture."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            text = image.info.get(CHUNK_KEY)
            if text is None and image.width * image.height <= 2**24:  # behind the pixels, which are decoded to get there
                text = getattr(image, "text", {}).get(CHUNK_KEY)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ValueError("this is no PNG picture: drop one that this gallery made") from None
    if not isinstance(text, str):
        raise ValueError("there is no recipe in this picture: drop a PNG that this gallery made, as it was downloaded")
    return PngRecipe.from_json(text)


def save_video(path: Path | str, frames: Iterable[np.ndarray], *, fps: int = 30, scale: int = 1) -> Path:
    """Writes uint8 [H, W, C] frames as .mp4 (H.264), .webp or .gif; each pixel becomes scale x scale."""
    path = Path(path)
    enlarged = (f.repeat(scale, 0).repeat(scale, 1) for f in frames)
    if path.suffix == ".mp4":
        _save_mp4(path, enlarged, fps)
    elif path.suffix in (".webp", ".gif"):
        first, *rest = [to_pil(f).convert("RGB") for f in enlarged]
        options = dict(quality=90) if path.suffix == ".webp" else {}
        first.save(path, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, **options)
    else:
        raise ValueError(f"cannot write a video as {path.suffix or 'a file without extension'}: use .mp4, .webp or .gif")
    return path


def _save_mp4(path: Path, frames: Iterable[np.ndarray], fps: int) -> None:
    import av  # heavy, and only videos need it

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
        for index, pixels in enumerate(frames):
            if not index:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_image(to_pil(pixels).convert("RGB"))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def scale_for_video(resolution: int, smallest: int = 256) -> int:
    """Whole-number enlargement that brings a small model's video to a size that players show well."""
    return max(1, smallest // resolution)


