"""The same recipe, by every door: library, command line and the Python client give the same pixels; what is refused."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from gan import hub
from gan import project as project_module
from gan.__main__ import main
from gan.directions import find_directions, load_directions, save_directions
from gan.edit import draw_edits
from gan.engine import draw, draw_walk
from gan.latent import Draw
from gan.recipe import EditRecipe, Move, WalkRecipe, from_json, read_recipe
from gan.ui.path import Path


def pixels(file):
    array = np.asarray(Image.open(file))
    return array[..., None] if array.ndim == 2 else array


def test_an_image_is_the_same_by_every_door(served, client, tmp_path):
    folder = served.folder / "digits"
    ours = draw(hub.load(folder).G, [Draw(7, 2, 0.5)])[0]
    answered = client.predict(model="digits", seeds="7", class_name="two", psi=0.5, api_name="/generate")
    assert (pixels(answered) == ours).all()
    assert main(["generate", str(folder), "--seeds", "7", "--class", "two", "--psi", "0.5", "--out", str(tmp_path)]) == 0
    assert (pixels(tmp_path / "seed0007.png") == ours).all()
    assert read_recipe(tmp_path / "seed0007.png") == read_recipe(answered)


def test_a_path_is_the_same_by_every_door(served, client, tmp_path):
    folder, model = served.folder / "digits", hub.load(served.folder / "digits")
    path = Path("digits", ((1, "one"), (5, None), (9, "two")), 3, loop=False, ease=True)
    ours = list(draw_walk(model.G, path.walk(model)))
    answered = client.predict(model="digits", stops="1:one,5,9:two", frames=3, loop=False, ease=True, form="zip",
                              api_name="/interpolate")
    command = ["interpolate", str(folder), "--seeds", "1,5,9", "--classes", "one", "-", "two", "--frames", "3", "--ease"]
    assert main([*command, "--out", str(tmp_path / "frames")]) == 0
    with zipfile.ZipFile(answered) as archive:
        assert len(archive.namelist()) == len(ours) == 7
        for k, frame in enumerate(ours):
            name = f"frame{k:05d}.png"
            over_http = io.BytesIO(archive.read(name))
            assert (pixels(over_http) == frame).all() and (pixels(tmp_path / "frames" / name) == frame).all()
            recipe = read_recipe(tmp_path / "frames" / name)
            assert isinstance(recipe, WalkRecipe) and recipe.labels == ("one", None, "two") and recipe.frame == k
    film = client.predict(model="digits", stops="1,5", frames=2, form="gif", api_name="/interpolate")
    assert Image.open(film).n_frames == 4


def test_an_edit_and_a_projection_are_the_same_by_every_door(served, client, tmp_path, monkeypatch):
    for name, value in dict(SIFTING=4, POLISHING=2, CANDIDATES=16).items():
        monkeypatch.setattr(project_module, name, value)
    folder = served.folder / "plain"
    model = hub.load(folder)
    save_directions(folder, find_directions(model.G, count=2, samples=2))
    recipe = EditRecipe("plain", model.revision, (4,), moves=(Move(1, 2.0),))
    answered = client.predict(recipe=recipe.to_json(), api_name="/draw_edit")
    assert (pixels(answered) == draw_edits(model, [recipe], load_directions(folder, model.G))[0]).all()
    monkeypatch.setattr(hub.folders, "WEIGHTS", served.folder)
    assert main(["generate", str(answered), "--out", str(tmp_path)]) == 0
    assert (pixels(tmp_path / "edit.png") == pixels(answered)).all()

    mine = shutil.copy(answered, tmp_path / "mine.png")  # Gradio keeps a copy of its answer, by its name, where uploads lie
    told = client.predict(model="plain", picture=handle_file(mine), api_name="/project")
    found = from_json(told["recipe"])
    assert 0 <= told["share"] <= 1 and main(["project", str(folder), str(answered), "--out", str(tmp_path / "p")]) == 0
    by_command = json.loads((tmp_path / "p" / "latent.json").read_text())
    assert tuple(by_command["latent"]) == found.latent
    assert not list(served.studio.outbox.uploads.rglob("mine.png"))


def test_a_set_is_the_same_by_every_door(served, client, tmp_path):
    answered = client.predict(model="digits", counts="one=2, two=3", api_name="/augment")
    command = ["augment", str(served.folder / "digits"), "--counts", "one=2", "two=3", "--out", str(tmp_path / "set")]
    assert main(command) == 0
    with zipfile.ZipFile(answered) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(names) == 5
        assert all(archive.read(name) == (tmp_path / "set" / name).read_bytes() for name in names)


@pytest.mark.parametrize(("words", "endpoint", "given"), [
    ("at least two stops", "interpolate", dict(model="digits", stops="1")),
    ("frames must be", "interpolate", dict(model="digits", frames=10**9)),
    ("form must be", "interpolate", dict(model="digits", form="exe")),
    ("rate must be", "interpolate", dict(model="digits", rate=1e308)),
    ("not in this gallery", "interpolate", dict(model="<script>")),
    ("cannot be read", "draw_edit", dict(recipe="{")),
    ("at most 100", "draw_edit", dict(recipe=EditRecipe("digits", "r", tuple(range(101))).to_json())),
    ("count must be", "augment", dict(model="digits", count=0)),
    ("at most", "augment", dict(model="digits", count=10**9)), ("packed as", "augment", dict(model="digits", form="../x")),
    ("no class", "augment", dict(model="digits", counts="x=3")),
    ("no classes", "augment", dict(model="plain", balance=True))])
def test_what_no_door_gives_is_refused_in_one_line(client, words, endpoint, given):
    with pytest.raises(AppError) as error:
        client.predict(**given, api_name=f"/{endpoint}")
    assert words in str(error.value).lower() and "\n" not in str(error.value) and "Traceback" not in str(error.value)
