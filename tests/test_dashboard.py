"""--dashboard, with a package in Trackio's place that notes what it is told."""

import sys
from types import SimpleNamespace

import pytest
from commands import error_of, train
from runs import assert_same, tiny_run

from train.run import dashboard
from train.run.dashboard import Dashboard, meanings
from train.run.loop import Observer
from train.run.observers import Snapshots


@pytest.fixture
def told(monkeypatch):
    """(what was logged, at which step), and how the run was begun."""
    lines, begun = [], {}
    board = SimpleNamespace(name="r", log=lambda found, step: lines.append((found, step)))
    package = SimpleNamespace(Markdown=str, Image=lambda picture, caption: (picture.size, caption), finish=begun.clear,
                              init=lambda project, **how: begun.update(how) or board)
    monkeypatch.setitem(sys.modules, "trackio", package)
    monkeypatch.setattr(dashboard, "EVERY_NIMG", 16)
    return lines, begun


class Scores(Observer):
    def after_round(self, run):
        run.scores, run.vitals, run.speed = {"recall": 0.25}, {"diversity": 0.5}, {"images/s": 9.0}


def test_it_shows_what_is_known_and_changes_nothing(told, tmp_path, capsys):
    lines, begun = told
    how = ("augment=DiffAugment()", "callbacks=AdaptiveAugment()")
    snapshots = Snapshots(tmp_path / "snapshots")
    shown = tiny_run("dcgan", *how, observers=[Scores(), snapshots, Dashboard("r", tmp_path / "snapshots")])
    shown.fit()
    plain = tiny_run("dcgan", *how)
    plain.fit()
    assert_same(shown, plain)
    assert not begun and "what the curves mean" in lines[0][0]  # the run was ended
    assert [step for found, step in lines if "losses/D" in found] == [16, 32]
    curves = next(found for found, _ in lines if "losses/D" in found)
    assert curves["quality/recall"] == 0.25 and curves["health/diversity"] == 0.5 and curves["speed/images a second"] == 9
    assert 0 <= curves["health/p of the augmentation"] <= 1 and all(isinstance(v, float) for v in curves.values())
    assert [found["samples"][1] for found, _ in lines if "samples" in found] == ["0 kimg", "0.032 kimg"]
    assert "trackio show --project gan-gallery" in capsys.readouterr().err


@pytest.mark.parametrize(("nimg", "resume"), [(0, "never"), (16, "allow")])
def test_a_run_that_goes_on_goes_on_there(told, tmp_path, nimg, resume):
    run = tiny_run("dcgan")
    run.game.nimg = nimg
    Dashboard("r", tmp_path).on_start(run)
    assert told[1]["resume"] == resume and told[1]["name"] == "r"


@pytest.mark.parametrize(("recipe", "words"), [
    ("dcgan", ("1.39 where it can only guess", "0.693 where D")), ("sngan", ("`hinge`): 2 where", "minimises: 0 where")),
    ("lsgan", ("`least_squares`): 0.25 where it can only guess", "minimises: 0.125 where")),
    ("wgan-gp", ("`wasserstein`): 0 where", "GradientPenalty: added")), ("vae", ("Reconstruction, KL: added",))])
def test_losses_are_explained(recipe, words):
    text = meanings(tiny_run(recipe).recipe)
    saturates = recipe in ("dcgan", "sngan", "lsgan")
    assert all(part in text for part in words) and ("G learns" in text.splitlines()[1]) == saturates


def test_without_the_package_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "trackio", None)
    assert train("dcgan", "--data", tmp_path / "absent", "--out", tmp_path / "r", "--dashboard") == 1
    assert "pip install 'trackio" in error_of(capsys)
