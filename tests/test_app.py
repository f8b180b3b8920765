"""The app through its handlers, its API and plain HTTP; test_browser.py clicks on it."""

import importlib
import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import gradio as gr
import httpx
import numpy as np
import pytest
from conftest import tiny_generator
from gradio_client import Client
from PIL import Image

from gan import hub
from gan.base import Latent
from gan.engine import Engine, draw
from gan.gallery import entry
from gan.image import contact_sheet
from gan.latent import MAX_SEED, Draw
from gan.models import family
from gan.recipe import SeedsRecipe, read_recipe, save_png
from gan.ui import Studio, build, launch_options
from gan.ui.messages import explain
from gan.ui.outbox import Outbox, file_stem
from gan.ui.pages import PAGES
from gan.ui.pages.gallery import Gallery, details, walls
from gan.ui.pages.generate import Generate, whole
from gan.ui.parts.curves import curves
from gan.ui.parts.link import Link
from gan.ui.parts.sheet import Sheet
from gan.ui.shell import Shell
from gan.ui.view import PSIS, View, fitted

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = ("<img src=x onerror=\"window.pwned=1\">${window.pwned=2}{{#each this}}"
           "</script><script>window.pwned=3</script>`\\")


def write_models(folder: Path) -> list[Path]:
    """Three tiny models: with classes, without, and with codes; the second's training.json is hostile."""
    hub.save(folder / "digits", tiny_generator("dcgan", classes=3), class_names=("zero", "one", "two"))
    hub.save(folder / "plain", tiny_generator("dcgan", channels=3, resolution=32))
    coded = family("dcgan").Generator(Latent(4, categorical=(3,), continuous=2), resolution=16, channels=1, width=8)
    hub.save(folder / "coded", coded.eval())
    (folder / "digits" / "training.json").write_text(json.dumps(dict(
        recipe="tiny", paper="Someone 2014, arXiv:1406.2661", data=dict(name="shapes", images=1234, licence="CC0"),
        command="python -m train tiny --data shapes", nimg=5_600_000, minutes=75, hardware="a laptop")))
    (folder / "plain" / "training.json").write_text(json.dumps(dict(
        recipe=HOSTILE, paper=HOSTILE + "arXiv:1406.2661", data=dict(name=HOSTILE, images="many", licence=[HOSTILE]),
        command=HOSTILE, nimg=-1e300, minutes="NaN", hardware=HOSTILE)))
    return [folder / name for name in ("digits", "plain", "coded")]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The running app: .studio, .url, .folder (the models), and objects whose handlers are called without a browser."""
    folder = tmp_path_factory.mktemp("models")
    studio = Studio([entry(str(path)) for path in write_models(folder)], engine=Engine(device="cpu"))
    blocks = build(studio)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(studio))
    with gr.Blocks():
        shell, page, sheet = Shell(studio, PAGES), Generate(studio), Sheet(studio, "generate", "alone")
        gallery = Gallery(studio)
    yield SimpleNamespace(studio=studio, url=url, folder=folder, blocks=blocks, shell=shell, page=page, sheet=sheet,
                          gallery=gallery)
    blocks.close(verbose=False)
    studio.outbox.close()


@pytest.fixture(scope="module")
def client(served):
    return Client(served.url, verbose=False)


def fetch(served, url: str) -> bytes:
    return urllib.request.urlopen(served.url + url, timeout=10).read()


def status_of(served, url: str, data: bytes | None = None) -> int:
    request = urllib.request.Request(served.url + url, data, {"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def pixels_of(data: bytes) -> np.ndarray:
    array = np.asarray(Image.open(io.BytesIO(data)))
    return array[..., None] if array.ndim == 2 else array


def expected(served, name: str, draws: list[Draw]) -> np.ndarray:
    return draw(hub.load(served.folder / name).G, draws)


def by_name(values: dict) -> dict:
    """A handler's values by the names that the components have on the page."""
    return {getattr(c, "elem_id", None) or getattr(c, "label", None): value for c, value in values.items()}


def drawn(values: dict) -> dict:
    """The sheet among a handler's values."""
    return by_name(values)["generate-sheet"]


# The API, and the way of a picture there and back


def test_endpoint_gives_our_png_bit_for_bit(served, client, tmp_path):
    path = client.predict("digits", "42", "two", 0.7, api_name="/generate")
    assert Path(path).name == "digits-seed0042.png"
    pixels = pixels_of(Path(path).read_bytes())
    assert (pixels == expected(served, "digits", [Draw(42, 2, 0.7)])[0]).all()
    recipe = read_recipe(path)
    assert recipe == SeedsRecipe("digits", hub.load(served.folder / "digits").revision, (42,), "two", 0.7)
    assert str(served.folder) not in recipe.to_json()

    restored = drawn(served.shell.restore(path))
    assert (pixels_of(fetch(served, restored["url"])) == pixels).all()
    assert not restored["other"]


def test_endpoint_gives_a_sheet_with_defaults(served, client):
    path = client.predict(model="plain", api_name="/generate")
    tiles = expected(served, "plain", [Draw(seed) for seed in range(16)])
    assert (pixels_of(Path(path).read_bytes()) == contact_sheet(tiles)).all()


@pytest.mark.parametrize("arguments, message", [
    (("digits", "-1"), "cannot read seeds"), (("digits", "1e9"), "cannot read seeds"),
    (("digits", str(MAX_SEED + 1)), "whole number from 0"), (("digits", "0-999999"), "more than|too many"),
    (("digits", ""), "type a seed"), (("digits", "1", "nine"), "no class 'nine'"), (("digits", "1", "one", 9), "psi"),
    (("../digits", "1"), "not in this gallery")])
def test_endpoint_says_what_is_wrong_in_one_line(client, arguments, message):
    with pytest.raises(Exception, match=f"(?i){message}") as error:
        client.predict(*arguments, api_name="/generate")
    assert "\n" not in str(error.value) and "Traceback" not in str(error.value)


def test_the_doors_are_public_and_nothing_else_and_none_skips_the_queue(served, client):
    doors = ["/generate", "/interpolate", "/draw_edit", "/augment", "/project"]
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == doors
    body = json.dumps({"data": ["digits", "1", "", 1]}).encode()
    assert status_of(served, "gradio_api/run/generate", body) == 404


def test_serves_its_own_files_only(served):
    for path in ("/etc/passwd", str(ROOT / "app.py"), str(served.folder / "digits" / "config.json")):
        assert status_of(served, f"gradio_api/file={path}") == 403


@pytest.mark.parametrize("query", ["", "page=gallery", "page=generate&seed=3", "page=tree", "page=nonsense&page=2",
                                   "page=%00"])
def test_page_opens_whatever_the_link_says(served, query):
    text = fetch(served, "?" + query).decode()
    assert "gradio_config" in text
    assert str(served.folder) not in text


# Links


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


def test_model_page_says_what_training_json_says(served):
    found = details(entry(str(served.folder / "digits")), served.studio.outbox)
    assert found["trained"] == "Trained 5.6 million images in 75 minutes on a laptop"
    assert found["paper_url"] == "https://arxiv.org/abs/1406.2661"
    facts = dict(found["facts"])
    assert facts["Data"] == "shapes, 1,234 images" and facts["Licence of the data"] == "CC0"
    assert facts["Classes"] == "3: zero, one, two"


@pytest.mark.parametrize("training", [
    [], {}, {"data": 3, "minutes": -1, "nimg": True, "command": {}}, {"minutes": 10**400},
    {"metrics": {"scores": {"a": "x", "b": None, "c": True}}}, {"metrics": 3}])
def test_model_page_of_a_strange_training_json_leaves_out_what_it_cannot_read(served, training):
    e = entry(str(served.folder / "digits"))
    found = details(replace(e, training=training), served.studio.outbox)
    assert found["trained"] == "" and found["command"] == "" and found["paper_url"] == "" and found["metrics"] is None


def test_model_page_names_the_feature_net_of_what_was_measured(served):
    measured = {"features": "our net", "samples": 2000, "against": "2000 pictures of shapes", "memorised": 0.0125,
                "scores": {"frechet_distance": 1.23456, "frechet_distance_of_reals": 0.5, "recall": 0.4, "odd": "x"}}
    model = replace(entry(str(served.folder / "digits")), training={"metrics": measured})
    found = details(model, served.studio.outbox)["metrics"]
    assert found["rows"] == [["frechet distance", "1.235", "0.5"], ["recall", "0.4", ""]]
    assert found["about"].startswith("By the features of our net on 2,000 pictures against 2000 pictures of shapes.")
    assert found["memorised"].startswith("1.2% of its pictures")


def test_timeline_reads_no_file_outside_its_folder(served, tmp_path):
    hub.save(tmp_path / "m", tiny_generator("dcgan"))
    (tmp_path / "m" / "timeline").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "secret.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "timeline" / "a.webp")
    snapshots = [dict(file=name, nimg=2000) for name in ("../secret.png", str(tmp_path / "m/secret.png"), "b.webp", 3)]
    text = json.dumps({"snapshots": [*snapshots, None, dict(file="a.webp", nimg=2000)]})
    (tmp_path / "m" / "timeline" / "timeline.json").write_text(text)
    strip = served.gallery.timeline(entry(str(tmp_path / "m")))
    assert [snapshot["caption"] for snapshot in strip] == ["2 thousand images"]


def test_curves_are_drawn_as_far_as_the_file_can_be_read(tmp_path):
    assert curves(tmp_path) == []
    series = {"D": [1.0, 2.0, 3.0], "G": [0.5, None, "x"], "diversity": [1, 1, 1], "G gradient": [1, 2, 3], "odd": 3}
    (tmp_path / "curves.json").write_text(json.dumps({"nimg": [0, 1000, 2000], "series": series}))
    assert [(c["title"].split(",")[0], [line["name"] for line in c["lines"]]) for c in curves(tmp_path)] == [
        ("Losses", ["D"]), ("Diversity", ["diversity"]), ("Length of the gradients", ["G gradient"])]
    assert curves(tmp_path)[0]["lines"][0]["points"] == [[0, 1], [1000, 2], [2000, 3]]
    for text in ("{", "[]", '{"series": [1]}', '{"nimg": {}, "series": {"D": [1, 2]}}'):
        (tmp_path / "curves.json").write_text(text)
        assert curves(tmp_path) == []


def test_what_is_beautiful_comes_first_and_a_family_stands_together(served):
    e = entry(str(served.folder / "digits"))

    def model(name, channels, resolution, recipe, data="digits"):
        training = dict(recipe=recipe, data=dict(name=data))
        return replace(e, id=name, channels=channels, resolution=resolution, training=training)
    models = [model("a", 1, 32, "one"), model("b", 3, 64, "one", "cats"), model("c", 1, 32, "two"),
              model("d", 3, 128, "x", "sky"), model("e", 1, 64, "one")]
    found = walls(models, served.studio.outbox, [model("guest", 1, 16, "z")])
    assert [c["id"] for c in found["cards"]] == ["guest", "d", "b", "e"]
    assert [c["id"] for c in found["family"]] == ["a", "c"]
    assert found["about"].startswith("2 models trained on digits at 32 px")


def test_outbox_sweeps_what_is_old_and_keeps_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "new"))
    outbox = Outbox(keep_s=0.05)
    old, shown = outbox.fresh("a.png"), outbox.fresh("b.png", part="shown")
    for path in (old, shown):
        path.write_text("x")
    time.sleep(0.1)
    young = outbox.fresh("c.png")
    assert not old.exists() and shown.exists() and young.parent.exists()
    assert unquote(outbox.url(young)).endswith(str(young))
    outbox.close()
    assert not outbox.root.exists()
    assert file_stem("user/my model") == "user-my-model" and file_stem("/../") == "model"


def test_outbox_holds_so_many_bytes_and_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    outbox = Outbox(most=250)
    paths = [outbox.fresh("a.png") for _ in range(99)]  # one more, and the sweep is due
    for age, path in enumerate(reversed(paths)):
        path.write_bytes(b"x" * 100)
        os.utime(path.parent, (time.time() - age, time.time() - age))
    outbox.fresh("b.png")
    assert [path.exists() for path in paths[-4:]] == [False, False, True, True]
    outbox.close()


def test_what_killed_servers_left_is_swept_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = Outbox()
    left = tmp_path / f"gan-gallery-{dead.pid}-abc" / "uploads"
    other, strange = tmp_path / f"gan-gallery-{os.getppid()}-abc", tmp_path / "gan-gallery-notes.txt"
    left.mkdir(parents=True)
    other.mkdir()
    strange.write_text("not ours")
    Outbox().close()
    assert not left.parent.exists() and other.exists() and strange.exists() and living.root.exists()
    living.close()


# What is refused before Gradio sees it


def call(served, name: str, data: list) -> str:
    """What the handler of that name answers over plain HTTP: the error of the refusal, or the event stream."""
    index = next(k for k, fn in served.blocks.fns.items() if fn.api_name == name or fn.name == name)
    session = f"s{time.monotonic_ns()}"
    body = json.dumps({"data": data, "fn_index": index, "session_hash": session}).encode()
    request = urllib.request.Request(served.url + "gradio_api/queue/join", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        return error.read().decode()
    return fetch(served, f"gradio_api/queue/data?session_hash={session}").decode()


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/x.png", "https://example.org/x.png", "/etc/passwd", "\0", 3,
                                  "x" * 9999])
def test_a_path_that_nobody_uploaded_is_refused_in_one_line(served, path):
    answer = call(served, "give_back", [{"path": path, "meta": {"_type": "gradio.FileData"}}])
    assert "must be uploaded before" in answer and str(path)[:9] not in answer
    assert str(served.studio.outbox.root) not in answer


def test_an_uploaded_picture_is_restored_and_forgotten(served, tmp_path):
    sheet = served.sheet.show(View("digits", (5,)))
    answer = httpx.post(served.url + "gradio_api/upload", files={"files": ("x.png", fetch(served, sheet["url"]))}).json()
    assert Path(answer[0]).is_file() and Path(answer[0]).is_relative_to(served.studio.outbox.root)
    told = call(served, "give_back", [{"path": answer[0], "meta": {"_type": "gradio.FileData"}}])
    assert '"success":true' in told and "model=digits" in told
    assert not Path(answer[0]).exists()


@pytest.mark.parametrize("data", [[], [None] * 20, [{}] * 20, [[[]]] * 20, ["x" * 1000] * 20, [1e300] * 20, [True] * 20])
def test_wrong_types_are_answered_without_a_word_of_the_machinery(served, data):
    for name in ("draw", "from_seed", "change_model", "ask", "select", "archive", "generate"):
        answer = call(served, name, data)
        assert not re.search(r"Traceback|Error\b.*\(|gradio/|site-packages|object has no attribute", answer), (name, answer)


def test_errors_name_no_path_of_this_machine(tmp_path):
    try:
        (tmp_path / "nowhere").read_text()
    except OSError as error:
        assert str(tmp_path) not in explain(error)
    assert explain(RuntimeError(str(tmp_path))).startswith("Something went wrong (RuntimeError)")
