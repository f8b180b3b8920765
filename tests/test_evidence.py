"""Do a generator's pictures help? Who sees which pictures, what an arm is fed, intervals, verdict, and the whole command."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import ROOT, error_of, train
from conftest import tiny_generator, tiny_images
from scipy import stats

from gan import hub
from gan.hub.card import card
from gan.hub.evidence import evidence_of
from gan.image import to_pil
from gan.ui.pages.tree import scoreboard
from train.data.images import load_images
from train.data.part import hold_out, part
from train.evidence import experiment as cells
from train.evidence import split as splitting
from train.evidence.diet import CLASSIC, Classic, Diet, Fakes, feeder, weights
from train.evidence.judged import ResNet, right_by_class
from train.evidence.plot import plot
from train.evidence.split import split
from train.evidence.statistics import Interval, interval, verdict

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


# Intervals and the verdict


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_the_interval_is_that_of_the_paired_t_test(n):
    a, b = np.random.RandomState(n).rand(2, n)
    found, expected = interval(a - b), stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx((a - b).mean())


def test_the_interval_in_closed_form():
    found = interval([0.1, 0.3])  # t of one degree of freedom is a Cauchy: tan(0.475 pi) = 12.7062
    assert (found.low, found.high) == pytest.approx((0.2 - 12.7062 * 0.1, 0.2 + 12.7062 * 0.1), abs=1e-4)
    assert interval([0.5] * 4) == Interval(0.5, 0.5, 0.5) and interval([0.5]) == Interval(0.5, None, None)
    assert str(Interval(-0.0001, -0.0004, 0.0004)) == "0.0 (0.0 to 0.0)"
    assert str(Interval(0.013, 0.002, 0.024)) == "1.3 (0.2 to 2.4)" and str(Interval(0.5, None, None)) == "50.0 (one seed)"


UP, DOWN, OPEN = Interval(0.02, 0.01, 0.03), Interval(-0.02, -0.03, -0.01), Interval(0.0, -0.03, 0.03)


@pytest.mark.parametrize("gains, taught, word, reason", [
    ({"a": UP, "b": OPEN}, 0.9, "use", "in 1 of 2 regimes, 95% intervals (a: 2.0 (1.0 to 3.0) points)"),
    ({"a": DOWN, "b": OPEN}, 0.9, "do not use", "they harm in 1 of 2 regimes"),
    ({"a": UP, "b": DOWN}, 0.9, "undecided", "help with some sizes and harm with others"),
    ({"a": OPEN}, 0.9, "undecided", "no gain and no harm is sure"),
    ({"a": OPEN}, 0.1, "do not use", "alone they teach at most 10%"),
    ({"a": OPEN}, -0.1, "do not use", "alone they teach at most 0%"),
    ({"a": UP}, 0.1, "use", "1 of 1"),  # what was seen to help helps
    ({"a": Interval(0.0, -0.001, 0.001)}, 0.9, "do not use", "under half a point"),
    ({"a": Interval(0.1, None, None)}, 0.9, "undecided", "one seed"),
    ({"a": Interval(0.1, None, None), "b": DOWN}, 0.9, "do not use", "in 1 of 1 regimes"),
    ({}, 0.9, "undecided", "nothing was run"),
])
def test_the_verdict(gains, taught, word, reason):
    found = verdict(gains, dict.fromkeys(gains, taught))
    assert found.word == word and reason in found.reason and "\n" not in found.reason


# Who sees which pictures


def digests(images) -> set[bytes]:
    return {picture.tobytes() for picture in images.pixels}


def test_the_parts_of_a_split_have_no_picture_in_common():
    images = tiny_images(classes=3, count=150)
    found = split(images)
    parts = [digests(p) for p in (found.pool, found.validation, found.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 150
    counts = [np.bincount(p.labels).tolist() for p in (found.test, found.validation, found.pool)]
    assert counts == [[10] * 3, [8] * 3, [32] * 3]
    again = split(images)
    assert all(np.array_equal(getattr(found, p).pixels, getattr(again, p).pixels) for p in ("pool", "validation", "test"))


def test_a_subset_lies_in_a_larger_one_of_its_seed_and_differs_from_another_seeds():
    found = split(tiny_images(classes=3, count=150))
    few, more, other = (found.subset(size, seed) for size, seed in (("5", 0), ("20", 0), ("5", 1)))
    assert digests(few) < digests(more) <= digests(found.pool) and digests(few) != digests(other)
    assert np.bincount(few.labels).tolist() == [5] * 3 and few.spec.count == 15 and few.fingerprint != other.fingerprint
    assert np.bincount(found.to_choose_by("5").labels).tolist() == [5] * 3
    assert len(found.to_choose_by("20").pixels) == 24  # as many as there are
    assert np.array_equal(found.subset("all", 0).pixels, found.pool.pixels)


def test_the_long_tail_and_a_size_that_is_too_large(monkeypatch):
    found = split(tiny_images(classes=3, count=150))
    with pytest.raises(ValueError, match="200 pictures of 'class0' are asked for, and 32 can be learnt from"):
        found.wanted("tail")
    monkeypatch.setattr(splitting, "LONGEST", 32)
    monkeypatch.setattr(splitting, "SHORTEST", 2)
    assert found.wanted("tail").tolist() == [32, 8, 2]


def test_copies_of_test_pictures_are_left_out():
    images = tiny_images(classes=2, count=100)
    test = part(images, np.arange(0, 100, 3))
    found = split(images, test)
    assert found.copies == 34 and not digests(found.test) & (digests(found.pool) | digests(found.validation))


def test_bad_pictures_are_refused_in_one_line():
    images = tiny_images(classes=3, count=60)
    with pytest.raises(ValueError, match="tiny has no labels: put the pictures of each class in a sub-folder"):
        split(tiny_images(count=60))
    rare = np.flatnonzero((images.labels != 1) | (np.cumsum(images.labels == 1) <= 2))
    with pytest.raises(ValueError, match="class 'class1' has 2 pictures, and a split needs at least 10 of each"):
        split(part(images, rare))
    with pytest.raises(ValueError, match="class 'class2' has 0 pictures, and the test set needs at least 1"):
        split(images, part(images, np.flatnonzero(images.labels != 2)))
    with pytest.raises(ValueError, match="has other classes or colours"):
        split(images, tiny_images(classes=2, count=60))
    with pytest.raises(ValueError, match="after copies of test pictures were left out"):
        split(images, images)


# What an arm is fed


def fakes(each=4, classes=3, sure=None):
    labels = np.repeat(np.arange(classes), each)
    return Fakes(np.zeros((len(labels), 16, 16, 1), np.uint8), labels, np.ones(len(labels), bool) if sure is None else sure)


def masses(diet, counts, given=None):
    """(real, fake) mass of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    given = fakes(classes=len(counts)) if given is None else given
    real, fake = weights(diet, labels, given, len(counts))
    fake = fake if len(fake) else np.zeros(len(given.labels))
    assert real.sum() + fake.sum() == pytest.approx(1)
    return np.bincount(labels, real), np.bincount(given.labels, fake)


def test_weights_in_closed_form():
    for diet, real, fake in [
            (Diet(), [0.5, 0.3, 0.2], [0, 0, 0]),
            (Diet(balanced=True), [1 / 3] * 3, [0, 0, 0]),
            (Diet(ratio=1), [1 / 3, 1 / 3 * 3 / 5, 1 / 3 * 2 / 5], [0, 1 / 3 * 2 / 5, 1 / 3 * 3 / 5]),  # filled to 5
            (Diet(reals=False), [0, 0, 0], [1 / 3] * 3)]:
        found = masses(diet, [5, 3, 2])
        assert found[0] == pytest.approx(real) and found[1] == pytest.approx(fake)
    real, fake = masses(Diet(ratio=4), [5, 5, 5])
    assert fake.sum() == pytest.approx(4 / 5) and fake == pytest.approx([4 / 15] * 3)


def test_only_sure_fakes_are_fed_and_a_class_without_any_keeps_its_reals():
    sure = np.arange(12) % 4 == 0
    sure[8:] = False
    real, fake = masses(Diet(ratio=1, sure=True), [5, 5, 5], fakes(sure=sure))
    assert real == pytest.approx([1 / 6, 1 / 6, 1 / 3]) and fake == pytest.approx([1 / 6, 1 / 6, 0])
    _, each = weights(Diet(ratio=1, sure=True), np.repeat(np.arange(3), 5), fakes(sure=sure), 3)
    assert (each[~sure] == 0).all()


def test_classic_augmentation_changes_what_it_says():
    x = torch.rand(64, 1, 16, 16) * 2 - 1
    rng = torch.Generator().manual_seed(0)
    assert torch.allclose(Classic(0, 0, 0, 0)(x, rng), x, atol=1e-5)
    flipped = Classic(0, 0, 0, 0, flip=True)(x, rng)
    mirrored = (flipped - x.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    same = (flipped - x).abs().amax((1, 2, 3)) < 1e-5
    assert (mirrored ^ same).all() and 16 < mirrored.sum() < 48
    quarter = Classic(90, 0, 0, 0)(x, torch.Generator().manual_seed(1))
    assert quarter.shape == x.shape and quarter.abs().max() <= 1
    changes = [(classic(x, torch.Generator().manual_seed(0)) - x).abs().mean() for classic in CLASSIC.values()]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_the_same_seed_feeds_the_same_and_mixup_mixes_labels_as_pictures():
    images = tiny_images(classes=3, count=60)
    a, b = (feeder(Diet(classic="strong"), images, None, seed=3, steps=2)() for _ in range(2))
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])
    grey = 100 * images.labels.astype(np.uint8)[:, None, None, None]
    flat = replace(images, pixels=np.broadcast_to(grey, images.pixels.shape))
    x, shares = feeder(Diet(mixup=True), flat, None, seed=0, steps=1)()
    expected = shares @ (torch.tensor([0.0, 100, 200]) / 127.5 - 1)
    assert torch.allclose(x.mean((1, 2, 3)), expected, atol=1e-5) and ((shares > 0).sum(1) == 2).any()


@pytest.mark.parametrize("resolution", [8, 32, 64])
def test_the_classifier_ends_at_four_pixels(resolution):
    net = ResNet(3, 5, resolution)
    x = torch.zeros(2, 3, resolution, resolution)
    assert net.stages(x).shape[2:] == (4, 4) and net(x).shape == (2, 5)


def test_right_by_class():
    assert right_by_class(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), 4) == [1, 0.5, 1, 0]


# The command


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
    assert "--set and other --sizes than all are for a recipe" in error_of(capsys)


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
    assert "15 pictures of shapes at 16 px are the test set" in (out / "e.md").read_text() and regime["counts"] == [12] * 3


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
