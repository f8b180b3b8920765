"""python -m benchmarks.domains: from one kind of picture to the other and back, on those that the training held out.

For both ways of a model with two domains: the share of its pictures that a classifier takes for the wanted kind, beside the
shares of the untouched pictures and of the real ones of that kind; the mean absolute distance between a picture and what
comes back of it, in levels of 0 to 255; and the Frechet distance, in the features ``own``, to real pictures of the wanted
kind, before and after. The classifier is trained on the pictures that the model was trained on.

  python -m benchmarks.domains --data monet2photo128.zip --models monet64-cyclegan --sheet monet.png
"""

from __future__ import annotations

import sys
from argparse import Namespace

import numpy as np
import torch

from benchmarks.scoreboard import main
from benchmarks.translation import MOST, SHOWN, distance, parser, parts_of
from gan import hub
from gan.base import Generator, Inputs
from gan.engine import draw_inputs
from gan.image import contact_sheet, from_uint8, to_pil
from train.data.images import Images
from train.data.stream import Stream
from train.features import OWN, load_features
from train.metrics.classifier import Classifier, learn
from train.metrics.reading import features
from train.metrics.scores import frechet_distance

BATCH, STEPS = 64, 300  # of the classifier


def translated(G: Generator, pictures: np.ndarray, to: int) -> np.ndarray:
    """uint8 [N, H, W, C] of both."""
    z, c = torch.zeros(len(pictures), G.latent.dim), torch.full((len(pictures),), to)
    return draw_inputs(G, Inputs(z, c, from_uint8(pictures)))


def taught(images: Images) -> Classifier:
    """A classifier of the two kinds, which are few pictures: each is met some thirty times, mirrored and not."""
    stream, net = Stream(images, seed=0, flip=True), Classifier(images.spec.channels, images.spec.classes)
    learn(net, lambda: tuple(stream.batch(BATCH)[:2]), STEPS, seed=0)
    return net.eval()


@torch.inference_mode()
def votes(judge: Classifier, pictures: np.ndarray, kind: int) -> float:
    """Share of uint8 [N, H, W, C] that is taken for that kind."""
    return float((judge(from_uint8(pictures)).argmax(1) == kind).float().mean())


def work(args: Namespace) -> None:
    net, sheet = load_features(OWN), []
    print("| model, to | pictures | taken for it: untouched | made | real | there and back | distance: untouched | made |")
    print("|---" * 8 + "|")
    for name in args.models:
        model = hub.load(name)
        trained, held = parts_of(model, args.data)
        judge = taught(trained)
        kinds = [held.pixels[np.flatnonzero(held.labels == k)[:MOST]] for k in (0, 1)]
        for k, kind in enumerate(held.spec.class_names):
            given, real = kinds[1 - k], kinds[k]
            made = translated(model.G, given, k)
            back = translated(model.G, made, 1 - k)
            untouched, taken, right = (votes(judge, pictures, k) for pictures in (given, made, real))
            before, after = (frechet_distance(features(net, real), features(net, pictures)) for pictures in (given, made))
            error = distance(given, back, np.ones((*given.shape[:3], 1), bool))
            print(f"| {name}, {kind} | {len(given):,} | {untouched:.1%} | {taken:.1%} | {right:.1%} | {error:.1f} | "
                  f"{before:.1f} | {after:.1f} |", flush=True)
            sheet += [pictures[:SHOWN] for pictures in (given, made, back)]
    if args.sheet:
        to_pil(contact_sheet(np.concatenate(sheet), columns=SHOWN)).save(args.sheet)


if __name__ == "__main__":
    sys.exit(main(work, parser("domains", __doc__)))
