"""python -m benchmarks.choices: what upsampling and bfloat16 do to quality, at equal images seen.

Trains the dcgan recipe from several seeds in each variant and prints the Frechet distance of 5,000 images to the test
split, on the features of the classifier in train/classifier.py, with images/s.

  python -m benchmarks.choices --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import time

from benchmarks.class_accuracy import read
from gan.engine import draw
from gan.latent import Draw
from train.classifier import trained_classifier
from train.config import override
from train.data import Stream, load_images
from train.export import settled
from train.loop import Run
from train.metrics import frechet_distance
from train.recipes import find

VARIANTS = {
    "nearest, bfloat16": ["g.up=nearest", "precision=bfloat16"],
    "nearest, float32": ["g.up=nearest", "precision=float32"],
    "transposed, bfloat16": ["g.up=transposed", "precision=bfloat16"],
    "transposed, float32": ["g.up=transposed", "precision=float32"],
}


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.choices", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True, help="training split")
    p.add_argument("--test", required=True, help="test split")
    p.add_argument("--kimg", type=float, default=40.0)
    p.add_argument("--seeds", type=int, default=2)
    p.add_argument("--count", type=int, default=5000, help="images for the distance (default: 5000)")
    args = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    images, test = load_images(args.train), load_images(args.test)
    net = trained_classifier(images)
    real, _ = read(net, test.pixels[: args.count])
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for seed in range(args.seeds):
        for name, overrides in VARIANTS.items():
            recipe = find("dcgan")(images.spec)
            for text in (*overrides, f"kimg={args.kimg}"):
                recipe = override(recipe, *text.split("=", 1))
            run = Run(recipe, Stream(images, seed=seed), seed=seed)
            began = time.process_time()
            run.fit()
            rate = run.nimg / (time.process_time() - began)
            features, _ = read(net, draw(settled(run.G_ema), [Draw(s) for s in range(args.count)]))
            found[name].append(frechet_distance(real, features))
            print(json.dumps(dict(variant=name, seed=seed, kimg=args.kimg, frechet_distance=round(found[name][-1], 2),
                                  images_per_cpu_s=round(rate, 1))), flush=True)
    for name, distances in found.items():
        print(json.dumps(dict(variant=name, mean_frechet_distance=round(statistics.mean(distances), 2))))


if __name__ == "__main__":
    main()
