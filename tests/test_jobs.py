"""python -m train … --on hf-jobs: what is sent, what is said of it, and a job that trains and publishes."""

import ast
import json
import os
import re
import sys
import zipfile
from io import BytesIO

import pytest
from commands import TINY, error_of, train
from conftest import tiny_images
from hub_server.client import environment
from pictures import picture

from gan import hub
from train import auto, jobs
from train.asked import Asked
from train.run.checkpoint import CHECKPOINT
from train.run.origin import findable
from train.run.publish import BRANCH

ASKED = ["dcgan", "--data", "ada/pictures", "--out", "somewhere/cats", "--push", "ada/cats", "--on", "hf-jobs"]


def spec_of(server, id="job0"):
    return server.jobs[id].spec


def test_a_job_is_sent_and_followed(ada, capsys):
    assert train(*ASKED, "--flavor", "l4x1", "--minutes", "60", "--set", "d.spectral=true", "--resume") == 0
    said = capsys.readouterr()
    assert said.out == "hello\n" and "job0 on 1x Nvidia L4, $0.80 an hour, ended after 1.8 hours at the latest" in said.err
    spec = spec_of(ada)
    assert spec["command"][:3] == ["uv", "run", "sh"] and spec["labels"] == {"name": "cats"}
    assert (spec["flavor"], spec["timeoutSeconds"], spec["secrets"]) == ("l4x1", 6600, {"HF_TOKEN": "write"})
    script = spec["environment"]["GAN_GALLERY_JOB"]
    ast.parse(script)
    pins = json.loads(re.search("dependencies = (.*)", script)[1])
    assert {pin.partition("==")[0] for pin in pins} >= {"torch", "numpy", "safetensors", "huggingface_hub", "datasets"}
    assert all(re.fullmatch(r"[a-z_]+==[\d.]+", pin) for pin in pins)
    assert '"dcgan", "--data=ada/pictures", "--out=../runs/cats"' in script and '"--set=d.spectral=true"' in script
    assert '"--resume=ada/cats"' in script and "--on" not in script and "write" not in script
    files = ada.store.repos["model", "ada/cats"].at("code").files
    with zipfile.ZipFile(BytesIO(files["code.zip"].data)) as code:
        names = code.namelist()
    assert "train/__main__.py" in names and "train/features/eyes.safetensors" in names
    assert not [name for name in names if ".pyc" in name]


def test_auto_finds_there_what_it_starts_from(tmp_path, monkeypatch):
    few = tiny_images(channels=3, resolution=64)
    here = auto._head_start(Asked("pictures", tmp_path), few)
    with zipfile.ZipFile(BytesIO(jobs._archive())) as code:
        code.extractall(tmp_path / "code", [name for name in code.namelist() if name.startswith("weights/")])
    for module in (hub, hub.folders):
        monkeypatch.setattr(module, "WEIGHTS", tmp_path / "code" / "weights")
    there = auto._head_start(Asked("pictures", tmp_path), few)
    assert there.identity == here.identity and findable(there.identity) == there.id
    assert (hub.WEIGHTS / there.id / "README.md").is_file()  # it says whose pictures these were


def test_the_same_code_is_sent_once(ada):
    assert train(*ASKED, "--flavor", "cpu-basic") == train(*ASKED, "--flavor", "cpu-basic") == 0
    assert spec_of(ada)["environment"] == spec_of(ada, "job1")["environment"]
    assert spec_of(ada)["timeoutSeconds"] == 24 * 3600  # nobody knows how long the recipe's own budget takes


@pytest.mark.parametrize(("change", "message"), [
    (["--flavor", "l9"], "unknown --flavor 'l9'; there are: cpu-basic, l4x1"),
    ([], "--on hf-jobs needs --flavor; there are: cpu-basic, l4x1"),
    (["--flavor", "l4x1", "--data", "README.md"], "README.md is on this machine: upload it first"),
    (["--flavor", "l4x1", "--from", "cats64-dcgan"], "python -m gan push cats64-dcgan user/name"),
    (["--flavor", "l4x1", "--push", ""], "--on hf-jobs needs --push user/name"),
    (["--flavor", "l4x1", "--push", "bob/cats"], "not under bob"),
    (["--flavor", "l4x1", "--minutes", "0"], "minutes must be a number above 0"),
    (["--flavor", "l4x1", "--dashboard"], "leave it out with --on hf-jobs"),
    (["--flavor", "l4x1", "--dry-run"], "leave --on out")])
def test_mistakes_are_found_before_they_cost(ada, capsys, change, message):
    assert train(*ASKED, *change) == 1
    assert message in error_of(capsys) and not ada.jobs


def test_without_a_token(server, capsys):
    assert train(*ASKED, "--flavor", "l4x1") == 1
    assert "no job was started: there is no token: log in once" in error_of(capsys) and not server.jobs


@pytest.mark.parametrize(("fault", "message"), [
    (402, "no job was started: the Hub runs jobs for credits that are paid beforehand"),
    (403, "no job was started: your token or your plan does not allow jobs"),
    (500, "no job was started: the Hub is in trouble (500)")])
def test_the_hub_refuses(ada, capsys, fault, message):
    ada.fail("POST /api/jobs/ada", fault)
    assert train(*ASKED, "--flavor", "l4x1") == 1
    assert message in error_of(capsys) and not ada.jobs


def test_a_job_that_fails(ada, capsys):
    ada.ending = ("ERROR", "out of memory")
    assert train(*ASKED, "--flavor", "l4x1") == 1
    assert "the job ended as ERROR (out of memory)" in (said := error_of(capsys)) and "--resume ada/cats goes on" in said


@pytest.mark.parametrize("heard", [0, 1, 3])
def test_what_a_job_says_at_its_very_end_is_shown(ada, capsys, monkeypatch, heard):
    from huggingface_hub import HfApi

    def said(self, follow=False, **where):
        return iter(lines[:heard] if follow else lines)

    lines = ["a", "b", "c"]
    monkeypatch.setattr(HfApi, "fetch_job_logs", said)
    assert train(*ASKED, "--flavor", "l4x1") == 0
    assert capsys.readouterr().out.splitlines()[-3:] == lines


def test_ctrl_c_leaves_it_running(ada, capsys, monkeypatch):
    from huggingface_hub import HfApi

    def interrupted(self, **kwargs):
        yield "a line"
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "fetch_job_logs", interrupted)
    assert train(*ASKED, "--flavor", "l4x1") == 130
    assert "the job goes on: hf jobs logs job0" in capsys.readouterr().err


@pytest.mark.slow
def test_a_job_trains_and_publishes(ada, tmp_path, capsys):
    """The script runs in an empty folder, by a ``uv`` that takes the packages that are here: from pictures on the Hub to a
    model on the Hub."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").write_text(
        f'#!/bin/sh\nshift\ncase "$1" in *.py) exec {sys.executable} "$@";; *) exec "$@";; esac\n')
    (tmp_path / "bin" / "uv").chmod(0o755)
    ada.store.publish("ada/pictures", {f"{k}.png": picture(k) for k in range(8)}, type="dataset")
    ada.machine = environment(ada, tmp_path / "there") | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
                                                          "XDG_CACHE_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"}
    asked = [*ASKED, "--flavor", "cpu-basic", "--kimg", "0.064", "--checkpoint-s", "0", "--push-minutes", "0", *TINY]
    assert train(*asked) == 0, capsys.readouterr()
    said = capsys.readouterr()
    assert "published: " in said.out and f"done: {ada.address}/ada/cats" in said.err
    repo = ada.store.repos["model", "ada/cats"]
    assert json.loads(repo.at("main").files["training.json"].data)["nimg"] == 64 and CHECKPOINT in repo.at(BRANCH).files
