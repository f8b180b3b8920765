"""python -m benchmarks.photos: what draws photos best for the same minutes of the processor, at 64 px.

Writes benchmarks/results/photos-NAME-MINUTES.json and .md, NAME being that of the data: a table holds rows of one budget.
Where pictures have classes, the recipes are told them. The runs lie under --runs. Can be stopped and started again.

  python -m benchmarks.photos --data cats64.zip
  python -m benchmarks.photos --data flowers128.zip --only "cvae-gan, seed 0" --minutes 120 --runs runs/two-hours
  python -m benchmarks.photos --data cats64.zip --sheet rows.webp     # what the rows draw, one under the other
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.scoreboard import BEST_OF, Board, Row, fill, main, parser
from gan import hub
from gan.engine import draw
from gan.image import GAP, contact_sheet
from gan.latent import Draw
from train.data.images import Images, load_images
from train.features import OWN, FeatureNet, load_features
from train.metrics.reading import score

SHOWN, NAME_PX = 12, 150  # pictures of a row, and px for its name
SHIFTED = "augment=DiffAugment('translation')"
PHOTOS = ("flip=true", "ema_kimg=10")
# Two time scales (Heusel et al. 2017, arXiv:1706.08500).
FASTER_D = ("g.width=48", "d.width=32", "batch=16", "flip=true", "d_opt.lr=4e-4", SHIFTED)
R1 = ("d.spectral=false", "d.norm=none", "d.group=4", "penalties=R1(0.1, every=8)")


def rows(classes: int) -> tuple[Row, ...]:
    """The recipes, each with two seeds. DCGAN's nets are told the class, if there is one, by ``cgan`` and ``cvae-gan``."""
    nets, vae = ("cgan", "cvae-gan") if classes > 1 else ("dcgan", "vae-gan")
    single = (
        Row(f"{nets}, narrow, R1 and spread in D", nets, (*FASTER_D, *R1)),
        Row(vae, vae, ("g.width=32", "d.width=32", "e.width=16", "flip=true", SHIFTED)),
        Row(f"{nets}, narrow, spectral norm", nets, (*FASTER_D, "d.spectral=true")),
        Row("projected-gan", "projected-gan"),
        Row("projected-gan, DCGAN's G", nets, (
            *FASTER_D, "d.spectral=false", "loss=hinge", "d.projected=true",
            *(f"{net}_opt.betas=[0, 0.99]" for net in "gd"))),
        Row("fastgan", "fastgan"),
        Row(f"{nets}, spectral norm, flip, DiffAugment", nets, (*PHOTOS, "d.spectral=true", "augment=DiffAugment()")),
        Row(nets, nets),
        Row("r3gan, narrow", "r3gan", (
            "g.width=48", "d.width=48", "batch=16", "precision=bfloat16", "flip=true",
            *(f"{net}_opt.lr=Schedule(2e-3, 5e-4, shape='cosine')" for net in "gd"))),
        Row("stylegan2, narrow", "stylegan2", ("g.width=64", "d.width=64", "g.w_dim=64", "batch=16", "flip=true")),
    )
    return tuple(replace(row, name=f"{row.name}, seed {seed}", seed=seed) for row in single for seed in (0, 1))


def columns(resolution: int) -> dict[str, str]:
    """What is compared. The last one, of pixels, knows no feature net, which might like what another one looked for."""
    return {"frechet_distance": "Frechet distance", "kernel_distance": "kernel distance", "precision": "precision",
            "recall": "recall", "density": "density", "coverage": "coverage",
            f"sliced_wasserstein_{resolution}_px": f"sliced Wasserstein, {resolution} px"}


def judge(net: FeatureNet, images: Images, folder: Path) -> dict[str, Any]:
    model = hub.load(str(folder))
    G, chosen = model.G, model.training.get("chosen") or model.training
    found = score(G, images, net, name="own")
    return dict(parameters=sum(p.numel() for p in G.parameters()), memorised=found["memorised"],
                weights_kimg=round(chosen["nimg"] / 1000, 1),
                **{key: found["scores"][key] for key in columns(images.spec.resolution)})


def sheet(board: Board, rows: Sequence[Row], args: argparse.Namespace) -> None:
    """Draws the same seeds by every row with seed 0 that is in the table, a line each with its name, as a picture."""
    done = {row["name"] for row in board.read()["rows"] if "not_run" not in row}  # a run that was stopped has an export too
    models = {row.name: board.out(row, args.runs) / "export" for row in rows if row.seed == 0 and row.name in done}
    models = {name: folder for name, folder in models.items() if folder.exists()}
    if not models:
        raise ValueError(f"{args.runs} holds no finished row of {board.name}: train some, or name their folder with --runs")
    lines = [draw(hub.load(str(folder)).G, [Draw(seed) for seed in range(SHOWN)]) for folder in models.values()]
    pictures = Image.fromarray(contact_sheet(np.concatenate(lines), columns=SHOWN))
    page = Image.new("RGB", (NAME_PX + pictures.width, pictures.height), "white")
    page.paste(pictures, (NAME_PX, 0))
    pen, side = ImageDraw.Draw(page), lines[0].shape[1]
    for k, name in enumerate(models):
        pen.multiline_text((4, k * (side + GAP) + side // 2), "\n".join(name.split(", ")[:-1]), "black", font_size=11,
                           anchor="lm")
    page.save(args.sheet, quality=88)


def work(args: argparse.Namespace) -> None:
    images = load_images(args.data)
    name = Path(args.data).stem
    protocol = (f"{args.minutes:g} minutes of one thread each, as many fakes as reals (half of {images.name}, at most "
                f"2,500). All but the sliced Wasserstein distance, of pixels, is read in the features of the judge "
                f"(train/features/own.safetensors), which no row was trained against; as many other reals, the floor, are "
                f"in benchmarks/README.md. {BEST_OF}")
    title = f"{name} at {images.spec.resolution} px, {args.minutes:g} minutes of the processor each"
    board = Board(f"photos-{name}-{args.minutes:g}", title, protocol,
                  {**columns(images.spec.resolution), "memorised": "memorised",
                   "weights_kimg": "weights of, thousand images"}, partial(judge, load_features(OWN), images))
    if args.sheet:
        sheet(board, rows(images.spec.classes), args)
    else:
        fill(board, rows(images.spec.classes), images, args.data, args)


if __name__ == "__main__":
    p = parser("photos", __doc__, 10, data={"data": "cats64.zip, or pictures of your own"},
               licence="not stated by the source: demonstration and research only")
    p.add_argument("--sheet", type=Path, metavar="FILE", help="train nothing: draw what the finished rows draw")
    sys.exit(main(work, p))
