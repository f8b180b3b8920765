"""--from as a user types it: what the run, its card and its command say, how it goes on, and what is refused."""

import json

import numpy as np
import pytest
import torch
from commands import TINY, error_of, train
from pictures import folder, picture
from PIL import Image
from safetensors.torch import load_file, save_file

from gan import hub
from gan.hub.contents import DISCRIMINATOR
from train.run.checkpoint import CHECKPOINT, peek
from train.run.origin import read_origin

pytestmark = pytest.mark.usefixtures("cache", "quick_trial")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two sets of 16 px: RGB in two classes; grey in three, one of them called as one of the first."""
    root = tmp_path_factory.mktemp("sets")
    rs = np.random.RandomState(0)
    for name, classes, shape in (("colour", ("ant", "bee"), (16, 16, 3)), ("grey", ("bee", "cow", "dog"), (16, 16))):
        for k in range(12):
            path = root / name / classes[k % len(classes)] / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rs.randint(0, 256, shape, np.uint8)).save(path)
    return root


def test_from_a_run_from_its_export_and_on(photos, tmp_path, capsys):
    """What the run, its card and its command say; resumed, exactly; a D that is there is taken, else G rests at first."""
    base = ["--data", photos / "colour", "--device", "cpu", "--checkpoint-s", "0"]
    assert train("cgan", *base, "--out", tmp_path / "runs/first", *TINY, "--kimg", "0.016", "--licence", "research only",
                 "--set", "ema_kimg=7") == 0
    first = tmp_path / "runs" / "first"
    capsys.readouterr()
    second = ["--data", photos / "grey", "--device", "cpu", "--out", tmp_path / "second", "--from", first, "--kimg"]
    assert train(*second, "0.016") == 0
    assert "G and D\n" in capsys.readouterr().err
    said = json.loads((tmp_path / "second" / "export" / "training.json").read_text())
    revision = said["from"]["revision"]
    assert said["from"] == {"id": "first", "revision": revision, "licence": "research only"} and len(revision) == 12
    assert said["recipe"] == "cgan" and said["slots"]["ema_kimg"] == "7.0" and said["slots"]["batch"] == "4"
    assert "--from runs/first" in said["command"] and "--set ema_kimg=7.0" in said["command"]
    assert peek(tmp_path / "second" / CHECKPOINT)[1]["from"] == f"first@{revision}"
    card = (tmp_path / "second" / "export" / "README.md").read_text()
    assert f"**Started from**: first, revision {revision}" in card
    assert "the licence of its data holds for these weights as well: research only" in card

    (first / "export" / DISCRIMINATOR).unlink()
    third = ["--data", photos / "grey", "--device", "cpu", "--out", tmp_path / "third", "--from", first / "export"]
    assert train(*third, "--kimg", "0.016") == 0
    assert "G and D starts anew (there is none beside it)\n" in capsys.readouterr().err
    identity = peek(tmp_path / "third" / CHECKPOINT)[1]
    for grandchild in (tmp_path / "second", tmp_path / "second" / "export"):  # what was at the beginning holds to the end
        assert read_origin(str(grandchild)).licence == "not stated; and research only"

    assert train(*third[:6], "--resume", "--kimg", "0.024") == 0
    after = json.loads((tmp_path / "third" / "export" / "training.json").read_text())
    assert after["nimg"] == 24 and after["from"]["id"] == "first" and "--from runs/first" in after["command"]
    assert peek(tmp_path / "third" / CHECKPOINT)[1] == {**identity, "kimg": "0.024"}


def test_resumed_is_bit_exact_with_an_origin(photos, tmp_path):
    base = ["--data", photos / "colour", "--device", "cpu", "--checkpoint-s", "0"]
    assert train("dcgan", *base, "--out", tmp_path / "first", *TINY, "--kimg", "0.008") == 0
    whole = ["--from", tmp_path / "first", *base]
    assert train(*whole, "--out", tmp_path / "a", "--kimg", "0.024") == 0
    assert train(*whole, "--out", tmp_path / "b", "--kimg", "0.012") == 0
    assert train(*base, "--out", tmp_path / "b", "--resume", "--kimg", "0.024") == 0
    a, b = (load_file(tmp_path / run / CHECKPOINT) for run in "ab")
    assert a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_what_a_run_started_from_may_have_gone_on_or_be_gone_when_it_is_resumed(photos, tmp_path, capsys):
    base = ["--data", photos / "colour", "--device", "cpu", "--checkpoint-s", "0"]
    first = ["dcgan", *base, "--out", tmp_path / "first", *TINY]
    second = ["--from", tmp_path / "first", *base, "--out", tmp_path / "second", "--set", "batch=4"]
    assert train(*first, "--kimg", "0.008") == train("dcgan", *second, "--kimg", "0.008") == 0
    identity = peek(tmp_path / "second" / CHECKPOINT)[1]
    assert train(*first, "--kimg", "0.016", "--resume") == 0
    assert train("dcgan", *second, "--kimg", "0.012", "--resume") == 0
    (tmp_path / "first").rename(tmp_path / "away")
    for named in (["dcgan"], []):
        capsys.readouterr()
        assert train(*named, *second, "--kimg", "0.016", "--resume") == 0
        assert peek(tmp_path / "second" / CHECKPOINT)[1] == {**identity, "kimg": "0.016"}
    assert train("dcgan", *second, "--kimg", "0.016", "--resume", "--set", "flip=true") == 1
    assert "flip: False in the run, True asked" in error_of(capsys)
    for other in (tmp_path / "another", "none", "ada/another", f"first@{'0' * 12}"):
        assert train("dcgan", *second, "--kimg", "0.016", "--resume", "--from", other) == 1
        assert f"belongs to another run; from: {identity['from']} in the run, {other} asked" in error_of(capsys)
    assert train(*first[:1], *base, "--out", tmp_path / "away", *TINY, "--resume", "--from", tmp_path / "second") == 1
    assert "from: absent in the run" in error_of(capsys)


def test_without_its_encoder_a_run_goes_on_without_a_name_too(photos, tmp_path):
    """The recipe's e is none, and the run's is what came with the model."""
    base = ["--data", photos / "colour", "--device", "cpu", "--kimg"]
    assert train("vae-gan", *base, "0.008", "--out", tmp_path / "first", *TINY[:-2], "--set", "e.width=4") == 0
    assert train("dcgan", *base, "0.008", "--out", tmp_path / "second", "--from", tmp_path / "first", "--batch", "4") == 0
    assert train(*base, "0.012", "--out", tmp_path / "second", "--resume") == 0


def test_what_was_trained_on_pairs_goes_on_with_pairs(tmp_path):
    files = {f"{side}/{k}.png": picture(k + 9 * (side == "B")) for side in "AB" for k in range(8)}
    base = ["--data", folder(tmp_path / "pairs", files), "--kimg", "0.008", *TINY]
    assert train("pix2pix", *base, "--out", tmp_path / "first") == 0
    assert train(*base, "--out", tmp_path / "second", "--from", tmp_path / "first", "--dry-run") == 0


def test_from_the_hub_with_its_discriminator(ada, photos, tmp_path, capsys):
    """Pulled under the commit, which the run and its command name; a download to draw from leaves D where it is."""
    base = ["--data", photos / "colour", "--kimg", "0.004"]
    assert train("dcgan", *base, "--out", tmp_path / "r", *TINY, "--push", "ada/ants") == 0
    commit = hub.push(tmp_path / "r" / "export", "ada/ants").commit
    folder, _, _ = hub.folder_of("ada/ants")
    assert not (folder / DISCRIMINATOR).exists()
    capsys.readouterr()
    assert train(*base, "--out", tmp_path / "s", "--from", "ada/ants", "--device", "cpu") == 0
    assert f"from ada/ants@{commit}: G and D\n" in capsys.readouterr().err
    said = json.loads((tmp_path / "s" / "export" / "training.json").read_text())
    assert said["from"] == {"id": "ada/ants", "revision": commit, "licence": "not stated"}
    assert f"--from ada/ants@{commit} " in said["command"]


def test_dry_run_says_where_it_would_start(photos, tmp_path, capsys):
    assert train("--data", photos / "grey", "--out", tmp_path / "r", "--from", "mnist-dcgan", "--resolution", "32", "--kimg",
                 "1", "--dry-run", "--set", "callbacks=WarmUp(0.2)") == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert "D starts anew (there is none beside it); G rests for the first 0.2 kimg" in err
    assert printed["recipe"] == "cgan" and printed["from"].startswith("mnist-dcgan@")  # DCGAN, told the three classes
    assert "classes=3" in printed["latent"]
    assert printed["callbacks"] == "[WarmUp(kimg=0.2)]"
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(("args", "message"), [
    (["--from", "mnist-dcgan"], "mnist-dcgan draws 32 px and the pictures are read at 16 px: add --resolution 32"),
    (["biggan", "--from", "mnist-dcgan"], "mnist-dcgan is a dcgan, and the recipe trains a biggan: "),
    (["--from", "absent"], "no model 'absent': expected a folder, a Hub id"),
    (["--from", "EMPTY"], "no config.json in empty: this is no model folder of ours"),
    (["--from", "TORN"], "cannot be read: --from needs a whole checkpoint, or the export beside it"),
    (["--from", "BROKEN"], "broken: discriminator.safetensors is not usable: "),
    (["--from", "OTHER"], "other: discriminator.safetensors is not usable: convs.0.bias is missing"),
    (["--from", "NAN"], "head.score.bias holds numbers that are not finite"),
    (["--from", "MUTE"], "does not say how it was trained"),
    (["--from", "ODD"], "the recipe of odd cannot be read: "),
])
def test_bad_origins(photos, tmp_path, capsys, args, message):
    run, export = tmp_path / "good", tmp_path / "good" / "export"
    assert train("dcgan", "--data", photos / "colour", "--out", run, *TINY, "--kimg", "0.004") == 0
    places = {name.upper(): tmp_path / name for name in ("empty", "torn", "broken", "other", "nan", "mute", "odd")}
    for name, place in places.items():
        place.mkdir()
        for path in export.iterdir() if name not in ("EMPTY", "TORN") else ():
            (place / path.name).write_bytes(path.read_bytes()) if path.is_file() else None
    (places["TORN"] / CHECKPOINT).write_bytes((run / CHECKPOINT).read_bytes()[:999])
    (places["BROKEN"] / DISCRIMINATOR).write_bytes(b"torn")
    D = load_file(export / DISCRIMINATOR)
    save_file({"x": torch.zeros(1)}, places["OTHER"] / DISCRIMINATOR)
    save_file({**D, "head.score.bias": torch.full((1,), torch.nan)}, places["NAN"] / DISCRIMINATOR)
    training = json.loads((export / "training.json").read_text())
    (places["MUTE"] / "training.json").unlink()
    odd = {**training, "slots": {**training["slots"], "loss": "import os"}}
    (places["ODD"] / "training.json").write_text(json.dumps(odd))
    capsys.readouterr()
    assert train(*(places.get(a, a) for a in args), "--data", photos / "colour", "--out", tmp_path / "r", "--kimg", "1") == 1
    assert message in error_of(capsys)
    assert not (tmp_path / "r").exists()
