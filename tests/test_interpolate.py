"""Paths: values, links, what the page draws, saves and refuses. The browser's part is tested in test_browser_studio.py."""

import io
import threading
import time
import zipfile

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from serving import last, studio_of, write_models

from gan.engine import draw_walk
from gan.recipe import WalkRecipe, from_json, read_recipe, save_png
from gan.ui.pages.interpolate import ID, Interpolate
from gan.ui.parts import job
from gan.ui.parts.link import Link
from gan.ui.path import Path, path_from_link, stops_of, stops_text


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with studio_of(write_models(tmp_path_factory.mktemp("models"))) as studio, gr.Blocks():
        yield Interpolate(studio)



def file_of(page, value):
    assert value["kind"] == "file"
    return page.studio.outbox.root.joinpath(*value["url"].split("/")[-3:])


def test_stops_are_read_back():
    for stops in [((1, None),), ((1, "a b"), (1, None), (2**32 - 1, "x")),
                  ((1, "tench, Tinca tinca"), (2, "50% off"), (3, "%2C"), (4, "a=b:c"))]:
        assert stops_of(stops_text(stops)) == stops
        assert path_from_link(Link.of(Path("m", stops).link(ID)), ["m"]).stops == stops
    assert stops_text(((1, "a b"), (5, None))) == "1:a b,5"  # as it always was
    assert stops_of("1-3 7, 9:a b") == ((1, None), (2, None), (3, None), (7, None), (9, "a b"))
    for wrong in ("-1", "1,x", "1.5", str(2**32), ",".join(["1"] * 49), "1:" + "x" * 300):
        with pytest.raises(ValueError):
            stops_of(wrong)


def test_a_link_restores_a_path_and_says_what_it_cannot():
    path = Path("digits", ((3, "two"), (4, None)), 7, False, True, "w", 0.5, "abc")
    assert path_from_link(Link.of(path.link(ID)), ["plain", "digits"]) == path
    asked = Link(dict(model="none", stops="x", frames="9999999", loop="2", ease="no", space="<b>", psi="nan"))
    assert path_from_link(asked, ["plain"]) == Path("plain", ((1, None), (5, None), (9, None)))
    assert len(asked.notes) == 7
    assert path_from_link(Link({}), []) is None


def test_the_sheet_holds_every_frame_in_order(page):
    path = Path("digits", ((1, "one"), (5, "two"), (9, None)), 5, loop=True)
    value = last(page.show(path, 3))
    model = page.studio.model("digits")
    frames = list(draw_walk(model.G, path.walk(model)))
    assert (value["count"], value["between"], value["frame"]) == (15, 5, 3)
    sheet = np.asarray(Image.open(page.studio.outbox.root.joinpath(*value["url"].split("/")[-3:])))
    for k, frame in enumerate(frames):
        y, x = k // value["columns"] * value["tile"], k % value["columns"] * value["tile"]
        assert (sheet[y : y + value["tile"], x : x + value["tile"]] == frame[..., 0]).all()
    assert path_from_link(Link.of(value["link"]), ["digits"]).stops == path.stops


def test_saved_frames_carry_their_recipe_and_films_too(page):
    asked = dict(link=Path("digits", ((1, None), (5, "two")), 4, loop=False).link(ID), rate=24, frame=2)
    with zipfile.ZipFile(file_of(page, last(page.save({**asked, "as": "zip"})))) as archive:
        assert archive.namelist() == [f"frame{k:05d}.png" for k in range(5)]
        frame = io.BytesIO(archive.read("frame00002.png"))
    one = file_of(page, last(page.save({**asked, "as": "png"})))
    recipe = read_recipe(one)
    assert one.read_bytes() == frame.getvalue() and (recipe.frame, recipe.labels) == (2, (None, "two"))
    model = page.studio.model("digits")
    (again,) = draw_walk(model.G, recipe.walk(model.label), [2])
    assert (np.asarray(Image.open(one)) == again[..., 0]).all()
    restored = Link.of(page.link_of(recipe))
    assert path_from_link(restored, ["digits"]).stops == ((1, None), (5, "two")) and restored.query["frame"] == "2"
    for given, verified in ((again, True), (255 - again, False)):
        restored.picture = given
        mark = next(v for v in page.open(restored).values() if isinstance(v, dict) and v.get("kind") == "path")["mark"]
        assert mark["verified"] is verified
    for kind in ("mp4", "webp", "gif"):
        film = file_of(page, last(page.save({**asked, "as": kind})))
        assert film.suffix == f".{kind}" and b'"kind": "walk"' in film.read_bytes()
    with Image.open(film) as gif:
        assert gif.n_frames == 5 and from_json(gif.info["comment"].decode()).seeds == (1, 5)


@pytest.mark.parametrize(("words", "asked"), [
    ("no path yet", None), ("no path yet", []), ("link's model", dict(link="page=interpolate&model=none")),
    ("saved as", dict()), ("saved as", {"as": "exe", "rate": 24}), ("saved as", {"as": "mp4", "rate": 10**9}),
    ("two stops", {"as": "mp4", "rate": 24, "link": "model=digits&stops=1"}),
    ("no class", {"as": "mp4", "rate": 24, "link": "model=plain&stops=1:two,3"}),
    ("no frame", {"as": "png", "rate": 24, "frame": 10**9, "link": "model=digits&stops=1,2"}),
    ("no frame", {"as": "png", "rate": 24, "frame": "x", "link": "model=digits&stops=1,2"})])
def test_what_cannot_be_saved_is_refused_in_one_line(page, words, asked):
    with pytest.raises(ValueError, match=words):
        list(page.save(asked))


def test_too_long_a_path_and_too_short_a_one_are_refused(page):
    model = page.studio.model("digits")
    with pytest.raises(ValueError, match="at most 1,200"):
        Path("digits", tuple((k, None) for k in range(40)), 100).walk(model)
    with pytest.raises(ValueError, match="at least two stops"):
        Path("digits", ((1, None),)).walk(model)
    with pytest.raises(ValueError, match="codes were set by hand"):
        Path.of(WalkRecipe("coded", "r", (1, 2), 0, 5, codes=(1.0,)))


def test_a_frame_from_the_command_line_is_shown(page, tmp_path):
    recipe = WalkRecipe("digits", "r", (1, 2, 3), 4, 10, labels=("two",))
    save_png(tmp_path / "x.png", np.zeros((16, 16, 1), np.uint8), recipe)
    path = path_from_link(Link.of(page.link_of(read_recipe(tmp_path / "x.png"))), ["digits"])
    assert path.stops == ((1, "two"), (2, "two"), (3, "two")) and not path.loop


def test_a_job_is_told_of_and_can_be_stopped_by_its_name_only():
    started = threading.Event()

    def work(report):
        started.set()
        for k in range(10_000):
            report(k, 10_000, note="x")
            time.sleep(0.005)
        return {"kind": "file"}

    told = job.run("Working", work)
    first = next(told)
    started.wait(5)
    for wrong in (None, {"job": 3}, {"job": "0" * 16}, "x"):
        job.cancel(wrong)
    assert next(told)["kind"] == "progress"
    job.cancel({"job": first["job"]})
    assert list(told)[-1] == {"kind": "cancelled"}
    assert not job._running


def test_a_job_ends_when_its_visitor_leaves_and_passes_errors_on():
    seen = []

    def work(report):
        try:
            while True:
                report(0, 0)
                time.sleep(0.005)
        except BaseException as error:
            seen.append(error)
            raise

    told = job.run("Working", work)
    next(told)
    told.close()
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen and not job._running
    with pytest.raises(ValueError, match="nothing to do"):
        list(job.run("Working", lambda report: (_ for _ in ()).throw(ValueError("nothing to do"))))
