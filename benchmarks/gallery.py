"""python -m benchmarks.gallery: models against all pictures of a set, whichever of them their training saw.

``python -m train score`` compares a model with pictures that it has not seen, where its training kept some out: that is
what its card says. Those are few, and other ones for every share that was kept out. Here every model is read against the
same half of the set, at most 2,500 pictures, so that one can be compared with another; the other half is the floor. The
feature net is ``own``. What a model has learnt by heart cannot be seen here.

  python -m benchmarks.gallery --data cats64.zip --models cats64-dcgan cats64-vae
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.scoreboard import main
from gan import hub
from train.data.images import load_images
from train.features import OWN, load_features
from train.metrics.reading import score

SHOWN = ("frechet_distance", "precision", "recall", "coverage")


def work(args: argparse.Namespace) -> None:
    net = load_features(OWN)
    print(f"| {args.data} | pictures | Frechet distance | precision | recall | coverage |\n|---|---|---|---|---|---|")
    for name in args.models:
        model = hub.load(name)
        found = score(model.G, load_images(args.data, resolution=model.G.resolution), net, name="own")
        for row, suffix in ((name, ""), ("real pictures", "_of_reals")):
            cells = (f"{found['scores'][key + suffix]:.4g}" for key in SHOWN)
            print(f"| {row} | {found['samples']:,} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    p = argparse.ArgumentParser("python -m benchmarks.gallery", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="the pictures that the models were trained on")
    p.add_argument("--models", nargs="+", required=True, help="names or folders of models that draw from random numbers")
    sys.exit(main(work, p))
