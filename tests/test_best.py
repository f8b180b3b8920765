"""The best average of a run: measured at fixed moments, kept, exported, and nothing in the training moves."""

import json

import numpy as np
import pytest
import torch
from conftest import tiny_images
from runs import IDENTITY, assert_same, tiny_run
from safetensors.torch import load_file

from train.metrics.scores import Shares
from train.run import best
from train.run.best import BEST, Best
from train.run.checkpoint import CHECKPOINT, HEALTHY, load_checkpoint
from train.run.observers import Checkpoints
from train.run.publish import BRANCH, PushedCheckpoints, fetch_run


@pytest.fixture
def marks(monkeypatch):
    """A mark every 8 images, from 20 pictures on."""
    monkeypatch.setattr(best, "APART_NIMG", 8)
    monkeypatch.setattr(best, "FEWEST", 20)


@pytest.fixture
def distances(monkeypatch):
    """What the metric shall say, one after the other."""
    said = [5.0, 3.0, 4.0, 6.0, 2.0]
    monkeypatch.setattr(best, "features", lambda net, pixels: np.zeros((len(pixels), 1)))
    monkeypatch.setattr(best, "shares", lambda real, fake: Shares(1, 1, 1, 1))
    monkeypatch.setattr(best, "frechet_distance", lambda real, fake: said.pop(0))
    return said


def test_the_average_of_the_least_distance_is_kept_and_chosen(tmp_path, marks, distances):
    watch = Best(tmp_path / BEST, tiny_images(classes=3))
    averages = {}

    class Averages(best.Observer):
        def after_round(self, run):
            averages[run.nimg] = {k: v.clone() for k, v in run.game.G_ema.state_dict().items()}

    run = tiny_run("dcgan", observers=[Averages(), watch])
    assert watch.of(run) == (run.game.G_ema, {})
    run.fit()
    assert distances == [2.0] and run.scores["Frechet distance"] == 6.0 and 0 <= run.scores["recall"] <= 1
    G, chosen = watch.of(run)
    assert chosen == {"nimg": 16, "frechet_distance": 3.0, "features": "own", "samples": 64, "against": "tiny"}
    assert all(torch.equal(value, averages[16][name]) for name, value in G.state_dict().items())
    assert not torch.equal(next(G.parameters()), next(run.game.G_ema.parameters()))
    assert load_file(tmp_path / BEST).keys() == averages[16].keys()
    again = Best(tmp_path / BEST, tiny_images(classes=3))  # a later session, which only exports
    assert again.of(run)[1] == chosen


def test_a_run_is_the_same_with_and_without_it(tmp_path, marks):
    plain = tiny_run("cgan")
    watched = tiny_run("cgan", observers=[Best(tmp_path / BEST, tiny_images(classes=3))])
    plain.fit(), watched.fit()
    assert watched.scores and not plain.scores
    assert_same(plain, watched)


def test_the_distance_is_the_one_of_the_score_command(tmp_path, marks):
    images = tiny_images(classes=3)
    run = tiny_run("cgan", observers=[watch := Best(tmp_path / BEST, images)])
    run.fit()
    net = best.load_features(best.OWN)
    G = best.settled(run.game.G_ema)
    fake = best.features(net, best.fakes(G, 64, images))
    expected = best.frechet_distance(best.features(net, images.pixels), fake)
    assert run.scores["Frechet distance"] == pytest.approx(expected, rel=1e-3) and watch.known["nimg"] <= 32


@pytest.mark.parametrize(("recall", "said"), [(0.05, 1), (0.2, 0)])
def test_by_half_of_the_budget_a_poor_recall_is_said_once(tmp_path, marks, monkeypatch, caplog, recall, said):
    monkeypatch.setattr(best, "shares", lambda real, fake: Shares(0.5, recall, 1, 1))
    run = tiny_run("dcgan", observers=[Best(tmp_path / BEST, tiny_images())])
    run.fit()
    assert [line.startswith("0.0 kimg, 50 % of the budget: recall is 0.05") for line in caplog.messages] == [True] * said


@pytest.mark.parametrize("count", [2, 19])
def test_of_few_pictures_nothing_is_said(tmp_path, marks, count):
    run = tiny_run("dcgan", images=(few := tiny_images(count=count)), observers=[watch := Best(tmp_path / BEST, few)])
    run.fit()
    assert not run.scores and not (tmp_path / BEST).exists() and watch.of(run) == (run.game.G_ema, {})


def test_a_new_run_forgets_what_an_old_one_kept(tmp_path, marks, distances):
    tiny_run("dcgan", observers=[Best(tmp_path / BEST, tiny_images())]).fit()
    distances[:] = [9.0, 8.0, 8.5, 9.0]
    run = tiny_run("dcgan", observers=[watch := Best(tmp_path / BEST, tiny_images())])
    run.fit()
    assert watch.of(run)[1]["frechet_distance"] == 8.0


def test_a_full_disk_and_a_broken_file_end_no_training(tmp_path, marks, distances, monkeypatch, caplog):
    (tmp_path / BEST).write_bytes(b"torn")

    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(best, "write_tensors", full)
    run = tiny_run("dcgan", observers=[watch := Best(tmp_path / BEST, tiny_images())])
    run.fit()
    assert run.finished and watch.of(run) == (run.game.G_ema, {}) and "best average not kept" in caplog.text


def test_a_file_of_another_net_ends_no_training(tmp_path, marks, distances, caplog):
    run = tiny_run("dcgan", observers=[watch := Best(tmp_path / BEST, tiny_images())])
    run.fit()
    other = {name: value[None] for name, value in run.game.G_ema.state_dict().items()}
    best.write_tensors(tmp_path / BEST, other, {"kept": json.dumps(watch.known)})
    assert watch.of(run) == (run.game.G_ema, {}) and "the best average cannot be used" in caplog.text
    for kept in ("[]", '{"nimg": 8}', '{"nimg": 8, "frechet_distance": NaN}'):
        best.write_tensors(tmp_path / BEST, other, {"kept": kept})
        assert not Best(tmp_path / BEST, tiny_images()).known


def watched(out, *more):
    """A run that keeps its best average and its checkpoints in a folder."""
    watch = Best(out / BEST, tiny_images())
    keeps = Checkpoints(out / CHECKPOINT, IDENTITY, every_s=0)
    return watch, tiny_run("dcgan", images=tiny_images(), observers=[watch, keeps, *more])


def test_another_machine_goes_on_with_what_was_kept(ada, tmp_path, marks, distances):
    class Lost(best.Observer):
        def after_round(self, run):
            run.stopping = run.nimg >= 24

    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    pushed = PushedCheckpoints(here, "ada/cats", private=False, every_s=1e9)
    watched(here, Lost(), pushed)[1].fit()
    assert distances == [6.0, 2.0] and not list(here.glob(".*")) and fetch_run("ada/cats", there)
    watch, run = watched(there)
    run.restore(*load_checkpoint(there / CHECKPOINT, IDENTITY))
    run.fit()
    G, chosen = watch.of(run)
    assert distances == [2.0] and chosen["nimg"] == 16  # as where it had stayed
    assert all(torch.equal(value, load_file(here / BEST)[name]) for name, value in G.state_dict().items())

    # A run that begins anew has none yet, and takes over none, neither from the branch nor from a folder.
    (here / BEST).unlink()
    pushed._send()
    assert BEST not in ada.store.repos["model", "ada/cats"].at(BRANCH).files
    (there / HEALTHY).write_bytes(b"of another run, as the best average there")
    (there / CHECKPOINT).unlink()
    assert fetch_run("ada/cats", there) and not (there / BEST).exists() and not (there / HEALTHY).exists()


def test_the_session_holds_out_exports_the_best_and_says_so(tmp_path, marks, cache, monkeypatch, capsys):
    from PIL import Image

    from train.__main__ import main

    rs = np.random.RandomState(0)
    (tmp_path / "photos").mkdir()
    for k in range(100):
        Image.fromarray(rs.randint(0, 256, (16, 16), np.uint8)).save(tmp_path / "photos" / f"{k:03}.png")
    said = [3.0, 5.0, 6.0, 7.0]
    monkeypatch.setattr(best, "frechet_distance", lambda real, fake: said.pop(0))
    out = tmp_path / "run"
    tiny = ["--batch", "4", "--set", "g.width=4", "--set", "d.width=4"]
    command = ["dcgan", "--data", str(tmp_path / "photos"), "--out", str(out), "--kimg", "0.032", *tiny]
    assert main([*command, "--hold-out", "0.2"]) == 0
    training = json.loads((out / "export" / "training.json").read_text())
    assert training["chosen"]["nimg"] == 8 and training["chosen"]["samples"] == 20
    assert training["data"]["held_out"] == 0.2 and training["data"]["images"] == 80
    assert "--hold-out 0.2" in training["command"]
    assert "these weights are of 0 thousand" in (out / "export" / "README.md").read_text()
    assert main([*command, "--resume"]) == 0  # held out as before, though it is not said again
    assert main([*command, "--resume", "--hold-out", "0.5"]) == 1
    assert "hold_out: 0.2 in the run, 0.5 asked" in capsys.readouterr().err
    assert main(["score", str(out / "export"), "--data", str(tmp_path / "photos"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["against"] == "20 held-out pictures of photos" and found["samples"] == 20
    assert main(["score", str(out / "export"), "--data", str(tmp_path / "photos"), "--count", "8", "--write"]) == 0
    assert "\n# run\n" in (out / "export" / "README.md").read_text()  # the model keeps its name


def test_without_an_adversary_the_last_average_is_the_best(tmp_path, marks, distances):
    """A VAE's seeds may look nearer to the data while it still blurs everything: what it minimises says how good it is."""
    watch = Best(tmp_path / BEST, tiny_images(classes=3))
    run = tiny_run("vae", observers=[watch])
    run.fit()
    assert run.scores["Frechet distance"] == 6.0 and watch.of(run) == (run.game.G_ema, {})
