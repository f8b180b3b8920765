"""python -m benchmarks.stacked_mnist: how many of 1,000 modes does each recipe find, and what does each remedy change?

Stacked MNIST (Metz et al. 2016, arXiv:1611.02163): three digits as the channels of one picture, so 1,000 modes that a
classifier of digits can count. Writes benchmarks/results/stacked-mnist.json and .md. Can be stopped and started again.

  python -m benchmarks.stacked_mnist --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet
  python -m benchmarks.stacked_mnist --train ... --test ... --only dcgan "dcgan, packs of 2"
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from benchmarks.scoreboard import COMMON, NARROW, STYLE, Board, Row, fill, main, parser
from gan import hub
from gan.engine import draw
from gan.files import cache_home, replacing
from gan.image import from_uint8
from gan.latent import Draw
from train.data.images import Images, load_images
from train.metrics.classifier import Classifier, accuracy, trained_classifier

STACKS = 128_000  #  training pictures, as in PacGAN (Lin et al. 2017, arXiv:1712.04086)
SAMPLES = 25_600  #  judged


def dcgan(remedy: str, *settings: str) -> Row:
    return Row(f"dcgan, {remedy}", "dcgan", (*NARROW, *settings))


ROWS = (
    Row("dcgan", "dcgan", NARROW),
    dcgan("packs of 2", "d.pack=2"),
    dcgan("spectral norm", "d.spectral=true"),
    COMMON["wgan-gp"],
    COMMON["wgan-gp, one D update"],
    Row("sngan", "sngan", NARROW),
    COMMON["sngan, one D update"],
    COMMON["stylegan2, R1 of weight 1"],
    Row("stylegan2, R1 of weight 10", "stylegan2", (*STYLE, "penalties=R1(10, every=8)", "mix=none")),
    COMMON["r3gan, R1 and R2 of weight 1"],
    COMMON["r3gan"],
    dcgan("minibatch deviation", "d.group=4"),
    dcgan("mode seeking", "penalties=ModeSeeking()"),
    dcgan("2 discriminators", "d.copies=2"),
    dcgan("DiffAugment", "augment=DiffAugment()"),
    dcgan("layer norm", "d.norm=layer"),
    dcgan("layer norm and R1", "d.norm=layer", "penalties=R1(10, every=4)"),
    Row("gan", "gan", ("g.width=128", "d.width=128")),
    Row("infogan", "infogan", NARROW),
    Row("lsgan", "lsgan", NARROW),
    Row("wgan", "wgan", NARROW),
    COMMON["progan"],
    COMMON["stylegan"],
    COMMON["stylegan2"],
    COMMON["biggan"],
    dcgan("no norm", "d.norm=none"),
    dcgan("layer norm and R2", "d.norm=layer", "penalties=R2(10, every=4)"),
    dcgan("layer norm and gradient penalty", "d.norm=layer", "penalties=GradientPenalty(10, every=4)"),
    dcgan("adaptive augmentation", "augment=DiffAugment(p=0)", "callbacks=AdaptiveAugment()"),
    dcgan("rates fall to 0", "g_opt.lr=Schedule(2e-4, 0)", "d_opt.lr=Schedule(2e-4, 0)"),
    dcgan("no average", "ema_kimg=0.001"),
    Row("cgan", "cgan", NARROW),
    Row("acgan", "acgan", NARROW),
    COMMON["cgan-mlp"],
    Row("fastgan", "fastgan"),
    Row("projected-gan", "projected-gan"),
    COMMON["vae"],
    COMMON["vae, beta 4"],
    COMMON["vae-gan"],
    COMMON["cvae-gan"],
)


def stacked(images: Images) -> Path:
    """A parquet of stacked digits out of an MNIST, drawn with a fixed seed, made once; unlabelled."""
    path = cache_home() / f"stacked-mnist-{images.fingerprint}.parquet"
    if not path.exists():
        print(f"stacking {STACKS:,} pictures", flush=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        picks = np.random.RandomState(0).randint(len(images.pixels), size=(STACKS, 3))
        schema = pa.schema([("image", pa.struct([("bytes", pa.binary())]))])
        with replacing(path) as file, pq.ParquetWriter(file, schema) as writer:
            for part in np.array_split(picks, STACKS // 1000):
                stacks = np.stack([images.pixels[part[:, k], :, :, 0] for k in range(3)], 3)
                writer.write_table(pa.table({"image": [{"bytes": _png(stack)} for stack in stacks]}, schema))
    return path


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@torch.no_grad()
def modes(net: Classifier, pixels: np.ndarray) -> dict[str, Any]:
    """Modes found in uint8 [N, H, W, 3], KL(found || all alike), and the share of pictures whose three digits are clear."""
    found, clear = np.zeros(len(pixels), np.int64), np.ones(len(pixels), bool)
    for k in range(3):
        for start in range(0, len(pixels), 500):
            part = from_uint8(np.ascontiguousarray(pixels[start : start + 500, :, :, k : k + 1]))
            sure, digit = net(part).softmax(1).max(1)
            found[start : start + 500] += 10**k * digit.numpy()
            clear[start : start + 500] &= sure.numpy() >= 0.9
    p = np.bincount(found, minlength=1000) / len(found)
    kl = (p[p > 0] * np.log(1000 * p[p > 0])).sum()
    return dict(modes=int((p > 0).sum()), kl=round(float(kl), 3), clear=round(float(clear.mean()), 3))


def work(args: argparse.Namespace) -> None:
    digits, test = load_images(args.train), load_images(args.test)
    net, path = trained_classifier(digits), str(stacked(digits))
    right, images = accuracy(net, test), load_images(path)
    real = modes(net, images.pixels[:SAMPLES])

    def judge(folder: Path) -> dict[str, Any]:
        G = hub.load(folder).G
        return dict(parameters=sum(p.numel() for p in G.parameters()),
                    **modes(net, draw(G, [Draw(seed) for seed in range(SAMPLES)])))

    protocol = (f"{args.minutes:g} minutes of one thread each, seed 0, {STACKS:,} pictures of 32 px. Modes and reverse KL "
                f"divergence (nats, less is better) over {SAMPLES:,} images of seeds 0 to {SAMPLES - 1:,}, each digit read "
                f"by the project's own classifier, which reads {right:.2%} of MNIST's test digits; clear = share of images "
                f"in which it is at least 90 % sure of all three. Real ones: {real['modes']} modes, KL {real['kl']}, "
                f"clear {real['clear']}.")
    columns = {"modes": "modes of 1,000", "kl": "reverse KL", "clear": "clear"}
    board = Board("stacked-mnist", "Stacked MNIST: 1,000 modes", protocol, columns, judge)
    fill(board, ROWS, images, path, args)


if __name__ == "__main__":
    sys.exit(main(work, parser("stacked_mnist", __doc__, 10)))
