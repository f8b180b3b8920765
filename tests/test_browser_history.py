"""The address and the browser's history in Chromium: back and forth, filters that are still on, what waits in the tray; and
styles of one page that must not reach others."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from serving import expected
from test_transform_page import pixels_of

from gan.latent import Draw
from gan.ui.parts.tray import Tray

pytestmark = pytest.mark.browser


def tab(visitor, name):
    visitor.get_by_role("tab", name=name, exact=True).click()


def filter_cards(site, visitor):
    """The address of the cards once they are filtered, which it says when the visitor's own link has been read."""
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    visitor.get_by_label("Classes").select_option("3 classes")
    visitor.wait_for_url(re.compile(r"\?page=gallery&classes=3\+classes$"))
    return visitor.url


def test_back_goes_to_the_page_before_and_to_the_cards_as_they_were_filtered(site, visitor):
    filtered = filter_cards(site, visitor)
    visitor.get_by_role("button", name="About digits").click()
    visitor.wait_for_url(re.compile(r"\?page=gallery&open=digits$"))
    visitor.get_by_role("button", name="Open in Generate").click()
    visitor.wait_for_url(re.compile("page=generate&model=digits&"))
    visitor.wait_for_selector(".sheet")
    entries = visitor.evaluate("history.length")
    visitor.get_by_role("button", name="Roll the dice").click()  # on the page: no entry of its own
    visitor.wait_for_url(re.compile(r"seed=(?!0-15)"))
    assert visitor.evaluate("history.length") == entries
    visitor.go_back()
    visitor.locator(".about-model").wait_for()
    visitor.wait_for_url(re.compile(r"\?page=gallery&open=digits$"))
    visitor.go_back()
    visitor.locator(".about-model").wait_for(state="detached")
    assert visitor.locator(".card:visible").count() == 1
    visitor.wait_for_url(filtered)
    visitor.go_forward()
    visitor.locator(".about-model").wait_for()
    visitor.go_forward()
    visitor.locator(".sheet").wait_for()
    visitor.wait_for_url(re.compile(r"page=generate&model=digits&.*seed=(?!0-15)"))
    assert visitor.evaluate("history.length") == entries
    visitor.evaluate("history.back(), setTimeout(() => history.back(), 30)")  # without waiting for the first
    visitor.locator(".about-model").wait_for(state="detached")
    visitor.wait_for_url(filtered)
    visitor.wait_for_function("new Promise(done => setTimeout(() => done(true), 500))")
    assert visitor.url == filtered and visitor.evaluate("history.length") == entries


def test_the_address_keeps_the_filters_that_are_on(site, visitor):
    filtered = filter_cards(site, visitor)
    tab(visitor, "Favourites")
    visitor.wait_for_url(re.compile(r"\?page=keep"))
    tab(visitor, "Gallery")
    visitor.wait_for_url(filtered)
    visitor.get_by_role("button", name="About digits").click()
    visitor.wait_for_url(re.compile("open=digits$"))
    visitor.get_by_role("button", name="All models").click()
    visitor.wait_for_url(filtered)
    assert visitor.locator(".card:visible").count() == 1
    visitor.go_back()
    visitor.locator(".about-model").wait_for()


def test_what_waits_in_the_tray_of_another_model_is_offered(site, visitor):
    visitor.goto(site.url + "?page=interpolate&model=plain")
    visitor.wait_for_selector(".player:visible")
    assert not visitor.locator(".shelf").is_visible()
    visitor.evaluate("""['zero', null].forEach((label, k) => gan.tray.add({ model: "digits", seed: 5 + k, label }));
        gan.tray.add({ model: "late-one", seed: 1, label: null })""")
    shelf = visitor.locator(".shelf")
    assert [text for text in shelf.get_by_role("button").all_inner_texts()] == ["Walk through 2 of digits"]
    shelf.get_by_role("button").click()
    visitor.wait_for_url(re.compile("page=interpolate&model=digits&"))
    visitor.wait_for_function("document.querySelectorAll('.stops li').length === 2")
    assert visitor.input_value("#stops input, #stops textarea") == "5:zero,6"


@pytest.mark.parametrize("width", [800, 900, 1280])
def test_the_controls_of_mix_and_edit_can_be_seen_where_they_stand_beside_the_picture(site, visitor, width):
    """The band behind the picture that stays in sight on a phone must not be painted over them."""
    visitor.set_viewport_size(dict(width=width, height=1180))
    visitor.goto(site.url + "?page=edit&model=digits&seed=3")
    visitor.wait_for_selector(".desk:visible .screen")
    name = visitor.locator("#pages .controls:visible").get_by_text("Model", exact=True)
    shown = np.asarray(Image.open(io.BytesIO(name.screenshot())).convert("L"))
    assert len(np.unique(shown)) > 20  # letters, and not a plain ground


def test_the_tools_of_a_picture_in_the_tray_stand_in_a_row(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits")
    visitor.wait_for_selector(".sheet")
    visitor.evaluate("gan.tray.add({ model: 'digits', seed: 5, label: null })")
    tools = visitor.locator(".tray .held .tools button:visible")
    tools.first.wait_for()
    assert len({tool["y"] for tool in (one.bounding_box() for one in tools.all())}) == 1


def test_a_seed_that_is_typed_into_the_tray_gets_its_picture(site, visitor):
    visitor.goto(site.url + "?page=generate&model=digits")
    visitor.wait_for_selector(".sheet")
    for count, seed in enumerate(("9", "12"), 1):
        visitor.get_by_label("A seed for the tray").fill(seed)
        visitor.keyboard.press("Enter")
        if count > 1:
            visitor.get_by_role("button", name="Earlier: seed 12").focus()  # it stays there when the picture comes
        visitor.wait_for_function(f"document.querySelectorAll('.tray .held img').length === {count}")
    assert visitor.evaluate("document.activeElement.ariaLabel") == "Earlier: seed 12"
    visitor.reload()
    visitor.wait_for_function("document.querySelectorAll('.tray .held img').length === 2")
    for seed in (9, 12):
        thumb = pixels_of(visitor.get_by_alt_text(f"seed {seed}", exact=True).get_attribute("src"))
        assert (thumb == expected(site, "digits", [Draw(seed)])[0]).all()


@pytest.mark.parametrize("asked", [None, {}, {"model": "digits"}, {"model": "digits", "seed": -1},
                                   {"model": "digits", "seed": True}, {"model": "none", "seed": 1},
                                   {"model": ["digits"], "seed": 1}])
def test_no_other_seed_is_drawn_for_the_tray(site, asked):
    import gradio as gr

    with gr.Blocks():
        tray = Tray(site.studio)
    with pytest.raises(ValueError):
        tray.draw(asked)
