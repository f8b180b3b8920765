"""The Transform page in Chromium: drawing by mouse and by keyboard, pictures, boxes, holes, the camera, and mistakes."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from chromium import chromium
from pictures import picture
from PIL import Image
from serving import running, studio_of, write_models
from test_transform_page import pixels_of
from transforming import write_painters
from visiting import CONTRAST, TOLD, drop

from gan import hub
from gan.base import Inputs
from gan.degrade import task_of
from gan.engine import draw_inputs
from gan.image import contact_sheet, to_pil, to_uint8
from gan.picture import Box
from gan.recipe import read_recipe
from gan.transform import Given, transform

pytestmark = pytest.mark.browser

MADE = ".easel .screen > img:first-child"
WIDE = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory, test_families):
    """The running app and a browser with a camera; the model that draws has samples."""
    import torch

    folder = tmp_path_factory.mktemp("models")
    models = [*write_models(folder), *write_painters(folder)]
    G = hub.load(folder / "sketch").G
    x = torch.rand(4, 3, 2, 2).repeat_interleave(16, 2).repeat_interleave(16, 3) * 2 - 1
    y = task_of(G.source, 3)(x)
    both = np.stack([to_uint8(y.expand(-1, 3, -1, -1)), draw_inputs(G, Inputs(torch.empty(4, 0), None, y))], 1)
    to_pil(contact_sheet(both.reshape(8, 32, 32, 3), columns=4)).save(folder / "sketch" / "samples.png")
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with studio_of(models) as studio, running(studio) as (_, url), chromium(*flags) as browser:
        yield SimpleNamespace(url=url, browser=browser, folder=folder, studio=studio)


def made(page) -> np.ndarray:
    """The picture on the screen, once nothing more comes."""
    before = ""
    while not (now := page.get_attribute(MADE, "src")) or now != before:
        before = now
        page.wait_for_timeout(500)
        page.wait_for_selector(".easel [aria-busy=false]")
    return pixels_of(now)


def becomes(page, right) -> np.ndarray:
    """Waits for a picture that is ``right``."""
    for _ in range(20):
        if right(pixels := made(page)):
            return pixels
    raise AssertionError("it never comes")


def same(expected):
    return lambda pixels: pixels.shape == expected.shape and (pixels == expected).all()


def other(before):
    return lambda pixels: (pixels != before).any()


def line(page, box, *points):
    page.mouse.move(*(box[k] + points[0][k != "x"] * box["width"] for k in ("x", "y")))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*(box[k] + point[k != "x"] * box["width"] for k in ("x", "y")), steps=6)
    page.mouse.up()


def test_a_drawing_becomes_a_picture_while_it_is_drawn(site, visitor, tmp_path):
    visitor.goto(site.url)
    visitor.get_by_role("button", name="Transform with sketch").click()
    visitor.wait_for_url(re.compile(r"\?page=transform&model=sketch&rev=\w{12}$"))
    example = made(visitor)  # something is there to start from
    visitor.get_by_role("button", name="Clear").click()
    visitor.wait_for_selector(".easel .status:has-text('Draw a few lines')")
    assert not visitor.get_attribute(MADE, "src")
    canvas = visitor.locator(".given > canvas:visible")
    line(visitor, canvas.bounding_box(), (0.2, 0.2), (0.8, 0.3), (0.4, 0.8))
    first = becomes(visitor, other(example))
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "Space", *["ArrowRight"] * 12, "Space"):
        visitor.keyboard.press(key)
    becomes(visitor, other(first))
    visitor.keyboard.press("Control+z")
    becomes(visitor, same(first))
    visitor.get_by_role("button", name="Eraser").click()
    line(visitor, canvas.bounding_box(), (0.2, 0.2), (0.8, 0.3))
    becomes(visitor, other(first))
    visitor.get_by_role("button", name="Undo").click()
    becomes(visitor, same(first))

    for name, role, file in (("Save the drawing", "button", "drawing.png"), ("Download PNG", "link", "made.png")):
        with visitor.expect_download() as download:
            visitor.get_by_role(role, name=name).click()
        download.value.save_as(tmp_path / file)
    ours = transform(hub.load(site.folder / "sketch"), Given((tmp_path / "drawing.png").read_bytes()))
    assert (np.asarray(Image.open(tmp_path / "made.png")) == ours.pixels).all() and (ours.pixels == first).all()
    assert read_recipe(tmp_path / "made.png") == ours.recipe
    visitor.get_by_text("Copy as code").click()
    assert "python -m gan transform sketch picture.png" in visitor.inner_text(".code")
    assert visitor.evaluate(WIDE) <= 0


def test_a_drawing_outlasts_a_page_that_is_loaded_again(site, visitor):
    canvas, painted = ".given > canvas:visible", "() => document.querySelector('.given > .drawn-on').toDataURL()"
    visitor.goto(site.url + "?page=transform&model=sketch")
    example = made(visitor)
    line(visitor, visitor.locator(canvas).bounding_box(), (0.2, 0.2), (0.8, 0.3), (0.4, 0.8))  # over an example
    drawn, before = becomes(visitor, other(example)), visitor.evaluate(painted)
    visitor.reload()
    becomes(visitor, same(drawn))
    assert visitor.evaluate(painted) == before
    visitor.get_by_role("button", name="Clear").click()
    visitor.wait_for_selector(".easel .status:has-text('Draw a few lines')")
    visitor.reload()
    becomes(visitor, same(example))
    for kept in ("{", '{"model": "sketch", "drawing": 5}', '{"model": "sketch", "drawing": [{"image": "data:,"}]}'):
        visitor.evaluate("kept => sessionStorage.setItem('gan-gallery-drawing', kept)", kept)
        visitor.reload()
        becomes(visitor, same(example))


def test_a_picture_is_brought_cut_and_made(site, visitor, tmp_path):
    data = picture(size=(80, 60))
    (tmp_path / "me.png").write_bytes(data)
    model = hub.load(site.folder / "styles")
    visitor.goto(site.url + "?page=transform&model=styles&class=orange&seed=3")
    visitor.wait_for_selector(".easel header")
    visitor.set_input_files(".easel input[type=file]", tmp_path / "me.png")
    given = Given(data, Box(10, 0, 60), seed=3, label="orange")
    becomes(visitor, same(transform(model, given).pixels))
    frame = visitor.get_by_role("group", name="The part of your picture that counts")
    frame.focus()
    for _ in range(20):
        visitor.keyboard.press("ArrowLeft")
    becomes(visitor, same(transform(model, Given(data, Box(0, 0, 60), seed=3, label="orange")).pixels))
    visitor.fill("#transform-seed input", "4")
    visitor.wait_for_url(re.compile("seed=4"))
    becomes(visitor, same(transform(model, Given(data, Box(0, 0, 60), seed=4, label="orange")).pixels))
    part = visitor.get_by_role("slider", name="given and made, side by side")
    part.press("Home")
    assert visitor.locator(".easel .screen").evaluate("e => e.style.getPropertyValue('--cut')") == "0%"

    (tmp_path / "x.png").write_text("no picture")
    visitor.set_input_files(".easel input[type=file]", tmp_path / "x.png")
    visitor.wait_for_selector(f"{TOLD}:has-text('no picture')")
    assert visitor.locator(".easel .given > .blank").is_visible() and not visitor.locator(".easel a[download][href]").count()
    visitor.set_input_files(".easel input[type=file]", tmp_path / "me.png")  # the page goes on
    becomes(visitor, same(transform(model, Given(data, Box(10, 0, 60), seed=4, label="orange")).pixels))
    assert not list(site.studio.outbox.uploads.iterdir()) and visitor.evaluate(WIDE) <= 0


def test_a_local_task_takes_a_picture_of_any_shape_pasted_dropped_or_from_a_camera(site, visitor, tmp_path):
    data = picture(size=(70, 40))
    visitor.goto(site.url + "?page=transform&model=larger")
    visitor.wait_for_selector(".easel header")
    paste = """bytes => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array(bytes)], "me.png", { type: "image/png" }));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })); }"""
    expected = transform(hub.load(site.folder / "larger"), Given(data)).pixels
    visitor.evaluate(paste, list(data))
    becomes(visitor, same(expected))
    assert expected.shape == (80, 140, 3)
    visitor.wait_for_selector(".easel .status:has-text('140 × 80 pixels')")
    assert not visitor.locator(".notice").count()
    drop(visitor, picture(5, size=(30, 30)), data, on=".given")
    visitor.wait_for_selector(".notice:has-text('One file is taken here: “0.png”. The other one was not.')")
    visitor.wait_for_selector(".easel .status:has-text('140')", state="detached")
    becomes(visitor, lambda pixels: pixels.shape == (60, 60, 3))
    visitor.get_by_role("button", name="Camera").click()
    visitor.wait_for_function("document.querySelector('.given video')?.videoWidth > 0")
    visitor.get_by_role("button", name="Take the picture").click()
    visitor.wait_for_selector(".given video", state="detached")
    becomes(visitor, lambda pixels: pixels.shape[1] > 300)


def test_a_hole_is_painted_and_filled(site, visitor, tmp_path):
    data = picture(size=(32, 32))
    (tmp_path / "me.png").write_bytes(data)
    visitor.goto(site.url + "?page=transform&model=filler")
    visitor.wait_for_selector(".easel header")
    visitor.set_input_files(".easel input[type=file]", tmp_path / "me.png")
    visitor.wait_for_selector(".easel .status:has-text('Now paint over what shall go')")
    box = visitor.locator(".given > canvas:visible").bounding_box()
    line(visitor, box, (0.3, 0.5), (0.7, 0.5))
    pixels = made(visitor)
    before = np.asarray(Image.open(io.BytesIO(data)))
    changed = (pixels != before).any(-1)
    assert 0.03 < changed.mean() < 0.3 and changed[16, 10:22].all() and not changed[:8].any()
    visitor.get_by_role("button", name="Move").click()  # the picture under the hole
    visitor.get_by_label("Zoom").press("End")
    becomes(visitor, other(pixels))
    assert visitor.evaluate(WIDE) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out_and_everything_has_a_name(site, visitor, theme):
    visitor.goto(f"{site.url}?page=transform&model=filler&__theme={theme}")
    visitor.wait_for_selector(".easel header p")
    visitor.wait_for_timeout(300)
    for selector in (".easel header h2, .easel header p, .given > .blank", ".easel .gan-button:not(:disabled, a)"):
        assert min(visitor.evaluate(CONTRAST, selector)) >= 4.5, selector
    parts = visitor.locator(".easel").locator("button, input:not([type=file]), a, img, canvas")
    nameless = parts.evaluate_all("""all => all.filter(e => e.offsetParent &&
        !(e.innerText?.trim() || e.ariaLabel || e.hasAttribute("alt"))).map(e => e.outerHTML)""")
    assert not nameless
