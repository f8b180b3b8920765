"""A picture from a picture: what is read of it, tiles without seams, what is refused, what its recipe says."""

import hashlib
import io
from functools import partial

import numpy as np
import pytest
import torch
from conftest import tiny_generator
from pictures import encoded, picture
from PIL import Image
from transforming import drawing, hole, painter, write_painters

from gan import hub
from gan.degrade import Shrink, task_of
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw
from gan.picture import Box
from gan.recipe import from_json
from gan.transform import Given, transform, transformed

pytestmark = pytest.mark.usefixtures("test_families")


@pytest.fixture
def models(tmp_path, test_families):
    hub.save(tmp_path / "seeds", tiny_generator("dcgan"))
    return {path.name: hub.load(path) for path in (*write_painters(tmp_path), tmp_path / "seeds")}


def test_a_drawing_is_read_as_it_is_and_its_recipe_names_it_by_its_sha256(models):
    data = drawing()
    made = transform(models["sketch"], Given(data))
    y = torch.from_numpy(np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float32).copy())[None, None] / 127.5 - 1
    expected = draw(models["sketch"].G, [Draw(0)], y)[0]
    assert np.abs(made.pixels.astype(int) - expected).max() <= 1
    assert from_json(made.recipe.to_json()) == made.recipe and not made.notes
    assert (made.recipe.task, made.recipe.source, made.recipe.seed) == ("edges", hashlib.sha256(data).hexdigest(), None)


@pytest.mark.parametrize("size", [(16, 16), (40, 40), (100, 37), (64, 64), (9, 70)])
def test_tiles_of_a_local_task_have_no_seams(size):
    """The tiles of a net that looks 2 px far are those of the same net over the whole picture."""
    G = painter(Shrink(2), resolution=32)
    whole = painter(Shrink(2), resolution=256)
    whole.load_state_dict(G.state_dict())
    task = task_of(G.source, 3)
    read = np.asarray(Image.open(io.BytesIO(picture(3, size=size))))
    made = transformed(G, task, read)
    assert made.shape == (2 * size[1], 2 * size[0], 3)
    padded = np.pad(read, ((0, 128 - size[1]), (0, 128 - size[0]), (0, 0)), mode="edge")
    expected = to_uint8(whole(torch.empty(1, 0), None, torch.from_numpy(padded).permute(2, 0, 1)[None] / 127.5 - 1).detach())
    inner = (slice(0, made.shape[0] - 4), slice(0, made.shape[1] - 4))  # beyond lies the rim there, and more picture here
    assert np.abs(made[inner].astype(int) - expected[0][: made.shape[0], : made.shape[1]][inner]).max() <= 1


def test_tiles_come_in_chunks_with_progress_and_every_way_of_drawing_gives_the_same(models):
    told, calls = [], []

    def by(draws, y):
        calls.append(len(draws))
        return draw(models["larger"].G, draws, y)

    given = Given(picture(size=(54, 64)))
    made = transform(models["larger"], given, by=by, report=lambda done, total: told.append((done, total)))
    assert calls == [8, 8, 8, 1] and told == [(8 * k, 25) for k in range(4)]
    assert (made.pixels == transform(models["larger"], given).pixels).all() and made.pixels.shape == (128, 108, 3)
    with pytest.raises(KeyboardInterrupt):
        transform(models["larger"], given, report=lambda done, total: (_ for _ in ()).throw(KeyboardInterrupt))


def test_a_hole_is_filled_and_nothing_else_changes(models):
    made = transform(models["filler"], Given(picture(size=(32, 32)), hole=hole()))
    kept = ~hole()
    assert (made.pixels[kept] == made.read[kept]).all() and (made.pixels[hole()] != made.read[hole()]).any()
    other = transform(models["filler"], Given(picture(size=(32, 32)), hole=np.roll(hole(), 3, 0)))
    assert dict(other.recipe.parameters)["hole"] != dict(made.recipe.parameters)["hole"]
    changed = np.asarray(Image.open(io.BytesIO(picture(size=(32, 32))))).copy()
    changed[hole()] = 9  # what lies in the hole is not read
    assert (transform(models["filler"], Given(encoded(Image.fromarray(changed)), hole=hole())).pixels == made.pixels).all()


def test_a_box_is_cut_out_and_kept_in_the_recipe(models):
    image = Image.open(io.BytesIO(picture(size=(90, 60))))
    part = encoded(image.crop((20, 10, 60, 50)))
    for name in ("larger", "sketch"):
        boxed = transform(models[name], Given(encoded(image), Box(20, 10, 40)))
        assert (boxed.pixels == transform(models[name], Given(part)).pixels).all()
        assert dict(boxed.recipe.parameters).items() >= {"left": 20, "top": 10, "side": 40}.items()


def test_noise_and_classes_are_the_models(models):
    of = partial(Given, picture(size=(40, 50)))
    one = transform(models["styles"], of(seed=1, label="apple"))
    assert (one.recipe.seed, one.recipe.label) == (1, "apple")
    assert (one.pixels != transform(models["styles"], of(seed=2, label="apple")).pixels).any()
    with pytest.raises(ValueError, match="say what the picture shall become: styles makes apple, orange"):
        transform(models["styles"], of())
    with pytest.raises(ValueError, match="no class 'pear'"):
        transform(models["styles"], of(label="pear"))


@pytest.mark.parametrize(("words", "name", "given"), [
    ("draws pictures from seeds and reads none", "seeds", Given(drawing())),
    ("nothing on this drawing", "sketch", Given(encoded(Image.new("RGB", (32, 32), "white")))),
    ("too small", "sketch", Given(encoded(Image.new("RGB", (1, 1))))),
    ("too small", "larger", Given(encoded(Image.new("RGB", (1, 1))))),
    ("too small", "sketch", Given(picture(size=(90, 60)), Box(0, 0, 3))),
    ("no square of 70 at 20, 0", "sketch", Given(picture(size=(80, 80)), Box(20, 0, 70))),
    ("no square of 9 at -1, 0", "larger", Given(picture(size=(80, 80)), Box(-1, 0, 9))),
    ("40 million", "larger", Given(encoded(Image.new("1", (10_000, 10_000))))),
    ("4,000 x 9,000 pixels, more than 33.6 million", "larger", Given(encoded(Image.new("1", (2000, 4500))))),
    ("no picture", "larger", Given(b"<script>")), ("broken", "larger", Given(picture(size=(64, 64))[:300])),
    ("say where the hole is", "filler", Given(picture(size=(32, 32)))),
    ("there is none", "filler", Given(picture(size=(32, 32)), hole=np.zeros((32, 32), bool))),
    ("nothing of the picture is left", "filler", Given(picture(size=(32, 32)), hole=np.ones((32, 32), bool))),
    ("the hole must be", "filler", Given(picture(size=(32, 32)), hole=hole(40))),
    ("fills no holes", "larger", Given(picture(size=(32, 32)), hole=hole())),
    ("has no class 'x'", "sketch", Given(drawing(), label="x"))])
def test_what_cannot_be_made_is_refused_in_one_line(models, words, name, given):
    with pytest.raises(ValueError, match=words) as error:
        transform(models[name], given)
    assert "\n" not in str(error.value)


def test_what_is_not_read_of_a_file_is_said(models):
    frames = encoded(Image.new("RGB", (32, 32), "white"), "GIF", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    clear = encoded(Image.new("RGBA", (32, 32), (9, 9, 9, 0)))
    opaque = encoded(Image.new("RGBA", (32, 32), (9, 9, 9, 255)))
    assert [transform(models["larger"], Given(data)).notes for data in (frames, clear, opaque)] == [
        ("of this animation the first frame was read",), ("what is transparent was laid on white",), ()]
