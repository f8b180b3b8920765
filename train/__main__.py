"""python -m train: train a GAN on a folder, zip, parquet or Hub data set."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import torch

from gan.files import print_anything
from train.asked import Asked
from train.evidence.commands import evidence_command
from train.jobs import ON, send
from train.metrics.commands import features_command, score_command
from train.recipes import RECIPES
from train.run.watch import ON_COLLAPSE
from train.run.world import launched
from train.session import train

DEFAULTS = {f.name: f.default for f in fields(Asked) if f.default is not MISSING} | {"overrides": []}  # --set appends
MOST_SAID = 2000  # characters of an error: a value of 100 MB may be part of it
EXAMPLES = """examples:
  python -m train --data photos/ --out runs/photos
  python -m train --data photos/ --out runs/photos --minutes 10
  python -m train --data tulips/ --out runs/tulips --from cats64-dcgan
  python -m train list
  python -m train dcgan --data photos/ --out runs/photos
  python -m train cgan --data digits.parquet --out runs/digits --kimg 300
  python -m train dcgan --data cats.zip --out runs/cats --set d.spectral=true --set g_opt.lr=1e-4 --dry-run
  python -m train dcgan --data cats.zip --out runs/cats --resume
  python -m train dcgan --data cats.zip --out runs/cats --hold-out 0.05
  python -m train wgan-gp --data photos/ --out runs/photos --minutes 120 --on-collapse rollback
  python -m train gan --data digits.zip --out runs/digits --minutes 10 --licence "CC BY 4.0"
  python -m train dcgan --data cats.zip --out runs/cats --push you/cats
  python -m train dcgan --data cats.zip --out runs/cats --push you/cats --resume you/cats    # on another machine
  python -m train --data you/pictures --out runs/cats --push you/cats --on hf-jobs --flavor l4x1
  torchrun --nproc-per-node 2 -m train dcgan --data cats.zip --out runs/cats    # or: accelerate launch -m train …
                                           # what differs from one process (batch norm): docs/scaling.md
  python -m train score runs/cats/export --data cats.zip --closest closest.png
  python -m train evidence cgan --data digits.parquet --out runs/evidence
  python -m train features --data cats.zip flowers.zip scenes.zip --out features.safetensors
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m train", description=__doc__, epilog=EXAMPLES,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("recipe", nargs="?",
                   help="a recipe's name (see: python -m train list); without one it is chosen, as for auto, and said")
    p.add_argument("--data", required=True, help="folder, .zip, .tar, .parquet or Hub data set id; sub-folders are classes")
    p.add_argument("--out", required=True, type=Path,
                   help="folder of the run; the model will be in export/, with its directions (for Mix and edit) where the "
                        "run has ended and trained for a minute or more")
    p.add_argument("--from", dest="origin", metavar="MODEL",
                   help="start from what a model has learnt: a run's folder, a model's, a name of the gallery, or user/name "
                        "on the Hub; without a recipe it is trained as before ('none': from nothing, whatever auto thinks)")
    p.add_argument("--resolution", type=int, metavar="PX", help="default: nearest power of two, at most 64")
    budget = p.add_mutually_exclusive_group()
    budget.add_argument("--kimg", type=float, help="thousands of images to show (default: the recipe's, or 30 minutes)")
    budget.add_argument("--minutes", type=float, help="the same, as time: measured once at the start, then fixed")
    p.add_argument("--batch", type=int, help="default: the recipe's")
    p.add_argument("--stream", action="store_true",
                   help="read pictures as they are needed instead of decoding all of them once: for sets larger than the "
                        "disk; of a Hub data set only what is read is fetched")
    p.add_argument("--hold-out", type=float, metavar="SHARE",
                   help="share of the pictures that training never sees: the scores during training and memorisation are "
                        "then read against them (default: as before, else none)")
    p.add_argument("--seed", type=int, help="default: %(default)s")
    p.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    p.add_argument("--set", action="append", default=[], metavar="SLOT=VALUE", dest="overrides",
                   help='change one slot of the recipe, e.g. g_opt.lr=1e-4 or penalties="R1(10, every=16)"')
    p.add_argument("--licence", help="licence of the data, for the model's card (default: as before, else 'not stated')")
    p.add_argument("--resume", nargs="?", const=True, metavar="USER/NAME",
                   help="go on from the last checkpoint in --out, or from the one that --push sent to this repository")
    p.add_argument("--push", metavar="USER/NAME",
                   help="publish the model on the Hugging Face Hub, and checkpoints on a branch of it as it goes")
    p.add_argument("--push-minutes", type=float, metavar="N",
                   help="minutes between checkpoints on the Hub (default: %(default)g)")
    p.add_argument("--private", action="store_true", help="with --push: a repository that only you see")
    p.add_argument("--checkpoint-s", type=float, metavar="S", help="seconds between checkpoints (default: %(default)g)")
    p.add_argument("--on-collapse", choices=ON_COLLAPSE,
                   help="when G draws a few pictures only: warn = say so (default), stop = go back to the last healthy "
                        "state and stop, rollback = try again from there with a slower G, or where a loss is not finite "
                        "with both nets slower, up to three times. The evidence lies in collapse/")
    p.add_argument("--dashboard", action="store_true",
                   help="show the run in the browser while it goes on: needs the package trackio, which keeps it on this "
                        "machine, or with TRACKIO_SPACE_ID=user/name in a Space")
    p.add_argument("--on", choices=ON,
                   help="train on a machine of the Hugging Face Hub (paid by the minute), with --data by its id, --push and "
                        "--flavor; what it says is shown here")
    p.add_argument("--flavor", metavar="NAME", help="with --on: the machine, e.g. l4x1, t4-small, a100-large")
    p.add_argument("--dry-run", action="store_true", help="print the resolved recipe and stop")
    p.set_defaults(**DEFAULTS)
    return p


def print_list(argv: list[str]) -> int:
    p = argparse.ArgumentParser("python -m train list", description="Lists the recipes with their papers.")
    p.add_argument("--json", action="store_true", help="as JSON")
    if p.parse_args(argv).json:
        print(json.dumps([{"name": e.name, "paper": e.paper, "parent": e.parent, "note": e.note} for e in RECIPES.values()],
                         indent=2))
    else:
        width = max(map(len, RECIPES))
        for e in RECIPES.values():
            print(f"{e.name:{width}}  {e.note} ({e.paper})")
    return 0


COMMANDS = {"list": print_list, "score": score_command, "features": features_command, "evidence": evidence_command}


def main(argv: list[str] | None = None) -> int:
    print_anything()
    argv = sys.argv[1:] if argv is None else argv
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # of others, only what went wrong
    for ours in ("gan", "train"):
        logging.getLogger(ours).setLevel(logging.INFO)
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # our one line says it
    try:
        if argv[:1] and argv[0] in COMMANDS:
            return COMMANDS[argv[0]](argv[1:])
        options = vars(parser().parse_args(argv))
        on, flavor = options.pop("on"), options.pop("flavor")
        asked = Asked(**options)
        if on:
            return send(asked, flavor)
        with launched(asked.device) as world:
            return train(asked, world)
    except (ValueError, KeyError, OSError) as error:
        print(f"error: {str(error)[:MOST_SAID]}", file=sys.stderr)
        return 1
    except torch.OutOfMemoryError as error:
        print(f"error: the device is out of memory ({str(error).partition('. ')[0][:MOST_SAID]}): choose a smaller --batch, "
              f"width (g.width and d.width) or --resolution", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(stopped, file=sys.stderr) if str(stopped) else None
        return 130


if __name__ == "__main__":
    sys.exit(main())
