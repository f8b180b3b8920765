"""python -m benchmarks.cats: what draws cats best for the same minutes of the processor, at 64 px.

Writes benchmarks/results/cats.json and .md. The runs lie under --runs. Can be stopped and started again.

  python -m benchmarks.cats --data cats64.zip
  python -m benchmarks.cats --data cats64.zip --only projected-gan fastgan --minutes 120 --runs runs/two-hours
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.scoreboard import Board, Row, fill, main, parser
from gan import hub
from train.data.images import Images, load_images
from train.features import OWN, FeatureNet, load_features
from train.metrics.reading import score

PHOTOS = ("flip=true", "ema_kimg=10")
AUGMENTED = (*PHOTOS, "d.spectral=true", "augment=DiffAugment()")
SMALL = (*PHOTOS, "g.width=48", "d.width=32", "batch=16", "d.spectral=true", "d_opt.lr=4e-4",
         "augment=DiffAugment('translation')")  # two time scales: a D under spectral norm learns slowly
ROWS = (
    Row("dcgan, narrow, small batches, a faster D", "dcgan", SMALL),
    Row("projected-gan", "projected-gan"),
    Row("projected-gan, batch 32", "projected-gan", ("batch=32",)),
    Row("projected-gan, DCGAN's G", "dcgan", (
        *PHOTOS, "g.width=48", "d.width=32", "loss=hinge", "augment=DiffAugment('translation')", "d.projected=true",
        "batch=16", "d_opt.lr=4e-4", *(f"{net}_opt.betas=[0, 0.99]" for net in "gd"))),
    Row("fastgan", "fastgan"),
    Row("dcgan, spectral norm, flip, DiffAugment", "dcgan", AUGMENTED),
    Row("dcgan, spectral norm, flip", "dcgan", (*PHOTOS, "d.spectral=true")),
    Row("dcgan", "dcgan"),
    Row("r3gan, narrow", "r3gan", (
        "g.width=48", "d.width=48", "batch=16", "precision=bfloat16", "flip=true",
        *(f"{net}_opt.lr=Schedule(2e-3, 5e-4, shape='cosine')" for net in "gd"))),
    Row("stylegan2, narrow", "stylegan2", ("g.width=64", "d.width=64", "g.w_dim=64", "batch=16", "flip=true")),
)


COLUMNS = {"frechet_distance": "Frechet distance", "kernel_distance": "kernel distance", "precision": "precision",
           "recall": "recall", "density": "density", "coverage": "coverage"}


def judge(net: FeatureNet, images: Images, folder: Path) -> dict[str, Any]:
    G = hub.load(str(folder)).G
    found = score(G, images, net, name="own")
    return dict(parameters=sum(p.numel() for p in G.parameters()), memorised=found["memorised"],
                **{key: found["scores"][key] for key in COLUMNS})


def work(args: argparse.Namespace) -> None:
    images = load_images(args.data)
    protocol = (f"{args.minutes:g} minutes of one thread each, seed 0. Everything is read in the features of the judge "
                f"(train/features/own.safetensors), which no row was trained against, between as many fakes as reals "
                f"(half of {images.name}, at most 2,500); real against real, the floor, is in the models' cards.")
    board = Board("cats", "Cats at 64 px, equal minutes of the processor", protocol,
                  {**COLUMNS, "memorised": "memorised"}, partial(judge, load_features(OWN), images))
    fill(board, ROWS, images, args.data, args)


if __name__ == "__main__":
    sys.exit(main(work, parser("cats", __doc__, 30, ROWS, data={"data": "cats64.zip, or pictures of your own"},
                               licence="not stated by the source: demonstration and research only")))
