"""python -m train where it cannot go on as it is: in a folder that another run has, when it breaks down or has collapsed."""

import json

import pytest
import torch
from commands import TINY, error_of, train
from pictures import odd_photos

from gan import hub
from train.run.alone import alone_in
from train.run.checkpoint import CHECKPOINT, HEALTHY, peek

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def photos(tmp_path):
    return odd_photos(tmp_path / "photos")


def test_a_second_run_in_the_same_folder_is_refused(photos, tmp_path, capsys):
    asked = ["gan", "--data", photos, "--out", tmp_path / "r", *TINY, "--kimg", "0.008"]
    with alone_in(tmp_path / "r"):
        for more in ((), ("--resume",)):
            assert train(*asked, *more) == 1
            assert f"another process trains in {tmp_path / 'r'}: wait until it ends" in error_of(capsys)
        assert not (tmp_path / "r").exists()
        assert train(*asked, "--dry-run") == 0
    assert train(*asked) == 0


def test_a_trial_that_breaks_down_is_one_line(photos, tmp_path, capsys):
    asked = ["wgan-gp", "--data", photos, "--out", tmp_path / "r", *TINY, "--minutes", "1"]
    assert train(*asked, "--set", "d_opt.lr=1e9", "--set", "g_opt.lr=1e9") == 1
    assert "a trial of some rounds, which shows how fast this is, broke down: " in error_of(capsys)


def test_a_device_that_is_full_is_one_line(photos, tmp_path, capsys, monkeypatch):
    def full(self):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of …")

    monkeypatch.setattr("train.run.loop.Run.advance", full)
    assert train("gan", "--data", photos, "--out", tmp_path / "r", *TINY, "--kimg", "1") == 1
    assert "the device is out of memory (CUDA out of memory): choose a smaller --batch" in error_of(capsys)


def test_diverged_run_goes_back_and_exports(photos, tmp_path, capsys, monkeypatch):
    """Steps 1 and 2 are sound and saved, step 3 is not."""
    from train.run.loop import Run

    def poisoned(self, advance=Run.advance):
        if self.game.rounds == 2:
            self.game.D.head.score.weight.data.fill_(float("nan"))
        advance(self)

    monkeypatch.setattr(Run, "advance", poisoned)
    out = tmp_path / "r"
    assert train("dcgan", "--data", photos, "--out", out, "--kimg", "1", "--checkpoint-s", "0", *TINY) == 1
    assert "the D loss is not finite in round 3" in (line := error_of(capsys)) and "went back to 0.0 kimg" in line
    assert hub.load(out / "export").training["nimg"] == 8


@pytest.mark.parametrize(("times", "code"), [(1, 0), (9, 1)])
def test_rollback_tries_again_three_times_and_no_more(photos, tmp_path, capsys, monkeypatch, times, code):
    from train.run import watch
    from train.run.loop import Run

    advance = Run.advance

    def poisoned(self):
        if self.game.rounds == 3 and self.rollbacks < times:
            self.game.D.head.score.weight.data.fill_(float("nan"))
        advance(self)

    monkeypatch.setattr(Run, "advance", poisoned)
    monkeypatch.setattr(watch, "EVERY_NIMG", 4)
    out = tmp_path / "r"
    command = ["dcgan", "--data", photos, "--out", out, "--kimg", "0.032", "--checkpoint-s", "0", *TINY]
    assert train(*command, "--on-collapse", "rollback") == code
    err = capsys.readouterr().err
    assert [f"(attempt {k} of 3)" in err for k in (1, 2, 3)] == [True, times > 1, times > 1]
    nimg = 32 if code == 0 else 12
    assert hub.load(out / "export").training["nimg"] == peek(out / CHECKPOINT)[0]["nimg"] == nimg
    timeline = json.loads((out / "export" / "timeline" / "timeline.json").read_text())["snapshots"]
    assert [d["nimg"] for d in timeline] == [0, 32][: 2 if code == 0 else 1]
    monkeypatch.setattr(Run, "advance", advance)
    assert train(*command, "--resume") == 0  # goes on from there
    assert hub.load(out / "export").training["nimg"] == 32


def test_unasked_a_run_goes_back_to_its_checkpoint_and_no_further(photos, tmp_path, monkeypatch):
    """A healthy state of an earlier session is older."""
    from train.run import watch
    from train.run.loop import Run

    monkeypatch.setattr(watch, "EVERY_NIMG", 4)
    monkeypatch.setattr(watch, "WELL", 0.0)
    out = tmp_path / "r"
    command = ["dcgan", "--data", photos, "--out", out, "--checkpoint-s", "0", *TINY]
    assert train(*command, "--kimg", "0.016", "--on-collapse", "rollback") == 0

    def poisoned(self, advance=Run.advance):
        if self.game.rounds == 7:
            self.game.D.head.score.weight.data.fill_(float("nan"))
        advance(self)

    monkeypatch.setattr(Run, "advance", poisoned)
    assert train(*command, "--kimg", "0.04", "--resume") == 1
    assert (peek(out / HEALTHY)[0]["nimg"], peek(out / CHECKPOINT)[0]["nimg"]) == (16, 28)


def test_a_collapse_stops_at_the_last_healthy_state(photos, tmp_path, capsys, monkeypatch):
    from train.run import watch

    for name, value in dict(EVERY_NIMG=4, LEARNED_NIMG=0, WELL=0.0, PATIENCE=2).items():
        monkeypatch.setattr(watch, name, value)
    diversities = iter([1.0, 1.0, 0.5, 1.0, 0.01, 1.0, 0.01, 1.0, *[1.0] * 99])  # of fakes and of reals in turn
    monkeypatch.setattr(watch, "nearest_distance", lambda x: next(diversities))
    out = tmp_path / "r"
    command = ["dcgan", "--data", photos, "--out", out, "--kimg", "0.02", "--checkpoint-s", "0", *TINY]
    assert train(*command, "--on-collapse", "stop") == 1
    assert "G has collapsed" in (line := error_of(capsys)) and "went back to 0.0 kimg and exported that" in line
    assert hub.load(out / "export").training["nimg"] == peek(out / CHECKPOINT)[0]["nimg"] == 8
    assert not any("0.01" in text for text in (out / "log.jsonl").read_text().splitlines())
    assert train(*command, "--resume") == 0
