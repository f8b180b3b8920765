"""train.run.checkpoint: whole or as it was, and refused where it belongs to another run."""

import os

import pytest
from runs import IDENTITY, assert_same, tiny_run

from train.run.checkpoint import differences, load_checkpoint, peek, save_checkpoint
from train.run.observers import Checkpoints


def test_numbers_are_compared_as_numbers():
    assert differences({"ema_kimg": "25", "g": "a"}, {"ema_kimg": "25.0", "g": "b"}) == ["g: a in the run, b asked"]


def test_what_an_old_run_does_not_say_has_todays_default():
    """Slots and arguments that were thought of since it began."""
    today = tiny_run("wgan-gp", "penalties=R1(10), Drift()").recipe.to_json()
    old = {k: v for k, v in today.items() if k not in ("augment", "mix", "channels_last", "flip", "g_opt")}
    old |= {"penalties": "[R1(10), Drift()]", "latent": "Latent(128)", "batch": today["batch"]}
    missing = differences({k: v for k, v in old.items() if k != "batch"}, today)
    assert missing == ["batch: absent in the run, 4 asked", "channels_last: absent in the run, True asked",
                       f"g_opt: absent in the run, {today['g_opt']} asked"]
    assert differences({**today, "penalties": "[R1(9.5), Drift()]"}, today) == [
        f"penalties: [R1(9.5), Drift()] in the run, {today['penalties']} asked"]
    assert differences({**today, "penalties": "[Forgotten(1)]"}, today)  # a name of another version is a difference


def test_missing_tensors_are_one_clear_line():
    run = tiny_run("infogan")
    run.advance()
    tensors, meta = run.state()
    for gone in ("G.", "terms.", "opt.D", "opt.G.0.exp_avg_sq", "rng.torch"):
        left = {k: v for k, v in tensors.items() if not k.startswith(gone)}
        with pytest.raises(ValueError, match="the checkpoint does not fit this run .*; remove it to start anew") as error:
            tiny_run("infogan").restore(left, meta)
        assert "\n" not in str(error.value)


def test_a_resumed_run_does_not_read_from_its_checkpoint(tmp_path):
    """The moments' step counters were windows on the file."""
    path = tmp_path / "c.safetensors"
    run, resumed = tiny_run("dcgan"), tiny_run("dcgan")
    run.advance()
    save_checkpoint(path, run.state(), IDENTITY)
    resumed.restore(*load_checkpoint(path, IDENTITY))
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.write(b"\xff" * size)
    assert_same(run, resumed)


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
