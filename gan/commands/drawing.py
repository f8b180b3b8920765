"""python -m gan generate | interpolate: images and walks from seeds."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from tqdm import tqdm

from gan import hub
from gan.commands.common import add_command, add_device, add_out, check_folder, load
from gan.directions import load_directions
from gan.edit import draw_edits
from gan.engine import draw, draw_walk
from gan.image import check_sheet, contact_sheet, save_video, scale_for_video
from gan.latent import parse_seeds
from gan.recipe import EditRecipe, SeedsRecipe, StripRecipe, WalkRecipe, read_recipe, save_png
from gan.walk import Space

GENERATE = """  python -m gan generate mnist-cgan --seeds 0-15 --class 7 --out sevens
  python -m gan generate cats64-dcgan --seeds 0-63 --psi 0.8 --grid --out cats
  python -m gan generate cats64-dcgan --seeds 7 --out cat.png
  python -m gan generate cats/sheet.png --out again"""
INTERPOLATE = """  python -m gan interpolate cats64-dcgan --seeds 1,5,9 --loop --out walk.mp4
  python -m gan interpolate mnist-cgan --seeds 3,4 --class 7 --frames 30 --out frames"""

SLICE = 256  # images drawn and written at a time: memory stays small, and what is written stays after Ctrl-C


def add(commands: Any) -> None:
    c = add_command(commands, "generate", run_generate, summary="images from seeds", examples=GENERATE,
                    description="Writes one PNG a seed (or one sheet); each holds the recipe that made it.")
    c.add_argument("model", metavar="MODEL", help="a model, or a PNG made here: draws it again from its recipe")
    c.add_argument("--seeds", help="whole numbers and ranges, as in 0-15,42 (default: 0-15)")
    _add_common(c, "a folder, or for one picture a .png")
    c.add_argument("--grid", action="store_true", help="one contact sheet, sheet.png, in the place of single images")
    c.add_argument("--json", action="store_true", help="print the files written, as JSON")

    c = add_command(commands, "interpolate", run_interpolate, summary="a walk between seeds", examples=INTERPOLATE,
                    description="Writes a walk as .mp4, .webp or .gif, or as PNG frames into a folder.")
    c.add_argument("model", metavar="MODEL")
    c.add_argument("--seeds", required=True, help="the stations of the walk, as in 1,5,9")
    _add_common(c, "a .mp4, .webp or .gif, or a folder of frames")
    c.add_argument("--classes", nargs="+", metavar="NAME", help="one a seed, in place of --class; - = as the seed draws")
    c.add_argument("--frames", type=int, default=60, help="frames from one seed to the next (default: 60)")
    c.add_argument("--fps", type=int, default=30, help="frames a second (default: 30)")
    c.add_argument("--loop", action="store_true", help="walk back to the first seed")
    c.add_argument("--ease", action="store_true", help="slow down at every seed")
    c.add_argument("--space", choices=get_args(Space), default="auto",
                   help="straight in w, or around the sphere of z (default: w where the model learned one, else z)")


def _add_common(c: argparse.ArgumentParser, what: str) -> None:
    c.add_argument("--class", metavar="NAME", help="class of every image (default: as each seed draws)")
    c.add_argument("--psi", type=float, help="truncation: 1 = none (default), less = more typical images")
    add_out(c, what)
    add_device(c)


def run_generate(args: argparse.Namespace) -> None:
    if args.model.lower().endswith(".png") and not Path(args.model).is_dir():
        if not Path(args.model).is_file():
            raise FileNotFoundError(f"there is no picture {args.model}")
        if extra := [f"--{name}" for name in ("seeds", "class", "psi") if vars(args)[name] is not None]:
            raise ValueError(f"the picture's own recipe is drawn again: leave out {extra[0]}")
        files = _replay(args)
    else:
        seeds = list(dict.fromkeys(parse_seeds("0-15" if args.seeds is None else args.seeds)))
        _check_out(args.out, 1 if args.grid else len(seeds))
        model = load(args.model, args.device)
        files = (_write_sheet if args.grid else _write_singles)(model, _recipe(args, model), seeds, args.out)
    print(json.dumps([str(f) for f in files]) if args.json else
          f"{files[0] if len(files) == 1 else f'{len(files)} images in {args.out}'}")


def _check_out(out: Path, files: int) -> None:
    """Errors: ``ValueError`` where so many pictures cannot be written there."""
    if files > 1 or out.suffix.lower() != ".png":
        check_folder(out, "name a folder, or " + ("add --grid for one sheet" if files > 1 else "a .png"))


def _place(out: Path, name: str) -> Path:
    """Where a picture goes that is the only one, if ``out`` is a file, or one of a folder's."""
    alone = out.suffix.lower() == ".png" and not out.is_dir()
    (out.parent if alone else out).mkdir(parents=True, exist_ok=True)
    return out if alone else out / name


def _recipe(args: argparse.Namespace, model: hub.Model) -> SeedsRecipe:
    """Of a picture of seed 0: what all pictures of this command have in common."""
    return SeedsRecipe(model.id, model.revision, (0,), vars(args)["class"], 1.0 if args.psi is None else args.psi)


def _replay(args: argparse.Namespace) -> list[Path]:
    """Draws a picture again from the recipe inside it."""
    _check_out(args.out, 1)
    recipe = read_recipe(args.model)
    if not isinstance(recipe, (SeedsRecipe, StripRecipe, WalkRecipe, EditRecipe)):
        raise ValueError("this picture was made from another picture, which is not in it: give that one to "
                         f"python -m gan transform {recipe.model}")
    model = load(recipe.model, args.device)
    if model.revision != recipe.revision:
        print(f"note: drawn by another version of {recipe.model}: {model.revision}, the picture was made by "
              f"{recipe.revision}", file=sys.stderr)
    if isinstance(recipe, WalkRecipe):
        (pixels,) = draw_walk(model.G, recipe.walk(model.label), [recipe.frame])
        return [save_png(_place(args.out, f"frame{recipe.frame:05d}.png"), pixels, recipe)]
    if isinstance(recipe, StripRecipe):
        draws = recipe.draws(model.label)
        check_sheet(len(draws), model.G.resolution)
        strip = contact_sheet(draw(model.G, draws), columns=recipe.columns)
        return [save_png(_place(args.out, "strip.png"), strip, recipe)]
    if isinstance(recipe, EditRecipe):
        tiles = draw_edits(model, [recipe], load_directions(hub.folder_of(recipe.model)[0], model.G))
        return [save_png(_place(args.out, "edit.png"), tiles[0] if len(tiles) == 1 else contact_sheet(tiles), recipe)]
    write = _write_sheet if args.grid or len(recipe.seeds) > 1 else _write_singles
    return write(model, recipe, recipe.seeds, args.out)


def _write_sheet(model: hub.Model, recipe: SeedsRecipe, seeds: Sequence[int], out: Path) -> list[Path]:
    check_sheet(len(seeds), model.G.resolution)
    recipe = replace(recipe, seeds=tuple(seeds))
    tiles = np.concatenate(list(_draw_all(model, recipe, seeds)))
    return [save_png(_place(out, "sheet.png"), contact_sheet(tiles), recipe)]


def _write_singles(model: hub.Model, recipe: SeedsRecipe, seeds: Sequence[int], out: Path) -> list[Path]:
    files: list[Path] = []
    for pixels in _draw_all(model, recipe, seeds):
        for image in pixels:
            seed = seeds[len(files)]
            files.append(save_png(_place(out, f"seed{seed:04d}.png"), image, replace(recipe, seeds=(seed,))))
    return files


def _draw_all(model: hub.Model, recipe: SeedsRecipe, seeds: Sequence[int]) -> Iterator[np.ndarray]:
    """uint8 [n, H, W, C], slice by slice."""
    (common,) = replace(recipe, seeds=(0,)).draws(model.label)
    with tqdm(total=len(seeds), unit="image", disable=len(seeds) <= SLICE, leave=False) as bar:
        for start in range(0, len(seeds), SLICE):
            draws = [replace(common, seed=seed) for seed in seeds[start : start + SLICE]]
            yield draw(model.G, draws)
            bar.update(len(draws))


def run_interpolate(args: argparse.Namespace) -> None:
    if not 1 <= args.fps <= 240:
        raise ValueError(f"--fps must be from 1 to 240, got {args.fps}")
    model = load(args.model, args.device)
    seeds, psi = tuple(parse_seeds(args.seeds)), 1.0 if args.psi is None else args.psi
    first = WalkRecipe(model.id, model.revision, seeds, 0, args.frames, args.loop, args.ease, args.space,
                       _labels(args, len(seeds)), psi)
    walk = first.walk(model.label)
    frames = tqdm(draw_walk(model.G, walk), total=len(walk), unit="frame", disable=len(walk) <= SLICE, leave=False)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    if args.out.suffix and not args.out.is_dir():
        save_video(args.out, frames, fps=args.fps, scale=scale_for_video(model.G.resolution), recipe=first.to_json())
    else:
        args.out.mkdir(exist_ok=True)
        for number, pixels in enumerate(frames):
            save_png(args.out / f"frame{number:05d}.png", pixels, replace(first, frame=number))
    print(f"{len(walk)} frames in {args.out}")


def _labels(args: argparse.Namespace, count: int) -> tuple[str | None, ...]:
    """Class names of a walk's seeds: one for all, or one for each."""
    if args.classes is None:
        return (vars(args)["class"],)
    if vars(args)["class"] is not None or len(args.classes) != count:
        raise ValueError(f"--classes takes one name a seed, {count} here, and stands in the place of --class")
    return tuple(None if name == "-" else name for name in args.classes)
