"""python -m gan generate | interpolate: images and walks from seeds."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gan import hub
from gan.commands.common import add_command, add_device, add_out, load
from gan.engine import draw, draw_walk
from gan.image import MAX_SHEET, PngRecipe, contact_sheet, read_recipe, save_png, save_video, scale_for_video
from gan.latent import Draw, parse_seeds

GENERATE = """  python -m gan generate mnist-cgan --seeds 0-15 --class 7 --out sevens
  python -m gan generate cats64-dcgan --seeds 0-63 --psi 0.8 --grid --out cats
  python -m gan generate cats/sheet.png --out again"""
INTERPOLATE = """  python -m gan interpolate cats64-dcgan --seeds 1,5,9 --loop --out walk.mp4
  python -m gan interpolate mnist-cgan --seeds 3,4 --class 7 --frames 30 --out frames"""

SLICE = 256  # images drawn and written at a time: memory stays small, and what is written stays after Ctrl-C


def add(commands: Any) -> None:
    c = add_command(commands, "generate", run_generate, summary="images from seeds", examples=GENERATE,
                    description="Writes one PNG a seed (or one sheet); each holds the recipe that made it.")
    c.add_argument("model", metavar="MODEL", help="a model, or a PNG made here: draws it again from its recipe")
    c.add_argument("--seeds", help="whole numbers and ranges, as in 0-15,42 (default: 0-15)")
    _add_common(c)
    c.add_argument("--grid", action="store_true", help="one contact sheet, sheet.png, in the place of single images")
    c.add_argument("--json", action="store_true", help="print the files written, as JSON")

    c = add_command(commands, "interpolate", run_interpolate, summary="a walk between seeds", examples=INTERPOLATE,
                    description="Writes a walk as .mp4, .webp or .gif, or as PNG frames into a folder.")
    c.add_argument("model", metavar="MODEL")
    c.add_argument("--seeds", required=True, help="the stations of the walk, as in 1,5,9")
    _add_common(c)
    c.add_argument("--frames", type=int, default=60, help="frames from one seed to the next (default: 60)")
    c.add_argument("--fps", type=int, default=30, help="frames a second (default: 30)")
    c.add_argument("--loop", action="store_true", help="walk back to the first seed")


def _add_common(c: argparse.ArgumentParser) -> None:
    c.add_argument("--class", dest="label", metavar="NAME", help="class of every image (default: as each seed draws)")
    c.add_argument("--psi", type=float, help="truncation: 1 = none (default), less = more typical images")
    add_out(c)
    add_device(c)


def run_generate(args: argparse.Namespace) -> None:
    given = dict(seeds=args.seeds, label=args.label, psi=args.psi)
    if args.model.lower().endswith(".png") and Path(args.model).is_file():
        model, recipe = _replay(args, given)
    else:
        model = load(args.model, args.device)
        psi = 1.0 if args.psi is None else args.psi
        recipe = PngRecipe(model.id, model.revision, tuple(parse_seeds(args.seeds or "0-15")), args.label, psi)
    args.out.mkdir(parents=True, exist_ok=True)
    if recipe.walk:
        frame, frames, loop = recipe.walk
        if not 1 <= frames <= 10_000:
            raise ValueError(f"this recipe asks for {frames} frames a stretch; 1 to 10,000 are possible")
        pixels = list(draw_walk(model.G, _draws(model, recipe), frames, loop=bool(loop)))
        files = [save_png(args.out / f"frame{frame:05d}.png", pixels[frame], recipe)]
    elif args.grid:
        if len(recipe.seeds) > MAX_SHEET:
            raise ValueError(f"a sheet holds at most {MAX_SHEET:,} images, got {len(recipe.seeds):,} seeds")
        tiles = np.concatenate(list(_draw_all(model, recipe)))
        files = [save_png(args.out / "sheet.png", contact_sheet(tiles), recipe)]
    else:
        files = _write_singles(model, recipe, args.out)
    print(json.dumps([str(f) for f in files]) if args.json else
          f"{files[0] if len(files) == 1 else f'{len(files)} images in {args.out}'}")


def _replay(args: argparse.Namespace, given: dict) -> tuple[hub.Model, PngRecipe]:
    if extra := [k for k, v in given.items() if v is not None]:
        raise ValueError(f"the picture's own recipe is drawn again: leave out --{extra[0].replace('label', 'class')}")
    recipe = read_recipe(args.model)
    args.grid = args.grid or len(recipe.seeds) > 1
    model = load(recipe.model, args.device)
    if model.revision != recipe.revision:
        print(f"note: drawn by another version of {recipe.model}: {model.revision}, the picture was made by "
              f"{recipe.revision}", file=sys.stderr)
    return model, recipe


def _draws(model: hub.Model, recipe: PngRecipe) -> list[Draw]:
    label = model.label(recipe.label)
    return [Draw(seed, label, recipe.psi, recipe.codes) for seed in recipe.seeds]


def _draw_all(model: hub.Model, recipe: PngRecipe) -> Iterator[np.ndarray]:
    draws = _draws(model, recipe)
    with tqdm(total=len(draws), unit="image", disable=len(draws) <= SLICE, leave=False) as bar:
        for start in range(0, len(draws), SLICE):
            yield draw(model.G, draws[start : start + SLICE])
            bar.update(min(SLICE, len(draws) - start))


def _write_singles(model: hub.Model, recipe: PngRecipe, out: Path) -> list[Path]:
    files: list[Path] = []
    for pixels in _draw_all(model, recipe):
        for image in pixels:
            seed = recipe.seeds[len(files)]
            single = PngRecipe(recipe.model, recipe.revision, (seed,), recipe.label, recipe.psi, recipe.codes)
            files.append(save_png(out / f"seed{seed:04d}.png", image, single))
    return files


def run_interpolate(args: argparse.Namespace) -> None:
    if not 1 <= args.frames <= 10_000 or not 1 <= args.fps <= 240:
        raise ValueError("--frames must be from 1 to 10,000 and --fps from 1 to 240")
    model = load(args.model, args.device)
    psi = 1.0 if args.psi is None else args.psi
    recipe = PngRecipe(model.id, model.revision, tuple(parse_seeds(args.seeds)), args.label, psi)
    keys = _draws(model, recipe)
    count = args.frames * (len(keys) - (not args.loop)) + (not args.loop)
    frames: Iterable[np.ndarray] = tqdm(draw_walk(model.G, keys, args.frames, loop=args.loop), total=count, unit="frame",
                                        disable=count <= SLICE, leave=False)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if args.out.suffix and not args.out.is_dir():
        save_video(args.out, frames, fps=args.fps, scale=scale_for_video(model.G.resolution))
    else:
        args.out.mkdir(exist_ok=True)
        for k, pixels in enumerate(frames):
            walk = (k, args.frames, int(args.loop))
            save_png(args.out / f"frame{k:05d}.png", pixels, PngRecipe(
                recipe.model, recipe.revision, recipe.seeds, recipe.label, recipe.psi, walk=walk))
    print(f"{count} frames in {args.out}")
