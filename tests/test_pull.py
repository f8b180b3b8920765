"""Pull over real HTTP: whole, pinned, the same pixels, and offline afterwards; every trouble in one line."""

import errno
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pictures
import pytest
from hub_server.client import connected, environment
from PIL import Image
from published import OURS

import train.__main__ as train_cli
from gan import hub
from gan.__main__ import main
from gan.engine import draw
from gan.image import contact_sheet
from gan.latent import Draw
from gan.recipe import read_recipe

DRAWS = [Draw(seed) for seed in range(4)]


def test_pull_is_whole_pinned_and_works_offline(ada, whole_model, tmp_path, capsys):
    commit = hub.push(whole_model, "ada/cats").commit
    assert main(["pull", "ada/cats", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = {str(p.relative_to(told["folder"])) for p in Path(told["folder"]).rglob("*") if p.is_file()}
    assert told["commit"] == commit and found == OURS - {".gitattributes"}
    asked = len(ada.requests)
    assert hub.load(f"ada/cats@{commit}").revision == commit and len(ada.requests) == asked  # not one request
    ada.close()
    pixels = draw(hub.load(whole_model).G, DRAWS)
    for name in ("ada/cats", f"ada/cats@{commit}"):
        assert np.array_equal(draw(hub.load(name).G, DRAWS), pixels)


def test_what_is_opened_by_its_id_has_its_directions(ada, whole_model):
    """The page Mix and edit would else have nothing to offer for it."""
    (whole_model / "directions.safetensors").write_bytes(b"found")
    hub.push(whole_model, "ada/cats")
    folder, _, _ = hub.folder_of("ada/cats")
    assert (folder / "directions.safetensors").read_bytes() == b"found"


def test_pull_into_a_folder_is_whole_or_not_there(ada, whole_model, tmp_path):
    hub.push(whole_model, "ada/cats")
    out = tmp_path / "models" / "cats"
    hub.pull("ada/cats", None, out)
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == OURS - {".gitattributes"}
    assert not any(p.is_symlink() for p in out.rglob("*")) and [p.name for p in out.parent.iterdir()] == ["cats"]
    with pytest.raises(FileExistsError, match="is not empty: choose another --out"):
        hub.pull("ada/cats", None, out)


def test_the_newest_is_fetched_and_an_old_one_stays_to_be_had(ada, whole_model, tiny_model):
    first = hub.push(whole_model, "ada/cats").commit
    assert hub.load("ada/cats").revision == first
    other = tiny_model(folder="other", seed=1)
    second = hub.push(other, "ada/cats").commit
    assert hub.load("ada/cats").revision == second and hub.load(f"ada/cats@{first}").revision == first


@pytest.mark.parametrize("fault", [
    dict(pattern="GET /api/models/ada/cats", status=500), dict(pattern="paths-info", status=429, times=2),
    dict(pattern="HEAD /ada/cats/resolve", status=503, times=2), dict(pattern="GET.*safetensors", cut=1000),
    dict(pattern="GET.*config.json", cut=0), dict(pattern="GET.*safetensors", bytes_per_s=60_000),
    dict(pattern="GET.*safetensors", corrupt=True), dict(pattern="GET.*config.json", corrupt=True)])
def test_troubles_of_a_pull_that_pass(ada, whole_model, fault):
    hub.push(whole_model, "ada/cats")
    there = ada.fail(**fault)
    folder, _ = hub.pull("ada/cats")
    assert there.met and (folder / "model.safetensors").read_bytes() == (whole_model / "model.safetensors").read_bytes()
    hub.load("ada/cats")


@pytest.mark.parametrize(("fault", "message"), [
    (dict(pattern="/api/models/", status=500), r"trouble \(500\).*a little later, and the model is not in the cache"),
    (dict(pattern="/api/models/", status=429), "slow down"),
    (dict(pattern="GET.*safetensors", corrupt=True), "twice not the file that the Hub lists"),
    (dict(pattern="GET.*safetensors", status=403), "needs the right"),
    (dict(pattern="GET.*safetensors", status=500), r"trouble \(500\)"),
    (dict(pattern="GET.*safetensors", cut=100), "connection to the Hub failed|Hub cannot be reached"),
])
def test_troubles_of_a_pull_that_stay_leave_nothing_broken(ada, whole_model, fault, message):
    hub.push(whole_model, "ada/cats")
    there = ada.fail(**fault, times=1000)
    with pytest.raises(FileNotFoundError, match=message) as error:
        hub.pull("ada/cats")
    assert "\n" not in str(error.value)
    there.times = 0
    hub.pull("ada/cats")
    hub.load("ada/cats")


def test_a_hub_in_trouble_does_not_take_away_what_is_cached(ada, whole_model, caplog):
    commit = hub.push(whole_model, "ada/cats").commit
    hub.load("ada/cats")
    ada.fail("/api/", 500, times=1000)
    assert hub.load("ada/cats").revision == commit
    assert f"this is {commit[:12]} from the cache" in caplog.text


@pytest.mark.parametrize(("name", "message"), [
    ("ada/dogs", "not there, or it is private"), ("ada/cats@v9", "no revision v9"),
    ("ada/hidden", "not there, or it is private"), ("ada/notes", "no model of ours")])
def test_what_is_not_there(server, whole_model, name, message):
    server.store.publish("ada/cats", {"config.json": b"{}", "model.safetensors": b""})
    server.store.publish("ada/hidden", {"config.json": b"{}"}, private=True)
    server.store.publish("ada/notes", {"README.md": b"hello", "pytorch_model.bin": b"x"})
    assert main(["pull", name]) == 1
    with pytest.raises(FileNotFoundError, match=message):
        hub.load(name)


def test_disk_full_during_a_pull(ada, whole_model, monkeypatch, tmp_path):
    hub.push(whole_model, "ada/cats")

    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.http_get", full_after_a_part)
        with pytest.raises(FileNotFoundError, match="the disk is full: make room and run the same command again"):
            hub.pull("ada/cats")
    assert not list((tmp_path / "home").rglob("*.incomplete"))
    hub.pull("ada/cats")


def full_after_a_part(url, file, **kwargs):
    file.write(b"part")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_no_network_is_said_at_once(tmp_path, capsys):
    """And the models that ship are drawn all the same."""
    with connected("http://127.0.0.1:9", tmp_path / "home"):
        start = time.monotonic()
        assert main(["pull", "ada/cats"]) == 1
        assert time.monotonic() - start < 3
        err = capsys.readouterr().err
        assert "ada/cats" in err and "not in the cache" in err and err.count("error:") == 1
        assert main(["generate", "mnist-gan", "--seeds", "1", "--out", str(tmp_path / "out")]) == 0


CONSUME = """
import sys
from gan.__main__ import main
sys.exit(main(["pull", "ada/cats"]) or main(["generate", "ada/cats", "--seeds", "0-3", "--grid", "--out", sys.argv[1]]))
"""


def test_from_training_to_another_process(ada, tmp_path, cache):
    """Train, push, pull by id in a clean process: the same seeds are the same pixels."""
    photos = pictures.folder(tmp_path / "photos", {f"{k}.png": pictures.picture(k) for k in range(8)})
    out, again = tmp_path / "runs" / "cats", tmp_path / "again"
    assert train_cli.main(["dcgan", "--data", str(photos), "--out", str(out), "--kimg", "0.064", "--batch", "16",
                           "--set", "g.width=8", "--set", "d.width=8"]) == 0
    assert main(["push", str(out), "ada/cats"]) == 0
    command = [sys.executable, "-c", CONSUME, str(again)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=hub.WEIGHTS.parent, check=False,
                          env=environment(ada, tmp_path / "elsewhere"))
    assert done.returncode == 0, done.stderr
    sheet, recipe = np.asarray(Image.open(again / "sheet.png")), read_recipe(again / "sheet.png")
    assert np.array_equal(sheet, contact_sheet(draw(hub.load(out).G, DRAWS)))
    assert recipe.model == "ada/cats" and recipe.revision == ada.store.repos["model", "ada/cats"].branches["main"]
