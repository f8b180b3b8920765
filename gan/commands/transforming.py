"""python -m gan transform: pictures from pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan import hub
from gan.commands.common import add_command, add_device, add_out, check_folder, load, progress
from gan.picture import Box, read_bytes
from gan.recipe import save_png
from gan.transform import Given, hole_of, task_for, transform

EXAMPLES = """  python -m gan transform cats64-edges drawing.png --out cat.png
  python -m gan transform faces64-superres4 small/ --out large
  python -m gan transform cats64-inpaint photo.jpg --hole hole.png --box 120,40,256 --out filled"""


def add(commands: Any) -> None:
    c = add_command(commands, "transform", run, summary="pictures from pictures", examples=EXAMPLES,
                    description="Writes a PNG for each picture: what the model makes of it, with the recipe that made it,\n"
                                "and the sha256 of what it was made from, inside.")
    c.add_argument("model", metavar="MODEL")
    c.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE", help="pictures, or folders of them")
    c.add_argument("--hole", type=Path, metavar="PNG", help="for a model that fills holes: white where the hole is")
    c.add_argument("--box", metavar="LEFT,TOP,SIDE",
                   help="the square to read, in px (default: the central one; all, where a model reads any size)")
    c.add_argument("--class", metavar="NAME", help="what the picture becomes, for a model with classes")
    c.add_argument("--seed", type=int, default=0, help="for a model that reads noise as well (default: 0)")
    c.add_argument("--json", action="store_true", help="print the files written, and what was skipped, as JSON")
    add_out(c, "a folder, or for one picture a .png")
    add_device(c)


def run(args: argparse.Namespace) -> None:
    pictures = list(_listed(args.pictures))
    alone = args.out.suffix.lower() == ".png"
    if alone and len(pictures) > 1:
        raise ValueError(f"--out {args.out} is one picture, and {len(pictures)} are given: name a folder")
    if not alone:
        check_folder(args.out, "name a folder, or for one picture a .png")
    model = load(args.model, args.device)
    task_for(model)
    given = {path.resolve() for path, _ in pictures}
    box = None if args.box is None else Box.of(args.box)
    hole = None if args.hole is None else hole_of(read_bytes(args.hole), model)
    files, skipped = [], []
    (args.out.parent if alone else args.out).mkdir(parents=True, exist_ok=True)
    taken: set[str] = set()
    for path, inside in tqdm(pictures, unit="picture", disable=len(pictures) < 2, leave=False):
        try:
            with progress("tile", delay=1, position=int(len(pictures) > 1)) as report:
                made = transform(model, Given(read_bytes(path), box, hole, args.seed, vars(args)["class"]), report=report)
        except (ValueError, OSError) as error:
            if len(pictures) == 1:
                raise
            skipped.append({"picture": str(path), "why": str(error)})
            continue
        out = args.out if alone else _free(args.out / inside, taken)
        if out.resolve() in given:
            raise ValueError(f"{out} is a picture that was given, and would be lost: name another folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        files.append(save_png(out, made.pixels, made.recipe))
        for note in made.notes:
            print(f"note: {path}: {note}", file=sys.stderr)
    _tell(args, model, files, skipped)


def _tell(args: argparse.Namespace, model: hub.Model, files: Sequence[Path], skipped: Sequence[dict[str, str]]) -> None:
    for one in skipped:
        print(f"note: skipped {one['picture']}: {one['why']}", file=sys.stderr)
    if not files:
        raise ValueError(f"none of the {len(skipped)} files could be used")
    print(json.dumps({"model": model.id, "files": [str(file) for file in files], "skipped": skipped}) if args.json else
          str(files[0]) if len(files) == 1 else f"{len(files)} pictures in {args.out}")


def _listed(given: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """(each file, its name below the output folder), of files and of folders with all that is inside."""
    for path in given:
        if not path.is_dir():
            yield path, Path(path.name)
            continue
        inside = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        if not inside:
            raise ValueError(f"there are no files in {path}")
        yield from ((p, p.relative_to(path)) for p in inside)


def _free(path: Path, taken: set[str]) -> Path:
    """x.png for x.jpg; where that is another picture's already x.jpg.png, then x.jpg-2.png, x.jpg-3.png and so on. On many
    systems X.png is x.png."""
    names = chain([path.with_suffix(".png").name, f"{path.name}.png"], (f"{path.name}-{k}.png" for k in count(2)))
    out = next(out for out in map(path.with_name, names) if str(out).casefold() not in taken)
    taken.add(str(out).casefold())
    return out
