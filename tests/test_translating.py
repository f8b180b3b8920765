"""python -m train with pictures in: pairs, two kinds, what is said where they are not there, the card."""

import json

import numpy as np
import pytest
from commands import TINY, error_of
from pictures import folder, picture
from PIL import Image

from gan import hub
from gan.hub.card import card
from train.__main__ import main

pytestmark = pytest.mark.usefixtures("cache")


def two_folders(root, count=16, **more):
    sides = {f"{side}/{i}.png": picture(100 * k + i) for k, side in enumerate("AB") for i in range(count)}
    return folder(root, {**sides, **more})


def command(data, out, recipe="pix2pix", *more):
    return [recipe, "--data", str(data), "--out", str(out), *TINY, *more]


def test_pairs_from_the_command_line_to_the_card(tmp_path, capsys):
    data, out = two_folders(tmp_path / "pairs"), tmp_path / "run"
    asked = command(data, out, "pix2pix", "--hold-out", "0.4", "--kimg", "0.016")
    assert main([*asked, "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "Paired(reads='A')"
    assert main(asked) == 0
    assert main([*asked[:-1], "0.032", "--resume"]) == 0
    model = hub.load(out / "export")
    assert model.G.source.made == "Paired(reads='A')" and model.training["data"]["held_out"] == 0.4
    text = (out / "export" / "README.md").read_text()
    assert "python -m gan transform run picture.png --out" in text and "pictures that training never saw" in text
    assert "pipeline_tag: image-to-image" in text
    read = np.asarray(Image.open(out / "export" / "samples.png"))[:16, :16]
    sources = [np.asarray(Image.open(data / "A" / f"{i}.png")) for i in range(16)]
    assert any(np.abs(read.astype(int) - source).max() <= 1 for source in sources)  # what was read stands on the left


def test_a_run_without_a_name_goes_on_with_its_pairs(tmp_path):
    data, out = two_folders(tmp_path / "pairs"), tmp_path / "run"
    assert main(command(data, out, "pix2pix", "--kimg", "0.008")) == 0
    assert main(["--data", str(data), "--out", str(out), "--resume", "--kimg", "0.016"]) == 0
    assert hub.load(out / "export").G.source.made == "Paired(reads='A')"


def test_plain_pictures_become_drawings_and_two_folders_two_kinds(tmp_path):
    plain = folder(tmp_path / "plain", {f"{i}.png": picture(i) for i in range(12)})
    assert main(command(plain, tmp_path / "a", "pix2pix", "--kimg", "0.004")) == 0
    assert hub.load(tmp_path / "a" / "export").G.source.made.startswith("Edges(")
    data = two_folders(tmp_path / "kinds", 6, **{"B/more.png": picture(7)})  # of different counts
    assert main(command(data, tmp_path / "b", "cyclegan", "--kimg", "0.004")) == 0
    model = hub.load(tmp_path / "b" / "export")
    assert model.G.source.made == "Unpaired()" and model.class_names == ("A", "B")
    assert "transform run picture.png --class A" in card("run", model, model.training)


@pytest.mark.parametrize(("recipe", "more", "options", "message"), [
    ("pix2pix", {"A/only.png": picture(1)}, [], "1 of 33 pictures have no partner of their name (A/only has none in B/)"),
    ("pix2pix", {"B/3.png": picture(1, size=(32, 16))}, [], "of 3 A/ has 16 x 16 px, B/ has 32 x 16 px"),
    ("pix2pix", {}, ["--set", "source=Paired(\"labels\")"], "the folders of the pairs in set are A and B"),
    ("cyclegan", {"C/1.png": picture(1)}, [], "needs two folders of pictures, one for each kind, and finds A, B, C"),
    ("inpaint", {}, ["--set", "source=Edges()"], "a net that fills holes reads a picture and its hole"),
    ("dcgan", {}, ["--set", "source=Edges()"], "the generators of dcgan read no picture"),
])
def test_what_cannot_be_trained_is_one_clear_line(tmp_path, capsys, recipe, more, options, message):
    data = two_folders(tmp_path / "set", **more)
    assert main(command(data, tmp_path / "run", recipe, *options)) == 1
    assert message in error_of(capsys)


def test_an_empty_domain(tmp_path, capsys):
    data = folder(tmp_path / "set", {f"A/{i}.png": picture(i) for i in range(8)})
    (data / "B").mkdir()
    assert main(command(data, tmp_path / "run", "cyclegan")) == 1
    line = error_of(capsys)
    assert "cyclegan needs labelled data" in line and line.endswith("(skipped: B/: an empty folder)")

