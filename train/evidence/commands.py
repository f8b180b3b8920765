"""python -m train evidence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gan import hub
from gan.engine import pick_device
from gan.files import write_json, write_text
from train.asked import AUTO
from train.data.images import Images, load_images
from train.evidence.experiment import Experiment, check_same
from train.evidence.fakes import FromModel, FromRecipe, of_model, origin_of
from train.evidence.plot import plot
from train.evidence.progress import Progress
from train.evidence.report import as_json, as_markdown, as_record
from train.evidence.split import ALL, TAIL, Split, parse_size, split
from train.evidence.summary import summary, title
from train.evidence.words import command, examined, heading, protocol
from train.metrics.record import keep
from train.recipes import RECIPES, find

__all__ = ["evidence_command"]

SIZES = ("20", "50", "100", "250", TAIL)
EXAMPLES = """examples:
  python -m train evidence --data cells.zip --out runs/cells-evidence
  python -m train evidence cgan --data digits/ --test digits-test/ --sizes 20 50 --seeds 3 --kimg 20 --out runs/evidence
  python -m train evidence runs/cells/export --data cells.zip --test new-cells.zip --out runs/cells-evidence --write
"""


def evidence_command(argv: list[str]) -> int:
    """Do a generator's pictures make a classifier better? Trains classifiers with and without them, on the pictures that the
    GAN has seen, judges them on others, and says: use, do not use, or undecided. Stop it at any moment: the same command
    goes on."""
    args = _parser().parse_args(argv)
    sizes = list(dict.fromkeys(map(parse_size, args.sizes or ([ALL] if _is_model(args.generator) else SIZES))))
    if _is_model(args.generator):
        args.resolution = _resolution(args.generator)
    _check(args, sizes)
    images = load_images(args.data, resolution=args.resolution)
    test = None if args.test is None else load_images(args.test, resolution=images.spec.resolution)
    source: FromModel | FromRecipe
    if _is_model(args.generator):
        source, images, test = of_model(args.generator, images, test)
    else:
        origin = origin_of(args.origin, images, test) if args.origin else None
        source = FromRecipe(args.generator, tuple(args.overrides), args.kimg, pick_device(args.device), origin)
    experiment = Experiment(split(images, test), source, args.steps, args.out)
    if isinstance(source, FromModel) and experiment.split.copies:
        raise ValueError(f"{source.model.id} has seen {experiment.split.copies} of the test pictures: copies of them are "
                         f"among {images.name}")
    target = _target(args, images)
    seeds = range(args.seeds)
    possible = [size for size in sizes if _possible(experiment.split, size)]
    if not possible:
        experiment.split.wanted(sizes[0])  # says why not
    if isinstance(source, FromRecipe):
        source.check(experiment.split.subset(possible[0], 0), experiment.strange)
    check_same(experiment)
    stopped = _run(experiment, possible, seeds)
    found = summary(experiment, sizes, seeds)
    table = as_json(found, heading=heading(source, images),
                    protocol=protocol(experiment, images, test, args), command=command(source, images, test, args),
                    class_names=images.spec.class_names)
    files = {ending: args.out / f"{args.out.name}.{ending}" for ending in ("json", "md", "svg")}
    write_json(files["json"], table, indent=1)
    write_text(files["svg"], plot(table))
    write_text(files["md"], as_markdown(table, files["svg"].name))
    if target is not None and not stopped:
        keep(*target, evidence=as_record(table, examined(source, images), {"seeds": args.seeds}))
    print(files["json"].read_text("utf-8") if args.json else files["md"].read_text("utf-8"))
    print(f"written: {', '.join(map(str, files.values()))}", file=sys.stderr)
    if stopped:
        raise KeyboardInterrupt(stopped)
    return 0


def _parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m train evidence", description=evidence_command.__doc__, epilog=EXAMPLES,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("generator", nargs="?", default=AUTO, metavar="MODEL|RECIPE",
                   help="a recipe, trained anew on every subset (default: auto's choice for it), or a model that was "
                        "trained on all of --data and on nothing of --test, or with --hold-out")
    p.add_argument("--data", required=True, help="folder, .zip, .parquet or Hub data set id; sub-folders are classes")
    p.add_argument("--test", help="pictures to judge on, of which at most 2,000 are taken (default: a fifth of --data, kept "
                                  "apart; of a model: what its training held out)")
    p.add_argument("--out", required=True, type=Path, help="folder of the experiment")
    p.add_argument("--sizes", nargs="+", metavar="N", help=f"real pictures a class, {TAIL} or {ALL} (default: "
                                                           f"{' '.join(SIZES)}; of a model: {ALL})")
    p.add_argument("--seeds", type=int, default=5, metavar="N", help="of subset, GAN and classifier, paired (default: 5)")
    p.add_argument("--steps", type=int, default=300, metavar="N", help="of every classifier (default: 300)")
    p.add_argument("--kimg", type=float, default=20.0, help="thousands of images that each GAN sees (default: 20)")
    p.add_argument("--from", dest="origin", metavar="MODEL|RUN",
                   help="each GAN goes on from this one, which was trained on other pictures only (default: from nothing)")
    p.add_argument("--set", action="append", default=[], metavar="SLOT=VALUE", dest="overrides",
                   help="change one slot of the recipe, as in python -m train")
    p.add_argument("--resolution", type=int, metavar="PX", help="default: the model's, or nearest power of two, at most 64")
    p.add_argument("--device", help="of the GANs: cuda, mps or cpu (default: the best there is)")
    p.add_argument("--write", nargs="?", const=True, metavar="MODEL",
                   help="keep verdict and table in the training.json and the card of the model, or of MODEL, which was "
                        "trained by this recipe")
    p.add_argument("--json", action="store_true", help="print JSON in the place of the table")
    return p


def _is_model(name: str) -> bool:
    return name != AUTO and name.replace("_", "-") not in RECIPES


def _check(args: argparse.Namespace, sizes: Sequence[str]) -> None:
    for what, value, least, most in (("seeds", args.seeds, 1, 1000), ("steps", args.steps, 2, 10**6)):
        if not least <= value <= most:
            raise ValueError(f"--{what} must be from {least} to {most:,}, got {value}")
    if _is_model(args.generator) and (args.overrides or args.origin or list(sizes) != [ALL]):
        raise ValueError("a model was trained before, on all of its pictures: --set, --from and other --sizes than all are "
                         "for a recipe, which is trained anew on each subset")
    if args.write is True and not _is_model(args.generator):
        raise ValueError("--write needs the name of a model that was trained by this recipe: --write MODEL")
    if args.write and args.generator == AUTO:
        raise ValueError("--write needs the name of the recipe that the model was trained by: auto may choose another")


def _resolution(name: str) -> int:
    """Of a model. Errors: ``ValueError`` for what is neither model nor recipe."""
    try:
        return hub.load(name).G.resolution
    except FileNotFoundError as error:
        raise ValueError(f"{error}; nor is it a recipe: {', '.join(RECIPES)}") from None


def _target(args: argparse.Namespace, images: Images) -> tuple[Path, hub.Model] | None:
    """The model that shall hold the verdict. Errors: ``ValueError`` for one that was not trained by the recipe."""
    if not args.write:
        return None
    name = args.generator if args.write is True else args.write
    model = hub.load(name)
    if not _is_model(args.generator) and model.training.get("recipe") != find(args.generator).name:
        raise ValueError(f"{model.id} was trained by the recipe {str(model.training.get('recipe'))[:50]!r}, and this "
                         f"examines {args.generator}: its verdict would be of another generator")
    if model.class_names != images.spec.class_names:
        raise ValueError(f"{model.id} draws other classes than {images.name} has")
    return hub.own_folder(name, "--write"), model


def _possible(parts: Split, size: str) -> bool:
    try:
        parts.wanted(size)
        return True
    except ValueError:
        return False


def _run(experiment: Experiment, sizes: Sequence[str], seeds: Sequence[int]) -> str:
    """Every group in the order of the sizes. Returns "" at the end, and where Ctrl-C came before that what to do."""
    groups = [(f"{title(size)}, seed {seed}", experiment.group(size, seed)) for size in sizes for seed in seeds]
    progress = Progress(groups)
    for k, (name, group) in enumerate(groups):
        try:
            group.run(partial(progress.say, k))
        except KeyboardInterrupt:
            progress.end()
            return (f"stopped in {k + 1} of {len(groups)}, {name}: what was finished is kept, and the same command goes on")
    progress.end()
    return ""
