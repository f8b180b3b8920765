"""train.run.observers: log and timeline go back with the run."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from runs import tiny_run

from train.run.observers import Log, Snapshots, log_spaced_kimg


def test_log_is_cut_back_to_the_checkpoint(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"nimg": 4}\n{"nimg": 8}\n{"nimg": 99}\n{"ni')
    run = tiny_run("gan")
    run.game.nimg = 8
    Log(path).on_start(run)
    assert path.read_text() == '{"nimg": 4}\n{"nimg": 8}\n'


def test_timeline_goes_back_with_the_run_and_on_with_a_raised_budget(tmp_path):
    def timeline():
        return [d["nimg"] for d in json.loads((tmp_path / "timeline.json").read_text())["snapshots"]]

    run = tiny_run("gan", kimg=1.2, observers=[Snapshots(tmp_path)])
    run.fit()
    assert timeline() == [0, 1000, 1200]  # the marks, and the end
    run.recipe = replace(run.recipe, kimg=2.0)
    run.fit()
    assert timeline() == [0, 1000, 1200, 2000]
    run.game.nimg = 1100
    run.observers[-1].on_start(run)
    assert timeline() == [0, 1000] and len(list(tmp_path.glob("*.webp"))) == 2


@pytest.mark.parametrize("watcher", ["log", "timeline"])
def test_a_file_is_whole_when_the_run_is_killed_while_it_is_rewritten(watcher, tmp_path, monkeypatch):
    path = tmp_path / {"log": "log.jsonl", "timeline": "timeline.json"}[watcher]
    run = tiny_run("gan", kimg=1.2, observers=[Log(path) if watcher == "log" else Snapshots(tmp_path)])
    run.fit()
    before = path.read_text()
    assert before

    class Killed(BaseException):
        pass

    def killed(*args):
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    monkeypatch.setattr(os, "unlink", lambda *args, **kwargs: None)  # the dead tidy nothing
    monkeypatch.setattr(Path, "unlink", lambda *args, **kwargs: None)
    run.game.nimg = 900
    with pytest.raises(Killed):
        run.observers[0].on_start(run)
    assert path.read_text() == before


def test_snapshot_marks():
    assert log_spaced_kimg(30) == [0, 1, 2, 5, 10, 20]
    assert log_spaced_kimg(0.5) == [0]
