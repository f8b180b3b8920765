"""python -m train: train a GAN on a folder, zip, parquet or Hub data set."""

from __future__ import annotations

import argparse
import json
import logging
import shlex
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch

from gan.engine import pick_device
from gan.latent import check_seed
from train.budget import check_memory, images_per_s, kimg_in
from train.callbacks import Checkpoints, Log, Snapshots, clock
from train.config import Recipe, as_option, overridden
from train.data import Images, Stream, load_images
from train.export import Provenance, export, hardware
from train.loop import Run, Unhealthy
from train.recipes import RECIPES, Entry, ancestors, changes, find
from train.runs import CHECKPOINT, HEALTHY, differences, identity_of, load_checkpoint, peek
from train.watch import ON_COLLAPSE, CollapseWatch

MOST_ROLLBACKS = 3
EXAMPLES = """examples:
  python -m train list
  python -m train dcgan --data photos/ --out runs/photos
  python -m train cgan --data digits.parquet --out runs/digits --kimg 300
  python -m train dcgan --data cats.zip --out runs/cats --set d.spectral=true --set g_opt.lr=1e-4 --dry-run
  python -m train dcgan --data cats.zip --out runs/cats --resume
  python -m train wgan-gp --data photos/ --out runs/photos --minutes 120 --on-collapse rollback
  python -m train gan --data digits.zip --out runs/digits --minutes 10 --licence "CC BY 4.0"
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m train", description=__doc__, epilog=EXAMPLES,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("recipe", help="a recipe's name (see: python -m train list)")
    p.add_argument("--data", required=True, help="folder, .zip, .parquet or Hub data set id; sub-folders are classes")
    p.add_argument("--out", required=True, type=Path, help="folder of the run")
    p.add_argument("--resolution", type=int, metavar="PX", help="default: nearest power of two, at most 64")
    budget = p.add_mutually_exclusive_group()
    budget.add_argument("--kimg", type=float, help="thousands of images to show (default: the recipe's)")
    budget.add_argument("--minutes", type=float, help="the same, as time: measured once at the start, then fixed")
    p.add_argument("--batch", type=int, help="default: the recipe's")
    p.add_argument("--seed", type=int, default=0, help="default: 0")
    p.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    p.add_argument("--set", action="append", default=[], metavar="SLOT=VALUE", dest="overrides",
                   help="change one slot of the recipe, e.g. g_opt.lr=1e-4 or penalties='R1(10, every=16)'")
    p.add_argument("--licence", help="licence of the data, for the model's card (default: as before, else 'not stated')")
    p.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    p.add_argument("--checkpoint-s", type=float, default=60.0, metavar="S", help="seconds between checkpoints (default: 60)")
    p.add_argument("--on-collapse", choices=ON_COLLAPSE, default="warn",
                   help="when G draws a few pictures only: warn = say so (default), stop = go back to the last healthy "
                        "state and stop, rollback = try again from there with a slower G, or where a loss is not finite "
                        "with both nets slower, up to three times. The evidence lies in collapse/")
    p.add_argument("--dry-run", action="store_true", help="print the resolved recipe and stop")
    return p


def resolve(args: argparse.Namespace, entry: Entry, images: Images, planned_kimg: float | None) -> Recipe:
    """The recipe for this data, with the budget of the run that goes on, and everything that the command line changes."""
    recipe = entry(images.spec)
    if planned_kimg is not None:
        recipe = replace(recipe, kimg=planned_kimg)
    if args.batch is not None:
        recipe = replace(recipe, batch=args.batch)
    if args.kimg is not None:
        recipe = replace(recipe, kimg=args.kimg)
    recipe = overridden(recipe, args.overrides)
    if recipe.latent.classes not in (0, images.spec.classes):
        raise ValueError(f"latent.classes must be 0 or the {images.spec.classes} of the data, got {recipe.latent.classes}")
    return recipe


def budget_from_minutes(recipe: Recipe, args: argparse.Namespace, images: Images, device: torch.device) -> Recipe:
    """Turns minutes into images, from the speed of a throw-away run of a few seconds."""
    rate = images_per_s(recipe, images, device=device)
    kimg = kimg_in(args.minutes, rate)
    print(f"{rate:.0f} images/s here: {args.minutes:g} minutes are {kimg:g} kimg", file=sys.stderr)
    return replace(recipe, kimg=kimg)


def train(args: argparse.Namespace) -> int:
    entry = find(args.recipe)
    check_seed(args.seed)
    device = pick_device(args.device)
    images = load_images(args.data, resolution=args.resolution, progress=_progress)
    checkpoint = args.out / CHECKPOINT
    old = peek(checkpoint) if checkpoint.exists() else None
    recipe = resolve(args, entry, images, float(old[1]["kimg"]) if old else None)
    if old and not args.resume and not args.dry_run:
        raise ValueError(f"{args.out} already holds a run of {old[0]['nimg'] / 1000:.1f} kimg: "
                         f"add --resume to go on, or choose another --out")
    args.licence = args.licence or (old and old[1].get("licence")) or "not stated"
    if old and recipe.total_nimg < old[0]["nimg"] and recipe.kimg < float(old[1]["kimg"]):  # whole batches pass a budget
        raise ValueError(f"{args.out} has seen {old[0]['nimg'] / 1000:g} kimg already: give as many or more")
    _check_trainable(recipe, args, images, device)
    if args.minutes is not None and not old:
        recipe = budget_from_minutes(recipe, args, images, device)
    if args.dry_run:
        print(json.dumps({"recipe": entry.name, "paper": entry.paper, **recipe.to_json()}, indent=2))
        return 0
    identity = identity_of(recipe.to_json(), recipe=entry.name, data=images.fingerprint, seed=args.seed,
                           licence=args.licence)
    if old and (lines := differences(old[1], identity)):
        raise ValueError(f"{args.out} belongs to another run; " + "; ".join(lines))
    run = Run(recipe, Stream(images, seed=args.seed, flip=recipe.flip), seed=args.seed, device=device, callbacks=[
        CollapseWatch(args.out / "collapse", on_collapse=args.on_collapse, good=args.out / HEALTHY,
                      identity=identity, every_s=args.checkpoint_s),
        Log(args.out / "log.jsonl"), Snapshots(args.out / "snapshots"),
        Checkpoints(checkpoint, identity, every_s=args.checkpoint_s)])
    if old:
        load_checkpoint(checkpoint, run, identity)
        _check_prolonged(run, args)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "recipe.json").write_text(json.dumps(identity, indent=2) + "\n")
    if old:
        if run.finished:
            print(f"{args.out} is finished: {run.nimg / 1000:g} kimg; --kimg N adds more", file=sys.stderr)
            _export(run, args, entry, images)
            return 0
        print(f"resumed at {run.nimg / 1000:.1f} kimg", file=sys.stderr)
    else:
        (args.out / HEALTHY).unlink(missing_ok=True)  # of a run that was here before
        if args.resume:
            print(f"no checkpoint in {args.out}: starting anew", file=sys.stderr)
    return _fit(run, args, entry, images, identity)


def _check_trainable(recipe: Recipe, args: argparse.Namespace, images: Images, device: torch.device) -> None:
    """Errors: ``ValueError`` where it would not fit in memory, or where its settings do not fit together."""
    try:
        check_memory(recipe, images.spec, device)  # builds everything and steps once, without memory
    except (ArithmeticError, AttributeError, IndexError, RuntimeError, StopIteration, TypeError) as error:
        if not args.overrides:
            raise
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(f"this recipe cannot be trained with {', '.join(args.overrides)}: {reason}") from error


def _check_prolonged(run: Run, args: argparse.Namespace) -> None:
    """Errors: ``ValueError`` where a raised budget would only add images at a learning rate of 0."""
    planned = run.planned_nimg
    if run.recipe.total_nimg > planned and any(phase.values(planned, planned)["lr"] == 0 for phase in run.phases):
        raise ValueError(f"{args.out} was planned for {planned / 1000:g} kimg, where its learning rates are 0: more images "
                         f"change nothing; for a longer run start anew with --kimg {run.recipe.kimg:g}")


def _fit(run: Run, args: argparse.Namespace, entry: Entry, images: Images, identity: dict[str, str]) -> int:
    def stop(number: int, frame: object) -> None:
        print("\nstopping after this step (once more: at once)", file=sys.stderr)
        run.stopping = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    failed = ""
    while not failed:
        try:
            run.fit()
            break
        except Unhealthy as error:
            failed = _go_back(run, args, identity, error)
    if failed:  # no step more: log, timeline and checkpoint go back with the run
        run.stopping = True
        run.fit()
    _export(run, args, entry, images)
    if failed:
        raise ValueError(f"{failed}; went back to {run.nimg / 1000:.1f} kimg and exported that")
    if not run.finished:
        print(f"stopped at {run.nimg / 1000:.1f} kimg, nothing is lost: the same command with --resume goes on",
              file=sys.stderr)
        return 130
    return 0


def _go_back(run: Run, args: argparse.Namespace, identity: dict[str, str], error: Unhealthy) -> str:
    """Restores the last healthy state, or the last checkpoint. "" where training shall go on from there, else the reason."""
    failed, healthy, attempt = str(error), args.out / HEALTHY, run.rollbacks + 1
    slower = {net: rate * error.slower.get(net, 1.0) for net, rate in run.slower.items()}
    path = healthy if args.on_collapse != "warn" and healthy.exists() else args.out / CHECKPOINT
    if not path.exists():
        raise ValueError(f"{failed}; there is no checkpoint to go back to")
    load_checkpoint(path, run, identity)
    if args.on_collapse != "rollback" or attempt > MOST_ROLLBACKS:
        return failed
    run.try_again(attempt, slower)
    rates = " and ".join(f"{rate:.1%} of {net}'s" for net, rate in slower.items())
    print(f"\n{failed}\nback at {run.nimg / 1000:.1f} kimg, with {rates} learning rate (attempt {attempt} of "
          f"{MOST_ROLLBACKS})", file=sys.stderr)
    return ""


def _export(run: Run, args: argparse.Namespace, entry: Entry, images: Images) -> None:
    data = dict(name=images.name, images=images.spec.count, classes=images.spec.classes,
                fingerprint=images.fingerprint, licence=args.licence)
    provenance = Provenance(
        recipe=entry.name, parent=entry.parent, ancestors=ancestors(entry), paper=entry.paper, note=entry.note,
        changes=changes(entry, images.spec), slots=run.recipe.to_json(), data=data,
        command=_command(args, run.recipe, images), seed=args.seed, nimg=run.nimg, minutes=round(run.seconds / 60, 1),
        hardware=hardware(run.device))
    names = images.spec.class_names if run.recipe.latent.classes else ()
    export(run.G_ema, args.out / "export", provenance, class_names=names, snapshots=args.out / "snapshots",
           name=args.out.name)
    print(f"model written to {args.out / 'export'} after {clock(run.seconds)} of training", file=sys.stderr)


def _command(args: argparse.Namespace, recipe: Recipe, images: Images) -> str:
    """The command that made the model, without this machine's folders."""
    parts = ["python", "-m", "train", args.recipe, "--data", images.name, "--out", f"runs/{args.out.name}"]
    if args.resolution is not None:
        parts += ["--resolution", str(args.resolution)]
    parts += ["--kimg", f"{recipe.kimg:g}"]
    if args.batch is not None:
        parts += ["--batch", str(args.batch)]
    if args.seed:
        parts += ["--seed", str(args.seed)]
    return " ".join([shlex.join(parts), *map(as_option, args.overrides)])


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rdecoding images {done:,} / {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)


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


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # of others, only what went wrong
    for ours in ("gan", "train"):
        logging.getLogger(ours).setLevel(logging.INFO)
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # our one line says it
    try:
        if argv[:1] == ["list"]:
            return print_list(argv[1:])
        return train(parser().parse_args(argv))
    except (ValueError, KeyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
