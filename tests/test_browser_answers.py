"""The pages' scripts in Chromium, without a server: what they make of answers that come late, never, or to another call."""

import json

import numpy as np
import pytest
from chromium import chromium

from gan.image import png_bytes
from gan.ui import parts
from gan.ui.outbox import data_url
from gan.ui.pages import PAGES

pytestmark = pytest.mark.browser

PNG = data_url("image/png", png_bytes(np.zeros((64, 64, 1), np.uint8)))
PATIENCE_MS = 15_100
# ``part()`` stands for a component of Gradio, ``trigger`` for its events, which are noted in ``calls``.
STAND_INS = """
window.calls = {}, window.uploads = [];
window.trigger = new Proxy({}, { get: (_, name) => data => (calls[name] ??= []).push(data) });
window.upload = async file => { uploads.push(file.name); return { path: file.name }; };
window.part = () => {
  const watchers = [], props = { value: null };
  const set = value => { props.value = value; watchers.forEach(changed => changed()); };
  return { props, set, watch: (_, changed) => watchers.push(changed) };
};
window.place = () => { const node = document.createElement("div"); document.body.append(node); return node; };
window.picture = async name => new File([await (await fetch(PNG)).blob()], name, { type: "image/png" });
window.give = (where, ...files) =>
  document.querySelector(where).dispatchEvent(new CustomEvent("gan-drop", { detail: files }));
"""
EDIT = """
const desk = part(), answer = part();
gan.edit.build(place(), desk.props, desk.watch, upload, trigger);
gan.edit.answer(answer.props, answer.watch);
window.recipe = model => ({ model, revision: "r", seeds: [0], class: null, psi: 1, mix: [], moves: [], source: null,
  latent: null });
window.opened = model => desk.set({ kind: "desk", url: PNG, name: "n", mark: null, recipe: recipe(model), link: "page=edit",
  code: {}, strips: PNG, stills: 7, reach: 4, count: 2, layers: 1, tile: 64, model, names: {} });
window.answered = value => answer.set(value);
"""
TRANSFORM = """
const easel = part(), answer = part();
gan.transform.build(place(), easel.props, easel.watch, upload, trigger);
gan.transform.answer(answer.props, answer.watch);
window.opened = gives => easel.set({ model: gives, gives, title: "", words: "", local: false, side: 64, resolution: 64,
  largest: 1e6, label: null, seed: 0, link: "page=transform", examples: true });
window.answered = value => answer.set(value);
"""
AUGMENT = """
const set = part(), found = part(), varied = part();
gan.set.build(place(), set.props, set.watch, trigger);
gan.set.own(place(), upload, trigger);
gan.set.found(found.props, found.watch);
gan.set.varied(varied.props, varied.watch);
set.set({ kind: "set", url: PNG, tile: 64, items: [], columns: 1, link: "page=augment", model: "A",
  forms: [".zip"], text: "", most: 20, directions: false,
  evidence: { rows: [], not_run: [], verdict: "not examined", reason: "", columns: [] }, code: {} });
window.answered = value => found.set(value);
"""
PATH = """
const player = part();
gan.path.build(place(), player.props, player.watch, trigger);
player.set({ kind: "path", url: PNG, tile: 64, columns: 1, count: 1, between: 1, loop: true, frame: 0, model: "A",
  stops: [{ seed: 1, label: "50% off" }, { seed: 5, label: null }], classes: ["50% off", "tench, Tinca tinca"],
  link: "page=interpolate", rates: [24], films: [], code: {}, recipe: "{}", status: "" });
"""
CARDS = """
const cards = part(), played = part(), host = place();
window.gan.doors = [];
host.id = "gallery";
gan.gallery.build(host, cards.props, cards.watch, trigger);
gan.gallery.played(played.props, played.watch);
cards.set({ about: "", family: [], cards: [{ id: "A", says: "", shape: "", moves: true, can: [],
  samples: { url: PNG, width: 8, height: 8 }, kind: { data: "d", family: "f", px: "8 px", classes: "w" } }] });
window.answered = () => played.set({ model: "A",
  frames: Array.from({ length: 12 }, (_, k) => ({ url: PNG, width: 8, height: 8, caption: String(k) })) });
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser):
    """``page(script)``: an empty page with all scripts of the app, after that one has run."""
    context = browser.new_context()
    empty = context.new_page()
    wrong: list[str] = []
    empty.on("pageerror", lambda error: wrong.append(str(error)))
    empty.clock.install()
    sources = [*parts.sources(".js"), *(one.source(".js") for one in PAGES), f"window.PNG = {json.dumps(PNG)};", STAND_INS]

    def with_scripts(script: str):
        for source in filter(None, [*sources, f"{{{script}}}"]):
            empty.add_script_tag(content=source)
        return empty

    yield with_scripts
    context.close()
    assert not wrong


def count(page, name: str, many: int) -> list:
    """What an event was sent with, once that often."""
    page.wait_for_function(f"(calls.{name} ?? []).length >= {many}")
    sent = page.evaluate(f"calls.{name}")
    assert len(sent) == many
    return sent


def slide(page, to: float) -> None:
    page.locator(".ways input[type=range]").first.evaluate(
        "(dial, to) => { dial.value = to; dial.dispatchEvent(new Event('input')); }", to)


def test_an_edit_that_is_never_answered_does_not_end_the_page(page):
    page = page(EDIT)
    page.evaluate("opened('A')")
    slide(page, 1)
    slide(page, 2)
    first = count(page, "draw", 1)[0]
    page.clock.run_for(PATIENCE_MS)
    last = count(page, "draw", 2)[1]  # what was asked for meanwhile, without another touch
    assert [json.loads(one["recipe"])["moves"][0]["strength"] for one in (first, last)] == [1, 2]
    page.evaluate("n => answered({ kind: 'refused', number: n, text: 'too late' })", first["number"])
    slide(page, 3)
    count(page, "draw", 2)  # the second is under way still
    page.evaluate("n => answered({ kind: 'refused', number: n, text: 'no' })", last["number"])
    count(page, "draw", 3)


def test_what_was_looked_for_in_another_model_is_let_go(page):
    page = page(EDIT)
    page.evaluate("opened('A')")
    page.wait_for_selector(".way")
    page.evaluate("picture('me.png').then(file => give('.desk .screen', file))")
    search = count(page, "project", 1)[0]
    goes = """number => answered({ kind: "progress", number, job: "j", done: 1, total: 9, text: "Looking",
        picture: "data:,of A" })"""
    page.evaluate(goes, search["number"])
    assert page.is_visible(".job")
    slide(page, 1)
    drawn = count(page, "draw", 1)[0]
    page.evaluate("opened('B')")
    page.wait_for_selector(".job", state="hidden")
    assert count(page, "cancel", 1) == [{"job": "j"}]
    page.evaluate(goes, search["number"])
    page.evaluate("""([search, drawn]) => {
      const recipe = { ...window.recipe("A"), seeds: [], source: "f", latent: [1] };
      answered({ kind: "found", number: search, before: PNG, found: [{ recipe, url: PNG, filled: PNG }], hole: false,
        text: "found in A" });
      answered({ kind: "drawn", number: drawn, url: "data:,of A", name: "n", mark: null, recipe, link: "page=edit",
        code: {} });
      answered({ kind: "matrix", url: PNG, rows: [1], columns: [2], cells: [recipe] });
    }""", [search["number"], drawn["number"]])
    slide(page, 2)
    assert json.loads(count(page, "draw", 2)[1]["recipe"])["model"] == "B"
    assert page.get_attribute(".desk .screen img", "src") == PNG and not page.is_visible(".job")
    assert "found in A" not in page.inner_text(".desk")


def test_an_example_does_not_take_the_place_of_what_the_visitor_brought_before_it_came(page):
    page = page(TRANSFORM)
    example = "gives => answered({ kind: 'example', url: PNG, model: gives, label: null, link: 'page=transform' })"
    page.evaluate("opened('picture')")
    count(page, "example", 1)
    page.evaluate("picture('mine.png').then(file => give('.given', file))")
    made = count(page, "make", 1)[0]
    page.evaluate("""number => answered({ kind: "made", number, url: PNG, read: PNG, name: "n", notes: "", width: 64,
        height: 64, code: {} })""", made["number"])
    page.evaluate(example, "picture")
    page.wait_for_timeout(200)
    assert page.evaluate("uploads") == ["mine.png"]
    page.get_by_role("button", name="An example").click()  # asked for now, it is welcome
    page.evaluate(example, "picture")
    count(page, "make", 2)

    page.evaluate("opened('drawing')")
    count(page, "example", 3)
    page.focus(".given > canvas")
    for key in ("Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    before = page.evaluate("document.querySelector('.given > canvas').toDataURL()")
    page.evaluate(example, "drawing")
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('.given > canvas').toDataURL()") == before


def test_pictures_that_nothing_is_heard_of_may_be_chosen_again(page):
    page = page(AUGMENT)
    page.wait_for_selector(".set")
    choose = page.get_by_role("button", name="Choose pictures")
    page.evaluate("Promise.all([picture('1.png'), picture('2.png')]).then(files => give('.own', ...files))")
    lost = count(page, "find", 1)[0]
    assert choose.is_disabled()
    page.clock.run_for(PATIENCE_MS)
    assert choose.is_enabled() and "Nothing was heard" in page.inner_text(".own [role=status]")
    page.evaluate("picture('3.png').then(file => give('.own', file))")
    again = count(page, "find", 2)[1]
    assert again["path"] == "3.png" and choose.is_disabled()
    told = "n => answered({ kind: 'found', number: n, recipe: JSON.stringify({ model: 'A', of: n }) })"
    page.evaluate(told, lost["number"])
    assert choose.is_disabled()  # the last word is another's
    page.evaluate(told, again["number"])
    assert choose.is_enabled() and [json.loads(r)["of"] for r in count(page, "vary", 1)[0]["found"]] == [again["number"]]
    page.locator(".own input[type=number]").evaluate("e => { e.value = 7; e.dispatchEvent(new Event('change')); }")
    page.clock.run_for(PATIENCE_MS)
    assert count(page, "vary", 2)[1]["each"] == 7  # the first was lost as well


def test_favourites_of_a_file_are_counted_as_they_are_kept(page):
    page = page("")
    said = page.evaluate("""async () => {
      const item = n => ({ link: `page=x&n=${n}`, recipe: "r", text: "t", thumb: "" });
      const items = (count, from) => Array.from({ length: count }, (_, k) => item(from + k));
      const load = list => gan.keep.load({ size: 10, text: async () => JSON.stringify({ items: list }) });
      return [await load(items(290, 0)), await load([...items(2, 288), ...items(50, 1000), {}]), gan.keep.list().length];
    }""")
    assert said == ["290 added, 0 were here already.", "10 added, 2 were here already, 1 could not be read, 40 had no room: "
                    "at most 300 are kept.", 300]


def test_a_class_with_a_comma_in_its_name_is_sent_as_it_is_read(page):
    page = page(PATH)
    page.get_by_label("Class at seed 5").select_option("tench, Tinca tinca")
    assert count(page, "edit", 1) == [{"stops": "1:50%25 off,5:tench%2C Tinca tinca"}]


def test_a_card_rests_when_the_pointer_leaves_though_it_was_asked_for_twice(page):
    page = page(CARDS)
    wall = page.locator(".wall")
    for event in ("mouseenter", "mouseleave", "mouseenter"):
        wall.dispatch_event(event)
        page.clock.run_for(200)
    for _ in count(page, "play", 2):
        page.evaluate("answered()")
        page.locator(".when:visible").wait_for()
    wall.dispatch_event("mouseleave")
    page.clock.run_for(1000)
    assert page.evaluate("document.querySelector('.when').hidden")


def test_strips_that_come_late_are_not_put_on_another_desk(page):
    page, held = page(EDIT), []
    page.route("**/strips.png", lambda route: held.append(route))
    page.evaluate("opened('A')")
    page.wait_for_selector(".way")
    slide(page, 1)
    (drawn,) = count(page, "draw", 1)
    page.evaluate("""number => answered({ kind: "drawn", number, url: PNG, name: "n", mark: null, recipe: recipe("A"),
      link: "page=edit", code: {}, strips: "http://example.test/strips.png" })""", drawn["number"])
    mark = "name => document.querySelectorAll('.way').forEach(way => { way.dataset.of = name; })"
    page.evaluate(mark, "A")
    page.evaluate("opened('B')")
    page.locator(".way[data-of=A]").first.wait_for(state="detached")
    page.evaluate(mark, "B")
    assert len(held) == 1
    held[0].fulfill(body=png_bytes(np.zeros((64, 64, 1), np.uint8)), content_type="image/png")
    page.wait_for_timeout(300)
    assert page.locator(".way[data-of=B]").count() == page.locator(".way").count() == 2
