"""Variations of somebody's own pictures: near them, by a seed each; a kill changes nothing; nothing of them is stored."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
from commands import error_of, gan
from conftest import tiny_generator
from pictures import files_in, picture
from PIL import Image

from gan import hub
from gan.dataset import lines_of
from gan.directions import find_directions, load_directions, save_directions
from gan.edit import draw_edits
from gan.engine import draw
from gan.latent import Draw
from gan.project import Point
from gan.recipe import read_recipe
from gan.vary import Given, Variations, first_recipes, read_pictures, vary

WAYS = ("neighbours", "mix", "walk")


pytestmark = pytest.mark.usefixtures("short_search")


@pytest.fixture(scope="module", params=[("dcgan", 0), ("biggan", 3), ("stylegan2", 3)], ids=lambda p: p[0])
def folder(request, tmp_path_factory):
    """Of a model with directions."""
    name, classes = request.param
    G, folder = tiny_generator(name, classes=classes), tmp_path_factory.mktemp("models") / "model"
    hub.save(folder, G, class_names=tuple(f"class{k}" for k in range(classes)))
    save_directions(folder, find_directions(G, count=2, samples=2))
    return folder


@pytest.fixture
def model(folder):
    return hub.load(folder)


@pytest.fixture
def directions(folder, model):
    return load_directions(folder, model.G)


@pytest.fixture
def mine(tmp_path):
    """A folder of two pictures, one of them twice, and what is none."""
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    for k, path in enumerate((folder / "a.png", folder / "sub" / "b.png")):
        path.write_bytes(picture(size=(20 + k, 20)))
    (folder / "again.png").write_bytes((folder / "a.png").read_bytes())
    (folder / "torn.jpg").write_bytes(b"no picture")
    return folder


def varied(model, mine, folder, directions=None, **asked):
    pictures, _ = read_pictures(mine, model)
    return list(vary(model, pictures, Variations(**{"each": 3, **asked}), folder, directions))


@pytest.mark.parametrize("way", WAYS)
def test_every_variation_is_drawn_again_from_its_recipe_and_names_its_picture(model, directions, mine, tmp_path, way):
    told = varied(model, mine, tmp_path / "set", directions, way=way)
    assert told[-1] == ("images", 6, 6) and [t.done for t in told] == sorted(t.done for t in told[:-1]) + [6]
    sources = [hashlib.sha256((mine / name).read_bytes()).hexdigest() for name in ("a.png", "sub/b.png")]
    found = list(lines_of(tmp_path / "set"))
    assert [about["source"] for about in found] == [s for s in sources for _ in range(3)]
    assert [about["seed"] for about in found] == list(range(6))
    for about in found:
        path = tmp_path / "set" / about["file_name"]
        recipe = read_recipe(path)
        assert recipe.source == about["source"] and recipe.label == about.get("label")
        assert path.parent.name == about.get("label", "images")
        assert (np.asarray(Image.open(path)) == draw_edits(model, [recipe], directions)[0, ..., 0]).all()
    assert len({data for name, data in files_in(tmp_path / "set").items() if name.endswith(".png")}) == 6


@pytest.mark.parametrize("way", WAYS)
def test_strength_says_how_far_from_the_picture(model, directions, mine, tmp_path, way):
    gaps = []
    for strength in (0.002, 0.9):
        folder = tmp_path / f"{strength}"
        varied(model, mine, folder, directions, way=way, strength=strength, each=8)
        point = json.loads((folder / ".points.jsonl").read_text().splitlines()[0])
        about = list(lines_of(folder))
        start = read_recipe(folder / about[0]["file_name"])
        still = draw_edits(model, [type(start)(start.model, start.revision, label=start.label, source=start.source,
                                               latent=tuple(point["latent"]))], None)[0, ..., 0].astype(int)
        gaps.append(np.mean([np.abs(np.asarray(Image.open(folder / a["file_name"])).astype(int) - still).mean()
                             for a in about[:8]]))
    usual = np.abs(np.diff(draw(model.G, [Draw(s) for s in range(32)]).astype(int), axis=0)).mean()
    assert gaps[0] < 0.3 * gaps[1] and gaps[0] < 0.15 * usual


def test_a_kill_changes_no_byte_and_nothing_of_the_pictures_is_stored(model, mine, tmp_path):
    varied(model, mine, tmp_path / "whole")
    pictures, left_out = read_pictures(mine, model)
    assert len(pictures) == 2 and len(left_out) == 1 and left_out[0].startswith("torn.jpg: this is no picture")
    running = vary(model, pictures, Variations(3), tmp_path / "cut")
    while next(running).done <= 1:  # into the second picture
        pass
    running.close()
    with open(tmp_path / "cut" / ".points.jsonl", "ab") as file:
        file.write(b'{"latent": [0.')
    list(vary(model, pictures, Variations(3), tmp_path / "cut"))
    with open(tmp_path / "cut" / "metadata.jsonl", "r+b") as file:
        file.truncate(300)
    list(vary(model, pictures, Variations(3), tmp_path / "cut"))
    assert files_in(tmp_path / "cut") == files_in(tmp_path / "whole")
    stored = b"".join(files_in(tmp_path / "whole").values())
    assert (mine / "a.png").read_bytes() not in stored and str(mine).encode() not in stored
    with pytest.raises(ValueError, match="holds another set: its strength"):
        list(vary(model, pictures, Variations(3, strength=0.5), tmp_path / "cut"))


def test_by_the_command(mine, tiny_model, tmp_path, capsys):
    command = ["augment", tiny_model(), "--from-pictures", mine, "--each", "2", "--out", tmp_path / "set.zip"]
    assert gan(*command) == 0
    said = capsys.readouterr()
    assert "4 variations of 2 pictures" in said.out and "left out: torn.jpg" in said.err
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        names = archive.namelist()
        assert sum(name.endswith(".png") for name in names) == 4 and ".points.jsonl" not in names
        assert "4 variations of 2 pictures" in archive.read("README.md").decode()
    assert gan(*command) == 0 and "nothing to do" in capsys.readouterr().out
    assert gan(*command, "--strength", "0.5") == 1
    assert "set.zip holds another set: its strength is 0.3, 0.5 is asked" in error_of(capsys)
    (mine / "a.png").write_bytes(picture(5))
    assert gan(*command) == 1 and "set.zip holds another set: its sources" in error_of(capsys)


@pytest.mark.parametrize(("words", "more"), [
    ("1 to 10,000 variations", ["--each", "0"]), ("strength must be over 0", ["--strength", "nan"]),
    ("comes without directions", ["--way", "walk"]), ("seeds end at", ["--first-seed", str(2**32 - 2)]),
    ("no folder of pictures", ["--from-pictures", "nowhere"]), ("leave it out", ["--push", "you/set"])])
def test_mistakes_are_one_line(words, more, mine, tiny_model, tmp_path, capsys):
    assert gan("augment", tiny_model(), "--from-pictures", mine, "--each", "2", "--out", tmp_path / "set", *more) == 1
    assert words in error_of(capsys)


def test_what_is_looked_at_first_is_what_the_set_holds_and_where_pictures_were_found_is_enough(model, mine, tmp_path):
    varied(model, mine, tmp_path / "set")
    rows = [json.loads(line) for line in (tmp_path / "set" / ".points.jsonl").read_text().splitlines()]
    found = [Given(given.source, None, Point(tuple(row["latent"]), row["label"]))
             for given, row in zip(read_pictures(mine, model)[0], rows)]
    list(vary(model, found, Variations(3), tmp_path / "again"))
    assert files_in(tmp_path / "again") == files_in(tmp_path / "set")
    shown = first_recipes(model, found, Variations(3), None, 3)
    held = [read_recipe(tmp_path / "set" / about["file_name"]) for about in list(lines_of(tmp_path / "set"))]
    assert [shown[1:3], shown[4:6]] == [held[:2], held[3:5]] and shown[0].latent == found[0].point.latent
