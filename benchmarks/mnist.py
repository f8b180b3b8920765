"""python -m benchmarks.mnist: every family on MNIST at 32 px for the same minutes of the processor.

Writes benchmarks/results/mnist.json and .md. The runs lie under --runs; their export/ folders are the models of the
gallery. Can be stopped and started again.

  python -m benchmarks.mnist --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet
  python -m benchmarks.mnist --train ... --test ... --only wgan-gp sngan --minutes 60
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.class_accuracy import read
from benchmarks.scoreboard import COMMON, STRONG, STYLE, Board, Row, fill, main, parser
from gan import hub
from gan.engine import draw
from gan.latent import Draw
from train.data.images import load_images
from train.metrics.classifier import Classifier, accuracy, trained_classifier
from train.metrics.scores import frechet_distance, shares

COUNT = 10_000  # images, as many as the test split has

ROWS = (
    COMMON["stylegan2"],
    COMMON["stylegan2, R1 of weight 1"],
    Row("stylegan2, R1 of weight 1, wider at the coarse levels", "stylegan2", (
        "g.width=128", "d.width=128", "g.taper=4", "d.taper=4", "g.w_dim=64", STRONG)),
    COMMON["progan"],
    COMMON["wgan-gp"],
    COMMON["wgan-gp, one D update"],
    Row("sngan", "sngan", ("g.width=48", "d.width=48")),
    COMMON["sngan, one D update"],
    COMMON["biggan"],
    COMMON["r3gan, R1 and R2 of weight 1"],
    COMMON["r3gan"],
    Row("infogan", "infogan"),
    COMMON["stylegan"],
    Row("stylegan, R1 of weight 1", "stylegan", (*STYLE, "penalties=R1(1, every=16)")),
    Row("wgan", "wgan"),
    Row("dcgan", "dcgan"),
    Row("cgan", "cgan"),
    Row("gan", "gan"),
    Row("acgan", "acgan"),
    Row("lsgan", "lsgan"),
    COMMON["cgan-mlp"],
    Row("fastgan", "fastgan"),
    Row("projected-gan", "projected-gan"),
    COMMON["vae"],
    COMMON["vae, beta 4"],
    COMMON["vae-gan"],
    COMMON["cvae-gan"],
)


def judge(net: Classifier, real: np.ndarray, folder: Path | str) -> dict[str, Any]:
    """Of a model's images of the first seeds against features of real ones [N, 128]."""
    G = hub.load(str(folder)).G
    fake, _ = read(net, draw(G, [Draw(seed) for seed in range(COUNT)]))
    found = shares(real, fake)
    return dict(parameters=sum(p.numel() for p in G.parameters()), precision=round(found.precision, 3),
                recall=round(found.recall, 3),
                frechet_distance=round(frechet_distance(real, fake), 2))


def work(args: argparse.Namespace) -> None:
    train, test = load_images(args.train), load_images(args.test)
    net = trained_classifier(train)
    right = accuracy(net, test)
    real, _ = read(net, test.pixels[:COUNT])
    protocol = (f"{args.minutes:g} minutes of one thread each, seed 0. Frechet distance (less is better), precision "
                f"and recall (k = 3) between {COUNT:,} images of seeds 0 to {COUNT - 1:,} and the test split, on the "
                f"128 features of the project's own classifier (train/metrics/classifier.py), which reads {right:.2%} of "
                f"the test digits.")
    columns = {"frechet_distance": "Frechet distance", "precision": "precision", "recall": "recall"}
    board = Board("mnist", "Every family on MNIST, 32 px", protocol, columns, partial(judge, net, real))
    fill(board, ROWS, train, args.train, args)


if __name__ == "__main__":
    sys.exit(main(work, parser("mnist", __doc__, 20)))
