"""Every page's main path by the keyboard alone: no mouse is moved; what has the focus can be seen, dialogs keep it and give
it back. And what a finger meets on a phone."""

import re
from types import SimpleNamespace

import pytest
from chromium import chromium
from conftest import tiny_generator
from pictures import picture
from serving import running, studio_of, write_models
from test_tree import write_board, write_family
from transforming import write_painters

from gan import hub
from gan import project as project_module
from gan.directions import find_directions, save_directions
from gan.recipe import EditRecipe
from gan.ui.parts.link import link_to

pytestmark = pytest.mark.browser
MOST_STEPS = 150
# What the last step has left, where it looks the same without the focus as it did with it, itself and what is around it.
UNSEEN = """() => {
  const look = node => { let seen = ""; for (let k = 0; node && k < 4; k++, node = node.parentElement) {
    const s = getComputedStyle(node);
    seen += [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join(" ");
  } return seen; };
  const { node, seen } = window.walked ?? {}, now = document.activeElement;
  window.walked = { node: now, seen: look(now) };
  const left = node && node !== now && node !== document.body && node.isConnected && node.checkVisibility();
  return left && look(node) === seen ? node.outerHTML.slice(0, 160) : null;
}"""


# What is lower than a finger is wide; of what stands in a field or on its label, that counts.
LOW = """() => [...document.querySelectorAll("button, select, summary, a.gan-button, [role=tab], input:not([type=file])")]
  .filter(e => e.checkVisibility() && !e.closest(".tiles, .map, .strip, .cards .wall, footer")).map(e =>
    [e.closest("label:has(> input), .wrap-inner") ?? e, e.outerHTML.slice(0, 120)])
  .filter(([e]) => e.getBoundingClientRect().width > 2 && e.getBoundingClientRect().height < 44).map(([, text]) => text)"""

CUT = """() => [...document.querySelectorAll(".card button, .held button, .stops button")].filter(e => e.checkVisibility()
  && e.getBoundingClientRect().right > e.closest(".card, li").getBoundingClientRect().right).map(e => e.outerHTML)"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, test_families):
    folder = tmp_path_factory.mktemp("models")
    hub.save(folder / "styled", tiny_generator("stylegan2"))
    models = [*write_models(folder), *write_family(folder), *write_painters(folder), folder / "styled"]
    save_directions(folder / "digits", find_directions(hub.load(folder / "digits").G, count=2, samples=2))
    write_board(folder / "benchmarks" / "results")
    with studio_of(models) as studio, running(studio) as (_, url), chromium() as browser:
        yield SimpleNamespace(url=url, browser=browser, folder=folder, studio=studio)


def tab_to(page, target) -> None:
    """Goes from stop to stop until the target has the focus; every stop shows that it has it."""
    target = (page.locator(target) if isinstance(target, str) else target).first
    target.wait_for()
    page.add_style_tag(content="* { transition: none !important; }")
    page.evaluate("window.walked = null")
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        unseen = page.evaluate(UNSEEN)
        assert not unseen, f"no focus is seen on {unseen}"
        if target.evaluate("node => node === document.activeElement"):
            return
    raise AssertionError(f"the keyboard never comes to {target}")


def press(page, name: str, key: str = "Enter") -> None:
    """Goes to a button and presses it."""
    tab_to(page, page.get_by_role("button", name=name))
    page.keyboard.press(key)


def look_closely(page, button) -> None:
    """Opens a picture's closer view, as large as the window has room for, makes it smaller and larger, and leaves."""
    page.wait_for_function("button => !button.disabled", arg=button.element_handle())
    tab_to(page, button)
    page.keyboard.press("Enter")
    image, said = page.locator(".closer[open] img"), page.locator(".closer[open] output")
    page.wait_for_function("document.querySelector('.closer[open] output').textContent")
    times, natural = int(said.inner_text().split()[0]), image.evaluate("e => e.naturalWidth")
    assert image.bounding_box()["width"] == times * natural <= 0.92 * 390
    assert times == 8 or 2 * times * natural > 0.92 * 390
    for key, factor in (("-", 0.5), ("+", 1)):
        page.keyboard.press(key)
        assert image.bounding_box()["width"] == factor * times * natural
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Look closely"


def test_from_the_gallery_to_a_single_image_and_back(site, visitor):
    visitor.goto(site.url)
    for key in ("Enter", "Space"):
        press(visitor, "About digits")
        visitor.wait_for_function("document.activeElement.textContent === '‹ All models'")
        visitor.keyboard.press(key)
        visitor.wait_for_function("document.activeElement.ariaLabel === 'About digits'")
        visitor.evaluate("document.activeElement.blur()")
    press(visitor, "About digits")
    press(visitor, "Open in Generate")
    visitor.wait_for_url(re.compile("page=generate&model=digits"))
    before = visitor.locator(".frame img").get_attribute("src")
    press(visitor, "Roll the dice", "Space")
    visitor.wait_for_selector(f".frame img:not([src='{before}'])")
    press(visitor, "Open the image of")
    visitor.wait_for_selector("dialog[open] a[download][href]")
    for _ in range(12):  # the focus stays in the dialog, or goes to the browser's own bars
        visitor.keyboard.press("Tab")
        assert visitor.evaluate("document.activeElement.matches('body, dialog[open], dialog[open] *')")
    visitor.keyboard.press("Escape")
    visitor.wait_for_selector("dialog", state="hidden")
    assert visitor.evaluate("document.activeElement.matches('.tiles button')")


def test_a_favourite_is_opened_again(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits&seed=3-6")
    visitor.wait_for_selector(".frame img")
    press(visitor, "♡ Keep")
    tab = visitor.get_by_role("tab", name="Favourites")
    tab.wait_for()
    visitor.keyboard.press("Control+Home")
    tab_to(visitor, tab)
    visitor.keyboard.press("Enter")
    press(visitor, "Open 4 images drawn by digits")
    visitor.wait_for_url(re.compile("page=generate&model=digits&.*seed=3-6"))


def test_a_path_is_scrubbed_and_played(site, visitor):
    visitor.goto(site.url + "?page=interpolate&model=digits&stops=1,5")
    tab_to(visitor, visitor.get_by_label("Frame", exact=True))
    visitor.keyboard.press("End")
    assert int(visitor.get_by_label("Frame", exact=True).input_value()) > 0
    press(visitor, "Play")
    visitor.get_by_role("button", name="Pause").wait_for()


def test_a_direction_is_followed(site, visitor):
    visitor.goto(site.url + "?page=edit&model=digits&seed=3")
    picture_of = ".desk .screen > img:first-child"
    visitor.wait_for_selector(".way")
    before = visitor.get_attribute(picture_of, "src")
    tab_to(visitor, visitor.get_by_label("Direction 1", exact=True))
    visitor.keyboard.press("ArrowRight")
    visitor.wait_for_selector(f"{picture_of}:not([src='{before}'])")
    look_closely(visitor, visitor.locator(".bench").get_by_role("button", name="Look closely"))
    assert visitor.get_attribute(".closer img", "src").endswith(visitor.get_attribute(picture_of, "src"))
    press(visitor, "♡ Keep")
    visitor.goto(site.url + "?page=keep")
    press(visitor, "Open digits, seed 3, edited")
    visitor.wait_for_url(re.compile("page=edit&.*strength"))


def test_a_picture_of_a_link_stays_where_the_keyboard_passes_the_controls(site, visitor):
    """A visitor's own, which no seed draws."""
    own = EditRecipe("digits", hub.load(site.folder / "digits").revision, seeds=(), label="one", source="0" * 64,
                     latent=(0.5,) * 8)
    visitor.goto(f"{site.url}?{link_to('edit', edit=own.to_json())}")
    visitor.wait_for_selector(".desk .screen > img")
    shown = visitor.get_attribute(".desk .screen > img:first-child", "src")
    tab_to(visitor, visitor.get_by_label("Direction 1", exact=True))
    visitor.wait_for_timeout(1500)  # a new desk would be there by then
    assert visitor.get_attribute(".desk .screen > img:first-child", "src") == shown
    visitor.get_by_label("Seed").first.fill("7")
    visitor.keyboard.press("Tab")
    visitor.wait_for_selector(f".desk .screen > img:first-child:not([src='{shown}'])")


def test_styles_are_mixed_and_looked_at_closely(site, visitor):
    visitor.goto(site.url + "?page=edit&model=styled&seed=3")
    press(visitor, "Mix")
    visitor.wait_for_selector(".matrix button")
    look_closely(visitor, visitor.locator(".mixing").get_by_role("button", name="Look closely"))
    assert visitor.evaluate("document.querySelector('.closer img').naturalWidth") == 5 * 16


def test_a_set_and_variations_of_own_pictures(site, visitor, monkeypatch, tmp_path):
    for name, value in dict(SIFTING=4, POLISHING=2, CANDIDATES=16).items():
        monkeypatch.setattr(project_module, name, value)
    visitor.goto(site.url + "?page=augment&model=digits&count=6")
    with visitor.expect_download() as download:
        press(visitor, "Make it, as zip")
    assert download.value.suggested_filename == "digits-6-images.zip"
    with visitor.expect_file_chooser() as chooser:
        press(visitor, "Choose pictures")
    (tmp_path / "a.png").write_bytes(picture(size=(40, 40)))
    (tmp_path / "b.png").write_bytes(b"no picture")
    chooser.value.set_files([tmp_path / "b.png", tmp_path / "b.png", tmp_path / "a.png"])  # two in a row are refused
    visitor.wait_for_selector(".own .status:has-text('1 picture found, 10 images in all')")
    tab_to(visitor, ".own input[type=number]")
    visitor.keyboard.press("ArrowDown")
    visitor.keyboard.press("Tab")
    visitor.wait_for_selector(".own .status:has-text('9 images in all')")
    with visitor.expect_download() as download:
        press(visitor, "Make them, as zip")
    assert download.value.suggested_filename == "digits-9-variations.zip"


def test_a_drawing_is_made_and_looked_at_closely(site, visitor):
    visitor.goto(site.url + "?page=transform&model=sketch")
    tab_to(visitor, ".given > canvas.drawn-on:visible")
    for key in ("Space", *["ArrowRight"] * 6, "Space"):
        visitor.keyboard.press(key)
    look_closely(visitor, visitor.get_by_role("button", name="Look closely"))
    visitor.click(".easel .screen")  # the mouse's way to the same
    visitor.wait_for_selector(".closer[open]")


def test_training_time_is_walked_through(site, visitor):
    visitor.goto(site.url + "?page=tree")
    tab_to(visitor, ".time input")
    visitor.keyboard.press("Home")
    assert visitor.inner_text(".time output") == "before training"
    press(visitor, "Open late-one")
    visitor.wait_for_url(re.compile("page=gallery&open=late-one"))


@pytest.mark.parametrize(("query", "there"), [
    ("", ".card"), ("?page=gallery&open=digits", ".about-model"), ("?page=generate&model=coded", ".frame img"),
    ("?page=interpolate&model=digits", ".player:not([hidden])"), ("?page=edit&model=digits", ".way"),
    ("?page=transform&model=filler", ".easel header"), ("?page=augment&model=digits", ".set li"),
    ("?page=tree", ".time input"), ("?page=keep", ".favourites")])
def test_a_phone_shows_all_of_a_page_and_nothing_too_low_for_a_finger(site, visitor, query, there):
    held = '[{"model": "coded", "seed": 4}, {"model": "digits", "seed": 5}]'
    kept = '[{"link": "page=edit&model=digits", "recipe": "{}", "text": "digits", "thumb": ""}]'
    for name, value in {"tray": held, "favourites": kept}.items():
        visitor.add_init_script(f"localStorage['gan-gallery-{name}'] = '{value}'")
    visitor.goto(site.url + query)
    visitor.wait_for_selector(there)
    visitor.wait_for_timeout(300)
    assert not visitor.evaluate(LOW) and not visitor.evaluate(CUT)
    assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    if "model=" in query:  # which model it is comes first
        assert visitor.locator(".model:visible").bounding_box()["y"] < visitor.locator(there).first.bounding_box()["y"]
