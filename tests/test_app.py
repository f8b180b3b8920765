"""The pages through their handlers: links, pictures given back, controls, sheets; test_browser.py clicks on them."""

import importlib
import io
import json
import zipfile
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from conftest import tiny_generator
from PIL import Image
from serving import HOSTILE, by_name, drawn, expected, fetch, pixels_of

from gan import hub
from gan.gallery import entry
from gan.image import contact_sheet
from gan.latent import Draw
from gan.recipe import SeedsRecipe, StripRecipe, WalkRecipe, read_recipe, save_png
from gan.ui import Studio, launch_options
from gan.ui.messages import explain, warn
from gan.ui.pages import PAGES
from gan.ui.pages.generate import whole
from gan.ui.parts.link import Link, one_of
from gan.ui.shell import Shell
from gan.ui.view import PSIS, View, fitted


def test_link_opens_page_and_sets_every_control(served):
    query = {"page": "generate", "model": "digits", "seed": "7,9", "class": "one", "psi": "0.5", "rev": "0ther"}
    values = served.shell.go(Link(query))
    named = by_name(values)
    assert named["pages"]["selected"] == "generate" and values[served.shell.opened]["page"] == "generate"
    assert (named["Model"]["value"], named["seed"], named["seeds"], named["Class"]["value"], named["Psi"]) == (
        "digits", 7, "7,9", "one", 0.5)
    tiles = expected(served, "digits", [Draw(7, 1, 0.5), Draw(9, 1, 0.5)])
    assert (pixels_of(fetch(served, drawn(values)["url"])) == contact_sheet(tiles)).all()
    assert drawn(values)["other"].startswith("drawn by another version of digits")


def test_each_page_is_a_tab_that_its_link_opens(served):
    tabs = [tab for tab in served.blocks.blocks.values() if isinstance(tab, gr.Tab)]
    assert [(tab.id, tab.label) for tab in tabs] == [(page.id, page.title) for page in PAGES]
    for page in PAGES:
        values = served.shell.go(Link({"page": page.id}))
        assert by_name(values)["pages"]["selected"] == page.id and set(values) <= set(served.shell.outputs)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.id)
def test_a_part_of_a_link_that_is_nonsense_is_told_in_one_line_and_left_out(served, page):
    for key in page.reads:
        with pytest.warns(UserWarning, match="^[^\n]*$") if key != "seed" else pytest.warns(UserWarning, match="seed"):
            values = served.shell.go(Link({"page": page.id, key: "\0" + HOSTILE * 30}))
        assert values[served.shell.opened]["page"] == page.id


TOY = '''
import gradio as gr
from gan.ui.page import Page, Room

def build(studio):
    words = gr.Textbox(elem_id="toy-words")
    return Room(lambda link: {words: link.read("word", str, "")}, [words])

PAGE = Page("toy", "A toy", build, ("word",))
'''


def test_a_page_in_the_tuple_is_a_tab_a_link_a_script_and_a_style(served, tmp_path, monkeypatch):
    (tmp_path / "toy_page.py").write_text(TOY)
    (tmp_path / "toy_page.js").write_text("window.gan.toy = 1;")
    (tmp_path / "toy_page.css").write_text(".toy { color: red }")
    monkeypatch.syspath_prepend(tmp_path)
    toy = importlib.import_module("toy_page").PAGE
    with gr.Blocks() as app:
        shell = Shell(served.studio, (*PAGES, toy))
    assert "toy" in [tab.id for tab in app.blocks.values() if isinstance(tab, gr.Tab)]
    named = by_name(shell.go(Link({"page": "toy", "word": "hello", "seed": "not read here"})))
    assert (named["pages"]["selected"], named["toy-words"]) == ("toy", "hello")
    options = launch_options(served.studio, (*PAGES, toy))
    assert "window.gan.toy = 1;" in options["head"] and ".toy { color: red }" in options["css"]


def test_link_with_a_class_that_the_model_lacks_is_drawn_without_it(served):
    with pytest.warns(UserWarning, match="class 'one'"):
        values = served.shell.go(Link({"page": "generate", "model": "plain", "class": "one", "seed": "3"}))
    assert drawn(values)["tiles"] == [dict(seed=3, label=None, text="seed 3")]


# Pictures given back


def forged(path: Path, text: str | None) -> str:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_text("gan-gallery", text)
    Image.new("L", (16, 16)).save(path, pnginfo=info)
    return str(path)


def recipe_json(**changes) -> str:
    return json.dumps({**json.loads(SeedsRecipe("digits", "r", (1,)).to_json()), **changes})


@pytest.mark.parametrize("text, message", [
    (None, "no recipe"), ("{", "cannot be read"), ("[" * 9000, "cannot be read"), (recipe_json(seeds=[-1]), "seed"),
    (recipe_json(seeds=[]), "0 seeds"), (recipe_json(psi=1e300), "psi"), (recipe_json(model="nobody"), "not in this"),
    (recipe_json(codes=[1, 2]), "codes"), (recipe_json(**{"class": "nine"}), "no class 'nine'"),
    (recipe_json(model="<b>\n"), "no short printable")])
def test_forged_picture_loses_nothing_and_gives_one_line(served, tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        served.shell.restore(forged(tmp_path / "x.png", text))
    assert "\n" not in explain(error.value)


def test_a_line_begins_with_a_capital_but_for_the_name_of_a_model(monkeypatch):
    assert explain(ValueError("type a seed")) == "Type a seed"
    assert explain(ValueError("cats64-edges makes pictures from pictures")) == "cats64-edges makes pictures from pictures"
    told = []
    monkeypatch.setattr(gr, "Warning", told.append)
    with pytest.raises(ValueError) as error:
        one_of([f"m{k}" for k in range(9)], "model")("nope")
    warn([str(error.value), "flowers64 has no class 'x'."])
    assert told == ["There is no model 'nope' here, only m0, m1, m2, m3, m4, m5, m6, m7, …. flowers64 has no class 'x'."]


def test_what_is_no_picture_is_refused(served, tmp_path):
    (tmp_path / "x.png").write_bytes(b"GIF89a nonsense")
    for path in (str(tmp_path / "x.png"), None):
        with pytest.raises(ValueError, match="no PNG picture"):
            served.shell.restore(path)


def test_picture_of_another_version_is_drawn_and_labelled(served, tmp_path):
    sheet = drawn(served.shell.restore(forged(tmp_path / "x.png", recipe_json())))
    assert sheet["other"].startswith("drawn by another version") and [tile["seed"] for tile in sheet["tiles"]] == [1]


def test_dials_take_an_empty_field_and_what_is_beyond_their_ends(served):
    psi, dial = served.page.controls.psi, served.page.controls.values[-1]
    assert [psi.preprocess(v) for v in (None, 0.5, 9, 10**400, "x", {})] == [1.0, 0.5, 1.5, 1.5, 1.0, 1.0]
    assert [dial.preprocess(v) for v in (None, -9)] == [0.0, -2.0]


def test_codes_beyond_the_dials_are_drawn_as_the_dials_show_them(served):
    with pytest.warns(UserWarning, match="beyond its dial"):
        values = served.shell.go(Link({"page": "generate", "model": "coded", "seed": "3", "codes": "1,3,-9"}))
    named = by_name(values)
    assert [named[name]["value"] for name in ("Code 1", "Dial 1", "Dial 2")] == ["1", 2.0, -2.0]
    (tile,) = expected(served, "coded", [Draw(3, codes=(1.0, 2.0, -2.0))])
    assert (pixels_of(fetch(served, drawn(values)["url"])) == tile).all()


@pytest.mark.parametrize("given", [1.5, "3", True, [], float("nan"), -1, 2**32])
def test_what_is_no_seed_is_refused_and_not_rounded(served, given):
    values = {**{c: None for c in (*served.page.controls.inputs, served.page.seeds)}, served.page.layout: "16"}
    with pytest.raises(ValueError, match="seed .* whole number"):
        served.page.from_seed({**values, served.page.seed: given})
    assert whole(3.0) == 3


def test_codes_go_through_picture_link_and_controls(served, tmp_path):
    codes = (2.0, 0.5, -1.0)
    view = View("coded", (3, 4), codes=codes)
    sheet = served.sheet.show(view)
    tiles = expected(served, "coded", [Draw(3, codes=codes), Draw(4, codes=codes)])
    data = fetch(served, sheet["url"])
    assert (pixels_of(data) == contact_sheet(tiles)).all()
    (tmp_path / "x.png").write_bytes(data)
    values = served.shell.restore(str(tmp_path / "x.png"))
    assert drawn(values)["recipe"] == sheet["recipe"]
    named = by_name(values)
    assert [named[name]["value"] for name in ("Code 1", "Dial 1", "Dial 2")] == ["2", 0.5, -1.0]
    controls = served.page.controls
    said = {**{c: None for c in controls.inputs}, controls.model: "coded", controls.psi: 1.0, controls.by_hand: True,
            **dict(zip([*controls.indices, *controls.values], ["2", 0.5, -1.0]))}
    assert controls.read(said, (3, 4)) == view
    assert controls.read({**said, controls.model: "plain"}, (3, 4)).codes is None


# Tiles and archives


def test_tile_and_archive_hold_the_same_pixels_as_the_sheet(served):
    sheet = served.sheet.show(View("digits", (5, 6, 7), "one", 0.8))
    tiles = expected(served, "digits", [Draw(seed, 1, 0.8) for seed in (5, 6, 7)])
    single = served.sheet.single({"recipe": sheet["recipe"], "tile": 1})
    assert single["name"] == "digits-seed0006.png"
    assert (pixels_of(fetch(served, single["url"])) == tiles[1]).all()
    archive = served.sheet.archive({"recipe": sheet["recipe"]})
    with zipfile.ZipFile(io.BytesIO(fetch(served, archive["url"]))) as files:
        assert files.namelist() == ["seed0005.png", "seed0006.png", "seed0007.png"]
        for k, name in enumerate(files.namelist()):
            assert (pixels_of(files.read(name)) == tiles[k]).all()
            assert read_recipe(io.BytesIO(files.read(name))).seeds == (5 + k,)


@pytest.mark.parametrize("strip, draws, columns", [
    ("class", [Draw(9, k, 0.5) for k in range(3)], 3), ("psi", [Draw(9, 1, psi) for psi in PSIS], 4)])
def test_strip_goes_through_picture_link_tile_and_archive(served, tmp_path, strip, draws, columns):
    view = View("digits", (9,), None if strip == "class" else "one", 0.5 if strip == "class" else 1.0, strip=strip)
    sheet = served.sheet.show(view)
    data, tiles = fetch(served, sheet["url"]), expected(served, "digits", draws)
    assert (pixels_of(data) == contact_sheet(tiles, columns=columns)).all() and sheet["columns"] == columns
    (tmp_path / "x.png").write_bytes(data)
    again = drawn(served.shell.restore(str(tmp_path / "x.png")))
    assert again["recipe"] == sheet["recipe"] and again["mark"]["verified"] and f"strip={strip}" in again["link"]
    assert (pixels_of(fetch(served, served.sheet.single({**sheet, "tile": 2})["url"])) == tiles[2]).all()
    with zipfile.ZipFile(io.BytesIO(fetch(served, served.sheet.archive(sheet)["url"]))) as files:
        assert len(files.namelist()) == len(tiles)
        assert (pixels_of(files.read(files.namelist()[1])) == tiles[1]).all()


def test_layout_says_how_many_seeds_and_what_they_go_through(served):
    page = served.page
    values = {**{c: None for c in page.controls.inputs}, page.controls.model: "digits", page.controls.label: "",
              page.controls.psi: 1.0, page.seeds: "5-20", page.seed: 5, page.layout: "64"}
    assert by_name(page.change_layout(values))["seeds"] == "5-68"
    assert len(drawn(page.change_layout({**values, page.layout: "class"}))["tiles"]) == 3
    assert by_name(page.from_seed({**values, page.layout: "psi", page.seed: 8}))["seeds"] == "8"
    typed = by_name(page.draw({**values, page.layout: "psi", page.seeds: "1,2"}))
    assert typed["layout"]["value"] is None and typed["seed"] == 1  # seeds that are typed are drawn as a sheet
    plain = by_name(page.change_model({**values, page.controls.model: "plain", page.layout: "psi"}))["layout"]
    assert plain["value"] == "psi" and ("every class", "class") not in plain["choices"]


def test_a_picture_given_back_says_whether_it_was_drawn_again(served, tmp_path):
    sheet = served.sheet.show(View("digits", (5, 6)))
    (tmp_path / "x.png").write_bytes(fetch(served, sheet["url"]))
    recipe, pixels = read_recipe(tmp_path / "x.png"), pixels_of(fetch(served, sheet["url"])).copy()
    for change, verified, text in [(0, True, "pixel for pixel"), (1, True, "within 1/255"), (9, False, "up to 9/255")]:
        given = np.where(pixels < 128, pixels + change, pixels - change).astype(np.uint8)
        mark = drawn(served.shell.restore(str(save_png(tmp_path / "y.png", given, recipe))))["mark"]
        assert mark["verified"] is verified and text in mark["text"]
    mark = drawn(served.shell.restore(str(save_png(tmp_path / "y.png", pixels[:9], recipe))))["mark"]
    assert not mark["verified"] and "size" in mark["text"]
    assert served.sheet.show(View("digits", (5, 6)))["mark"] is None


@pytest.mark.parametrize("recipe", [
    SeedsRecipe("digits", "r", (5,), psi=2.0), SeedsRecipe("digits", "r", tuple(range(121))),
    StripRecipe("digits", "r", 5, psis=(0.1, 0.2)), WalkRecipe("digits", "r", (1, 5), 40, 300)])
def test_a_picture_whose_recipe_the_page_cannot_draw_is_not_called_false(served, tmp_path, recipe):
    with pytest.warns(UserWarning, match="not verified"):
        values = by_name(served.shell.restore(str(save_png(tmp_path / "x.png", np.zeros((16, 16, 1), np.uint8), recipe))))
    shown = values["path"] if isinstance(recipe, WalkRecipe) else values["generate-sheet"]
    assert shown["mark"] is None


@pytest.mark.parametrize("recipe", [
    SeedsRecipe("digits", "r", (5,), "one", psi=0.7000000000000001),
    WalkRecipe("digits", "r", (1, 5), 3, 20, labels=("one", "one"))])
def test_a_recipe_that_is_written_otherwise_is_the_same(served, tmp_path, recipe):
    values = by_name(served.shell.restore(str(save_png(tmp_path / "x.png", np.zeros((16, 16, 1), np.uint8), recipe))))
    assert (values.get("path") or values["generate-sheet"])["mark"]["verified"] is False


def test_tiles_stand_where_the_page_puts_its_buttons(served):
    sheet = served.sheet.show(View("plain", tuple(range(10))))
    picture = pixels_of(fetch(served, sheet["url"]))
    assert picture.shape == (sheet["height"], sheet["width"], 3)
    step, k = sheet["tile"] + sheet["gap"], 7
    x, y = k % sheet["columns"] * step, k // sheet["columns"] * step
    assert (picture[y : y + 32, x : x + 32] == expected(served, "plain", [Draw(7)])[0]).all()


def test_forged_tile_is_refused(served):
    recipe = served.sheet.show(View("digits", (5,)))["recipe"]
    for forged, tile in [(recipe, 1), (recipe, -1), (recipe, "0; rm"), (recipe, [0]), (recipe, True), ("{}", 0), (None, 0)]:
        with pytest.raises(ValueError):
            served.sheet.single({"recipe": forged, "tile": tile})
    with pytest.raises(ValueError):
        served.sheet.single("no mapping")


def test_a_sheet_is_limited_by_its_pixels(served, tmp_path):
    hub.save(tmp_path / "large", tiny_generator("dcgan", resolution=1024))
    studio = Studio([entry(str(tmp_path / "large"))], engine=served.studio.engine, outbox=served.studio.outbox)
    with pytest.raises(ValueError, match="at most 16"):
        studio.draw(View("large", tuple(range(17))))
    view, notes = fitted(View("large", tuple(range(100))), studio.entry("large"))
    assert len(view.seeds) == 16 and "1024 px" in notes[0]


# The gallery, start-up and housekeeping
