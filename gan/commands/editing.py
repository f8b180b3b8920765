"""python -m gan directions | project: what a model changes with most, and how much of a picture it can draw."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gan import hub
from gan.commands.common import add_command, add_device, add_out, check_folder, load, progress
from gan.directions import find_directions, save_directions
from gan.files import replacing, write_json
from gan.hub.contents import sha256
from gan.image import to_pil
from gan.picture import read_picture
from gan.project import project
from gan.recipe import EditRecipe, save_png

DIRECTIONS = """  python -m gan directions cats64-dcgan
  python -m gan directions runs/my-cats"""
PROJECT = """  python -m gan project cats64-dcgan photo.jpg --out found"""


def add(commands: Any) -> None:
    c = add_command(commands, "directions", run_directions, summary="what a model's pictures change with most",
                    examples=DIRECTIONS, description="Finds the directions of a model and writes them into its folder.",
                    model="MODEL is a name in weights/, or a folder: pull one of the Hub first.")
    c.add_argument("model", metavar="MODEL")
    add_device(c)

    c = add_command(commands, "project", run_project, summary="find a picture in a model", examples=PROJECT,
                    description="Looks for the latent that draws a picture, and says how much of it the model can draw; a "
                                "model with an encoder knows it at once. Writes the picture as the model reads it, what it "
                                "draws of it, and the latent as JSON.")
    c.add_argument("model", metavar="MODEL")
    c.add_argument("picture", type=Path, metavar="PICTURE", help="a photo or a drawing; its central square is read")
    c.add_argument("--class", metavar="NAME", help="look within this class (default: in all)")
    c.add_argument("--json", action="store_true", help="print the result as JSON")
    add_out(c, "a folder to write into")
    add_device(c)


def run_directions(args: argparse.Namespace) -> None:
    folder = hub.own_folder(args.model, "gan directions")
    model = load(args.model, args.device)
    with progress("derivative") as report:
        found = find_directions(model.G, report=report)
    path = save_directions(folder, found)
    print(f"{len(found)} directions of {model.id}, {path.stat().st_size / 1000:.1f} kB, in {path.name}")


def run_project(args: argparse.Namespace) -> None:
    check_folder(args.out)
    model = load(args.model, args.device)
    G = model.G
    picture = read_picture(args.picture, G.resolution, G.channels)
    label = model.label(vars(args)["class"])
    with progress("step") as report:
        for last in project(G, picture, label=label, encoder=model.encoder):
            report(last.done, last.steps)
    args.out.mkdir(parents=True, exist_ok=True)
    point = last.points[0]
    name = None if point.label is None else model.class_names[point.label]
    source = sha256(args.picture)
    files = [args.out / "picture.png", args.out / "drawn.png", args.out / "latent.json"]
    with replacing(files[0]) as file:
        to_pil(picture).save(file, "PNG")
    recipe = EditRecipe(model.id, model.revision, label=name, source=source, latent=point.latent)
    save_png(files[1], last.pictures[0], recipe)
    about = {"model": model.id, "revision": model.revision, "class": name, "latent": list(point.latent),
             "error": round(last.error, 5), "share": round(last.share, 4)}
    write_json(files[2], about, indent=1)
    if args.json:
        print(json.dumps({**about, "files": [str(f) for f in files]}))
        return
    print(f"{model.id} can draw {last.share:.0%} of this picture (mean absolute error {last.error:.3f}); see {args.out}")
    if last.share < 0.5:
        print("note: it was trained on other pictures than this one", file=sys.stderr)
