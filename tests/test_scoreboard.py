"""The scoreboards: what they count, in closed form, and tables that several processes fill."""

import json
import math
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from commands import ROOT
from conftest import tiny_images

from benchmarks import mnist, photos, scoreboard, stacked_mnist
from benchmarks.scoreboard import Board, Row, fill
from gan.image import to_pil
from train.recipes import RECIPES, find
from train.run.build import build_nets
from train.run.checkpoint import CHECKPOINT, peek


def board(judge=None):
    return Board("test", "A title", "How it was done.", {"score": "Score"}, judge)


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(scoreboard, "RESULTS", tmp_path / "results")
    return tmp_path / "results"


class Reader(torch.nn.Module):
    """Reads the digit that a channel's brightness spells: value 20 k is k, and is sure of it."""

    def forward(self, x):
        digit = ((x.mean((1, 2, 3)) + 1) * 127.5 / 20).round().long()
        return torch.nn.functional.one_hot(digit, 10).float() * 50


def stacks(*modes):
    digits = np.array([[m % 10, m // 10 % 10, m // 100] for m in modes], np.uint8)
    return np.broadcast_to(20 * digits[:, None, None, :], (len(modes), 8, 8, 3))


def test_modes_and_divergence():
    assert stacked_mnist.modes(Reader(), stacks(*range(1000))) == {"modes": 1000, "kl": 0, "clear": 1}
    one = stacked_mnist.modes(Reader(), stacks(*[7] * 50))
    assert one["modes"] == 1 and one["kl"] == pytest.approx(math.log(1000), abs=1e-3)
    half = stacked_mnist.modes(Reader(), stacks(*range(500), *range(500)))
    assert half["modes"] == 500 and half["kl"] == pytest.approx(math.log(2), abs=1e-3)


def test_what_is_unclear_is_said():
    blurred = torch.nn.Sequential(Reader())
    blurred.register_forward_hook(lambda net, x, y: y / 50)
    assert stacked_mnist.modes(blurred, stacks(1, 2, 3))["clear"] == 0


def test_stacking_is_the_same_every_time(tmp_path, monkeypatch):
    from train.data.images import load_images

    monkeypatch.setattr(stacked_mnist, "STACKS", 2000)
    images = tiny_images(resolution=32)
    both = []
    for k in range(2):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / str(k)))
        both.append(load_images(stacked_mnist.stacked(images)))
    assert np.array_equal(both[0].pixels, both[1].pixels) and both[0].pixels.shape == (2000, 32, 32, 3)
    picks = np.random.RandomState(0).randint(len(images.pixels), size=(2000, 3))
    assert np.array_equal(both[0].pixels[5, :, :, 2], images.pixels[picks[5, 2], :, :, 0])


@pytest.mark.parametrize("rows", [mnist.ROWS, stacked_mnist.ROWS])
def test_every_recipe_has_a_row(rows):
    spec = tiny_images(classes=10, resolution=32).spec
    assert {row.recipe for row in rows} == {name for name in RECIPES if find(name)(spec).source is None}


@pytest.mark.parametrize("rows", [mnist.ROWS, stacked_mnist.ROWS, photos.rows(0), photos.rows(10)])
def test_rows_are_recipes_that_take_their_settings(rows):
    assert len({row.name for row in rows}) == len(rows)
    images = tiny_images(classes=10, resolution=32)
    for row in rows:
        build_nets(row.resolved(images))


def _record(folder, name):
    scoreboard.RESULTS = folder
    board().record({"name": name, "score": 1}, [f"row{k}" for k in range(8)])


def test_several_processes_fill_one_table(results):
    with get_context("spawn").Pool(2) as pool:  # a fork of this process would have locks that no thread of its own frees
        pool.starmap(_record, [(results, f"row{k}") for k in reversed(range(8))])
    table = json.loads((results / "test.json").read_text())
    assert [r["name"] for r in table["rows"]] == [f"row{k}" for k in range(8)] and table["title"] == "A title"


def test_a_table_is_whole_from_the_beginning_and_nothing_is_trained_twice(results, tmp_path, monkeypatch, capsys):
    trained = []

    def training(row, images, data, out, args):
        trained.append(row.name)
        (out / "export").mkdir(parents=True, exist_ok=True)
        (out / "export" / "training.json").write_text(json.dumps({"nimg": 12_345, "command": "python -m train"}))
        return 90.0

    monkeypatch.setattr(scoreboard, "_train", training)
    rows = [Row("dcgan", "dcgan"), Row("dcgan, packs", "dcgan", ("d.pack=2",)), Row("cgan", "cgan")]
    args = SimpleNamespace(minutes=2.0, only=["dcgan, packs"], runs=tmp_path / "runs")
    judging = board(lambda folder: {"score": 0.5, "parameters": 1000})
    fill(judging, rows, tiny_images(), "data", args)
    text = (results / "test.md").read_text()
    assert trained == ["dcgan, packs"]
    assert "| dcgan | not run yet |" in text and "| cgan | cgan needs labelled data |" in text
    assert "| dcgan, packs | 0.5 | 12.3 | 1,000 | 1.5 | `d.pack=2` |" in text
    args.only = None
    fill(judging, rows, tiny_images(), "data", args)
    assert trained == ["dcgan, packs", "dcgan"]
    args.minutes = 4.0  # another protocol: everything anew
    fill(judging, rows, tiny_images(), "data", args)
    assert trained[2:] == ["dcgan", "dcgan, packs"]
    args.minutes, args.only = 8.0, ["dcgan"]  # what is not asked for keeps its figures
    fill(judging, rows, tiny_images(), "data", args)
    assert trained[4:] == ["dcgan"] and "| dcgan, packs | 0.5" in (results / "test.md").read_text()


def test_an_unknown_row_is_refused_at_once(results):
    args = scoreboard.parser("test", "doc", 1).parse_args(["--train", "a", "--test", "b", "--only", "gan"])
    with pytest.raises(ValueError, match="^no row is called gan; there are: dcgan; dcgan, packs$"):
        fill(board(), [Row("dcgan", "dcgan"), Row("dcgan, packs", "dcgan")], tiny_images(), "data", args)
    assert not results.exists()


def test_a_run_of_other_minutes_is_not_taken_for_this_one(tmp_path):
    args = SimpleNamespace(minutes=2.0, runs=tmp_path, licence="none")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "plan.json").write_text('{"minutes": 20, "kimg": 5}')
    with pytest.raises(ValueError, match="holds a run of 20 minutes: choose another folder with --runs"):
        scoreboard._train(Row("dcgan", "dcgan"), tiny_images(), "data", tmp_path / "x", args)


def test_the_seconds_of_all_attempts_are_summed(tmp_path):
    command = [sys.executable, "-c", "pass"]
    first = scoreboard.training_s(command, tmp_path / "run")
    assert scoreboard.training_s(command, tmp_path / "run") > first > 0
    with pytest.raises(subprocess.CalledProcessError):
        scoreboard.training_s([sys.executable, "-c", "raise SystemExit(1)"], tmp_path / "run")


BOARD = """
import sys
from benchmarks.scoreboard import Board, Row, fill, main, parser
from train.data.images import load_images
def work(args):
    row = Row("gan", "gan", ("g.width=4", "d.width=4", "batch=4"))
    fill(Board("test", "A title", "", {}, None), [row], load_images(args.train), args.train, args)
import benchmarks.scoreboard as b
b.RESULTS = __import__("pathlib").Path(sys.argv.pop())
sys.exit(main(work, parser("test", "", 2)))
"""


def test_a_board_that_is_terminated_ends_its_training_which_can_go_on(cache, tmp_path):
    for k, pixels in enumerate(tiny_images().pixels):
        path = tmp_path / "shapes" / f"{k}.png"
        path.parent.mkdir(exist_ok=True)
        to_pil(pixels).save(path)
    out = tmp_path / "runs" / "test-gan"
    out.mkdir(parents=True)
    (out / "plan.json").write_text('{"minutes": 2, "kimg": 1000000}')
    asked = ["--train", tmp_path / "shapes", "--test", "none", "--runs", tmp_path / "runs", tmp_path / "results"]
    process = subprocess.Popen([sys.executable, "-c", BOARD, *map(str, asked)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    log, deadline = out / "log.jsonl", time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143 and "stopping after this round" in said and "Traceback" not in said
    state, _ = peek(out / CHECKPOINT)
    assert state["nimg"] > 0 and float((out / "cpu_s.txt").read_text()) > 0
    assert "not run yet" in (tmp_path / "results" / "test.md").read_text()
