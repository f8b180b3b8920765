"""The Mix and edit page: what the desk is given, edits, matrices, a visitor's picture, holes in it; what is refused."""

import base64
import io
import json
import threading
import time

import gradio as gr
import numpy as np
import pytest
import torch
from conftest import tiny_generator
from pictures import picture
from PIL import Image
from serving import studio_of, write_models

from gan import hub
from gan.base import Latent
from gan.directions import find_directions, save_directions
from gan.edit import draw_edits
from gan.engine import draw
from gan.latent import Draw
from gan.models import family
from gan.recipe import EditRecipe, Move, SeedsRecipe, from_json, read_recipe
from gan.ui import studio as studio_module
from gan.ui.edits import direction_names
from gan.ui.pages.edit import Edit
from gan.ui.parts.link import Link
from gan.ui.view import View


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    models = write_models(folder)
    hub.save(folder / "styled", tiny_generator("stylegan2", channels=3))
    for name in ("plain", "styled"):
        save_directions(folder / name, find_directions(hub.load(folder / name).G, count=3, samples=2))
    with studio_of([*models, folder / "styled"]) as studio, gr.Blocks():
        studio.outbox.take_uploads()
        yield Edit(studio)


pytestmark = pytest.mark.usefixtures("short_search")


def uploaded(page, data):
    folder = page.studio.outbox.uploads / "x"
    folder.mkdir(exist_ok=True)
    (folder / "me.png").write_bytes(data)
    return str(folder / "me.png")


def pixels_of(page, url):
    data = base64.b64decode(url.partition(",")[2]) if url.startswith("data:") else \
        page.studio.outbox.root.joinpath(*url.split("/")[-3:]).read_bytes()
    array = np.asarray(Image.open(io.BytesIO(data)))
    return array[..., None] if array.ndim == 2 else array


def asked(recipe, **more):
    return {"recipe": recipe.to_json(), "number": 1, **more}


def edit(page, model="plain", **changes):
    return EditRecipe(model, page.studio.model(model).revision, changes.pop("seeds", (3,)), **changes)


def test_a_link_brings_a_seed_with_the_strips_of_its_directions(page):
    opened = page.open(Link(dict(model="plain", seed="5", names='{"0": "light"}')))
    desk = opened[page.desk]
    expected = draw(page.studio.model("plain").G, [Draw(5)])[0]
    assert (pixels_of(page, desk["url"]) == expected).all() and opened[page.seed] == 5
    assert (desk["count"], desk["layers"], desk["names"]) == (3, 1, {"0": "light"})
    strips = pixels_of(page, desk["strips"])
    assert strips.shape == (3 * 32, 7 * 32, 3) and (strips[:32, 3 * 32 : 4 * 32] == expected).all()
    assert page.open(Link(dict(model="digits")))[page.desk]["count"] == 0  # one without directions


def test_edits_are_drawn_carried_by_their_png_and_restored(page):
    recipe = edit(page, moves=(Move(0, 2.0), Move(2, -1.0)))
    told = page.redraw(asked(recipe))
    assert told["kind"] == "drawn" and told["number"] == 1
    path = page.studio.outbox.root.joinpath(*told["url"].split("/")[-3:])
    assert read_recipe(path) == recipe and path.name == "plain-seed0003-edited.png"
    again = page.open(Link.of(page.link_of(recipe)))[page.desk]
    assert (pixels_of(page, again["url"]) == pixels_of(page, told["url"])).all()
    assert from_json(json.dumps({**again["recipe"]})) == recipe
    assert page.link_of(SeedsRecipe("plain", "r", (1,))) is None
    with pytest.raises(ValueError, match="project the picture again"):
        page.link_of(EditRecipe("plain", "r", source="a" * 64))


def test_a_picture_given_back_is_verified_pixel_for_pixel(page):
    recipe = edit(page, moves=(Move(0, 2.0),))
    told = page.redraw(asked(recipe))
    assert told["mark"] is None
    pixels = pixels_of(page, told["url"])
    marks = []
    for given in (pixels, pixels ^ 1, 255 - pixels, pixels[:9], None):
        link = Link.of(page.link_of(recipe))
        link.picture = given
        marks.append(page.open(link)[page.desk]["mark"])
    assert [mark and mark["verified"] for mark in marks] == [True, True, False, False, None]
    assert "pixel for pixel" in marks[0]["text"] and "another device" in marks[1]["text"]


def test_an_edit_of_another_version_is_told(page):
    link = Link.of(page.link_of(EditRecipe("plain", "0123456789ab", (3,))))
    page.open(link)
    assert link.notes == ["this is drawn by another version of plain than the link asks for"]


def test_of_an_edited_sheet_the_page_shows_the_first_and_says_so(page):
    recipe = edit(page, moves=(Move(0, 2.0),))
    sheet = Link.of(page.link_of(EditRecipe(**{**recipe.__dict__, "seeds": (3, 4)})))
    sheet.picture = np.zeros((16, 32, 3), np.uint8)
    shown = page.open(sheet)[page.desk]
    assert from_json(json.dumps(shown["recipe"])) == recipe and shown["mark"] is None
    assert sheet.notes == ["this sheet holds 2 pictures under one edit: here is its first"]


def test_who_asks_for_one_picture_waits_for_a_chunk_of_others_edits_and_no_more(page, monkeypatch):
    studio, order = page.studio, []
    asking = threading.Thread(target=lambda: order.append(studio.draw(View("plain", (1,)))))

    def chunk(*asked):
        if asking.ident:
            asking.join(10)  # drawn between the first chunk and this, it needs no device any more
        else:
            asking.start()
            while len(studio.engine.batcher) < 2:
                time.sleep(0.001)
        order.append("chunk")
        return draw_edits(*asked)

    monkeypatch.setattr(studio_module, "draw_edits", chunk)
    recipe = edit(page, moves=(Move(0, 2.0),), seeds=tuple(range(30)))
    tiles = studio.edits(studio.model("plain"), [recipe], page.directions(studio.model("plain")))
    asking.join()
    assert order[0] == "chunk" != order[1] and order.count("chunk") == 4
    assert (tiles == draw_edits(studio.model("plain"), [recipe], page.directions(studio.model("plain")))).all()


def test_a_matrix_mixes_every_row_with_every_column(page):
    G, side = page.studio.model("styled").G, 16
    told = page.mix(asked(edit(page, "styled"), rows="1-2", columns="3,4,5", first=0, last=G.num_ws - 1))
    sheet = pixels_of(page, told["url"])
    assert sheet.shape == (3 * side, 4 * side, 3) and len(told["cells"]) == 6
    assert (sheet[side:, side:] == np.tile(sheet[:side, side:], (2, 1, 1))).all()  # all layers: the column's own picture
    seeds = draw(G, [Draw(seed) for seed in (3, 4, 5, 1)])
    assert (sheet[:side, side : 2 * side] == seeds[0]).all() and (sheet[side : 2 * side, :side] == seeds[3]).all()


def test_a_visitors_picture_is_found_and_nothing_of_it_stays(page):
    drawn_before = set((page.studio.outbox.root / "drawn").iterdir())
    path = uploaded(page, picture(size=(50, 40)))
    told = [*page.project({"path": path, "model": "plain"})]
    last = told[-1]
    assert told[0]["kind"] == "progress" and last["kind"] == "found" and "This model can draw" in last["text"]
    recipe = from_json(json.dumps(last["found"][0]["recipe"]))
    moved = page.redraw(asked(EditRecipe(**{**recipe.__dict__, "moves": (Move(0, 1.0),)})))
    assert moved["url"].startswith("data:image/png;base64,")
    start = page.redraw(asked(recipe))
    assert np.abs(pixels_of(page, start["url"]).astype(int) - pixels_of(page, last["found"][0]["url"])).max() <= 1
    assert not list(page.studio.outbox.uploads.iterdir())
    assert set((page.studio.outbox.root / "drawn").iterdir()) == drawn_before


def test_a_hole_is_filled_in_several_ways_and_the_rest_is_the_picture(page):
    mask = np.ones((32, 32), bool)
    mask[10:20, 10:20] = False
    bits = base64.b64encode(np.packbits(mask)).decode()
    *_, told = page.project({"path": uploaded(page, picture(size=(32, 32))), "model": "plain", "mask": bits})
    before = pixels_of(page, told["before"])
    assert told["hole"] and len(told["found"]) == 4 and "around the hole" in told["text"]
    for one in told["found"]:
        filled = pixels_of(page, one["filled"])
        assert (filled[mask] == before[mask]).all() and (filled[~mask] != before[~mask]).any()


@pytest.mark.parametrize(("words", "given"), [
    ("page did not say path", {}), ("not in this gallery", {"model": "x"}), ("no class", {"model": "digits", "label": "x"}),
    ("no picture", {"data": b"x"}), ("no picture of 32 x 32 bits", {"mask": "$"}),
    ("no picture of 32 x 32 bits", {"mask": "AAAA"}),
    ("nothing of the picture", {"mask": base64.b64encode(bytes(128)).decode()})])
def test_pictures_and_holes_that_are_none_are_refused_and_removed(page, words, given):
    request = {"model": "plain", **given}
    if given:
        request["path"] = uploaded(page, request.pop("data", picture(size=(32, 32))))
    with pytest.raises(ValueError, match=words):
        list(page.project(request))
    assert not list(page.studio.outbox.uploads.iterdir())


@pytest.mark.parametrize(("words", "given"), [
    ("did not say recipe", None), ("did not say recipe", {}), ("cannot be read", {"recipe": "x"}),
    ("cannot be read", {"recipe": 7}),
    ("another page", {"recipe": SeedsRecipe("plain", "r", (1,)).to_json()}),
    ("not in this gallery", {"recipe": EditRecipe("x", "r", (1,)).to_json()}),
    ("no number 60", {"recipe": EditRecipe("plain", "r", (1,), moves=(Move(60, 1.0),)).to_json()}),
    ("without directions", {"recipe": EditRecipe("digits", "r", (1,), moves=(Move(0, 1.0),)).to_json()})])
def test_forged_edits_are_answered_in_one_line(page, words, given):
    told = page.redraw(given)
    assert told["kind"] == "refused" and words in told["text"] and "\n" not in told["text"]


@pytest.mark.parametrize(("words", "changes"), [
    ("at most 8 rows", dict(rows="0-40")), ("cannot be mixed", dict(first=3, last=1)), ("layers", dict(last=900)),
    ("cannot read", dict(columns="x"))])
def test_a_matrix_that_cannot_be_drawn_is_refused(page, words, changes):
    with pytest.raises(ValueError, match=words):
        page.mix(asked(edit(page, "styled"), **{**dict(rows="1", columns="2", first=0, last=1), **changes}))


def test_names_in_a_link_are_bounded():
    assert direction_names('{"3": "eyes"}') == {"3": "eyes"}
    for wrong in ("[]", '{"x": "y"}', '{"1": 2}', "{", '{"1": "\\u0000"}'):
        with pytest.raises(ValueError):
            direction_names(wrong)


def test_a_model_with_an_encoder_finds_a_picture_at_once(tmp_path):
    torch.manual_seed(0)
    G, encoder = (getattr(family("dcgan"), kind)(Latent(4), resolution=16, channels=1, width=4).eval()
                  for kind in ("Generator", "Encoder"))
    hub.save(tmp_path / "coder", G, encoder=encoder)
    with studio_of([tmp_path / "coder"]) as studio, gr.Blocks():
        studio.outbox.take_uploads()
        page = Edit(studio)
        told = [*page.project({"path": uploaded(page, picture()), "model": "coder"})]
    model = hub.load(tmp_path / "coder")
    last = told[-1]
    assert last["kind"] == "found" and len(last["found"]) == 1
    x = torch.from_numpy(pixels_of(page, last["before"]).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    mean = model.encoder(x)[0][0].tolist()
    assert last["found"][0]["recipe"]["latent"] == pytest.approx(mean, abs=1e-4)
