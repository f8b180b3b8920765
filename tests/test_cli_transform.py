"""python -m gan transform, as users call it."""

import json

import numpy as np
import pytest
from commands import error_of, gan
from pictures import encoded, picture
from PIL import Image, ImageDraw
from transforming import write_painters

from gan import hub
from gan.picture import Box
from gan.recipe import read_recipe
from gan.transform import Given, transform

pytestmark = pytest.mark.usefixtures("test_families")


@pytest.fixture
def models(tmp_path, test_families):
    write_painters(tmp_path / "models")
    return tmp_path / "models"


def test_one_picture_is_written_with_its_recipe(models, tmp_path, capsys):
    data = picture(size=(60, 50))
    (tmp_path / "me.png").write_bytes(data)
    out = tmp_path / "new" / "out.png"
    assert gan("transform", models / "styles", tmp_path / "me.png", "--class", "orange", "--seed", "3", "--box", "5,5,40",
               "--out", out) == 0
    assert capsys.readouterr().out == f"{out}\n"
    made = transform(hub.load(models / "styles"), Given(data, Box(5, 5, 40), seed=3, label="orange"))
    assert (np.asarray(Image.open(out)) == made.pixels).all() and read_recipe(out) == made.recipe
    assert gan("generate", out, "--out", tmp_path) == 1
    assert "give that one to python -m gan transform styles" in error_of(capsys)


def test_folders_keep_their_order_and_what_cannot_be_read_is_named(models, tmp_path, capsys):
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "a.png", "sub/b.png"):
        (folder / name).write_bytes(picture(size=(20, 18), format="JPEG" if name.endswith("jpg") else "PNG"))
    (folder / "notes.txt").write_text("no picture")
    assert gan("transform", models / "larger", folder, "--out", tmp_path / "out", "--json") == 0
    told = capsys.readouterr()
    said = json.loads(told.out)
    assert [f[len(str(tmp_path)) + 5 :] for f in said["files"]] == ["a.png", "a.png.png", "sub/b.png"]
    assert said["skipped"][0]["picture"].endswith("notes.txt") and "note: skipped" in told.err
    assert Image.open(said["files"][2]).size == (40, 36)
    assert gan("transform", models / "larger", folder / "notes.txt", folder / "notes.txt", "--out", tmp_path / "no") == 1
    assert "none of the 2 files" in error_of(capsys)


def test_pictures_of_one_name_are_each_written(models, tmp_path, capsys):
    for k, name in enumerate(("a/x.jpg", "b/x.jpg", "c/x.jpg", "d/X.png", "e/x.jpg.png")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(picture(k, size=(16, 16), format="JPEG" if name.endswith("jpg") else "PNG"))
    given = [tmp_path / name for name in "abcde"]
    assert gan("transform", models / "larger", *given, "--out", tmp_path / "out", "--json") == 0
    files = json.loads(capsys.readouterr().out)["files"]
    names = ["x.png", "x.jpg.png", "x.jpg-2.png", "X.png.png", "x.jpg.png.png"]
    assert files == [str(tmp_path / "out" / name) for name in names]
    assert len({read_recipe(f).source for f in files}) == 5


def test_a_hole_is_a_picture_that_is_white_there(models, tmp_path):
    (tmp_path / "me.png").write_bytes(data := picture(size=(32, 32)))
    image = Image.new("L", (32, 32))
    ImageDraw.Draw(image).rectangle((8, 8, 15, 20), fill=255)
    (tmp_path / "hole.png").write_bytes(encoded(image))
    given = (tmp_path / "me.png", "--hole", tmp_path / "hole.png")
    assert gan("transform", models / "filler", *given, "--out", tmp_path / "o") == 0
    made = transform(hub.load(models / "filler"), Given(data, hole=np.asarray(image) > 0))
    assert (np.asarray(Image.open(tmp_path / "o" / "me.png")) == made.pixels).all()


def test_mistakes_are_said_in_one_line(models, tmp_path, capsys, tiny_model):
    (tmp_path / "ok.png").write_bytes(picture(size=(32, 32)))
    (tmp_path / "x").write_text("no picture")
    (tmp_path / "empty").mkdir()
    seeds = tiny_model("dcgan")
    for words, model, *arguments in (
            ("from seeds", seeds, "ok.png"), ("no picture", models / "larger", "x"),
            ("none.png", models / "larger", "none.png"),
            ("no files in", models / "larger", "empty"), ("say where the hole is", models / "filler", "ok.png"),
            ("fills no holes", models / "larger", "ok.png", "--hole", "ok.png"),
            ("shall become", models / "styles", "ok.png"),
            ("a seed must be", models / "styles", "ok.png", "--class", "apple", "--seed", "-1"),
            ("LEFT,TOP,SIDE", models / "larger", "ok.png", "--box", "1,2"),
            ("no square of 99", models / "larger", "ok.png", "--box", "0,0,99")):
        given = [tmp_path / a if a in ("ok.png", "x", "none.png", "empty") else a for a in arguments]
        assert gan("transform", model, *given, "--out", tmp_path / "out") == 1
        assert words in error_of(capsys)
    assert gan("transform", models / "larger", tmp_path / "ok.png", tmp_path / "x", "--out", tmp_path / "a.png") == 1
    assert "name a folder" in error_of(capsys)
    assert gan("transform", models / "larger", tmp_path / "ok.png", "--out", tmp_path) == 1
    assert "would be lost" in error_of(capsys) and (tmp_path / "ok.png").read_bytes() == picture(size=(32, 32))
    assert gan("generate", models / "larger", "--out", tmp_path / "g") == 1
    assert "give it one" in error_of(capsys)


def test_the_list_says_what_a_model_does_with_a_picture(models, monkeypatch, capsys):
    monkeypatch.setattr(hub.folders, "WEIGHTS", models)
    monkeypatch.setattr(hub, "WEIGHTS", models)
    (models / "larger" / "training.json").write_text('{"data": "of which its owner says nothing"}')
    assert gan("list") == 0
    assert "painter, 32 px, fill a hole, " in capsys.readouterr().out
    assert gan("list", "--json") == 0
    told = {one["name"]: one["reads"] for one in json.loads(capsys.readouterr().out)}
    assert told["larger"] == "Shrink(factor=2)" and len(told) == 4
