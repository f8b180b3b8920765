"""The Transform page: what the browser is told of a model, drawings, pictures, holes, examples; what is refused."""

import base64
import io
import json
import time
from functools import partial
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from pictures import encoded, picture
from PIL import Image
from serving import running, studio_of, write_models
from transforming import drawing, hole, write_painters

from gan import hub
from gan.__main__ import main
from gan.engine import draw
from gan.image import contact_sheet, to_pil
from gan.latent import Draw
from gan.picture import Box
from gan.recipe import EditRecipe, TransformRecipe, from_json, read_recipe
from gan.transform import Given, transform
from gan.ui.pages import PAGES
from gan.ui.pages import transform as module
from gan.ui.pages.gallery import card
from gan.ui.pages.generate import Generate
from gan.ui.pages.transform import Transform
from gan.ui.parts.link import Link
from gan.ui.shell import Shell


@pytest.fixture(scope="module")
def app(tmp_path_factory, test_families):
    """.page and .shell, whose handlers are called without a browser; .studio; .folder."""
    folder = tmp_path_factory.mktemp("models")
    with studio_of([*write_models(folder), *write_painters(folder)]) as studio:
        studio.outbox.take_uploads()
        with gr.Blocks():
            page, shell = Transform(studio.of(("picture",))), Shell(studio, PAGES)
        yield SimpleNamespace(studio=studio, folder=folder, page=page, shell=shell)


def uploaded(app, data):
    folder = app.studio.outbox.uploads / "x"
    folder.mkdir(exist_ok=True)
    (folder / "me.png").write_bytes(data)
    return str(folder / "me.png")


def pixels_of(address):
    array = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))
    return array[..., None] if array.ndim == 2 else array


def bits(mask):
    """As the browser sends a hole: 1 where the picture stays."""
    return base64.b64encode(np.packbits(~mask)).decode()


def address(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def asked(model, **more):
    return {"model": model, "label": None, "seed": 0, "number": 4, **more}


def made(app, request):
    return [*app.page.make(request)]


def test_the_browser_is_told_what_a_model_does_and_shows_the_controls_that_it_has(app):
    opened = app.page.open(Link({"model": "styles", "class": "orange", "seed": "7"}))
    easel = opened[app.page.easel]
    assert (easel["model"], easel["gives"], easel["label"], easel["seed"]) == ("styles", "picture", "orange", 7)
    assert easel["link"].endswith("&seed=7&class=orange")
    assert opened[app.page.noise]["visible"] and opened[app.page.label]["choices"] == ["apple", "orange"]
    assert opened[app.page.model]["visible"] and not opened[app.page.none]["visible"]
    for name, gives, side in (("sketch", "drawing", 32), ("larger", "picture", 16), ("filler", "hole", 32)):
        opened = app.page.open(Link({"model": name}))
        easel = opened[app.page.easel]
        assert (easel["gives"], easel["side"], easel["resolution"]) == (gives, side, 32)
        assert easel["title"] and easel["words"]
        assert not opened[app.page.noise]["visible"] and not opened[app.page.label]["visible"]
    changed = app.page.restart({app.page.model: "styles", app.page.label: "pear", app.page.seed: 3.0})
    assert (changed[app.page.easel]["label"], changed[app.page.easel]["seed"]) == ("apple", 3)
    assert changed[app.page.label]["value"] == "apple"  # there is no pear
    assert not {app.page.seed, app.page.model} & changed.keys()  # the visitor may have gone on changing them
    kept = app.page.restart({app.page.model: "styles", app.page.label: "orange", app.page.seed: 3.0})
    assert kept[app.page.easel]["label"] == "orange" and "value" not in kept[app.page.label]


def test_a_drawing_is_answered_with_the_pixels_of_the_library(app):
    told = app.page.draw(asked("sketch", drawing=address(drawing())))
    ours = transform(hub.load(app.folder / "sketch"), Given(drawing()))
    assert told["kind"] == "made" and told["number"] == 4 and (pixels_of(told["url"]) == ours.pixels).all()
    png = Image.open(io.BytesIO(base64.b64decode(told["url"].partition(",")[2])))
    assert from_json(png.info["gan-gallery"]) == ours.recipe
    assert told["code"]["Command line"] == "python -m gan transform sketch picture.png --out made.png"


@pytest.mark.parametrize(("model", "more", "given"), [
    ("larger", {}, Given(picture(size=(70, 50)))),
    ("larger", {"box": [3, 4, 30]}, Given(picture(size=(70, 50)), Box(3, 4, 30))),
    ("filler", {"hole": bits(hole())}, Given(picture(size=(70, 50)), hole=hole())),
    ("styles", {"label": "orange", "seed": 9}, Given(picture(size=(70, 50)), seed=9, label="orange"))])
def test_a_picture_is_made_and_nothing_of_it_stays(app, model, more, given):
    path = uploaded(app, given.data)
    before = sorted(app.studio.outbox.root.rglob("*"))
    told = made(app, asked(model, path=path, **more))
    ours = transform(hub.load(app.folder / model), given)
    assert told[0]["kind"] == "progress" and told[-1]["kind"] == "made" and {one["number"] for one in told} == {4}
    assert (pixels_of(told[-1]["url"]) == ours.pixels).all() and (pixels_of(told[-1]["read"]) == ours.read).all()
    assert {*app.studio.outbox.root.rglob("*")} < {*before} and not list(app.studio.outbox.uploads.iterdir())


def test_an_example_is_cut_from_the_samples(app):
    entry = app.studio.entry("larger")
    assert app.page.open(Link({"model": "larger"}))[app.page.easel]["examples"] is False
    rs = np.random.RandomState(0)
    read = rs.randint(0, 255, (4, 16, 16, 3), np.uint8)
    both = np.stack([read.repeat(2, 1).repeat(2, 2), rs.randint(0, 255, (4, 32, 32, 3), np.uint8)], 1).reshape(8, 32, 32, 3)
    for name in ("larger", "filler"):
        to_pil(contact_sheet(both, columns=4)).save(app.folder / name / "samples.png")
    try:
        assert app.page.open(Link({"model": "larger"}))[app.page.easel]["examples"]
        for k in (0, 1, 2, 3, 7):
            told = app.page.example(asked("larger", example=k))[app.page.answer]
            assert (pixels_of(told["url"]) == read[k % 4]).all() and told["label"] is None
        told = app.page.example(asked("filler", example=2))[app.page.answer]
        assert (pixels_of(told["url"]) == both[5]).all()  # a whole picture
        Image.new("RGB", (20, 20)).save(entry.folder / "samples.png")
        with pytest.raises(ValueError, match="without an example"):
            app.page.example(asked("larger", example=0))
    finally:
        (entry.folder / "samples.png").unlink()


def test_an_example_of_a_model_with_classes_comes_with_what_it_became(app):
    G, x = hub.load(app.folder / "styles").G, np.random.RandomState(1).randint(0, 255, (3, 32, 32, 3), np.uint8)
    y = torch.from_numpy(x).permute(0, 3, 1, 2) / 127.5 - 1
    made = draw(G, [Draw(0, 1), Draw(1, 0), Draw(2, 1)], y)
    sheet = contact_sheet(np.stack([x, made], 1).reshape(6, 32, 32, 3), columns=4)
    to_pil(sheet).save(app.folder / "styles" / "samples.png")
    try:
        for k, name in enumerate(("orange", "apple", "orange")):
            values = app.page.example(asked("styles", example=k, seed=5))
            told = values[app.page.answer]
            assert told["label"] == values[app.page.label] == name and told["link"].endswith(f"seed=5&class={name}")
    finally:
        (app.folder / "styles" / "samples.png").unlink()


@pytest.mark.parametrize(("words", "given"), [
    ("did not say model", {}), ("not in this gallery", {"model": "<b>"}), ("another page's", {"model": "plain"}),
    ("no pictures of drawings", {"model": "larger"}), ("did not say drawing", {"model": "sketch"}),
    ("no drawing of this page", {"model": "sketch", "drawing": "x"}),
    ("no drawing of this page", {"model": "sketch", "drawing": "data:image/png;base64,$"}),
    ("no drawing of this page", {"model": "sketch", "drawing": address(bytes(2**20))}),
    ("no picture", {"model": "sketch", "drawing": address(b"<script>")}),
    ("too small", {"model": "sketch", "drawing": address(encoded(Image.new("RGB", (1, 1))))}),
    ("nothing on this drawing", {"model": "sketch", "drawing": address(encoded(Image.new("RGB", (32, 32), "white")))}),
    ("seed must be", {"model": "sketch", "drawing": address(drawing()), "seed": "x"}),
    ("no class", {"model": "sketch", "drawing": address(drawing()), "label": "x"})])
def test_drawings_that_are_none_are_answered_in_one_line(app, words, given):
    told = app.page.draw({"number": 2, **given})
    assert told["kind"] == "refused" and words in told["text"].lower() and "\n" not in told["text"] and told["number"] == 2


@pytest.mark.parametrize(("words", "given"), [
    ("not in this gallery", {"model": "x"}), ("another page's", {"model": "digits"}), ("no picture", {"data": b"x"}),
    ("too small", {"data": encoded(Image.new("RGB", (1, 1)))}), ("no square of it", {"box": "1,2,3"}),
    ("no square of it", {"box": [1, 2]}), ("no square of it", {"box": [1, 2, True]}),
    ("no square of 900", {"box": [0, 0, 900]}),
    ("more than 4.2 million", {"data": encoded(Image.new("1", (3000, 3000)))}),
    ("40 million", {"data": encoded(Image.new("1", (10_000, 10_000)))}),
    ("say where the hole is", {"model": "filler"}), ("no picture of 32 x 32 bits", {"model": "filler", "hole": "$"}),
    ("there is none", {"model": "filler", "hole": bits(np.zeros((32, 32), bool))}),
    ("fills no holes", {"hole": bits(np.ones((16, 16), bool))}), ("shall become", {"model": "styles"})])
def test_pictures_that_cannot_be_used_are_refused_and_removed(app, words, given):
    request = asked(given.pop("model", "larger"), path=uploaded(app, given.pop("data", picture(size=(60, 50)))), **given)
    told = []
    with pytest.raises(ValueError, match=words) as error:
        for value in app.page.make(request):
            told.append(value)
    assert "\n" not in str(error.value) and told[-1] == {"kind": "failed", "number": 4}
    assert not list(app.studio.outbox.uploads.iterdir())


def test_a_long_picture_is_told_of_and_can_be_stopped(app, monkeypatch):
    from gan.ui.parts import job

    monkeypatch.setattr(job, "EVERY_S", 0.01)
    draws = app.studio.engine.draw
    monkeypatch.setattr(app.page.studio.engine, "draw", lambda *a: time.sleep(0.05) or draws(*a))
    told = []
    for value in app.page.make(asked("larger", path=uploaded(app, picture(size=(200, 200))))):
        told.append(value)
        if told[-1].get("done"):
            job.cancel(told[-1])
    assert told[-1]["kind"] == "cancelled" and any(" of 289" in one.get("text", "") for one in told)


def test_pages_offer_the_models_that_they_can_use_and_say_where_others_belong(app):
    rooms = {page.id: page for page in PAGES}
    assert rooms["transform"].needs == ("picture",) and rooms["generate"].needs == ("seeds",)
    assert app.page.studio.models == ["sketch", "larger", "filler", "styles"]
    assert app.studio.of(("seeds",)).models == ["digits", "plain", "coded"]
    with gr.Blocks():
        offered = [value for _, value in Generate(app.studio.of(("seeds",))).controls.model.choices]
    assert offered == ["digits", "plain", "coded"]
    for page, model, words in (("generate", "sketch", "sketch makes pictures from pictures: open it in Transform"),
                               ("transform", "digits", "digits makes pictures from seeds: open it in Generate or")):
        link = Link({"page": page, "model": model})
        app.shell.go(link)
        assert len(link.notes) == 1 and words in link.notes[0]
    cards = app.shell.rooms["gallery"]
    facts = dict(next(value for value in cards.open(Link({"open": "sketch"})).values() if "facts" in value)["facts"])
    assert card(app.studio.entry("sketch"), app.studio.outbox)["says"] == "Drawing to picture: painter"
    assert facts["What it does"].startswith("Draw a few lines") and "z" not in facts


def test_a_picture_given_back_opens_its_model(app):
    recipe = TransformRecipe("styles", "r", "unpaired", "0" * 64, seed=3, label="orange")
    with pytest.warns(UserWarning, match="give it again"):
        link = app.page.link_of(recipe)
    assert link == "page=transform&model=styles&rev=r&seed=3&class=orange"
    assert app.page.link_of(EditRecipe("styles", "r", (1,))) is None


def test_a_gallery_without_such_models_says_so(tmp_path):
    with studio_of(write_models(tmp_path)) as studio, gr.Blocks() as blocks:
        assert Transform(studio.of(("picture",))).open(Link({})) == {}
    (told,) = (block for block in blocks.blocks.values() if isinstance(block, gr.Markdown))
    assert told.value == module.NONE and told.visible


def test_every_door_gives_the_same_picture(app, tmp_path):
    with running(app.studio) as (_, url):
        client = Client(url, verbose=False)
        data, masks = picture(size=(60, 50)), encoded(Image.fromarray(hole().astype(np.uint8) * 255))
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "me.png").write_bytes(data)
        (tmp_path / "hole.png").write_bytes(masks)
        me, gap = handle_file(str(tmp_path / "in" / "me.png")), handle_file(str(tmp_path / "hole.png"))
        call = partial(client.predict, picture=me, api_name="/transform")
        for name, given, flags in (
                ("larger", {}, []), ("larger", {"box": "2,3,40"}, ["--box", "2,3,40"]),
                ("filler", {"hole": gap}, ["--hole", str(tmp_path / "hole.png")]),
                ("styles", {"class_name": "apple", "seed": 5}, ["--class", "apple", "--seed", "5"])):
            told = call(model=name, **given)
            over_http = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["png"]))))
            out = tmp_path / f"{name}.png"
            command = ["transform", str(app.folder / name), str(tmp_path / "in" / "me.png"), *flags, "--out", str(out)]
            assert main(command) == 0
            assert (np.asarray(Image.open(out)) == over_http).all()
            assert read_recipe(out) == from_json(told["recipe"])
            page = made(app, asked(name, path=uploaded(app, data), label=given.get("class_name"), seed=given.get("seed", 0),
                                   box=json.loads(f"[{given['box']}]") if "box" in given else None,
                                   hole=bits(hole()) if "hole" in given else None))[-1]
            assert (pixels_of(page["url"]) == over_http).all()
        assert not list(app.studio.outbox.uploads.iterdir())
        for words, given in (("from seeds", dict(model="digits")), ("not in this gallery", dict(model="<b>")),
                             ("left,top,side", dict(model="larger", box="1")),
                             ("fills no holes", dict(model="larger", hole=gap)),
                             ("seed must be", dict(model="styles", class_name="apple", seed=-1)),
                             ("no class", dict(model="styles", class_name="x"))):
            with pytest.raises(AppError) as error:
                call(**given)
            assert words in str(error.value).lower() and "\n" not in str(error.value)
        with pytest.raises(AppError, match="give it one"):
            client.predict(model="sketch", seeds="1", api_name="/generate")
