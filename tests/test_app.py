"""The app through its handlers, its API and plain HTTP; test_browser.py clicks on it."""

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import gradio as gr
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
from gan.recipe import SeedsRecipe, read_recipe
from gan.ui import Studio, build, generate, launch_options, page
from gan.ui.gallery import card
from gan.ui.outbox import Outbox, file_stem
from gan.ui.studio import explain
from gan.ui.view import PAGES, View

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
        command=HOSTILE, nimg=1e400, minutes="NaN", hardware=HOSTILE)))
    return [folder / name for name in ("digits", "plain", "coded")]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The running app: .studio, .url, .page (the handlers' components), .folder (the models)."""
    folder = tmp_path_factory.mktemp("models")
    studio = Studio([entry(str(path)) for path in write_models(folder)], engine=Engine(device="cpu"))
    blocks = build(studio)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(studio))
    with gr.Blocks():
        components = generate.build(studio)
    yield SimpleNamespace(studio=studio, url=url, page=components, folder=folder, blocks=blocks)
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


def drawn(values: list, served) -> dict:
    """The sheet among a handler's values for the tab and ``Page.everything``."""
    return values[1 + served.page.everything.index(served.page.sheet)]


# The API, and the way of a picture there and back


def test_endpoint_gives_our_png_bit_for_bit(served, client, tmp_path):
    path = client.predict("digits", "42", "two", 0.7, api_name="/generate")
    assert Path(path).name == "digits-seed0042.png"
    pixels = pixels_of(Path(path).read_bytes())
    assert (pixels == expected(served, "digits", [Draw(42, 2, 0.7)])[0]).all()
    recipe = read_recipe(path)
    assert recipe == SeedsRecipe("digits", hub.load(served.folder / "digits").revision, (42,), "two", 0.7)
    assert str(served.folder) not in recipe.to_json()

    restored = drawn(page.restore(served.studio, served.page, path), served)
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


def test_only_one_endpoint_is_public_and_none_skips_the_queue(served, client):
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/generate"]
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
    tab, model, seed, seeds, label, psi, *rest = page.open_link(served.studio, served.page, query)
    assert (tab["selected"], model, seed, seeds, label["value"], psi) == ("generate", "digits", 7, "7,9", "one", 0.5)
    sheet = drawn([tab, model, seed, seeds, label, psi, *rest], served)
    tiles = expected(served, "digits", [Draw(7, 1, 0.5), Draw(9, 1, 0.5)])
    assert (pixels_of(fetch(served, sheet["url"])) == contact_sheet(tiles)).all()
    assert sheet["other"].startswith("drawn by another version of digits")


@pytest.mark.parametrize("name", PAGES[1:])
def test_link_opens_each_page(served, name):
    tabs = [tab for tab in served.blocks.blocks.values() if isinstance(tab, gr.Tab)]
    assert tuple(tab.id for tab in tabs) == PAGES
    assert page.open_link(served.studio, served.page, {"page": name})[0]["selected"] == name


def test_link_with_a_class_that_the_model_lacks_is_drawn_without_it(served):
    values = page.open_link(served.studio, served.page, {"model": "plain", "class": "one", "seed": "3"})
    assert drawn(values, served)["seeds"] == [3]
    assert "no class 'one'" in values[-1]["text"]


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
    *kept, notice = page.restore(served.studio, served.page, forged(tmp_path / "x.png", text))
    assert all(value == gr.skip() for value in kept)
    assert message in notice["text"] and notice["error"] and "\n" not in notice["text"]


def test_what_is_no_picture_is_refused(served, tmp_path):
    (tmp_path / "x.png").write_bytes(b"GIF89a nonsense")
    assert "no PNG picture" in page.restore(served.studio, served.page, str(tmp_path / "x.png"))[-1]["text"]
    assert page.restore(served.studio, served.page, None)[-1]["error"]


def test_picture_of_another_version_is_drawn_and_labelled(served, tmp_path):
    sheet = drawn(page.restore(served.studio, served.page, forged(tmp_path / "x.png", recipe_json())), served)
    assert sheet["other"].startswith("drawn by another version") and sheet["seeds"] == [1]


def test_dials_take_an_empty_field_and_what_is_beyond_their_ends(served):
    psi, dial = served.page.psi, served.page.codes[-1]
    assert [psi.preprocess(v) for v in (None, 0.5, 9)] == [1.0, 0.5, 1.5]
    assert [dial.preprocess(v) for v in (None, -9)] == [0.0, -2.0]
    values = generate.shown(served.studio, served.page, View("coded", (3,), codes=(1.0, 3.0, -9.0)))
    first = served.page.everything.index(served.page.codes[0])
    assert [update["value"] for update in values[first : first + 3]] == ["1", 2.0, -2.0]


def test_codes_go_through_picture_link_and_controls(served, tmp_path):
    codes = (2.0, 0.5, -1.0)
    view = View("coded", (3, 4), codes=codes)
    sheet = served.studio.sheet(view)
    tiles = expected(served, "coded", [Draw(3, codes=codes), Draw(4, codes=codes)])
    data = fetch(served, sheet["url"])
    assert (pixels_of(data) == contact_sheet(tiles)).all()
    (tmp_path / "x.png").write_bytes(data)
    values = page.restore(served.studio, served.page, str(tmp_path / "x.png"))
    assert drawn(values, served)["recipe"] == sheet["recipe"]
    by_hand = values[1 + served.page.everything.index(served.page.by_hand)]
    first = 1 + served.page.everything.index(served.page.codes[0])
    shown = [update["value"] for update in values[first : first + 3]]
    assert by_hand and shown == ["2", 0.5, -1.0]
    assert generate.read(served.studio, served.page, ["coded", "3-4", "", 1.0, True, *shown]) == view
    assert generate.read(served.studio, served.page, ["plain", "3", "", 1.0, True, *shown]).codes is None


# Tiles and archives


def test_tile_and_archive_hold_the_same_pixels_as_the_sheet(served):
    sheet = served.studio.sheet(View("digits", (5, 6, 7), "one", 0.8))
    tiles = expected(served, "digits", [Draw(seed, 1, 0.8) for seed in (5, 6, 7)])
    single = served.studio.single(sheet["recipe"], 6)
    assert single["name"] == "digits-seed0006.png"
    assert (pixels_of(fetch(served, single["url"])) == tiles[1]).all()
    archive = served.studio.archive(sheet["recipe"])
    with zipfile.ZipFile(io.BytesIO(fetch(served, archive["url"]))) as files:
        assert files.namelist() == ["seed0005.png", "seed0006.png", "seed0007.png"]
        for k, name in enumerate(files.namelist()):
            assert (pixels_of(files.read(name)) == tiles[k]).all()
            assert read_recipe(io.BytesIO(files.read(name))).seeds == (5 + k,)


def test_tiles_stand_where_the_page_puts_its_buttons(served):
    sheet = served.studio.sheet(View("plain", tuple(range(10))))
    picture = pixels_of(fetch(served, sheet["url"]))
    assert picture.shape == (sheet["height"], sheet["width"], 3)
    step, k = sheet["tile"] + sheet["gap"], 7
    x, y = k % sheet["columns"] * step, k // sheet["columns"] * step
    assert (picture[y : y + 32, x : x + 32] == expected(served, "plain", [Draw(7)])[0]).all()


def test_forged_tile_is_refused(served):
    recipe = served.studio.sheet(View("digits", (5,)))["recipe"]
    for arguments in [(recipe, 6), (recipe, "5; rm"), ("{}", 5), (None, 5)]:
        with pytest.raises(ValueError):
            served.studio.single(*arguments)


# The gallery, start-up and housekeeping


def test_card_says_what_training_json_says(served):
    c = card(entry(str(served.folder / "digits")), served.studio.outbox)
    assert c["trained"] == "Trained 5.6 million images in 75 minutes on a laptop"
    assert c["paper_url"] == "https://arxiv.org/abs/1406.2661"
    facts = dict(c["facts"])
    assert facts["Data"] == "shapes, 1,234 images" and facts["Licence"] == "CC0"
    assert facts["Classes"] == "3: zero, one, two"


@pytest.mark.parametrize("training", [
    [], {}, {"data": 3, "minutes": -1, "nimg": True, "command": {}}, {"minutes": 10**400}])
def test_card_of_a_strange_training_json_leaves_out_what_it_cannot_read(served, training):
    e = entry(str(served.folder / "digits"))
    c = card(e.__class__(**{**e.__dict__, "training": training}), served.studio.outbox)
    assert c["trained"] == "" and c["command"] == "" and c["paper_url"] == ""


def test_timeline_reads_no_file_outside_its_folder(served, tmp_path):
    hub.save(tmp_path / "m", tiny_generator("dcgan"))
    (tmp_path / "m" / "timeline").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "secret.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "timeline" / "a.webp")
    snapshots = [dict(file=name, nimg=2000) for name in ("../secret.png", str(tmp_path / "m/secret.png"), "b.webp", 3)]
    text = json.dumps({"snapshots": [*snapshots, None, dict(file="a.webp", nimg=2000)]})
    (tmp_path / "m" / "timeline" / "timeline.json").write_text(text)
    strip = card(entry(str(tmp_path / "m")), served.studio.outbox)["timeline"]
    assert [snapshot["caption"] for snapshot in strip] == ["2 thousand images"]


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


def test_errors_name_no_path_of_this_machine(tmp_path):
    try:
        (tmp_path / "nowhere").read_text()
    except OSError as error:
        assert str(tmp_path) not in explain(error)
    assert explain(RuntimeError(str(tmp_path))).startswith("Something went wrong while drawing (RuntimeError)")
