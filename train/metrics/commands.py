"""python -m train score, and python -m train features."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from torch import nn

from gan import hub
from gan.files import replacing
from gan.image import contact_sheet, to_pil
from train.data.images import load_images
from train.data.part import held_out_share, hold_out
from train.features import OWN, FeatureNet, load_features
from train.metrics.elbo import elbo
from train.metrics.inception import load_inception
from train.metrics.pretext import Training, train_features
from train.metrics.reading import MOST, closest_pairs, fakes, how_many, score
from train.metrics.record import keep
from train.metrics.scores import K_DENSITY

__all__ = ["features_command", "score_command"]


def score_command(argv: list[str]) -> int:
    """How good a model is, beside how good real pictures are by the same measure. Of a model with an encoder also the
    evidence lower bound of these pictures, in bits per dimension: of pictures that it has not seen, if you give such."""
    p = argparse.ArgumentParser("python -m train score", description=score_command.__doc__)
    p.add_argument("model", help="a name in weights/, a folder, or a Hub id")
    p.add_argument("--data", required=True, help="the pictures that it was trained on")
    p.add_argument("--features", default="own", metavar="NET", help="own, which is shipped (default); inception, as "
                   "published figures have it, whose weights are fetched once (96 MB); or the file of a feature net")
    p.add_argument("--count", type=int, default=MOST, metavar="N", help=f"pictures of each kind, at most (default: {MOST})")
    p.add_argument("--closest", type=Path, metavar="PNG", help="write the fakes closest to a training picture, beside it; "
                   "the app shows a nearest.png in the model's folder")
    p.add_argument("--write", action="store_true", help="keep the scores in the training.json and the card of a model in a "
                   "folder of yours")
    p.add_argument("--json", action="store_true", help="as JSON")
    args = p.parse_args(argv)
    model = hub.load(args.model)
    own, G = hub.own_folder(args.model, "--write") if args.write else None, model.G
    name, net = _feature_net(args.features)
    images = load_images(args.data, resolution=G.resolution)
    if (images.spec.channels, G.latent.classes) not in ((G.channels, 0), (G.channels, images.spec.classes)):
        raise ValueError(f"{args.model} draws {G.channels} channels and {G.latent.classes} classes, {images.name} has "
                         f"{images.spec.channels} and {images.spec.classes}")
    share = held_out_share(model.training)  # by which the command on its card splits the data
    images, held_out = hold_out(images, share) if share else (images, None)
    n = how_many(images, held_out, args.count)
    if n <= K_DENSITY:
        raise ValueError(f"at least {K_DENSITY + 1} pictures of each kind are compared: {images.name} and --count leave {n}")
    shown = sys.stderr.isatty()
    pictures = fakes(G, n, images, progress=shown)
    found = score(G, images, net, name=name, held_out=held_out, most=n, pictures=pictures, progress=shown)
    if model.encoder is not None:
        found["scores"] |= elbo(G, model.encoder, held_out or images, most=n)
    if args.closest:
        sheet = closest_pairs(net, pictures, images)
        with replacing(args.closest) as file:
            to_pil(contact_sheet(sheet)).save(file, "PNG")
    if own:
        keep(own, model, metrics=found)
    print(json.dumps(found, indent=2) if args.json else _table(found))
    return 0


def _table(found: dict) -> str:
    scores = found["scores"]
    lines = [f"features: {found['features']}; {found['samples']} pictures, against {found['against']}",
             f"{'':24}{'model':>12}{'real':>12}"]
    for name in (n for n in scores if not n.endswith("_of_reals")):
        floor = scores.get(f"{name}_of_reals")
        lines.append(f"{name.replace('_', ' '):24}{scores[name]:12.4g}" + (f"{floor:12.4g}" if floor is not None else ""))
    return "\n".join([*lines, f"{'memorised':24}{found['memorised']:12.2%}{0.01:12.2%}"])


def features_command(argv: list[str]) -> int:
    """Trains a feature net on all given sets together: a few minutes of one processor core."""
    p = argparse.ArgumentParser("python -m train features", description=features_command.__doc__)
    p.add_argument("--data", nargs="+", required=True, help="sets of pictures; sub-folders are classes")
    p.add_argument("--out", type=Path, required=True, help="the file to write (.safetensors)")
    p.add_argument("--widths", type=int, nargs=4, default=(32, 64, 128, 256), metavar="N", help="channels of the stages")
    p.add_argument("--plain", action="store_true", help="nothing is led past the convolutions")
    p.add_argument("--half", type=int, choices=(0, 1), default=0, help="of every set, which half is seen (default: 0)")
    p.add_argument("--steps", type=int, default=Training.steps, help=f"(default: {Training.steps})")
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    sets = [load_images(path, resolution=64) for path in args.data]
    net = FeatureNet(args.widths, residual=not args.plain, norm=True)
    trained, about = train_features(sets, net, Training(steps=args.steps, seed=args.seed, half=args.half))
    trained.save(args.out, about)
    return 0


def _feature_net(text: str) -> tuple[str, nn.Module]:
    """(name, net) of what --features says. Errors: ``ValueError``, ``FileNotFoundError`` of one line."""
    if text == "inception":
        return text, load_inception()
    path = OWN if text == "own" else Path(text)
    if not path.is_file():
        raise FileNotFoundError(f"--features takes own, inception or the file of a feature net, and there is no file {text}")
    return path.stem, load_features(path)
