"""python -m train, as a user types it: results, and one clear line for every mistake."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import ROOT, TINY, error_of, gan, train
from pictures import odd_photos

from gan import hub
from gan.directions import DIRECTIONS
from gan.recipe import read_recipe
from train import session
from train.run.checkpoint import CHECKPOINT, peek

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def photos(tmp_path):
    return odd_photos(tmp_path / "photos")


def start(photos, out, *args):
    code = "import torch, sys; torch.set_num_threads(1); import train.__main__ as m; sys.exit(m.main())"
    command = ["dcgan", "--data", photos, "--out", out, "--kimg", "100", "--checkpoint-s", "0.2", *TINY, *args]
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "checkpoint.safetensors").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def test_train_then_generate_then_replay(photos, tmp_path, capsys):
    out = tmp_path / "runs" / "insects"
    assert train("cgan", "--data", photos, "--out", out, "--kimg", "0.024", "--licence", "CC0", *TINY,
                 "--set", "g_opt.lr=Schedule(2e-4, 0, shape='cosine')") == 0
    assert {p.name for p in out.iterdir()} == {"recipe.json", "log.jsonl", "snapshots", "checkpoint.safetensors", "export"}
    training = json.loads((out / "export" / "training.json").read_text())
    assert training["data"]["images"] == 24 and training["data"]["licence"] == "CC0"
    assert training["command"].startswith("python -m train cgan --data photos --out runs/insects --kimg 0.024 --batch 4")
    assert training["command"].endswith("""--set "g_opt.lr=Schedule(2e-4, 0, shape='cosine')\"""")
    assert str(tmp_path) not in "".join(p.read_text() for p in (out / "export").glob("*.[jm][sd]*"))

    made = ["--class", "bee", "--psi", "0.5", "--out", tmp_path / "o"]
    assert gan("generate", out / "export", "--seeds", "0-2,42", *made) == 0
    files = sorted((tmp_path / "o").iterdir())
    assert [f.name for f in files] == ["seed0000.png", "seed0001.png", "seed0002.png", "seed0042.png"]
    recipe = read_recipe(files[3])
    assert (recipe.model, recipe.seeds, recipe.label, recipe.psi) == ("insects", (42,), "bee", 0.5)

    assert gan("generate", out / "export", "--seeds", "0-8", "--grid", "--out", tmp_path / "o", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == [str(tmp_path / "o" / "sheet.png")]
    os.chdir(out.parent)  # the recipe names the model "insects", which from here is the run
    try:
        for name in ("seed0042.png", "sheet.png"):
            assert gan("generate", tmp_path / "o" / name, "--out", tmp_path / "again") == 0
            assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "o" / name).read_bytes()
    finally:
        os.chdir(ROOT)


@pytest.mark.parametrize(("args", "message"), [
    (["dcgan", "--data", "ABSENT"], "no such file or folder"),
    (["dcgan", "--data", "EMPTY"], "is empty"),
    (["dcgan", "--data", ""], "no data given"),
    (["dcgan", "--data", "PHOTOS", "--seed", "-1", "--dry-run"], "a seed must be a whole number"),
    (["dcgan2", "--data", "PHOTOS"], "unknown recipe 'dcgan2'; known: gan, cgan-mlp, dcgan, cgan"),
    (["dcgan", "--data", "PHOTOS", "--set", "speed=9"], "unknown setting 'speed'"),
    (["dcgan", "--data", "PHOTOS", "--set", "d.depth=9"], "known for dcgan: d.channels"),
    (["dcgan", "--data", "PHOTOS", "--set", "batch"], "--set needs SLOT=VALUE"),
    (["dcgan", "--data", "PHOTOS", "--resolution", "48"], "power of two"),
    (["cgan", "--data", "ONE"], "needs labelled data"),
    (["dcgan", "--data", "PHOTOS", "--kimg", "0"], "kimg must be above 0"),
    (["dcgan", "--data", "PHOTOS", "--minutes", "0"], "minutes must be a number above 0"),
    (["dcgan", "--data", "PHOTOS", "--set", "latent.classes=5"], "latent.classes must be 0 or the 3 of the data, got 5"),
    (["dcgan", "--data", "PHOTOS", "--set", "mix=5"], "mix must be Mix or none, got '5'"),
    (["progan", "--data", "PHOTOS", "--set", "g.taper=0"], "taper must be a power of two from 4 to 1024 px, got 0"),
    (["dcgan", "--data", "PHOTOS", "--set", "g.resolution=32"], "this recipe cannot be trained with g.resolution=32: "),
    (["r3gan", "--data", "PHOTOS", "--set", "d.spectral=true"], "d.spectral does not suit r3gan"),
    (["dcgan", "--data", "PHOTOS", "--device", "warp"], "device 'warp' is not here; available: "),
])
def test_train_mistakes(photos, tmp_path, capsys, args, message):
    (tmp_path / "empty").mkdir()
    places = {"ABSENT": tmp_path / "absent", "EMPTY": tmp_path / "empty", "PHOTOS": photos, "ONE": photos / "ant"}
    assert train(*(places.get(a, a) for a in args), "--out", tmp_path / "r") == 1
    assert message in error_of(capsys)
    assert not (tmp_path / "r").exists()


def test_a_run_needs_a_folder_of_its_own(photos, tmp_path, capsys):
    (tmp_path / "r").write_text("mine")
    assert train("dcgan", "--data", photos, "--out", tmp_path / "r") == 1
    assert "r is a file: name a folder for the run" in error_of(capsys) and (tmp_path / "r").read_text() == "mine"


def test_usage_mistake_exits_2(capsys):
    with pytest.raises(SystemExit) as error:
        train("dcgan")
    assert error.value.code == 2 and "--data" in capsys.readouterr().err


def test_dry_run_prints_the_resolved_recipe(photos, tmp_path, capsys):
    assert train("dcgan", "--data", photos, "--out", tmp_path / "r", "--dry-run", "--set", "g_opt.lr=1e-4") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["recipe"] == "dcgan" and "lr=0.0001" in printed["g_opt"] and "'resolution': 16" in printed["g"]
    assert not (tmp_path / "r").exists()


def test_spectral_norm_where_memory_is_estimated(photos, tmp_path):
    assert train("gan", "--data", photos, "--out", tmp_path / "r", "--kimg", "0.008", *TINY, "--set", "d.spectral=true") == 0


def test_what_was_said_of_a_run_stays_when_it_is_resumed(photos, tmp_path, capsys):
    base = ["dcgan", "--data", photos, "--out", tmp_path / "r", *TINY, "--resume"]
    assert train(*base, "--kimg", "0.008", "--licence", "CC0") == train(*base) == 0
    said = json.loads((tmp_path / "r" / "export" / "training.json").read_text())
    assert said["data"]["licence"] == "CC0" and "--kimg 0.008" in said["command"] and said["nimg"] == 8
    capsys.readouterr()
    assert train(*base, "--kimg", "0.004") == 1
    assert "has seen 0.008 kimg already" in error_of(capsys)
    odd = ["dcgan", "--data", photos, "--out", tmp_path / "odd", *TINY, "--kimg", "0.007", "--resume"]  # ends in mid-batch
    assert train(*odd) == train(*odd) == 0 and "is finished: 0.008 kimg" in capsys.readouterr().err


def test_a_run_whose_rates_have_come_to_0_is_not_prolonged(photos, tmp_path, capsys):
    base = ["wgan-gp", "--data", photos, "--out", tmp_path / "r", *TINY, "--resume"]
    assert train(*base, "--kimg", "0.02") == 0
    capsys.readouterr()
    assert train(*base, "--kimg", "0.04") == 1
    assert "0.02" in json.loads((tmp_path / "r" / "recipe.json").read_text())["kimg"]
    assert "its learning rates are 0: more images change nothing" in error_of(capsys)


def test_resume_rules(photos, tmp_path, capsys):
    out = tmp_path / "r"
    base = ["dcgan", "--data", photos, "--out", out, *TINY]
    assert train(*base, "--kimg", "0.008", "--resume") == 0
    assert "no checkpoint in" in capsys.readouterr().err
    assert train(*base, "--kimg", "0.008") == 1
    assert "already holds a run of 0.0 kimg: add --resume" in error_of(capsys)
    assert train(*base, "--kimg", "0.008", "--resume") == 0
    assert "is finished" in capsys.readouterr().err
    assert train(*base, "--kimg", "0.008", "--resume", "--set", "flip=true") == 1
    assert "flip: False in the run, True asked" in error_of(capsys)
    assert train(*base, "--kimg", "0.016", "--resume") == 0
    assert hub.load(out / "export").training["nimg"] == 16


def test_minutes_become_images_once(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session, "images_per_s", lambda *args, **kwargs: 321.0)
    out = tmp_path / "r"
    assert train("dcgan", "--data", photos, "--out", out, "--minutes", "0.01", *TINY) == 0
    assert "321 images/s here: 0.01 minutes are 0.193 kimg" in capsys.readouterr().err
    assert json.loads((out / "recipe.json").read_text())["kimg"] == "0.193"
    assert "--kimg 0.193 " in json.loads((out / "export" / "training.json").read_text())["command"]


@pytest.mark.parametrize("minutes", ["0", "nan", "-1", "inf"])
def test_minutes_are_checked_before_anything_is_timed(photos, tmp_path, capsys, monkeypatch, minutes):
    for late in ("load_images", "check_trainable", "images_per_s"):
        monkeypatch.setattr(session, late, lambda *args, **kwargs: pytest.fail("too late"))
    assert train("dcgan", "--data", photos, "--out", tmp_path / "r", "--minutes", minutes, *TINY) == 1
    assert "minutes must be a number above 0" in error_of(capsys)


def test_minutes_of_a_resumed_run_are_answered(photos, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(session, "images_per_s", lambda *args, **kwargs: 321.0)
    base = ["dcgan", "--data", photos, "--out", tmp_path / "r", *TINY, "--minutes", "0.001", "--resume"]
    assert train(*base) == 0
    capsys.readouterr()
    assert train(*base) == 0
    assert "--minutes counts at the start of a run only: this one is planned for 0.1 kimg" in capsys.readouterr().err


def test_what_a_killed_session_left_is_swept(photos, tmp_path):
    base = ["dcgan", "--data", photos, "--out", tmp_path / "r", *TINY, "--resume", "--kimg"]
    assert train(*base, "0.008") == 0
    for name in (".checkpoint.safetensors.123.tmp", "snapshots/.timeline.json.0a1b2c3d.tmp", "export/.config.json.7.tmp"):
        (tmp_path / "r" / name).write_bytes(b"half")
    assert train(*base, "0.016") == 0
    assert not list((tmp_path / "r").rglob("*.tmp"))


def test_recipe_json_is_whole_when_the_run_is_killed_while_it_is_rewritten(photos, tmp_path, monkeypatch):
    base = ["dcgan", "--data", photos, "--out", tmp_path / "r", *TINY, "--resume", "--kimg"]
    assert train(*base, "0.008") == 0
    path, replace = tmp_path / "r" / "recipe.json", os.replace

    def killed(source, target):
        if Path(target).name == "recipe.json":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    before = path.read_text()
    assert train(*base, "0.016") == 130 and path.read_text() == before


def test_an_endless_error_is_cut(photos, tmp_path, capsys):
    assert train("x" * 10**7, "--data", photos, "--out", tmp_path / "r") == 1
    assert len(error_of(capsys)) < 3000


def test_list_names_every_recipe(capsys):
    assert train("list", "--json") == 0
    assert [r["name"] for r in json.loads(capsys.readouterr().out)][:4] == ["gan", "cgan-mlp", "dcgan", "cgan"]
    assert train("list") == 0 and "arXiv:1511.06434" in capsys.readouterr().out


def test_a_run_that_ended_and_was_no_trial_brings_its_directions(photos, tmp_path, monkeypatch):
    start = ["dcgan", "--data", photos, "--out", tmp_path / "r", *TINY]
    assert train(*start, "--kimg", "0.024") == 0
    assert not (tmp_path / "r" / "export" / DIRECTIONS).exists()
    monkeypatch.setattr(session, "WORTH_S", 0)
    assert train(*start, "--kimg", "0.048", "--resume") == 0
    assert (tmp_path / "r" / "export" / DIRECTIONS).exists()


def test_interrupt_loses_nothing(photos, tmp_path):
    process = start(photos, tmp_path / "r")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "nothing is lost" in errors and "Traceback" not in errors
    stopped = hub.load(tmp_path / "r" / "export").training["nimg"]
    assert peek(tmp_path / "r" / CHECKPOINT)[0]["nimg"] == stopped > 0


@pytest.mark.slow
def test_kill_at_any_moment_and_resume_is_bit_equal(photos, tmp_path):
    command = [sys.executable, "-m", "benchmarks.resume", "--data", str(photos), "--kimg", "4", "--checkpoint-s", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
