"""The app in Chromium, as a visitor meets it: the system's browser, else Playwright's own, else skipped, saying why."""

import json
import re

import numpy as np
import pytest
from PIL import Image
from serving import expected
from visiting import CONTRAST, TOLD, TOP, drop, pixels

from gan.image import contact_sheet
from gan.latent import Draw
from gan.recipe import from_json, read_recipe
from gan.ui.pages import PAGES
from gan.ui.view import View

pytestmark = pytest.mark.browser


def test_open_generate_download_restore_and_share(site, visitor, tmp_path):
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    visitor.wait_for_function("new Promise(done => setTimeout(() => done(true), 500))")  # an address is written late
    assert visitor.url == site.url
    visitor.get_by_role("button", name="Generate with digits").click()
    visitor.wait_for_selector(TOP)
    visitor.wait_for_url(re.compile(r"\?page=generate&model=digits&rev=\w{12}&seed=0-15&psi=1$"))

    before = visitor.get_attribute(TOP, "src")
    visitor.get_by_role("button", name="Roll the dice").click()
    visitor.wait_for_selector(f"{TOP}:not([src='{before}'])")
    assert re.search(r"drawn on .+ in \d+ ms", visitor.inner_text(".status"))
    first = int(visitor.input_value("#seed input"))
    visitor.wait_for_url(re.compile(f"seed={first}-{first + 15}&"))

    visitor.get_by_role("button", name=f"Open the image of seed {first + 2}", exact=True).click()
    save = visitor.locator("dialog a[download][href]")
    save.wait_for()
    with visitor.expect_download() as download:
        save.click()
    assert download.value.suggested_filename == f"digits-seed{first + 2:04d}.png"
    download.value.save_as(tmp_path / "one.png")
    assert read_recipe(tmp_path / "one.png").seeds == (first + 2,)
    single = np.asarray(Image.open(tmp_path / "one.png"))[..., None]
    assert (single == expected(site, "digits", [Draw(first + 2)])[0]).all()
    visitor.keyboard.press("Escape")
    visitor.wait_for_selector("dialog", state="hidden")

    visitor.set_input_files("input[type=file]", tmp_path / "one.png")
    visitor.wait_for_function(f"document.querySelector('#seeds input, #seeds textarea').value === '{first + 2}'")
    visitor.wait_for_url(re.compile(f"seed={first + 2}&"))
    visitor.wait_for_selector(f"{TOP}[alt^='One image drawn by digits, seed {first + 2},']")  # the address comes before it
    assert (pixels(site, visitor, visitor.get_attribute(TOP, "src")) == single).all()

    link = visitor.url
    visitor.goto(link)  # anybody, anywhere
    visitor.wait_for_selector(TOP)
    assert (pixels(site, visitor, visitor.get_attribute(TOP, "src")) == single).all()
    assert visitor.url == link


def test_link_restores_controls_and_sliders_draw_live(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits&rev=older&seed=3,5&class=two&psi=0.5")
    visitor.wait_for_selector(TOP)
    assert visitor.input_value(".class input") == "two"
    assert visitor.input_value(".psi input[type=number]") == "0.5"
    assert "another version" in visitor.inner_text(".other")
    tiles = expected(site, "digits", [Draw(3, 2, 0.5), Draw(5, 2, 0.5)])
    assert (pixels(site, visitor, visitor.get_attribute(TOP, "src")) == contact_sheet(tiles)).all()

    before = visitor.get_attribute(TOP, "src")
    visitor.focus(".psi input[type=range]")
    for _ in range(4):
        visitor.keyboard.press("ArrowRight")
    visitor.wait_for_url(re.compile("psi=0.7$"))
    visitor.wait_for_selector(f"{TOP}[alt$='psi 0.7']")
    assert visitor.get_attribute(TOP, "src") != before and not visitor.is_visible(".other")

    visitor.click(".model input")
    visitor.get_by_role("option", name="plain").click()
    visitor.wait_for_url(re.compile("model=plain&.*seed=3,5&psi=0.7$"))
    assert not visitor.is_visible(".class")


def test_mistakes_are_said_on_the_page_and_lose_nothing(site, visitor, tmp_path):
    visitor.goto(site.url + "?page=generate&model=digits&seed=1&psi=high")
    visitor.wait_for_selector(TOP)
    assert "link's psi was ignored" in visitor.inner_text(TOLD)
    before = visitor.get_attribute(TOP, "src")
    (tmp_path / "x.png").write_text("no picture")
    for text in ("-3", "99999999999", "<img src=x onerror=window.pwned=1>"):
        visitor.fill("#seeds input, #seeds textarea", text)
        visitor.press("#seeds input, #seeds textarea", "Enter")
        visitor.wait_for_selector(f"{TOLD}.error:has-text('seed')")
        visitor.click(".toast-close.error")
        visitor.wait_for_selector(f"{TOLD}.error", state="detached")
    visitor.set_input_files("input[type=file]", tmp_path / "x.png")
    visitor.wait_for_selector(f"{TOLD}.error:has-text('no PNG picture')")
    assert visitor.get_attribute(TOP, "src") == before
    assert visitor.evaluate("window.pwned") is None
    visitor.goto(site.url + "?page=nowhere")  # told on whichever page is open
    visitor.wait_for_selector(f"{TOLD}:has-text('page was ignored')")


def test_dropped_picture_restores_its_settings(site, visitor):
    visitor.goto(site.url + "?page=generate&model=coded&seed=7-8&codes=1,0.5,-0.5")
    visitor.wait_for_selector(TOP)
    assert "codes=1,0.5,-0.5" in visitor.url
    picture = visitor.evaluate("document.querySelector('.frame img').src")
    visitor.evaluate("history.replaceState(null, '', '?page=generate')")
    drop(visitor, picture)
    visitor.wait_for_url(re.compile("model=coded&.*seed=7-8&psi=1&codes=1,0.5,-0.5$"))
    codes = (1.0, 0.5, -0.5)
    tiles = expected(site, "coded", [Draw(seed, codes=codes) for seed in (7, 8)])
    assert (pixels(site, visitor, visitor.get_attribute(TOP, "src")) == contact_sheet(tiles)).all()


def test_picture_dropped_on_the_gallery_opens_the_page_that_made_it(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits&seed=7-8")
    visitor.wait_for_selector(TOP)
    picture = visitor.evaluate("url => new URL(url, location.href).href", visitor.get_attribute(TOP, "src"))
    visitor.goto(site.url)  # Generate has not been opened
    visitor.wait_for_selector(".card")
    drop(visitor, picture)
    visitor.wait_for_url(re.compile("page=generate&model=digits&.*seed=7-8"))
    visitor.wait_for_selector(TOP)
    drop(visitor, site.url + "theme.css")
    visitor.wait_for_selector(f"{TOLD}.error:has-text('no PNG picture')")


def test_several_dropped_pictures_fill_the_tray_and_the_first_is_opened(site, visitor):
    one, other, sheet = (site.studio.save(site.studio.draw(view)).read_bytes()
                         for view in (View("digits", (4,), "two"), View("digits", (7,)), View("digits", (1, 2))))
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    drop(visitor, b"no picture", one, other, sheet)
    visitor.wait_for_url(re.compile("page=generate&model=digits&.*seed=4&class=two"))
    visitor.wait_for_selector(f"{TOLD}:has-text('1.png is open. The tray has the seeds of 2 of these pictures. "
                              "Not taken: 0.png, 3.png.')")
    stops = visitor.locator(".tray .held li")
    stops.nth(1).wait_for()
    assert stops.locator("small").all_inner_texts() == ["4, two", "7"] and stops.locator("img").count() == 2


def test_a_tab_chosen_again_shows_what_it_showed(site, visitor):
    visitor.goto(site.url)
    for tab in ("Family tree", "Generate"):
        visitor.get_by_role("tab", name=tab).click()
    visitor.wait_for_selector(TOP)
    visitor.fill("#seed input", "40")
    visitor.wait_for_url(re.compile("seed=40-55"))
    visitor.wait_for_selector(f"{TOP}[alt^='16 images drawn by digits, seeds 40-55']")
    link = visitor.url
    visitor.get_by_role("tab", name="Gallery").click()
    visitor.wait_for_url(site.url + "?page=gallery")
    visitor.get_by_role("tab", name="Generate").click()
    visitor.wait_for_url(link)
    assert visitor.get_attribute(TOP, "alt").startswith("16 images drawn by digits, seeds 40-55")


def test_two_sheets_on_a_page_keep_apart(site, visitor):
    visitor.goto(site.url + "?page=two")
    for name, model, seeds in (("left", "digits", (1, 2)), ("right", "plain", (3, 4)), ("left", "digits", (1, 2))):
        sheet = visitor.locator(f"#{name}-sheet")
        sheet.get_by_role("button", name=f"Open the image of seed {seeds[0]}").click()
        dialog = sheet.locator("dialog[open]")
        dialog.locator("h2", has_text=f"seed {seeds[0]}").wait_for()
        visitor.keyboard.press("ArrowRight")
        dialog.locator("h2", has_text=f"seed {seeds[1]}").wait_for()
        save = dialog.locator(f"a[download={model}-seed000{seeds[1]}\\.png][href]")
        save.wait_for()
        assert (pixels(site, visitor, save.get_attribute("href")) == expected(site, model, [Draw(seeds[1])])[0]).all()
        visitor.keyboard.press("Escape")
    assert visitor.locator("dialog[open]").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out_from_their_background(site, visitor, theme):
    """WCAG 2.1, 1.4.3: 4.5 to 1 for texts of this size."""
    for link, own in (("page=gallery", ".card p, .card h3, .card small, .filters select, .filters .quiet"),
                      ("page=generate", ".status, .controls span"),
                      ("page=tree", ".lineage p, .lineage code, .board td, .board th")):
        visitor.goto(f"{site.url}?{link}&__theme={theme}")
        visitor.wait_for_selector(own.split(",")[0])
        visitor.wait_for_timeout(300)
        for selector in ("[role=tab]", ".gan-button:not(:disabled)", "#brand p", own):
            ratios = visitor.evaluate(CONTRAST, selector)
            assert min(ratios, default=21) >= 4.5, (link, selector, min(ratios))
        assert visitor.evaluate(CONTRAST, "[role=tab].selected")
    visitor.set_viewport_size(dict(width=1280, height=900))  # a phone has no footer
    assert min(visitor.evaluate(CONTRAST, "footer a, footer button")) >= 4.5


def test_tray_keeps_pictures_in_order_for_the_next_visit(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits&seed=3-6")
    visitor.wait_for_selector(TOP)
    for seed in (4, 6):
        visitor.get_by_role("button", name=f"Open the image of seed {seed}").click()
        visitor.get_by_role("button", name="To the tray").click()
        visitor.keyboard.press("Escape")
    visitor.get_by_label("A seed for the tray").fill("nine")
    visitor.keyboard.press("Enter")
    assert visitor.locator(".tray input:invalid").count() == 1
    visitor.get_by_label("A seed for the tray").fill("9")
    visitor.keyboard.press("Enter")
    visitor.get_by_role("button", name="Later: seed 4").press("Enter")
    visitor.get_by_role("button", name="Take out: seed 9").press("Enter")
    stops = visitor.locator(".tray .held small")
    assert stops.all_inner_texts() == ["6", "4"]
    visitor.reload()
    stops.first.wait_for()
    assert stops.all_inner_texts() == ["6", "4"]
    assert visitor.locator(".tray .held img").count() == 2  # as they were drawn
    visitor.click(".model input")
    visitor.get_by_role("option", name="plain").click()
    visitor.wait_for_selector(".tray :text('Empty: open an image')")
    visitor.evaluate("localStorage.setItem('gan-gallery-tray', '{broken')")
    visitor.reload()
    visitor.wait_for_selector(".tray :text('Empty: open an image')")


def test_class_strip_and_psi_strip_and_verified_mark(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits&seed=3-6")
    visitor.wait_for_selector(TOP)
    visitor.get_by_label("every class").check()
    visitor.wait_for_url(re.compile("seed=3&psi=1&strip=class$"))
    visitor.wait_for_selector(".along")
    assert visitor.locator(".along").all_inner_texts() == ["zero", "one", "two"]
    tiles = expected(site, "digits", [Draw(3, k) for k in range(3)])
    assert (pixels(site, visitor, visitor.get_attribute(TOP, "src")) == contact_sheet(tiles, columns=3)).all()
    picture = visitor.evaluate("document.querySelector('.frame img').src")
    visitor.get_by_label("along psi").check()
    visitor.wait_for_url(re.compile("strip=psi$"))
    drop(visitor, picture)
    visitor.wait_for_selector(".mark.good:has-text('verified: drawn again, pixel for pixel')")
    visitor.wait_for_url(re.compile("strip=class$"))
    visitor.get_by_role("button", name="Roll the dice").click()
    visitor.wait_for_selector(".mark", state="hidden")


def test_favourites_outlast_a_visit_and_travel_as_a_file(site, visitor, tmp_path):
    visitor.goto(site.url + "?page=generate&model=digits&seed=3-6")
    visitor.wait_for_selector(TOP)
    visitor.get_by_role("button", name="Open the image of seed 4").click()
    visitor.wait_for_selector("dialog a[download][href]")
    visitor.locator("dialog").get_by_role("button", name="♡ Keep").press("Enter")
    visitor.locator("dialog").get_by_role("button", name="♥ Kept").wait_for()
    visitor.keyboard.press("Escape")
    visitor.locator(".sheet").get_by_role("button", name="♡ Keep").click()
    visitor.get_by_role("tab", name="Favourites").click()
    visitor.wait_for_url(site.url + "?page=keep")
    visitor.reload()
    kept = visitor.locator(".kept .card p")
    kept.first.wait_for()
    assert kept.all_inner_texts() == ["4 images drawn by digits, seeds 3-6, psi 1", "digits, seed 4"]
    with visitor.expect_download() as download:
        visitor.get_by_role("button", name="Save as a file").click()
    download.value.save_as(tmp_path / "f.json")
    saved = json.loads((tmp_path / "f.json").read_text())
    assert from_json(saved["items"][1]["recipe"]).seeds == (4,)

    visitor.get_by_role("button", name="Remove digits, seed 4").click()
    visitor.get_by_role("button", name="Remove 4 images").click()
    visitor.wait_for_selector(".kept .none")
    bad = [{**saved["items"][0], **change} for change in (dict(link="javascript:alert(1)"), dict(thumb="https://a.example"))]
    bad += [3]
    (tmp_path / "f.json").write_text(json.dumps({**saved, "items": [*saved["items"], *bad]}))
    for said in ("2 added, 0 were here already, 3 could not be read.", "0 added, 2 were here already, 3 could not be read."):
        visitor.set_input_files("#favourites input[type=file]", tmp_path / "f.json")
        visitor.wait_for_selector(f".favourites .quiet:has-text('{said}')")
    (tmp_path / "g.json").write_text("[]")
    visitor.set_input_files("#favourites input[type=file]", tmp_path / "g.json")
    visitor.wait_for_selector(".favourites .quiet:has-text('holds no favourites')")
    visitor.get_by_role("button", name="Open digits, seed 4").click()
    visitor.wait_for_url(re.compile("page=generate&model=digits&.*seed=4&"))
    visitor.evaluate("localStorage.setItem('gan-gallery-favourites', '{\"a\": 1}')")
    visitor.goto(site.url + "?page=keep")
    visitor.wait_for_selector(".kept .none")


def test_page_fits_a_phone_and_a_keyboard(site, visitor):
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    wide = "document.documentElement.scrollWidth - window.innerWidth"
    assert visitor.evaluate(wide) <= 0
    rows = visitor.get_by_role("tab").evaluate_all("tabs => new Set(tabs.map(t => t.getBoundingClientRect().top)).size")
    assert rows == -(-len(PAGES) // 4) + 1  # four tabs a row; the test's own page stands in the last
    assert visitor.locator(".filters").bounding_box()["height"] < 140
    visitor.get_by_role("tab", name="Generate").click()
    visitor.wait_for_selector(TOP)
    visitor.wait_for_url(re.compile("page=generate&model="))
    assert visitor.evaluate(wide) <= 0
    assert visitor.get_attribute(TOP, "alt").startswith("16 images drawn by ")
    visitor.focus(".tiles button")
    visitor.keyboard.press("Enter")
    visitor.wait_for_selector("dialog[open] h2:has-text('seed 0')")
    visitor.keyboard.press("ArrowRight")
    visitor.wait_for_selector("dialog[open] h2:has-text('seed 1')")
    with visitor.expect_download() as download:
        visitor.keyboard.press("Escape")
        visitor.get_by_role("button", name="Download zip").click()
    assert re.fullmatch(r"\w+-seeds0-15\.zip", download.value.suggested_filename)
    visitor.get_by_role("tab", name="Gallery").click()
    visitor.wait_for_url(site.url + "?page=gallery")
