"""python -m benchmarks.choices: what a slot of a recipe does to quality and speed, at equal images seen.

Trains a recipe from several seeds with every combination of the values given, and prints the Frechet distance of 5,000
images to the test split, on the features of the classifier in train/metrics/classifier.py, with images/s. Upsampling and
precision of dcgan, which are the default, and precision of sngan:

  python -m benchmarks.choices --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet
  python -m benchmarks.choices --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet \\
      --recipe sngan --set g.width=48 --set d.width=48 --vary precision=bfloat16,float32
"""

from __future__ import annotations

import argparse
import itertools
import json
import logging
import statistics

from benchmarks.class_accuracy import read
from benchmarks.timing import processor_s
from gan.engine import draw
from gan.latent import Draw
from train.data.images import load_images
from train.data.stream import Stream
from train.metrics.classifier import trained_classifier
from train.metrics.scores import frechet_distance
from train.recipes import find
from train.run.loop import Run
from train.run.settle import settled
from train.settings import overridden

VARY = ["g.up=nearest,transposed", "precision=bfloat16,float32"]


def variants(vary: list[str]) -> dict[str, list[str]]:
    """Name -> overrides, for every combination of ``SLOT=VALUE,VALUE`` texts."""
    slots = [(path, values.split(",")) for path, values in (text.split("=", 1) for text in vary)]
    return {", ".join(chosen): [f"{path}={value}" for (path, _), value in zip(slots, chosen)]
            for chosen in itertools.product(*(values for _, values in slots))}


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.choices", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True, help="training split")
    p.add_argument("--test", required=True, help="test split")
    p.add_argument("--recipe", default="dcgan")
    p.add_argument("--set", action="append", default=[], metavar="SLOT=VALUE", dest="overrides", help="of every variant")
    p.add_argument("--vary", action="append", metavar="SLOT=VALUE,VALUE", help=f"default: {' '.join(VARY)}")
    p.add_argument("--kimg", type=float, default=40.0)
    p.add_argument("--seeds", type=int, default=2)
    p.add_argument("--count", type=int, default=5000, help="images for the distance (default: 5000)")
    args = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    images, test = load_images(args.train), load_images(args.test)
    net = trained_classifier(images)
    real, _ = read(net, test.pixels[: args.count])
    found: dict[str, list[float]] = {}
    for seed in range(args.seeds):
        for name, overrides in variants(args.vary or VARY).items():
            recipe = overridden(find(args.recipe)(images.spec), (*args.overrides, *overrides, f"kimg={args.kimg}"))
            run = Run(recipe, Stream(images, seed=seed, source=recipe.source), seed=seed)
            began = processor_s()
            run.fit()
            rate = run.nimg / (processor_s() - began)
            features, _ = read(net, draw(settled(run.game.G_ema), [Draw(s) for s in range(args.count)]))
            found.setdefault(name, []).append(frechet_distance(real, features))
            print(json.dumps(dict(variant=name, seed=seed, kimg=args.kimg, frechet_distance=round(found[name][-1], 2),
                                  images_per_cpu_s=round(rate, 1))), flush=True)
    for name, distances in found.items():
        print(json.dumps(dict(variant=name, mean_frechet_distance=round(statistics.mean(distances), 2))))


if __name__ == "__main__":
    main()
