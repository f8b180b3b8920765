"""python -m gan, as a user types it: results, and one clear line for every mistake."""

import pytest
from commands import error_of, gan
from PIL import Image

from gan import hub
from gan.engine import draw
from gan.image import contact_sheet
from gan.recipe import StripRecipe, save_png


def test_interpolate_frames_can_be_replayed(tiny_model, tmp_path, monkeypatch):
    folder = tiny_model()
    assert gan("interpolate", folder, "--seeds", "1,5", "--frames", "4", "--out", tmp_path / "frames") == 0
    frames = sorted((tmp_path / "frames").iterdir())
    assert len(frames) == 5
    monkeypatch.chdir(tmp_path)
    assert gan("generate", frames[2], "--out", tmp_path / "again") == 0
    assert (tmp_path / "again" / frames[2].name).read_bytes() == frames[2].read_bytes()
    (dotted := tmp_path / "walks.2026").mkdir()
    assert gan("interpolate", folder, "--seeds", "1,5", "--frames", "1", "--out", dotted) == 0
    assert len(list(dotted.iterdir())) == 2
    walk = tmp_path / "w" / "walk.webp"
    assert gan("interpolate", folder, "--seeds", "1,5,9", "--frames", "1", "--loop", "--out", walk) == 0
    assert Image.open(walk).n_frames == 3


@pytest.mark.parametrize("along", [dict(labels=("class1", "class0", "class1", "class2")), dict(psis=(0.0, 0.5, 1.0))])
def test_a_strip_is_drawn_again(tiny_model, tmp_path, monkeypatch, along):
    folder = tiny_model(classes=3)
    model = hub.load(folder)
    recipe = StripRecipe("model", model.revision, 5, **along)
    tiles = draw(model.G, recipe.draws(model.label))
    save_png(tmp_path / "a.png", contact_sheet(tiles, columns=recipe.columns), recipe)
    monkeypatch.chdir(tmp_path)
    assert gan("generate", "a.png", "--out", "again") == 0
    assert (tmp_path / "again" / "strip.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert recipe.columns == {4: 2, 3: 3}[len(tiles)]


def test_png_of_another_version_is_drawn_and_labelled(tiny_model, tmp_path, capsys, monkeypatch):
    assert gan("generate", tiny_model(), "--seeds", "3", "--out", tmp_path / "a") == 0
    tiny_model(seed=1)
    monkeypatch.chdir(tmp_path)
    assert gan("generate", tmp_path / "a" / "seed0003.png", "--out", tmp_path / "b") == 0
    assert "drawn by another version of model" in capsys.readouterr().err


@pytest.mark.parametrize(("args", "message"), [
    (["nowhere"], "no model 'nowhere': expected a folder"), (["gone/one.png"], "there is no picture gone/one.png"),
    (["MNIST-cgam/"], "did you mean mnist-cgan? Else expected a folder"),
    (["."], "no config.json in .: this is no model folder"),
    (["MODEL", "--seeds", "1,-2"], "cannot read seeds"), (["MODEL", "--seeds", ""], "cannot read seeds"),
    (["MODEL", "--seeds", "99999999999"], "cannot read seeds"),
    (["MODEL", "--seeds", "x"], "cannot read seeds"),
    (["MODEL", "--psi", "nan"], "psi must be"),
    (["MODEL", "--class", "dog"], "no class 'dog'; it has no classes"),
    (["MODEL", "--grid", "--seeds", "0-9999"], "a sheet holds at most 4,096"),
])
def test_generate_mistakes(tiny_model, tmp_path, capsys, args, message):
    args = [str(tiny_model()) if a == "MODEL" else a for a in args]
    assert gan("generate", *args, "--out", tmp_path / "o") == 1
    assert message in error_of(capsys)


def test_generate_from_a_png_without_recipe(tmp_path, capsys):
    Image.new("L", (16, 16)).save(tmp_path / "a.png")
    assert gan("generate", tmp_path / "a.png", "--out", tmp_path / "o") == 1
    assert "no recipe in this picture" in error_of(capsys)


def test_one_picture_goes_where_out_says(tiny_model, tmp_path, capsys, monkeypatch):
    folder = tiny_model()
    for extra, name in ((["--seeds", "3"], "one.png"), (["--seeds", "0-3", "--grid"], "new/sheet.PNG")):
        assert gan("generate", folder, *extra, "--out", tmp_path / name) == 0
        assert (tmp_path / name).is_file() and str(tmp_path / name) in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert gan("generate", folder, "--seeds", "5,5,6", "--out", "twice") == 0
    assert "2 images in twice" in capsys.readouterr().out and len(list((tmp_path / "twice").iterdir())) == 2
    assert gan("generate", "one.png", "--out", "again.png") == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "one.png").read_bytes()
    (tmp_path / "folder.png").mkdir()
    assert gan("generate", folder, "--seeds", "0-1", "--out", "folder.png") == 0
    assert len(list((tmp_path / "folder.png").iterdir())) == 2


@pytest.mark.parametrize(("args", "words"), [
    (["generate", "MODEL", "--seeds", "0-1", "--out", "a.png"], "or add --grid for one sheet"),
    (["generate", "MODEL", "--seeds", "0", "--out", "a.jpg"], "name a folder, or a .png"),
    (["augment", "MODEL", "--count", "4", "--out", "a.tar"], "name a new folder, or a .zip or .parquet"),
    (["generate", "MODEL", "--seeds", "0", "--out", "a.tiff"], "name a folder, or a .png"),
    (["generate", "MODEL", "--seeds", "0", "--out", "file"], "--out file is a file: name a folder"),
    (["augment", "MODEL", "--count", "4", "--out", "file"], "--out file is a file: name a new folder"),
    (["project", "MODEL", "a.png", "--out", "b.png"], "name a folder"),
    (["transform", "MODEL", "a.png", "--out", "b.webp"], "name a folder, or for one picture a .png"),
])
def test_a_folder_is_not_given_the_name_of_a_file(tiny_model, tmp_path, monkeypatch, capsys, args, words):
    folder = tiny_model()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    before = sorted(tmp_path.iterdir())
    assert gan(*[folder if a == "MODEL" else a for a in args]) == 1
    assert words in error_of(capsys) and sorted(tmp_path.iterdir()) == before
