"""The app on a slow machine in Chromium: what a visitor does while an answer is under way is what counts, in whichever
order answers come."""

import re
import time

import pytest
from visiting import TOP

from gan.ui.studio import Studio

pytestmark = pytest.mark.browser
SETTLED = "new Promise(done => setTimeout(() => done(true), 1200))"  # later than all that is under way


@pytest.fixture
def slowly(monkeypatch):
    """Draws, opens and edits a model so many seconds later."""
    seconds = {}

    def later(name):
        there = getattr(Studio, name)

        def method(self, first, *given, **how):
            time.sleep(seconds.get(getattr(first, "model", getattr(first, "id", None)), 0))
            return there(self, first, *given, **how)
        monkeypatch.setattr(Studio, name, method)

    later("draw")
    later("edits")
    return seconds


def choose(visitor, model, where=".model"):
    visitor.locator(f"{where}:visible input").click()
    visitor.get_by_role("option", name=model, exact=True).click()


def test_the_link_that_was_followed_last_is_where_a_visitor_ends(site, visitor, slowly):
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    slowly["digits"] = 1.0
    visitor.get_by_role("button", name="Generate with digits").click()
    visitor.wait_for_timeout(200)
    visitor.get_by_role("button", name="About plain").click()
    visitor.locator(".about-model h2:has-text('plain')").wait_for()
    visitor.wait_for_function(SETTLED)
    assert visitor.url.endswith("?page=gallery&open=plain")
    assert visitor.get_by_role("tab", name="Gallery").get_attribute("aria-selected") == "true"


def test_two_steps_back_end_where_the_second_leads(site, visitor, slowly):
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    visitor.get_by_role("button", name="About digits").click()
    visitor.wait_for_url(re.compile("open=digits$"))
    visitor.get_by_role("button", name="Open in Generate").click()
    visitor.wait_for_url(re.compile("page=generate&model=digits&"))
    visitor.get_by_role("tab", name="Family tree").click()
    visitor.wait_for_url(re.compile("page=tree"))
    slowly["digits"] = 1.0
    visitor.evaluate("history.back(), setTimeout(() => history.back(), 300)")
    visitor.locator(".about-model").wait_for()
    visitor.wait_for_function(SETTLED)
    assert visitor.url.endswith("?page=gallery&open=digits") and visitor.locator(".about-model").is_visible()


def test_a_seed_that_is_typed_while_another_is_drawn_stays(site, visitor, slowly):
    visitor.goto(site.url + "?page=generate&model=digits")
    visitor.wait_for_selector(TOP)
    slowly["digits"] = 0.8
    seeds = visitor.get_by_label("Seeds of the sheet")
    for text in ("5", "77"):
        seeds.fill(text)
        seeds.press("Enter")
        visitor.wait_for_timeout(200)
    visitor.wait_for_url(re.compile("seed=77&"))
    visitor.wait_for_selector(f"{TOP}[alt^='One image drawn by digits, seed 77,']")
    assert seeds.input_value() == "77"


@pytest.mark.parametrize("page, there", [("generate", TOP), ("augment", ".set li")])
def test_a_model_that_is_chosen_while_another_is_drawn_stays(site, visitor, slowly, page, there):
    visitor.goto(f"{site.url}?page={page}&model=digits")
    visitor.locator(there).first.wait_for()
    slowly["plain"] = 1.0
    choose(visitor, "plain")
    visitor.wait_for_timeout(200)
    choose(visitor, "coded")
    visitor.wait_for_url(re.compile("model=coded&"))
    visitor.wait_for_function(SETTLED)
    assert visitor.locator(".model:visible input").input_value() == "coded" and "model=coded&" in visitor.url


def test_a_seed_of_mix_and_edit_is_typed_to_its_end(site, visitor, slowly):
    visitor.goto(site.url + "?page=edit&model=digits")
    visitor.wait_for_selector(".desk:visible .screen")
    slowly["digits"] = 0.7
    seed = visitor.locator("#edit-seed input")
    seed.fill("")
    seed.press_sequentially("4567", delay=300)
    visitor.wait_for_url(re.compile(r"seeds%22%3A\+%5B4567%5D"))
    visitor.wait_for_function(SETTLED)
    assert seed.input_value() == "4567"


def test_a_followed_link_is_an_entry_of_the_history_though_its_pictures_are_late(site, visitor):
    visitor.goto(site.url + "?page=interpolate&model=plain")
    visitor.wait_for_selector(".player:not([hidden])")
    visitor.wait_for_url(re.compile("model=plain&.*stops="))
    visitor.evaluate("['zero', null].forEach((label, k) => gan.tray.add({ model: 'digits', seed: 5 + k, label }))")
    entries, before = visitor.evaluate("history.length"), visitor.url
    visitor.route("**/*.png", lambda route: (time.sleep(0.7), route.continue_()))
    visitor.locator(".shelf").get_by_role("button").click()
    visitor.wait_for_url(re.compile("page=interpolate&model=digits&"))
    assert visitor.evaluate("history.length") == entries + 1
    visitor.go_back()
    visitor.wait_for_function(SETTLED)
    visitor.wait_for_url(before)
