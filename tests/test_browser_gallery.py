"""The Gallery and the Family tree in Chromium: cards, filters, the page of a model, training time."""

import re
import time

import pytest
from visiting import pixels

from gan.ui.shell import Shell

pytestmark = pytest.mark.browser


def test_hostile_card_is_text_and_nothing_else(site, visitor):
    visitor.goto(site.url)
    visitor.locator(".card[data-model=plain] .wall").click()
    about = visitor.locator(".about-model")
    assert "<img src=x onerror=" in about.locator("pre").inner_text()
    assert "${window.pwned=2}" in about.locator(".paper").inner_text()
    assert about.locator(".training").inner_text() == "no samples yet"  # and nothing for the sheets that it has not
    assert visitor.evaluate("window.pwned") is None
    assert about.locator("img[onerror], script").count() == 0


def test_card_opens_the_page_of_its_model_and_that_opens_every_page_that_fits(site, visitor):
    visitor.goto(site.url)
    visitor.get_by_role("button", name="About late-one").press("Enter")
    visitor.wait_for_url(re.compile(r"\?page=gallery&open=late-one$"))
    about = visitor.locator(".about-model")
    assert not visitor.locator(".cards").first.is_visible()
    assert about.locator("dd").all_inner_texts()[1] == "late, grown from early"
    about.get_by_label("Training", exact=True).press("Home")
    assert about.locator("output").inner_text() == "untrained"
    visitor.reload()
    about.get_by_role("button", name="Open in Interpolate").wait_for()
    visitor.get_by_role("button", name="All models").click()
    visitor.wait_for_url(site.url + "?page=gallery")
    visitor.get_by_role("button", name="About late-one").click()
    about.get_by_role("button", name="Open in Generate").click()
    visitor.wait_for_url(re.compile("page=generate&model=late-one&"))


def test_a_link_followed_before_the_first_was_read_is_not_undone_by_it(site, visitor, monkeypatch):
    def slow(shell, link, invite=Shell.invite):
        if not link.query:  # that of the visitor who came without one
            time.sleep(2)
        invite(shell, link)

    monkeypatch.setattr(Shell, "invite", slow)
    visitor.goto(site.url)
    visitor.get_by_role("button", name="About late-one").press("Enter")
    visitor.locator(".about-model").wait_for()
    time.sleep(2.5)
    assert visitor.locator(".about-model").is_visible() and visitor.url.endswith("?page=gallery&open=late-one")


def test_filters_are_in_the_link_and_a_card_plays_its_training(site, visitor):
    visitor.goto(site.url)
    visitor.wait_for_selector(".card")
    shown = visitor.locator(".card:visible")
    everything = shown.count()
    visitor.get_by_label("Classes").select_option("3 classes")
    visitor.wait_for_url(re.compile(r"\?page=gallery&classes=3\+classes$"))
    assert shown.evaluate_all("cards => cards.map(c => c.dataset.model)") == ["digits"]
    assert visitor.inner_text(".filters .quiet") == f"1 of {everything} models"
    visitor.reload()
    visitor.wait_for_selector(".card[data-model=digits]")
    assert shown.count() == 1
    visitor.get_by_label("Classes").select_option("")
    wall = visitor.get_by_role("button", name="About early-one")
    wall.evaluate("""card => new MutationObserver(() => {  // a sheet stands shorter than a busy machine takes to look
        const text = card.querySelector('.when:not([hidden])')?.textContent;
        if (text) card.dataset.seen = `${card.dataset.seen || ""}${text}|`;
      }).observe(card.querySelector('.when'), { subtree: true, childList: true, characterData: true, attributes: true })""")
    wall.focus()
    wall.locator(".when", has_text="8 thousand images").wait_for()
    assert wall.get_attribute("data-seen").split("|")[0] == "untrained"
    visitor.get_by_label("Classes").focus()
    wall.locator(".when").wait_for(state="hidden")


def test_family_tree_walks_through_training_time_without_the_server(site, visitor):
    visitor.goto(site.url)
    visitor.get_by_role("tab", name="Family tree").click()
    visitor.wait_for_url(site.url + "?page=tree")
    visitor.goto(visitor.url)
    shown = ".sheets [data-recipe=late] img"
    visitor.wait_for_selector(shown)
    visitor.wait_for_load_state("networkidle")
    asked: list[str] = []
    visitor.on("request", lambda r: asked.append(r.url))

    def brightness() -> int:
        return round(pixels(site, visitor, visitor.get_attribute(shown, "src")).mean() / 50)

    assert "false" not in visitor.locator(".sheets").inner_text()  # nothing stands for what a sheet has not
    assert visitor.locator(".sheets .seen").all_inner_texts() == ["8 thousand images after 4 minutes",
                                                                  "4 thousand images after 8 minutes"]
    assert (visitor.inner_text(".time output"), brightness()) == ("after 8 minutes", 2)
    visitor.focus(".time input")
    visitor.keyboard.press("Home")
    assert visitor.locator(".sheets .seen").all_inner_texts() == ["untrained"] * 2
    assert (visitor.inner_text(".time output"), brightness()) == ("before training", 0)
    visitor.keyboard.press("ArrowRight")
    assert (visitor.inner_text(".time output"), brightness()) == ("after 2 minutes", 1)
    visitor.wait_for_url(site.url + "?page=tree&minutes=2")

    visitor.evaluate("() => { const play = document.querySelector('.time .play'); play.click(); play.click(); }")
    visitor.wait_for_timeout(1200)  # a step takes 900 ms
    assert (visitor.inner_text(".time .play"), visitor.inner_text(".time output")) == ("Play", "after 2 minutes")
    visitor.get_by_role("button", name="Play").click()
    visitor.wait_for_function("document.querySelector('.time output').textContent === 'after 5 minutes'")
    visitor.wait_for_function("document.querySelector('.time .play').textContent === 'Play'")
    assert (visitor.inner_text(".time output"), brightness()) == ("after 8 minutes", 2)
    assert not asked

    visitor.goto(site.url + "?page=tree&minutes=2")
    visitor.wait_for_selector(shown)
    assert visitor.inner_text(".time output") == "after 2 minutes"
    inner = visitor.locator("[data-recipe=early] > ul > [data-recipe=late]")
    inner.locator("summary").click()
    assert inner.locator(".changes li").all_inner_texts()[0].split() == ["g_opt.lr", "none", "→", "0.001"]
    assert inner.locator(".changes del").first.evaluate("e => getComputedStyle(e).textDecorationLine") == "line-through"
    assert "${window.pwned=2}" in inner.locator(".note").inner_text()
    assert visitor.evaluate("window.pwned") is None
    visitor.get_by_text("A title").click()
    assert "left out for want of time" in visitor.inner_text(".board .waiting")
    assert visitor.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    visitor.get_by_role("button", name="Open late-one").click()
    visitor.wait_for_url(re.compile("page=gallery&open=late-one"))
