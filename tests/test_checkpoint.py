"""train.run.checkpoint: whole or as it was, and refused where it belongs to another run."""

import os

import pytest
from runs import IDENTITY, tiny_run

from train.run.checkpoint import differences, load_checkpoint, peek, save_checkpoint
from train.run.observers import Checkpoints


def test_numbers_are_compared_as_numbers():
    assert differences({"ema_kimg": "25", "g": "a"}, {"ema_kimg": "25.0", "g": "b"}) == ["g: a in the run, b asked"]


def test_other_recipe_is_refused_with_the_differences(tmp_path):
    run = tiny_run("dcgan")
    save_checkpoint(tmp_path / "c.safetensors", run.state(), {"recipe": "dcgan", "batch": "4", "kimg": "1"})
    with pytest.raises(ValueError, match="belongs to another run; batch: 4 in the run, 8 asked; data: absent"):
        load_checkpoint(tmp_path / "c.safetensors", {"recipe": "dcgan", "batch": "8", "kimg": "2", "data": "f"})


def test_damaged_checkpoint_is_one_clear_line(tmp_path):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, tiny_run("gan").state(), IDENTITY)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="no checkpoint that can be read.*remove it to start anew"):
        peek(path)


def test_full_disk_keeps_the_old_checkpoint_and_goes_on(tmp_path, monkeypatch, caplog):
    path = tmp_path / "c.safetensors"
    run = tiny_run("gan", observers=[Checkpoints(path, IDENTITY, every_s=0)])
    run.advance()
    run.observers[-1].after_round(run)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    run.fit()
    assert run.finished and path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    assert "No space left on device); the one of 0.0 kimg stays, training goes on" in caplog.text


def test_a_checkpoint_goes_back_with_its_run(tmp_path):
    path = tmp_path / "c.safetensors"
    tiny_run("gan", observers=[Checkpoints(path, IDENTITY)]).fit()
    behind = tiny_run("gan", observers=[Checkpoints(path, IDENTITY)])
    behind.advance()
    behind.observers[-1].on_start(behind)
    assert peek(path)[0]["nimg"] == behind.nimg < 32
