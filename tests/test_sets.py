"""The Augment page: what it shows before a set is made, the file that comes of it, and what it refuses."""

import zipfile

import gradio as gr
import pytest
from serving import last, studio_of, write_models

from gan.alike import Seen
from gan.ui.pages import augment as module
from gan.ui.pages.augment import ID, Augment
from gan.ui.parts import job
from gan.ui.parts.link import Link
from gan.ui.sets import MOST, Set, counts_of, counts_text, make_set, set_from_link
from train.data.images import load_images


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with studio_of(write_models(tmp_path_factory.mktemp("models"))) as studio, gr.Blocks():
        yield Augment(studio)


def values(page, **changed):
    plain = dict(model="digits", count=12, balance=False, counts="", psi=1.0, distinct=False)
    return {getattr(page, name): value for name, value in {**plain, **changed}.items()}


def test_counts_and_links_are_read_back():
    for counts in ((("tench, Tinca tinca", 100), ("50% off", 5), ("%2C", 1), ("a=b", 2)), (("cat", 100), ("a b", 5))):
        assert counts_of(counts_text(counts)) == counts
        assert set_from_link(Link.of(Set("m", counts=counts).link(ID)), ["m"]).counts == counts
    assert counts_text(counts) == "cat=100,a b=5" and counts_of(" ") == ()
    for wrong in ("cat", "cat=x", "=5", "cat=-1", "cat=1.5", "cat=9999999999"):
        with pytest.raises(ValueError, match="cat=100, dog=50"):
            counts_of(wrong)
    asked = Set("digits", 7, counts, True, 0.5, True)
    assert set_from_link(Link.of(asked.link(ID)), ["plain", "digits"]) == asked
    link = Link(dict(model="x", count="0", counts="x", balance="y", psi="nan", distinct="7"))
    assert set_from_link(link, ["plain"]) == Set("plain") and len(link.notes) == 6


def test_every_class_is_shown_and_what_is_left_out_says_why(page, monkeypatch):
    shown = page.show(Set("digits", 300, balance=True))
    assert {item["label"] for item in shown["items"]} == {"zero", "one", "two"} and "of 300 images" in shown["text"]
    assert not any(item["why"] for item in shown["items"])
    monkeypatch.setattr(Seen, "add", lambda self, rows: [k % 3 > 0 for k in range(len(rows))])
    filtered = page.show(Set("digits", 300, distinct=True))
    assert any("nearly the same" in item["why"] for item in filtered["items"]) and "left out" in filtered["text"]
    assert "python -m gan augment digits --count 300 --distinct 0.1" in filtered["code"]["Command line"]


def test_a_set_is_made_packed_and_loads(page, cache):
    link = Set("digits", counts=(("one", 4), ("two", 3))).link(ID)
    answer = last(page.make({"link": link, "as": ".zip"}))
    file = page.studio.outbox.root.joinpath(*answer["url"].split("/")[-3:])
    assert answer["name"] == "digits-7-images.zip"
    with zipfile.ZipFile(file) as archive:
        assert "README.md" in archive.namelist() and b"one=4" in archive.read("README.md")
    assert load_images(file, resolution=16).spec.class_names == ("one", "two")
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_a_set_that_is_stopped_leaves_nothing(page):
    drawn = page.studio.outbox.root / "drawn"
    before = set(drawn.iterdir())

    def report(done, total):
        if done:
            raise job._Cancelled

    with pytest.raises(job._Cancelled):
        make_set(page.studio, Set("digits", 500), ".zip", report)
    assert set(drawn.iterdir()) == before


@pytest.mark.parametrize(("words", "changed"), [
    ("whole number", dict(count=0)), ("whole number", dict(count=None)), ("whole number", dict(count=1.5)),
    ("whole number", dict(count=float("nan"))), ("whole number", dict(count="12")), ("at most", dict(count=10**9)),
    ("whole number", dict(count=float("inf"))), ("at most", dict(counts=f"one={MOST}, two=1")),
    ("no class", dict(counts="x=3")),
    ("not in this gallery", dict(model="x")), ("1 to 10,000,000", dict(counts="one=0"))])
def test_what_is_no_set_is_refused_in_one_line(page, words, changed):
    with pytest.raises(ValueError, match=words):
        page.look_at(values(page, **changed))


@pytest.mark.parametrize(("words", "asked"), [
    ("look at the set first", None), ("look at the set first", {"link": "x"}),
    ("packed as", {"link": "model=digits", "as": ".exe"}), ("packed as", {"link": "model=digits"}),
    ("there is no model", {"link": "model=x", "as": ".zip"})])
def test_what_cannot_be_made_is_refused(page, words, asked):
    with pytest.raises(ValueError, match=words):
        list(page.make(asked))


def test_a_model_without_classes_is_not_asked_for_them(page):
    fitted = page.fit(Set("plain", 5))
    assert fitted[page.balance]["visible"] is False and fitted[page.counts]["visible"] is False
    assert page.read(values(page, model="plain", balance=True, counts="one=3")) == Set("plain", 12)
    with gr.Blocks():
        assert module.PAGE.build(page.studio).link_of(None) is None
