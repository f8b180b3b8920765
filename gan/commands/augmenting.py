"""python -m gan augment: labelled synthetic data sets."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from tqdm import tqdm

from gan import hub
from gan.augment import DISTINCT, Order, augment, balanced, by_class, check_room, estimate
from gan.begun import is_packed
from gan.commands.common import add_command, add_device, add_out, check_folder, load, progress
from gan.dataset import FORMS, check_form, complete, pack, write_card
from gan.directions import load_directions
from gan.synthetic import check_push_set, push_set
from gan.vary import STRENGTH, Variations, Way, read_pictures, vary
from gan.vary import write_card as write_variations_card

EXAMPLES = """  python -m gan augment mnist-cgan --count 5000 --balance --out digits
  python -m gan augment mnist-cgan --complete my-digits --out more-digits
  python -m gan augment mnist-cgan --counts 3=500 8=200 --out some.parquet
  python -m gan augment cats64-dcgan --count 100000 --distinct --out cats.zip
  python -m gan augment mnist-cgan --count 5000 --balance --out digits --push you/digits
  python -m gan augment cats64-dcgan --from-pictures my-cats --each 20 --strength 0.3 --out my-cats-varied"""


def add(commands: Any) -> None:
    c = add_command(commands, "augment", run_augment, summary="a labelled synthetic data set", examples=EXAMPLES,
                    description="Writes class folders of PNGs with metadata.jsonl and a card; as a folder, a .zip or a "
                                ".parquet. Killed, it goes on where it was when the same command is given again.")
    c.add_argument("model", metavar="MODEL")
    how_many = c.add_mutually_exclusive_group(required=True)
    how_many.add_argument("--count", type=int, help="images in all")
    how_many.add_argument("--counts", nargs="+", metavar="CLASS=N", help="images of each of these classes")
    how_many.add_argument("--complete", type=Path, metavar="FOLDER",
                          help="fill up a folder whose sub-folders are classes: each class to the size of the largest")
    how_many.add_argument("--from-pictures", type=Path, metavar="FOLDER",
                          help="variations of your own pictures: each is found in the model, and what lies near is drawn")
    c.add_argument("--each", type=int, default=10, help="with --from-pictures: variations of each (default: 10)")
    c.add_argument("--way", choices=get_args(Way), default="neighbours",
                   help="with --from-pictures: beside the picture (default), on the way to pictures of random seeds, or "
                        "along the model's directions")
    c.add_argument("--strength", type=float, default=STRENGTH,
                   help=f"with --from-pictures: over 0, and 1 at most (default: {STRENGTH:g})")
    c.add_argument("--balance", action="store_true", help="with --count: as many of each class (default: as seeds draw)")
    c.add_argument("--psi", type=float, default=1.0, help="truncation: 1 = none (default), less = more typical images")
    c.add_argument("--first-seed", type=int, default=0, help="the set's first seed (default: 0)")
    c.add_argument("--distinct", type=float, nargs="?", const=DISTINCT, default=0.0, metavar="PART",
                   help=f"leave near-duplicates out: what differs from an earlier image by less than this part of what two "
                        f"usually differ by ({DISTINCT:g} where no number is given)")
    add_out(c, f"a new folder, or a file that ends with {' or '.join(FORMS)}")
    c.add_argument("--push", metavar="USER/NAME", help="also publish it as a data set on the Hugging Face Hub")
    c.add_argument("--private", action="store_true", help="with --push: a data set that only you see")
    add_device(c)


def _check_together(args: argparse.Namespace) -> None:
    """Errors: ``ValueError`` for an option that would change nothing beside the others."""
    of_seeds = {"--psi": args.psi != 1.0, "--balance": args.balance, "--distinct": args.distinct}
    if args.from_pictures and any(of_seeds.values()):
        name = next(name for name, given in of_seeds.items() if given)
        raise ValueError(f"{name} is for sets that are drawn from seeds: leave it out with --from-pictures")
    for name, given, needed, there in (("--balance", args.balance, "--count", args.count is not None),
                                       ("--private", args.private, "--push", args.push)):
        if given and not there:
            raise ValueError(f"{name} goes with {needed}: add that, or leave it out")


def run_augment(args: argparse.Namespace) -> None:
    _check_together(args)
    packed = args.out.suffix in FORMS and not args.out.is_dir()
    if packed:
        check_form(args.out)
    else:
        check_folder(args.out, f"name a new folder, or a {' or '.join(FORMS)}")
    model, folder = load(args.model, args.device), args.out.with_name(f".{args.out.name}.parts") if packed else args.out
    command = "python -m gan " + shlex.join(_public(sys.argv[1:], args))
    told = (_draw if args.from_pictures is None else _vary)(args, model, folder, packed, command)
    if told is None:
        print(f"{args.out} is there already: nothing to do")
        return
    total, words = told
    if packed:
        with progress("image", desc="packing") as report:
            for done in pack(folder, args.out, model.class_names):
                report(done, total)
    print(words)


def _public(argv: Sequence[str], args: argparse.Namespace) -> list[str]:
    """The words of the command for a card, which may be published: paths of this machine as their last part."""
    model = Path(args.model)
    own = {path for path in (args.out, args.complete, args.from_pictures, model if model.exists() else None) if path}
    split = [word.partition("=") if word.startswith("--") else ("", "", word) for word in argv]
    pushed = {k for k, word in enumerate(argv) if word.startswith("--push=") or k and argv[k - 1] == "--push"}  # no path
    return [option + equals + (Path(text).name if text and k not in pushed and Path(text) in own else text)
            for k, (option, equals, text) in enumerate(split)]


def _draw(args: argparse.Namespace, model: hub.Model, folder: Path, packed: bool, command: str) -> tuple[int, str] | None:
    """Draws a set from seeds into the folder: (images, what to say of them), None where the packed set is there already."""
    order = Order(_counts(args, model), args.psi, args.first_seed, args.distinct)
    order.check(model)
    if packed and is_packed(args.out, order.record(model)) and not args.push:  # to be published it is drawn again, the same
        return None
    if args.push:
        check_push_set(args.push, private=args.private)
    needed = estimate(model, order)
    print(f"{order.total:,} images, about {needed / 1e6:,.1f} MB" + (", twice that while they are packed" if packed else ""),
          file=sys.stderr)
    if not folder.exists():
        check_room(folder, needed * (1 + packed))
    with progress("image") as report:
        for last in augment(model, order, folder):
            report(last.done, last.total)
    write_card(folder, model, order, command)
    if args.push:
        published = push_set(folder, args.push, model, order, command, private=args.private)
        print(f"{published.url}: {published.changed} files")
    left_out = f"; {last.left_out:,} near-duplicates left out" if order.distinct else ""
    return order.total, f"{order.total:,} images in {args.out}{left_out}"


def _vary(args: argparse.Namespace, model: hub.Model, folder: Path, packed: bool, command: str) -> tuple[int, str] | None:
    """As ``_draw``, of variations of pictures."""
    if args.push:
        raise ValueError("--push is for sets that are drawn from seeds: leave it out with --from-pictures")
    asked = Variations(args.each, args.way, args.strength, args.first_seed)
    pictures, left_out = read_pictures(args.from_pictures, model)
    for why in left_out:
        print(f"left out: {why}", file=sys.stderr)
    if packed and is_packed(args.out, asked.record(model, pictures)):
        return None
    total = asked.each * len(pictures)
    if not folder.exists():
        check_room(folder, estimate(model, Order((total,))) * (1 + packed))
    directions = load_directions(hub.folder_of(args.model)[0], model.G)
    with tqdm(leave=False) as bar:
        for told in vary(model, pictures, asked, folder, directions):
            if told.what != bar.desc.removesuffix(": "):
                bar.set_description(told.what, refresh=False)
                bar.reset(told.total)
            bar.update(told.done - bar.n)
    write_variations_card(folder, model, asked, len(pictures), command)
    return total, f"{total:,} variations of {len(pictures):,} pictures in {args.out}"


def _counts(args: argparse.Namespace, model: hub.Model) -> tuple[int, ...]:
    if args.complete:
        return complete(model, args.complete)
    if args.counts:
        found = {}
        for text in args.counts:
            name, _, number = text.rpartition("=")
            if not number.isdecimal():
                raise ValueError(f"cannot read {text!r}: --counts takes CLASS=N, as in 3=500")
            if name in found:
                raise ValueError(f"--counts names {name!r} twice: give each class once")
            found[name] = int(number)
        return by_class(model, found)
    return balanced(model, args.count) if args.balance else (args.count,)
