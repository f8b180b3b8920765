"""python -m benchmarks.few: what `python -m train` makes of few pictures in few minutes, where nobody chooses anything.

Each row takes a random part of a set, without classes where it names none, trains on it for minutes as they pass, and is
judged against pictures that it has not seen. Writes benchmarks/results/few.json and .md; a row that stopped goes on.

  python -m benchmarks.few --cats cats64.zip --flowers flowers128.zip --origin runs/cats
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.scoreboard import Board, main, training_s
from gan import hub
from gan.engine import device_name
from gan.files import read_json, replacing
from train.asked import NOTHING
from train.data.images import load_images
from train.features import OWN, load_features
from train.metrics.reading import score

PX = 64
ORIGIN = "ORIGIN"  # stands for --origin
KINDS = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Try:
    """One row: so many pictures of a set, for so many minutes, with these arguments beside."""

    name: str
    data: str
    count: int
    minutes: float
    arguments: tuple[str, ...] = ()
    classes: bool = False


FROM, NOT_FROM, AGAIN = ("--from", ORIGIN), ("--from", NOTHING), ("--seed", "1")
TRIES = (
    # From nothing: the model that is taken otherwise has seen these cats.
    Try("100 cats", "cats", 100, 5, NOT_FROM),
    Try("1,000 cats", "cats", 1000, 5, NOT_FROM),
    Try("8,000 cats", "cats", 8000, 5, NOT_FROM),
    Try("500 flowers, from another model", "flowers", 500, 10, FROM),
    Try("500 flowers, from nothing", "flowers", 500, 30, NOT_FROM),
    Try("500 flowers, from another model, seed 1", "flowers", 500, 10, (*FROM, *AGAIN)),
    Try("500 flowers, from nothing, seed 1", "flowers", 500, 30, (*NOT_FROM, *AGAIN)),
    Try("500 flowers of 5 classes, from another model", "flowers", 500, 10, FROM, classes=True),
    Try("500 flowers of 5 classes, from nothing", "flowers", 500, 30, NOT_FROM, classes=True),
    Try("100 flowers, from another model", "flowers", 100, 5, FROM),
    Try("100 flowers, from nothing", "flowers", 100, 15, NOT_FROM),
    Try("4,000 flowers, from another model", "flowers", 4000, 10, FROM),
    Try("4,000 flowers, from nothing", "flowers", 4000, 30, NOT_FROM),
)
COLUMNS = {"minutes": "minutes", "frechet_distance": "Frechet distance", "floor": "of reals", "precision": "precision",
           "recall": "recall", "coverage": "coverage", "memorised": "memorised", "samples": "pictures compared",
           "early": "recall at half", "warned": "a collapse was said at"}


def parts(data: Path, count: int, folder: Path, *, classes: bool = False) -> tuple[Path, Path]:
    """(zip of ``count`` pictures drawn at random with a fixed seed, zip of the others), flat where classes do not count."""
    kind = f"{data.stem}-classes" if classes else data.stem
    paths = folder / f"{kind}-{count}.zip", folder / f"{kind}-not-{count}.zip"
    if all(path.exists() for path in paths):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(data) as file:
        names = sorted(name for name in file.namelist() if name.lower().endswith(KINDS))
        if len(names) <= count:
            raise ValueError(f"{data.name} has {len(names):,} pictures: {count:,} and some to judge by are needed")
        order = np.random.RandomState(0).permutation(len(names))
        for path, rows in zip(paths, (order[:count], order[count:])):
            with replacing(path) as part, zipfile.ZipFile(part, "w") as out:
                for row in np.sort(rows):
                    out.writestr(names[row] if classes else names[row].replace("/", "-"), file.read(names[row]))
    return paths


def judged(trained: Path, others: Path, out: Path) -> dict[str, Any]:
    """The scores of a finished run, and when it said that it had collapsed, as a share of its budget."""
    images, unseen = (load_images(str(path), resolution=PX) for path in (trained, others))
    found = score(hub.load(str(out / "export")).G, images, load_features(OWN), name="own", held_out=unseen)
    scores, warned = found["scores"], out / "collapse" / "collapse.jsonl"
    said = [json.loads(line) for line in warned.read_text("utf-8").splitlines()] if warned.exists() else []
    first = next((line["nimg"] for line in said if "collapsed" in line["warning"]), None)
    total = 1000 * float(read_json(out / "recipe.json")["kimg"])
    wanted = {key: scores[key] for key in COLUMNS if key in scores}
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text("utf-8").splitlines()]
    early = [line["recall"] for line in lines if "recall" in line and line["nimg"] <= total / 2]
    return dict(early=early[-1] if early else "", memorised=found["memorised"], samples=found["samples"],
                floor=scores["frechet_distance_of_reals"], warned="" if first is None else f"{first / total:.0%}", **wanted)


def run(row: Try, args: argparse.Namespace) -> dict[str, Any]:
    trained, others = parts(getattr(args, row.data), row.count, args.runs / "parts", classes=row.classes)
    out = args.runs / row.name.replace(",", "").replace(" ", "-")
    arguments = [args.origin if word == ORIGIN else word for word in row.arguments]
    budget = ["--minutes", str(row.minutes)] if args.rate is None else ["--kimg", f"{row.minutes * args.rate * 0.06:g}"]
    command = [sys.executable, "-m", "train", "--data", str(trained), "--out", str(out), *budget, "--resume",
               "--device", "cpu", "--licence", "not stated: a benchmark", *arguments]
    cpu_s = training_s(command, out)
    training = read_json(out / "export" / "training.json")
    words = shlex.split(training["command"])
    return dict(name=row.name, minutes=training["minutes"], kimg=round(training["nimg"] / 1000, 1),
                cpu_minutes=round(cpu_s / 60, 1), command=training["command"],
                settings=[value for option, value in zip(words, words[1:]) if option == "--set"],
                hardware=f"{device_name(torch.device('cpu'))}, 1 thread", **judged(trained, others, out),
                parameters=sum(p.numel() for p in hub.load(str(out / "export")).G.parameters()))


def work(args: argparse.Namespace) -> None:
    protocol = ("`python -m train --data PART --minutes N --from MODEL` and nothing else, one thread, "
                f"{args.machine}; as many fakes as pictures that were not trained on, read in the features of the judge "
                "(train/features/own.safetensors). A Frechet distance depends on how many are compared: rows with other "
                "numbers of them cannot be compared. A row's weights are those of the best of up to ten readings that its "
                "run took in the same features, on the pictures that it was trained on.")
    board = Board("few", "Few pictures, few minutes, nothing chosen", protocol, COLUMNS, judged)
    for row in TRIES:
        if not args.only or row.name in args.only:
            print(f"few: {row.name}, {row.minutes:g} minutes", flush=True)
            found = run(row, args)
            board.record(found, [t.name for t in TRIES])
            print(json.dumps(found), flush=True)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m benchmarks.few", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cats", type=Path, required=True, help="cats64.zip")
    p.add_argument("--flowers", type=Path, required=True, help="flowers128.zip")
    p.add_argument("--origin", required=True, help="what --from takes: best a run, which hands on its D")
    p.add_argument("--only", nargs="+", metavar="ROW", choices=[t.name for t in TRIES], help="default: all")
    p.add_argument("--runs", type=Path, default=Path("runs/few"), help="folder of the runs (default: runs/few)")
    p.add_argument("--rate", type=float, metavar="R", help="images a second that the minutes stand for, on a machine "
                   "whose own speed changes (default: as it is)")
    p.add_argument("--machine", default="two cores, otherwise idle", help="what else the machine did, for the table")
    return p


if __name__ == "__main__":
    sys.exit(main(work, parser()))
