"""Models of the Hub that a link names: they open like those of the gallery, and what goes wrong is one clear line."""

import warnings

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from gan import hub
from gan.engine import Engine, draw
from gan.gallery import entry
from gan.latent import Draw
from gan.recipe import EditRecipe, SeedsRecipe, save_png
from gan.ui import Studio
from gan.ui.outbox import Outbox
from gan.ui.pages import PAGES
from gan.ui.pages.gallery import details
from gan.ui.parts.link import Link
from gan.ui.shell import Shell
from gan.ui.studio import MOST_GUESTS


@pytest.fixture
def shell(tmp_path, tiny_model, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "shown"))
    studio = Studio([entry(str(tiny_model(folder="here")))], engine=Engine(device="cpu"), outbox=Outbox())
    with gr.Blocks():
        yield Shell(studio, PAGES)
    studio.outbox.close()


def opened(shell: Shell, **query: str) -> tuple[dict, list[str]]:
    """(values by the components' names, what was said)."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        values = shell.go(Link(query))
    return {getattr(c, "elem_id", None): v for c, v in values.items()}, [str(w.message) for w in told]


def pixels_of(studio: Studio, sheet: dict) -> np.ndarray:
    (file,) = [p for p in (studio.outbox.root / "drawn").rglob("*.png") if p.parent.name in sheet["url"]]
    return np.asarray(Image.open(file))[..., None]


def test_guest_is_drawn_like_a_model_of_the_gallery_and_its_link_holds_its_commit(ada, shell, whole_model):
    commit = hub.push(whole_model, "ada/cats").commit
    values, told = opened(shell, page="gallery", models=f"ada/cats@{commit}")
    assert not told and [c["id"] for c in values["gallery"]["cards"]][0] == "ada/cats"
    values, told = opened(shell, page="gallery", open="ada/cats")
    assert not told and values["model-page"]["id"] == "ada/cats"
    values, told = opened(shell, page="generate", models="ada/cats", seed="5")
    sheet = values["generate-sheet"]
    assert not told and f"model=ada/cats&rev={commit}" in sheet["link"]
    assert (pixels_of(shell.studio, sheet) == draw(hub.load(whole_model).G, [Draw(5)])[0]).all()


def test_link_and_picture_bring_the_revision_that_they_name(ada, shell, tiny_model, tmp_path):
    first = hub.push(tiny_model(folder="one", seed=1), "ada/cats").commit
    hub.push(tiny_model(folder="two", seed=2), "ada/cats")
    values, told = opened(shell, page="generate", model="ada/cats", rev=first, seed="3")
    assert not told and not values["generate-sheet"]["other"]
    shell.studio.guests.clear()
    pixels = draw(hub.load(f"ada/cats@{first}").G, [Draw(3)])[0]
    path = save_png(tmp_path / "x.png", pixels, SeedsRecipe("ada/cats", first, (3,)))
    sheet = next(v for c, v in shell.restore(str(path)).items() if getattr(c, "elem_id", "") == "generate-sheet")
    assert sheet["mark"]["verified"] and not sheet["other"]


@pytest.mark.parametrize("name", [
    "ada/nothing", "ada/cats@no-such", "../etc", "/etc/passwd", "a/b,c/d,e/f,g/h,i/j", "x" * 300])
def test_what_cannot_be_fetched_is_one_line_and_the_page_opens(ada, shell, whole_model, name):
    hub.push(whole_model, "ada/cats")
    values, told = opened(shell, page="generate", models=name, seed="3")
    (line,) = told
    assert "\n" not in line and len(line) < 400
    assert values["generate-sheet"]["model"] == "here" and values["generate-sheet"]["tiles"][0]["seed"] == 3


def test_unknown_model_of_a_link_is_told_once(ada, shell):
    values, told = opened(shell, page="generate", model="ada/nothing")
    assert len(told) == 1 and "ada/nothing" in told[0] and values["generate-sheet"]["model"] == "here"


def test_no_link_opens_a_folder_of_this_machine(ada, shell, whole_model):
    for name in (str(whole_model), whole_model.name, "weights"):
        with pytest.raises(ValueError, match="no model of the Hub"):
            shell.studio.invite(name)


def test_guests_are_few(ada, shell, whole_model):
    Image.new("RGB", (8, 8)).save(whole_model / "samples.png")
    for k in range(MOST_GUESTS + 1):
        hub.push(whole_model, f"ada/cats{k}")
        assert details(shell.studio.invite(f"ada/cats{k}"), shell.studio.outbox)["samples"]
    assert list(shell.studio.guests) == [f"ada/cats{k}" for k in range(1, MOST_GUESTS + 1)]
    assert list(shell.studio.entries) == ["here"]
    assert len([*(shell.studio.outbox.root / "shown").iterdir()]) == MOST_GUESTS  # the first one's copy went with it


def test_the_link_of_an_edit_brings_its_model_of_the_hub(ada, shell, whole_model):
    commit = hub.push(whole_model, "ada/cats").commit
    old = {"page": "edit", "edit": EditRecipe("ada/cats", commit, (3,)).to_json()}  # it names the model in its recipe alone
    values, told = opened(shell, **old)
    assert not told and values["desk"]["model"] == "ada/cats"
    link = Link.of(values["desk"]["link"]).query
    assert (link["model"], link["rev"]) == ("ada/cats", commit)
    shell.studio.guests.clear()
    values, told = opened(shell, **link)
    assert not told and values["desk"]["model"] == "ada/cats"
    for query in (old, link):
        values, told = opened(shell, **{key: value.replace("ada/cats", "ada/none") for key, value in query.items()})
        assert len(told) == 1 and "ada/none" in told[0] and values["desk"]["model"] == "here"
