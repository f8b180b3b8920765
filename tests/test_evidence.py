"""python -m train evidence: the whole command, killed and gone on with, of a recipe, of a model, and from another model."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import ROOT, error_of, train
from conftest import tiny_generator, tiny_images

from gan import hub
from gan.hub.card import card
from gan.hub.evidence import evidence_of
from gan.image import to_pil
from gan.ui.pages.tree import scoreboard
from train.asked import Asked
from train.auto import planned
from train.data.images import load_images
from train.data.mirror import strange_mirror_images
from train.data.part import hold_out
from train.evidence import experiment as cells
from train.evidence.diet import Diet
from train.evidence.fakes import FromRecipe, origin_of
from train.evidence.plot import plot
from train.evidence.statistics import Interval, interval
from train.run.origin import read_origin
from train.run.world import World

TINY = ["--set", "g.width=4", "--set", "d.width=4", "--set", "batch=4", "--device", "cpu", "--kimg", "0.016", "--steps", "3"]
SMALL = "import train.evidence.experiment as e; e.FEWEST_FAKES = 4; e.MOST_FAKES = 12; e.COMPARED = 8"


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in (("FEWEST_FAKES", 4), ("MOST_FAKES", 12), ("COMPARED", 8)):
        monkeypatch.setattr(cells, name, value)


def write(folder: Path, images, rows=None) -> Path:
    """A set as class folders of PNGs."""
    for k in range(len(images.pixels)) if rows is None else rows:
        path = folder / images.spec.class_names[images.labels[k]] / f"{k:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        to_pil(images.pixels[k]).save(path)
    return folder


@pytest.fixture
def shapes(tmp_path):
    """A folder of 60 pictures in three classes, told apart by the place of a square."""
    return write(tmp_path / "shapes", tiny_images(classes=3, count=60))


def evidence(*args) -> int:
    return train("evidence", *args)


def files_of(out: Path) -> dict[str, bytes]:
    return {path.suffix: path.read_bytes() for path in out.glob(f"{out.name}.*")}


def test_the_same_command_makes_the_same_table_and_goes_on_where_it_was(shapes, tmp_path, capsys):
    out, other = tmp_path / "a" / "e", tmp_path / "b" / "e"
    asked = ["cgan-mlp", "--data", shapes, "--sizes", "5", "tail", "--seeds", 2, *TINY]
    assert evidence(*asked, "--out", out) == 0
    told = capsys.readouterr().out
    first = files_of(out)
    assert first.keys() == {".json", ".md", ".svg"} and told.strip() == first[".md"].decode().strip()
    stamps = {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*.*")}
    assert evidence(*asked, "--out", out) == 0 and files_of(out) == first
    assert stamps == {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*.*")}  # nothing was trained again
    assert evidence(*asked, "--out", other) == 0 and files_of(other) == first
    table = json.loads(first[".json"])
    assert [regime["size"] for regime in table["regimes"]] == ["5"] and table["regimes"][0]["counts"] == [5, 5, 5]
    assert table["not_run"] == {
        "long tail, 200 to 10 a class": "200 pictures of 'class0' are asked for, and 13 can be learnt from"}
    gain, by_class = table["regimes"][0]["against_classic"]["classic + gan"], table["regimes"][0]["by_class"]
    assert gain[1] <= gain[0] <= gain[2] and np.mean([g[0] for g in by_class]) == pytest.approx(gain[0], abs=1e-4)
    assert table["command"].startswith("python -m train evidence cgan-mlp --data shapes --sizes 5 tail --seeds 2 --steps 3")
    assert str(tmp_path) not in "".join(data.decode() for data in first.values())
    assert plot(table) == first[".svg"].decode()
    board = scoreboard(table, "e")  # as the app shows it
    assert board["heads"] == ["balanced accuracy, %", "against nothing, points", "against classic, points"]
    assert board["rows"][0]["cells"][0] == table["rows"][0]["accuracy"] and "are asked for" in board["rows"][-1]["not_run"]
    stats_of = [json.loads(p.read_text())["test"] for p in sorted((out / "cells").glob("5-*/nothing.json"))]
    assert table["regimes"][0]["accuracy"]["nothing"] == pytest.approx([*_plain(interval(np.mean(stats_of, 1)))], abs=1e-5)


def _plain(found: Interval):
    return found.mean, found.low, found.high


def test_what_a_seed_finds_hangs_on_nothing_but_the_seed(tmp_path):
    """Cells of a group are the same whatever was run before it. In colour."""
    shapes = write(tmp_path / "shapes", tiny_images(classes=3, count=60, channels=3))
    asked = ["cgan", "--data", shapes, "--sizes", "5", *TINY]
    assert evidence(*asked, "--seeds", 2, "--out", tmp_path / "e") == 0
    for path in (tmp_path / "e" / "cells" / "5-0").glob("*"):
        path.unlink()
    (tmp_path / "e" / "cells" / "5-1" / "fakes-alone.json").unlink()
    before = (tmp_path / "e" / "e.json").read_bytes()
    assert evidence(*asked, "--seeds", 2, "--out", tmp_path / "e") == 0
    assert (tmp_path / "e" / "e.json").read_bytes() == before


def start(*args):
    """The command in a process of its own, slow enough to be met in the middle."""
    code = (f"import torch, sys, time; torch.set_num_threads(1); {SMALL}; t = e.trained; "
            "e.trained = lambda *a: (time.sleep(0.2), t(*a))[1]; import train.__main__ as m; sys.exit(m.main())")
    return subprocess.Popen([sys.executable, "-c", code, "evidence", *map(str, args)], cwd=ROOT, stderr=subprocess.PIPE,
                            stdout=subprocess.DEVNULL, text=True)


def wait_for_cells(out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list(out.glob("cells/*/*.json"))) < count and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_killed_experiment_goes_on_and_ctrl_c_tells_what_is_there(shapes, tmp_path):
    asked = ["cgan-mlp", "--data", shapes, "--sizes", "5", "--seeds", 1, *TINY]
    out = tmp_path / "killed" / "e"
    process = start(*asked, "--out", out)
    wait_for_cells(out, 3)
    process.kill()
    process.communicate()
    there = {path: path.read_bytes() for path in out.glob("cells/*/*.json")}
    assert there and not (out / "e.json").exists() and all(json.loads(data) for data in there.values())
    process = start(*asked, "--out", out)
    wait_for_cells(out, len(there) + 4)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130 and "what was finished is kept, and the same command goes on" in said
    assert "not run" in (out / "e.md").read_text()
    assert evidence(*asked, "--out", out) == 0
    assert all(path.read_bytes() == data for path, data in there.items())
    assert evidence(*asked, "--out", tmp_path / "whole" / "e") == 0
    assert files_of(out) == files_of(tmp_path / "whole" / "e")


@pytest.mark.parametrize("more, line", [
    (["dcgan"], "dcgan draws no classes, and a classifier needs labels"),
    (["nothing-like-it"], "nor is it a recipe"),
    (["cgan", "--sizes", "3"], "a size is a number of pictures a class from 5 on"),
    (["cgan", "--sizes", "500"], "500 pictures of 'class0' are asked for, and 13 can be learnt from"),
    (["cgan", "--seeds", "0"], "--seeds must be from 1"),
    (["cgan", "--write"], "--write needs the name of a model"),
    (["auto", "--write", "mnist-cgan"], "auto may choose another"),
    (["cgan", "--set", "g.depth=3"], "unknown setting 'g.depth'"),
])
def test_mistakes_are_told_in_one_line_before_anything_is_trained(shapes, tmp_path, capsys, more, line):
    size = [] if "--sizes" in more else ["--sizes", "5"]
    assert evidence(*more, "--data", shapes, "--out", tmp_path / "e", *size) == 1
    assert line in error_of(capsys) and not (tmp_path / "e").exists()


def test_another_experiment_is_not_taken_for_this_one(shapes, tmp_path, capsys):
    asked = ["cgan-mlp", "--data", shapes, "--sizes", "5", "--seeds", 1, *TINY, "--out", tmp_path / "e"]
    assert evidence(*asked) == 0
    assert evidence(*asked, "--steps", 4) == 1
    assert "holds another experiment: steps was 3 and is 4; choose another --out" in error_of(capsys)


# A model that was trained before


@pytest.fixture
def of_shapes(tmp_path, shapes):
    """(folder of a model whose record says that it was trained on the shapes, pictures that it has not seen)"""
    folder = tmp_path / "drawer"
    hub.save(folder, tiny_generator("dcgan", classes=3), class_names=("class0", "class1", "class2"))
    record(folder, load_images(shapes).fingerprint)
    more = tiny_images(classes=3, count=90)
    return folder, write(tmp_path / "others", more, range(60, 90))


def record(folder, fingerprint, **more):
    (folder / "training.json").write_text(json.dumps(dict(
        recipe="cgan", paper="arXiv:1411.1784",
        data=dict(name="shapes", images=60, classes=3, fingerprint=fingerprint, **more),
        command="python -m train cgan --data shapes --set d.width=4")))


def test_a_model_that_saw_the_test_pictures_is_refused(shapes, of_shapes, tmp_path, capsys):
    model, others = of_shapes
    asked = [model, "--data", shapes, "--out", tmp_path / "e"]
    assert evidence(*asked) == 1
    assert "drawer was trained on all of shapes, as its training.json says, and so on the test pictures" in error_of(capsys)
    assert evidence(*asked, "--test", shapes) == 1
    assert "drawer was trained on the test pictures (shapes)" in error_of(capsys)
    record(model, "0" * 32)
    assert evidence(*asked, "--test", others) == 1
    said = error_of(capsys)
    assert "which pictures drawer has seen is not known" in said and "python -m train evidence cgan --data" in said
    record(model, load_images(shapes).fingerprint)
    copy = shapes / "class1" / "0001.png"
    (others / "class1" / "copy.png").write_bytes(copy.read_bytes())
    assert evidence(*asked, "--test", others) == 1
    assert "drawer has seen 1 of the test pictures: copies of them are among shapes" in error_of(capsys)
    assert evidence(*asked, "--test", others, "--sizes", "5") == 1
    assert "--set, --from and other --sizes than all are for a recipe" in error_of(capsys)


def test_the_verdict_goes_into_the_models_record_and_card(shapes, of_shapes, tmp_path):
    model, others = of_shapes
    command = evidence_of(hub.load(model).training, "drawer", ("class0",))
    assert command.verdict == "not examined" and command.command == (
        "python -m train evidence cgan --data shapes --set d.width=4 --out runs/evidence --write drawer")
    out = tmp_path / "e"
    assert evidence(model, "--data", shapes, "--test", others, "--seeds", 2, "--steps", 3, "--out", out, "--write") == 0
    loaded = hub.load(model)
    found, table = evidence_of(loaded.training, "drawer", loaded.class_names), json.loads((out / "e.json").read_text())
    assert (found.verdict, found.reason) == (table["verdict"], table["reason"])
    assert [row[0] for row in found.rows] == [row["name"] for row in table["rows"]]
    text = (model / "README.md").read_text()
    assert f"**{found.verdict.capitalize()}**: {found.reason}." in text
    assert f"| {found.rows[0][0]} | {found.rows[0][1]} |" in text
    assert found.examined.startswith(f"this model, revision {loaded.revision}, beside the 60 pictures")
    assert card("drawer", loaded, {**loaded.training, "evidence": {"verdict": "buy"}}).count("help a classifier") == 0


def test_what_a_training_held_out_is_the_test_set(shapes, of_shapes, tmp_path):
    model, _ = of_shapes
    trained, _ = hold_out(load_images(shapes), 0.25)
    record(model, trained.fingerprint, held_out=0.25)
    out = tmp_path / "e"
    assert evidence(model, "--data", shapes, "--seeds", 2, "--steps", 3, "--out", out) == 0
    regime = json.loads((out / "e.json").read_text())["regimes"][0]
    text = (out / "e.md").read_text()
    assert "15 pictures of shapes at 16 px are the test set" in text and regime["counts"] == [12] * 3
    assert "evidence drawer --data shapes --seeds 2 --steps 3 --out runs/e" in text  # no --test: it would be refused


def test_a_verdict_is_not_written_to_a_model_of_another_recipe(shapes, of_shapes, tmp_path, capsys):
    model, _ = of_shapes
    assert evidence("acgan", "--data", shapes, "--sizes", "5", "--out", tmp_path / "e", "--write", model) == 1
    assert "drawer was trained by the recipe 'cgan', and this examines acgan" in error_of(capsys)


@pytest.mark.parametrize("said", [None, 3, {}, {"verdict": "sell"}, {"verdict": ["use"]},
                                  {"verdict": "use", "reason": 5, "rows": [[1, 2], "x", ["a"]], "columns": "no"}])
def test_whatever_a_record_says_is_read(said):
    found = evidence_of({"evidence": said, "recipe": ["x"], "data": 5, "command": "'"}, "m", ("a",))
    assert found.verdict == ("use" if isinstance(said, dict) and said.get("verdict") == "use" else "not examined")
    assert all(isinstance(text, str) for row in found.rows for text in row)


def test_the_choice_is_by_cross_entropy_and_of_equals_the_first():
    loss = {"classic light": 0.2, "classic medium": 0.1, "classic strong": 0.1}
    best = cells._best([Diet(classic=name) for name in ("light", "medium", "strong")],
                       lambda diet: cells.Cell(diet.name, loss[diet.name], test=[1.0], fakes=[]))
    assert best.classic == "medium"


def test_a_folder_of_auto_is_of_one_kind_of_machine():
    """Its table has other batches where a GPU is: the cells would be of two recipes."""
    cpu, gpu = (FromRecipe("auto", (), 20, torch.device(kind)).identity for kind in ("cpu", "cuda"))
    assert cpu != gpu and all(FromRecipe("cgan", (), 20, torch.device(kind)).identity.keys() < cpu.keys()
                              for kind in ("cpu", "cuda"))


# From another model


@pytest.fixture
def other(tmp_path):
    """A run of other pictures of the same classes."""
    others = write(tmp_path / "others", tiny_images(classes=3, count=90), range(60, 90))
    assert train("cgan-mlp", "--data", others, "--out", tmp_path / "run", *TINY[:-2]) == 0
    return tmp_path / "run"


def test_a_gan_goes_on_from_another_one(shapes, other, tmp_path, capsys):
    images = load_images(shapes)
    origin = origin_of(str(other), images, None)
    source = FromRecipe("auto", ("g_opt.lr=0.0",), 0.016, torch.device("cpu"), origin)  # nothing is learnt
    G = source.generator(images, 0, 0.5, lambda done: None)
    for name, value in G.named_parameters():  # the average moves towards a G that stands still
        ends = torch.stack([origin.G[name], origin.G_ema[name]])
        assert (ends.amin(0) - 1e-6 <= value).all() and (value <= ends.amax(0) + 1e-6).all()
    asked = ["--data", shapes, "--sizes", "5", "--seeds", 1, "--steps", 3, "--kimg", 0.016, "--device", "cpu"]
    assert evidence("auto", *asked, "--from", other, "--out", tmp_path / "e") == 0
    said = (tmp_path / "e" / "e.md").read_text()
    assert "# Do the pictures help? auto from run after" in said and "from run, which was trained on other pictures" in said
    assert "evidence auto --data shapes --sizes 5 --seeds 1 --steps 3 --from runs/run --kimg" in said
    assert evidence("auto", *asked, "--out", tmp_path / "e") == 1 and "from was run@" in error_of(capsys)


def test_auto_goes_on_from_a_model_as_a_training_does():
    images, origin = tiny_images(channels=3, classes=3, resolution=64), read_origin("cats64-dcgan")
    source = FromRecipe("auto", (), 1.0, torch.device("cpu"), origin)
    plan = planned(Asked("x", Path("x"), origin="cats64-dcgan", kimg=1.0), images, torch.device("cpu"), None, World())
    assert source.resolved(images, strange_mirror_images(images.pixels)).to_json() == plan.recipe.to_json()


def test_a_model_that_saw_what_is_judged_on_is_no_beginning(shapes, of_shapes, other, tmp_path, capsys):
    model, _ = of_shapes
    asked = ["cgan", "--data", shapes, "--sizes", "5", "--out", tmp_path / "e", "--from"]
    assert evidence(*asked, model) == 1
    assert "drawer was trained on shapes, as its training.json says, and so on pictures that are judged" in error_of(capsys)
    (model / "training.json").write_text("{}")
    assert evidence(*asked, model) == 1 and "which pictures drawer has seen is not known" in error_of(capsys)
    training = json.loads((other / "export" / "training.json").read_text())
    (other / "export" / "training.json").write_text(json.dumps({**training, "from": {"id": "x"}}))
    assert evidence(*asked, other) == 1 and "or another model that it was started from" in error_of(capsys)
    assert not (tmp_path / "e").exists()
