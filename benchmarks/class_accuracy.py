"""python -m benchmarks.class_accuracy: does a model draw the class it is asked for, and all classes?

A classifier is trained on the training split (once, then cached) and judged on the test split. It then reads images
of each model: the share that shows the class asked for (models with classes), the share of each class (all models), the
Frechet distance of its 128 features between these images and as many test images, and the spread inside the classes: the
mean variance of the features of one class, in parts of that of the test images. A model that draws one perfect picture a
class would have the first three right, and a spread near 0.

  python -m benchmarks.class_accuracy --train mnist/train-00000-of-00001.parquet --test mnist/test-00000-of-00001.parquet \\
      --models mnist-cgan mnist-dcgan mnist-gan
"""

from __future__ import annotations

import argparse
import json
import logging
import sys

import numpy as np
import torch

from gan import hub
from gan.engine import draw
from gan.image import from_uint8
from gan.latent import Draw
from train.data.images import load_images
from train.metrics.classifier import Classifier, accuracy, trained_classifier
from train.metrics.scores import frechet_distance


@torch.no_grad()
def read(net: Classifier, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [N, H, W, C] -> features [N, 128] and predicted classes [N]."""
    features = torch.cat([net.features(from_uint8(np.array(pixels[i : i + 500])))
                          for i in range(0, len(pixels), 500)])
    return features.numpy(), net.logits(features).argmax(1).numpy()


def spread(features: np.ndarray, seen: np.ndarray) -> float:
    """Mean over the classes seen of the total variance of the features inside a class."""
    return float(np.mean([features[seen == k].var(0).sum() for k in np.unique(seen)]))


def judge(name: str, net: Classifier, real: tuple[np.ndarray, np.ndarray], classes: int, count: int) -> dict:
    model = hub.load(name)
    asked = np.arange(count) % classes if model.class_names else None
    draws = [Draw(seed, None if asked is None else int(asked[seed])) for seed in range(count)]
    features, seen = read(net, draw(model.G, draws))
    shares = np.bincount(seen, minlength=classes) / count
    result = dict(model=name, revision=model.revision, images=count)
    if asked is not None:
        result["asked_class_shown"] = round(float((seen == asked).mean()), 4)
    return dict(result, least_class_share=round(float(shares.min()), 4), class_shares=[round(float(s), 4) for s in shares],
                frechet_distance=round(frechet_distance(real[0], features), 3),
                spread_in_class=round(spread(features, seen) / spread(*real), 3))


def main() -> int:
    p = argparse.ArgumentParser("python -m benchmarks.class_accuracy", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True, help="training split")
    p.add_argument("--test", required=True, help="test split")
    p.add_argument("--models", nargs="+", default=[], help="names or folders of models")
    p.add_argument("--count", type=int, default=2000, help="images a model (default: 2000)")
    args = p.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        train, test = load_images(args.train), load_images(args.test)
        net = trained_classifier(train)
        print(json.dumps(dict(classifier_test_accuracy=round(accuracy(net, test), 4), test_images=len(test.pixels))))
        real = read(net, test.pixels[: args.count])
        for name in args.models:
            print(json.dumps(judge(name, net, real, train.spec.classes, args.count)), flush=True)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
