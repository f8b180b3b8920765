"""What the scoreboards share: rows trained by ``python -m train`` for equal minutes of the processor, one table a board.

A board can be stopped and started again at any moment: a row goes on from its run's checkpoint, a row that is in the table
with the same settings is not trained again, and several processes may fill one table (``--only``).
"""

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.timing import processor_s
from gan.engine import device_name
from train.data.images import Images
from train.recipe import Recipe
from train.recipes import RECIPES
from train.run.budget import images_per_s, kimg_in
from train.settings import overridden

RESULTS = Path(__file__).resolve().parent / "results"
WAITING = "not run yet"
# What a run's export is (train/run/best.py), for the protocols of the tables that are read in the same features.
BEST_OF = ("A row's weights are those of the best of up to ten readings that its run took in these features, on up to 1,000 "
           "of these pictures.")

# Settings of rows, the same on every board.
NARROW = ("g.width=32", "d.width=32")
STYLE = (*NARROW, "g.w_dim=64")
STRONG = "penalties=R1(1, every=16), PathLength()"  # StyleGAN2's own, with a gamma for digits
R3GAN = ("g.width=24", "d.width=24", "batch=16", "precision=bfloat16",
         *(f"{net}_opt.lr=Schedule(3e-3, 7.5e-4, shape='cosine')" for net in "gd"))
# Two time scales (Heusel et al. 2017, arXiv:1706.08500, there 3e-4 and 1e-4) in the place of five D updates.
ONE_UPDATE = (*NARROW, "d_steps=1", "batch=32", "d_opt.lr=Schedule(6e-4, 0)")


@dataclass(frozen=True)
class Row:
    """One line of a table: a recipe with what is set otherwise."""

    name: str
    recipe: str
    settings: tuple[str, ...] = ()
    seed: int = 0

    def resolved(self, images: Images) -> Recipe:
        return overridden(RECIPES[self.recipe](images.spec), self.settings)


COMMON = {row.name: row for row in (  # rows of both boards
    Row("stylegan2", "stylegan2", STYLE),
    Row("stylegan2, R1 of weight 1", "stylegan2", (*STYLE, STRONG)),
    Row("stylegan", "stylegan", STYLE),
    Row("progan", "progan", NARROW),
    Row("wgan-gp", "wgan-gp", NARROW),
    Row("wgan-gp, one D update", "wgan-gp", ONE_UPDATE),
    Row("sngan, one D update", "sngan", ONE_UPDATE),
    Row("biggan", "biggan", NARROW),
    Row("r3gan", "r3gan", R3GAN),
    Row("r3gan, R1 and R2 of weight 1", "r3gan", (*R3GAN, "penalties=" + ", ".join(
        f"{term}(Schedule(1, 0.1, shape='cosine'))" for term in ("R1", "R2")))),
    Row("cgan-mlp", "cgan-mlp"),
    Row("vae", "vae", ("g.width=32", "e.width=24", "latent.noise=32")),
    Row("vae, beta 4", "vae", ("g.width=32", "e.width=24", "latent.noise=32", "penalties=Reconstruction(), KL(4)")),
    Row("vae-gan", "vae-gan", ("g.width=32", "e.width=24", "d.width=32")),
    Row("cvae-gan", "cvae-gan", ("g.width=32", "e.width=24", "d.width=32")),
)}


@dataclass(frozen=True)
class Board:
    """A scoreboard: where its table lies, and how a finished model is judged."""

    name: str
    title: str
    protocol: str
    columns: dict[str, str]  #                   key of a judgement -> heading
    judge: Callable[[Path], dict[str, Any]]  #   model folder -> judgement

    @property
    def path(self) -> Path:
        return RESULTS / f"{self.name}.json"

    def out(self, row: Row, runs: Path) -> Path:
        """The folder of the row's run."""
        return runs / re.sub("[^a-z0-9]+", "-", f"{self.name}-{row.name}".lower())

    def read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text("utf-8")) if self.path.exists() else {"rows": []}

    def record(self, row: dict[str, Any], order: Sequence[str]) -> None:
        """Puts the row into the table, in the place of an older one of its name; others may write at the same time."""
        RESULTS.mkdir(exist_ok=True)
        with open(RESULTS / f".{self.name}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = {r["name"]: r for r in [*self.read()["rows"], row]}
            table = dict(title=self.title, protocol=self.protocol, columns=self.columns,
                         rows=[rows[name] for name in order if name in rows])
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
            os.replace(part, self.path)
            self.path.with_suffix(".md").write_text(markdown(table), "utf-8")


def markdown(table: dict[str, Any]) -> str:
    """The table for readers."""
    heads = {**table["columns"], "kimg": "thousand images", "parameters": "parameters of G", "cpu_minutes": "CPU minutes",
             "settings": "settings"}
    lines = [f"# {table['title']}", "", table["protocol"], "",
             f"| | {' | '.join(heads.values())} |", "|---" * (len(heads) + 1) + "|"]
    for row in table["rows"]:
        cells = [row["not_run"], *[""] * (len(heads) - 1)] if "not_run" in row else [_cell(row.get(k, "")) for k in heads]
        lines.append(f"| {row['name']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"`{v}`" for v in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def fill(board: Board, rows: Sequence[Row], images: Images, data: str, args: argparse.Namespace) -> None:
    """Trains and judges the rows in their order, that of importance, and says of the others why they stand empty."""
    order = [row.name for row in rows]
    if unknown := [name for name in args.only or () if name not in order]:
        raise ValueError(f"no row is called {unknown[0]}; there are: {'; '.join(order)}")
    todo = []
    for row in rows:  # the table is whole from the beginning; a figure stays until another takes its place
        done = {r["name"]: r for r in board.read()["rows"]}.get(row.name, {"not_run": WAITING})
        same = done.get("minutes") == args.minutes and tuple(done.get("settings", ())) == row.settings
        try:
            row.resolved(images)
            reason = WAITING
        except ValueError as error:
            reason = str(error).partition(":")[0]
        if "not_run" in done:
            board.record({"name": row.name, "not_run": reason}, order)
        if reason == WAITING and not same and (not args.only or row.name in args.only):
            todo.append(row)
    for k, row in enumerate(todo):
        began = time.monotonic()
        print(f"{board.name}: {row.name}, {k + 1} of {len(todo)}, {args.minutes:g} CPU minutes each, about "
              f"{(len(todo) - k) * args.minutes:.0f} minutes left", flush=True)
        out = board.out(row, args.runs)
        cpu_s = _train(row, images, data, out, args)
        judged = board.judge(out / "export")
        training = json.loads((out / "export" / "training.json").read_text("utf-8"))
        result = dict(name=row.name, recipe=row.recipe, settings=list(row.settings), minutes=args.minutes,
                      kimg=round(training["nimg"] / 1000, 1), cpu_minutes=round(cpu_s / 60, 1), seed=row.seed,
                      hardware=f"{device_name(torch.device('cpu'))}, 1 thread", command=training["command"], **judged)
        board.record(result, order)
        print(json.dumps(result), f"({time.monotonic() - began:.0f} s)", flush=True)


def _train(row: Row, images: Images, data: str, out: Path, args: argparse.Namespace) -> float:
    """One run, to its end, from where it stands: the processor's seconds."""
    recipe, plan = row.resolved(images), out / "plan.json"
    if not plan.exists():
        out.mkdir(parents=True, exist_ok=True)
        kimg = kimg_in(args.minutes, images_per_s(recipe, images, clock=time.process_time))
        plan.write_text(json.dumps({"minutes": args.minutes, "kimg": kimg}), "utf-8")
    planned = json.loads(plan.read_text("utf-8"))
    if planned["minutes"] != args.minutes:
        raise ValueError(f"{out} holds a run of {planned['minutes']:g} minutes: choose another folder with --runs")
    command = [sys.executable, "-m", "train", row.recipe, "--data", data, "--out", str(out), "--kimg", str(planned["kimg"]),
               "--seed", str(row.seed), "--device", "cpu", "--licence", args.licence, "--resume",
               *(w for s in row.settings for w in ("--set", s))]
    return training_s(command, out)


def training_s(command: Sequence[str], out: Path) -> float:
    """Runs a training in the folder ``out`` to its end: the processor's seconds, summed over all attempts."""
    out.mkdir(parents=True, exist_ok=True)
    spent, before = out / "cpu_s.txt", processor_s()
    try:
        with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as child:
            try:
                child.wait()
            except KeyboardInterrupt:
                child.wait()  # was interrupted too, and saves its checkpoint
                raise
            except Terminated:
                child.terminate()
                child.wait()
                raise
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
    finally:
        spent.write_text(str((float(spent.read_text("utf-8")) if spent.exists() else 0.0) + processor_s() - before), "utf-8")
    return float(spent.read_text("utf-8"))


MNIST = {"train": "MNIST's training split", "test": "its test split"}


def parser(name: str, doc: str, minutes: float, *, data: dict[str, str] = MNIST,
           licence: str = "CC BY-SA 3.0") -> argparse.ArgumentParser:
    """``data`` is what the board reads: option -> help."""
    p = argparse.ArgumentParser(f"python -m benchmarks.{name}", description=doc,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, text in data.items():
        p.add_argument(f"--{option}", required=True, help=text)
    p.add_argument("--minutes", type=float, default=minutes, help=f"of the processor, a row (default: {minutes:g})")
    p.add_argument("--only", nargs="+", metavar="ROW",
                   help="train these rows (default: all, in order of importance)")
    p.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs (default: runs)")
    p.add_argument("--licence", default=licence, help="of the data, for the cards")
    return p


class Terminated(BaseException):
    """SIGTERM, which unlike Ctrl-C reaches this process alone and not the training that it waits for."""


def _terminated(number: int, frame: object) -> None:
    raise Terminated


def main(work: Callable[[argparse.Namespace], None], p: argparse.ArgumentParser) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        work(p.parse_args())
        return 0
    except subprocess.CalledProcessError as error:
        return error.returncode  # training said what went wrong
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Terminated:
        return 143
