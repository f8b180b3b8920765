"""The studio's pages in Chromium: their main paths, by mouse and by keyboard, and what they say of mistakes."""

import re

import numpy as np
import pytest
from pictures import picture
from visiting import TOLD, drop

from gan import hub, project
from gan.directions import find_directions, save_directions
from gan.engine import draw_walk
from gan.ui.pages import augment as augment_page
from gan.ui.path import Path

pytestmark = pytest.mark.browser

READY = ".player:not([hidden])"


def canvas_of(page) -> np.ndarray:
    """The picture on the player's screen, uint8 [H, W, 4]."""
    data = page.evaluate("""() => { const c = document.querySelector('.player > canvas');
        return [c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]; }""")
    return np.array(data[1:], np.uint8).reshape(-1, data[0], 4)


def test_a_path_is_scrubbed_played_and_saved_without_the_server(site, visitor, tmp_path):
    path = Path("digits", ((1, None), (5, "two"), (9, None)), 6)
    visitor.goto(site.url + "?" + path.link("interpolate"))
    visitor.wait_for_selector(READY)
    visitor.get_by_role("button", name="Pause").click()
    model = hub.load(site.folder / "digits")
    frames = list(draw_walk(model.G, path.walk(model)))
    visitor.wait_for_load_state("networkidle")
    asked: list[str] = []
    visitor.on("request", lambda r: asked.append(r.url))

    slider = visitor.locator(".player input[type=range]")
    slider.focus()
    visitor.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "frame 18 of 18, from seed 9 to seed 1"
    assert (canvas_of(visitor)[..., 0] == frames[17][..., 0]).all()
    ms = slider.evaluate("""slider => { const began = performance.now();
        slider.value = 7; slider.dispatchEvent(new Event('input')); return performance.now() - began; }""")
    assert ms < 30 and (canvas_of(visitor)[..., 0] == frames[7][..., 0]).all()
    assert visitor.locator(".map button").count() == 16
    visitor.get_by_role("button", name="Frame 13", exact=True).press("Enter")
    assert slider.input_value() == "12"
    visitor.get_by_role("button", name="Play").click()
    visitor.wait_for_function("document.querySelector('.player input').value !== '12'")
    visitor.get_by_role("button", name="Pause").click()
    assert not [url for url in asked if "queue" in url]

    for name, file in (("MP4", "digits-path.mp4"), ("GIF", "digits-path.gif"), ("Frames as zip", "digits-path.zip")):
        with visitor.expect_download() as download:
            visitor.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename == file
    visitor.get_by_text("Copy as code").click()
    assert "python -m gan interpolate digits --seeds 1,5,9 --classes - two - --loop" in visitor.inner_text(".code")


def test_a_paths_stops_are_changed_in_the_browser_and_taken_from_the_tray(site, visitor):
    visitor.goto(site.url + "?page=interpolate&model=digits&stops=1,5,9&frames=4&loop=0")
    visitor.wait_for_selector(READY)
    visitor.get_by_role("button", name="Earlier: seed 9").click()
    visitor.wait_for_url(re.compile("stops=1,9,5"))
    assert visitor.input_value("#stops input, #stops textarea") == "1,9,5"
    visitor.get_by_label("Class at seed 9").select_option("zero")
    visitor.wait_for_url(re.compile("stops=1,9%3Azero,5"))
    visitor.get_by_role("button", name="Remove seed 1").click()
    visitor.wait_for_url(re.compile("stops=9%3Azero,5"))

    visitor.evaluate("""() => { for (const seed of [7, 8]) gan.tray.add({ model: 'digits', seed, label: null });
        gan.tray.add({ model: 'plain', seed: 3 }); gan.tray.add({ model: 'digits', seed: -1 }); }""")
    assert visitor.locator(".shelf li").count() == 2
    visitor.get_by_role("button", name="Walk through the tray").click()
    visitor.wait_for_url(re.compile("stops=7,8&"))
    visitor.reload()
    visitor.wait_for_selector(READY)
    assert visitor.locator(".shelf li").count() == 2  # it outlasts a refresh
    assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    visitor.fill("#stops input, #stops textarea", "3")
    visitor.press("#stops input, #stops textarea", "Enter")
    visitor.wait_for_selector(f"{TOLD}:has-text('at least two stops')")
    visitor.fill("#stops input, #stops textarea", "1,<img src=x onerror=window.pwned=1>")
    visitor.press("#stops input, #stops textarea", "Enter")
    visitor.wait_for_selector(f"{TOLD}:has-text('cannot read')", state="attached")
    assert visitor.evaluate("window.pwned") is None and visitor.locator(".player > canvas").is_visible()


def test_a_set_is_looked_at_and_downloaded(site, visitor):
    visitor.goto(site.url + "?page=augment&model=digits&count=9&balance=1")
    visitor.wait_for_selector(".set li")
    assert sorted({*visitor.locator(".set li span").all_inner_texts()}) == ["one", "two", "zero"]
    visitor.fill("#counts input, #counts textarea", "two=5")
    visitor.press("#counts input, #counts textarea", "Enter")
    visitor.wait_for_url(re.compile("counts=two%3D5"))
    with visitor.expect_download() as download:
        visitor.get_by_role("button", name="Make it, as zip").press("Enter")
    assert download.value.suggested_filename == "digits-5-images.zip"
    visitor.fill("#count input", "0")
    visitor.get_by_role("button", name="Look at it").click()
    visitor.wait_for_selector(f"{TOLD}:has-text('whole number')")
    assert visitor.locator(".set li").count() == 5
    assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_the_verdict_stands_beside_the_button(site, visitor):
    """A model that was not examined says so with the command; what a record says is set as text, whoever wrote it."""
    visitor.goto(site.url + "?page=augment&model=plain")
    visitor.wait_for_selector(".evidence[data-verdict='not examined']")
    assert "it draws no classes" in visitor.inner_text(".evidence")
    visitor.goto(site.url + "?page=augment&model=digits")
    visitor.wait_for_selector(".evidence[data-verdict='not examined']")
    visitor.get_by_text("The command that examines it").click()
    command = visitor.inner_text(".evidence pre")
    assert command == "python -m train evidence tiny --data shapes --out runs/evidence --write digits"
    entry = site.studio.entries["digits"]
    entry.training["evidence"] = {
        "verdict": "do not use", "reason": "they harm in 1 of 2 regimes <img src=x onerror=window.pwned=1>",
        "examined": "its recipe", "columns": ["accuracy"], "rows": [["20 a class: gan", "81.0 (80.1 to 82.0)"]],
        "not_run": ["250 a class: seed 2 not run"], "command": "python -m train evidence tiny"}
    try:
        visitor.goto(site.url + "?page=augment&model=digits&count=8")
        visitor.wait_for_selector(".evidence[data-verdict='do not use']")
        assert "Do not use: they harm in 1 of 2 regimes <img" in visitor.inner_text(".evidence")
        visitor.get_by_text("The experiment", exact=True).click()
        assert "81.0 (80.1 to 82.0)" in visitor.inner_text(".evidence table")
        assert "Not run: 250 a class: seed 2 not run." in visitor.inner_text(".evidence")
        assert visitor.evaluate("window.pwned") is None
        assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    finally:
        del entry.training["evidence"]


def test_edit_takes_one_dropped_picture_and_augment_several(site, visitor, monkeypatch):
    for name, value in dict(SIFTING=4, POLISHING=2, CANDIDATES=16).items():
        monkeypatch.setattr(project, name, value)
    monkeypatch.setattr(augment_page, "MOST_PICTURES", 2)
    visitor.goto(site.url + "?page=edit&model=plain")
    visitor.wait_for_selector(".desk .screen img[src]")
    visitor.evaluate("""() => { const dataTransfer = new DataTransfer(); dataTransfer.items.add(new File(["x"], "x.png"));
        document.body.dispatchEvent(new DragEvent("dragover", { bubbles: true, dataTransfer })); }""")
    frame = visitor.locator(".desk .screen")  # the frame can be seen while something is dragged over the page
    assert frame.evaluate("e => getComputedStyle(e).outlineStyle") == "dashed"
    drop(visitor, picture(1), picture(2), picture(3), on=".desk .screen")
    assert frame.evaluate("e => getComputedStyle(e).outlineStyle") == "none"
    visitor.wait_for_selector(".notice:has-text('“0.png”. The other 2 were not.')")
    visitor.wait_for_selector(".desk .status:has-text('This model can draw')")
    visitor.goto(site.url + "?page=augment&model=plain&count=6")
    visitor.wait_for_selector(".set li")
    drop(visitor, picture(1), picture(2), picture(3), on=".own h3")
    visitor.wait_for_selector(".notice:has-text('At most 2 pictures at a time: the first 2 of these 3 were taken.')")
    visitor.wait_for_selector(".own .status:has-text('2 pictures found, 20 images in all')")


def test_directions_move_a_seed_and_a_visitors_own_picture(site, visitor, tmp_path, monkeypatch):
    monkeypatch.setattr(project, "SIFTING", 8)
    monkeypatch.setattr(project, "POLISHING", 2)
    monkeypatch.setattr(project, "CANDIDATES", 16)
    plain = site.folder / "plain"
    save_directions(plain, find_directions(hub.load(plain).G, count=2, samples=2))
    visitor.goto(site.url + "?page=edit&model=plain&seed=4")
    visitor.wait_for_selector(".way")
    picture = ".screen > img:first-child"
    before = visitor.get_attribute(picture, "src")
    visitor.get_by_role("slider", name="Direction 2").focus()
    for _ in range(4):
        visitor.keyboard.press("ArrowRight")
    visitor.wait_for_url(re.compile("strength.*0.4"))
    visitor.wait_for_function(f"document.querySelector({picture!r}).src.indexOf({before!r}) < 0")
    visitor.get_by_label("Name of direction 2").fill("<b>eyes</b>")
    visitor.keyboard.press("Tab")
    shared = visitor.url
    visitor.goto(shared)
    visitor.wait_for_selector(".way")
    assert visitor.get_by_label("Name of direction 2").input_value() == "<b>eyes</b>"
    assert visitor.get_by_role("slider", name="Direction 2").input_value() == "0.4"

    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="Download PNG").click()
    download.value.save_as(tmp_path / "me.png")
    visitor.set_input_files(".desk input[type=file]", tmp_path / "me.png")
    visitor.wait_for_selector(".sides:not([hidden])", timeout=60_000)
    assert "This model can draw" in visitor.inner_text(".desk .status >> nth=0")
    visitor.wait_for_function(f"document.querySelector({picture!r}).src.startsWith('data:image/png')")
    visitor.get_by_role("button", name="Paint a hole").click()
    visitor.get_by_role("button", name="A hole in the middle").click()
    visitor.get_by_role("button", name="Fill it").press("Enter")
    visitor.wait_for_selector(".fillings figure >> nth=3", timeout=60_000)
    assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    (tmp_path / "x.png").write_text("no picture")
    visitor.set_input_files(".desk input[type=file]", tmp_path / "x.png")
    visitor.wait_for_selector(f"{TOLD}:has-text('no picture')")
