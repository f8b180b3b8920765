"""python -m gan directions | project, as users call them."""

import json

import numpy as np
import pytest
from pictures import picture
from PIL import Image

from gan import hub
from gan.__main__ import main
from gan.edit import draw_edits
from gan.recipe import read_recipe

pytestmark = pytest.mark.usefixtures("short_search")


def test_directions_are_written_into_the_models_folder(tiny_model, capsys):
    folder = tiny_model("mlp")
    assert main(["directions", str(folder)]) == 0
    assert "8 directions of model" in capsys.readouterr().out
    assert (folder / "directions.safetensors").stat().st_size < 200_000


def test_a_picture_is_projected_and_its_place_drawn_again(tiny_model, tmp_path, capsys, monkeypatch):
    folder, out = tiny_model("dcgan", classes=2, channels=3), tmp_path / "found"
    (tmp_path / "x.jpg").write_bytes(picture(size=(40, 30), format="JPEG"))
    assert main(["project", str(folder), str(tmp_path / "x.jpg"), "--class", "class1", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["class"] == "class1" and 0 <= told["share"] <= 1 and len(told["files"]) == 3
    recipe = read_recipe(out / "drawn.png")
    assert list(recipe.latent) == told["latent"] and len(recipe.source) == 64
    again = draw_edits(hub.load(folder), [recipe], None)[0].astype(int)
    assert np.abs(np.asarray(Image.open(out / "drawn.png")).astype(int) - again).max() <= 1
    assert Image.open(out / "picture.png").size == (16, 16)
    monkeypatch.setattr(hub.folders, "WEIGHTS", folder.parent)
    assert main(["generate", str(out / "drawn.png"), "--out", str(tmp_path / "again")]) == 0
    assert (np.asarray(Image.open(tmp_path / "again" / "edit.png")) == again).all()


def test_mistakes_are_said_in_one_line(tiny_model, tmp_path, capsys):
    folder = str(tiny_model("dcgan"))
    (tmp_path / "x").write_text("no picture")
    (tmp_path / "ok.png").write_bytes(picture())
    for arguments, words in ((["x"], "no picture"), (["none.png"], "none.png"), (["ok.png", "--class", "y"], "no class")):
        paths = [str(tmp_path / arguments[0]), *arguments[1:]]
        assert main(["project", folder, *paths, "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: ") and words in error
