"""python -m train … --push: the door is tried first, checkpoints travel beside the loop, another machine goes on."""

import json
import time

import pytest
import torch
from commands import TINY, error_of, train
from runs import IDENTITY

from gan import hub
from train.run.checkpoint import CHECKPOINT, peek, save_checkpoint
from train.run.publish import BRANCH, fetch_run


def arguments(photos, out, *more):
    return ["dcgan", "--data", photos, "--out", out, "--kimg", "0.064", "--checkpoint-s", "0", *TINY, *more]


def branch(server, name=BRANCH):
    return server.store.repos["model", "ada/cats"].at(name).files


def checkpoint_in(folder, meta, identity):
    folder.mkdir()
    save_checkpoint(folder / CHECKPOINT, ({"t": torch.zeros(1)}, meta), identity)
    return {CHECKPOINT: (folder / CHECKPOINT).read_bytes()}


def pushed(server, name, folder, meta, identity):
    """A repository with a checkpoint and a log on its branch."""
    server.store.publish(name, {**checkpoint_in(folder, meta, identity), "log.jsonl": b"of " + name.encode()})
    repo = server.store.repos["model", name]
    repo.branches[BRANCH] = repo.branches["main"]


def test_a_run_is_published_and_another_machine_goes_on(ada, photos, tmp_path, capsys):
    ada.fail(f"/branch/{BRANCH}", before=lambda: time.sleep(2))  # the first checkpoint is on its way until the run ends
    here, there, alone = (tmp_path / name / "cats" for name in ("here", "there", "alone"))
    assert train(*arguments(photos, here, "--push", "ada/cats", "--push-minutes", "0")) == 0
    assert f"published: {ada.address}/ada/cats" in capsys.readouterr().err
    assert branch(ada, "main")["model.safetensors"].data == (here / "export" / "model.safetensors").read_bytes()
    assert {CHECKPOINT, "recipe.json", "log.jsonl"} <= set(branch(ada)) and CHECKPOINT not in branch(ada, "main")
    assert not list(here.glob(".*"))

    # The machine is lost in the middle of it; what the branch holds is enough for another to go on.
    (tmp_path / "sent").write_bytes(branch(ada)[CHECKPOINT].data)
    assert 0 < peek(tmp_path / "sent")[0]["nimg"] < 64
    assert train(*arguments(photos, there, "--resume", "ada/cats", "--push", "ada/cats")) == 0
    assert "resumed at" in capsys.readouterr().err
    assert train(*arguments(photos, alone)) == 0
    weights = [(out / "export" / "model.safetensors").read_bytes() for out in (here, there, alone)]
    assert weights[0] == weights[1] == weights[2]  # bit for bit, as if neither Hub nor loss had been


def test_a_newer_checkpoint_here_is_not_replaced(ada, photos, tmp_path):
    out = tmp_path / "cats"
    assert train(*arguments(photos, out, "--push", "ada/cats", "--push-minutes", "0")) == 0
    assert train(*arguments(photos, out, "--kimg", "0.096", "--resume")) == 0
    newest = (out / CHECKPOINT).read_bytes()
    assert train(*arguments(photos, out, "--kimg", "0.096", "--resume", "ada/cats")) == 0
    assert (out / CHECKPOINT).read_bytes() == newest


@pytest.mark.parametrize("nimg", [32, 96])
def test_another_run_here_is_not_replaced(server, tmp_path, nimg):
    """Whether it has seen fewer images or more."""
    pushed(server, "ada/cats", tmp_path / "cats", {"nimg": 64}, IDENTITY)
    checkpoint_in(tmp_path / "dogs", {"nimg": nimg}, {**IDENTITY, "data": "dogs", "kimg": "1"})
    (tmp_path / "dogs" / "log.jsonl").write_text("of dogs")
    before = {path: path.read_bytes() for path in (tmp_path / "dogs").iterdir()}
    with pytest.raises(ValueError, match="dogs belongs to another run than ada/cats: choose another --out; "
                                         "data: dogs in the run, y asked$"):
        fetch_run("ada/cats", tmp_path / "dogs")
    assert {path: path.read_bytes() for path in (tmp_path / "dogs").iterdir()} == before


def test_trouble_on_the_way_is_a_warning_and_training_goes_on(ada, photos, tmp_path, caplog):
    ada.fail(f"/commit/{BRANCH}", 500, times=1000)
    assert train(*arguments(photos, tmp_path / "cats", "--push", "ada/cats", "--push-minutes", "0")) == 0
    assert "did not reach the Hub" in caplog.text and "config.json" in branch(ada, "main")


def test_trouble_at_the_end_says_how_to_publish(ada, photos, tmp_path, capsys):
    ada.fail("/commit/main", 500, times=1000)
    out = tmp_path / "cats"
    assert train(*arguments(photos, out, "--push", "ada/cats")) == 1
    assert f"python -m gan push {out} ada/cats publishes it" in error_of(capsys)
    assert hub.load(out).training["nimg"] == 64


def test_the_door_is_tried_before_the_training(server, photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "read")
    assert train(*arguments(photos, tmp_path / "cats", "--push", "ada/cats")) == 1
    assert "may only read" in error_of(capsys) and not (tmp_path / "cats").exists()
    assert train(*arguments(photos, tmp_path / "cats", "--private")) == 1
    assert "add --push user/name" in error_of(capsys)
    assert train(*arguments(photos, tmp_path / "cats", "--resume", "dcgan")) == 1
    assert "expected user/name" in error_of(capsys)


def test_a_training_that_comes_to_nothing_leaves_no_repository(ada, photos, tmp_path):
    assert train(*arguments(photos, tmp_path / "cats", "--push", "ada/cats", "--set", "speed=9")) == 1
    assert not ada.store.repos


def test_nothing_to_go_on_from_and_a_checkpoint_that_is_none(ada, photos, tmp_path, capsys):
    assert train(*arguments(photos, tmp_path / "a", "--resume", "ada/new", "--kimg", "0.008")) == 0
    assert "no checkpoint in ada/new" in capsys.readouterr().err
    ada.store.publish("ada/bad", {CHECKPOINT: b"no", "config.json": json.dumps({}).encode()})
    repo = ada.store.repos["model", "ada/bad"]
    repo.branches[BRANCH] = repo.branches["main"]
    assert train(*arguments(photos, tmp_path / "b", "--resume", "ada/bad")) == 1
    assert "no checkpoint that can be read" in error_of(capsys)
    ada.fail("/api/models/ada/cats", 500, times=100)
    assert train(*arguments(photos, tmp_path / "c", "--resume", "ada/cats")) == 1
    assert "cannot go on from ada/cats: the Hub is in trouble (500)" in error_of(capsys)
