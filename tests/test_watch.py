"""The collapse watch sees a collapse, keeps the evidence, and changes nothing in a healthy run."""

import json
import logging
import shlex

import pytest
import torch
from runs import assert_same, tiny_run

from train.recipes import RECIPES
from train.run import watch
from train.run.checkpoint import load_checkpoint
from train.run.watch import Collapsed, CollapseWatch, nearest_distance


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Checks every 8 images and judges from the first one on."""
    monkeypatch.setattr(watch, "EVERY_NIMG", 8)
    monkeypatch.setattr(watch, "LEARNED_NIMG", 0)
    monkeypatch.setattr(watch, "WELL", 0.0)  # untrained nets draw much alike


def collapse(run):
    """What a collapse does: the latent no longer matters."""
    with torch.no_grad():
        run.game.G.first.weight.zero_()


def test_distance_to_the_nearest_picture():
    x = torch.zeros(4, 1, 2, 2)
    assert nearest_distance(x) == 0
    x[1], x[2], x[3] = 1, 3, 6
    assert nearest_distance(x) == pytest.approx((1 + 1 + 2 + 3) / 4)
    several = torch.cat([x, x])  # every picture twice: no mean distance would see it
    assert nearest_distance(several) == 0


def test_reading_changes_nothing(tmp_path):
    plain, watched = tiny_run("cgan", kimg=0.08), tiny_run("cgan", kimg=0.08, observers=[CollapseWatch(tmp_path)])
    plain.fit()
    watched.fit()
    assert_same(plain, watched)
    assert set(watched.vitals) == {"diversity", "accuracy", "D gradient", "G gradient"}
    assert watched.vitals["D gradient"] > 0 and 0 <= watched.vitals["accuracy"] <= 1


def test_a_collapse_is_said_once_and_kept(tmp_path, caplog):
    run = tiny_run("dcgan", "g_opt.lr=0.0", kimg=0.2, observers=[CollapseWatch(tmp_path)])
    collapse(run)
    with caplog.at_level(logging.WARNING):
        run.fit()
    said = [r.message for r in caplog.records if "G has collapsed" in r.message]
    assert len(said) == 1 and "ModeSeeking" in said[0] and run.finished
    record = json.loads((tmp_path / "collapse.jsonl").read_text().splitlines()[0])
    assert record["diversity"] < 0.01 and (tmp_path / f"{record['nimg']:09d}.png").is_file()


@pytest.mark.parametrize("name", RECIPES)
def test_every_way_out_of_a_collapse_can_be_followed(name):
    """What is advised suits the recipe and takes none of its terms away; looking for it draws no random numbers."""
    run, before = tiny_run(name), torch.get_rng_state()
    settings = [shlex.split(way)[1] for way in watch._ways_out(run) if way.startswith("--set")]
    assert torch.equal(before, torch.get_rng_state())
    for setting in settings:
        assert {type(t) for t in run.game.terms} <= {type(t) for t in tiny_run(name, setting).game.terms}
    assert any("ModeSeeking" in setting for setting in settings) == (run.recipe.latent.dim > 0)
    assert ("d.pack=2" in settings) == _takes(name, "d.pack=2")


def _takes(name, setting):
    try:
        return bool(tiny_run(name, setting))
    except ValueError:
        return False


def test_what_the_run_has_already_is_no_way_out():
    ways = watch._ways_out(tiny_run("dcgan", "augment=DiffAugment()", "d.norm=layer", "penalties=R1(1), ModeSeeking()"))
    assert ways[0] == "a larger weight of R1 and ModeSeeking" and ways[-1] == "a lower g_opt.lr"
    assert len(ways) == 2


@pytest.mark.parametrize("name", ["dcgan", "cgan"])
def test_one_picture_a_class_is_a_collapse_too(name, tmp_path):
    """The class may change the picture as it likes: the latent must."""
    run = tiny_run(name, "g_opt.lr=0.0", "batch=12", kimg=1, observers=[CollapseWatch(tmp_path, on_collapse="stop")])
    with torch.no_grad():
        run.game.G.first.weight[: run.game.G.latent.dim] = 0
        if run.game.G.append.embed is not None:
            run.game.G.append.embed.weight.mul_(30)
    with pytest.raises(Collapsed, match=r"\d latents give pictures only .*evidence: .*png"):
        run.fit()


def test_the_last_healthy_state_is_kept_and_gone_back_to(tmp_path):
    healthy = tmp_path / "healthy.safetensors"
    watching = CollapseWatch(tmp_path, on_collapse="rollback", good=healthy, every_s=0)
    run = tiny_run("dcgan", "g_opt.lr=0.0", kimg=0.7, observers=[watching])
    run.advance()
    watching.on_start(run)
    for k in range(40):
        if k == 8:
            before = run.nimg
            collapse(run)
        run.advance()
        try:
            watching.after_round(run)
        except Collapsed:
            break
    assert healthy.exists() and k > 8, "the collapse was not seen"
    run.restore(*load_checkpoint(healthy, {}))
    assert run.nimg <= before + 8 and run.game.G.first.weight.abs().sum() > 0
    state = run.rng.get_state()
    run.try_again(1, {"G": 1.0, "D": 0.5})
    run.advance()
    assert not torch.equal(state, run.rng.get_state())
    assert run.game.phases[0].optimiser.param_groups[0]["lr"] == pytest.approx(run.recipe.d_opt.lr / 2)
    again = tiny_run("dcgan", "g_opt.lr=0.0", kimg=0.7)
    again.restore(*run.state())
    assert (again.rollbacks, again.slower) == (1, {"G": 1.0, "D": 0.5})


def test_a_wasserstein_critic_may_be_right_all_the_time(tmp_path, caplog):
    """That is what it is for: the distance that it measures has a gradient all the same."""
    fast = ("d_opt.lr=0.05", "g_opt.lr=0.0", "d.norm=none")
    run = tiny_run("dcgan", *fast, "loss=wasserstein", kimg=0.4, observers=[CollapseWatch(tmp_path)])
    with caplog.at_level(logging.WARNING):
        run.fit()
    assert run.vitals["accuracy"] > watch.CERTAIN and not any("D tells" in r.message for r in caplog.records)


def test_d_that_is_never_wrong_and_gradients_that_explode_are_said(tmp_path, caplog):
    callback = CollapseWatch(tmp_path)
    run = tiny_run("dcgan", "d_opt.lr=0.05", "g_opt.lr=0.0", "d.norm=none", kimg=0.4, observers=[callback])
    with caplog.at_level(logging.WARNING):
        run.fit()
    assert any("D tells reals and fakes apart" in r.message for r in caplog.records)
    caplog.clear()
    callback.norms["G"], callback.strikes = [1e-9] * 100, {}
    for _ in range(6):
        run.advance()
        callback.after_round(run)
    assert any("gradients of G are" in r.message and "g_opt.lr" in r.message for r in caplog.records)
