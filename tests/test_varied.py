"""Variations of a visitor's own pictures on the page and over HTTP: found, looked at, packed; nothing of them stays."""

import base64
import hashlib
import io
import json
import zipfile

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from pictures import picture
from serving import last, pixels_of

from gan.__main__ import main
from gan.recipe import EditRecipe
from gan.ui.pages.augment import Augment

pytestmark = pytest.mark.usefixtures("short_search")


@pytest.fixture(scope="module")
def page(served):
    import gradio as gr

    with gr.Blocks():
        return Augment(served.studio)


def sent(page, data: bytes):
    """An upload, as Gradio leaves it."""
    folder = page.studio.outbox.uploads / hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.png").write_bytes(data)
    return folder / "mine.png"


def held(served) -> list[str]:
    return [str(path) for path in served.studio.outbox.root.rglob("*") if path.is_file()]


def of(answer: str) -> bytes:
    return base64.b64decode(answer.partition(",")[2])


def test_found_looked_at_and_packed_and_nothing_is_left(page, served):
    before, data = held(served), picture(size=(40, 30))
    found = last(page.find({"path": str(sent(page, data)), "model": "digits"}))
    assert json.loads(found["recipe"])["source"] == hashlib.sha256(data).hexdigest()
    asked = {"model": "digits", "found": [found["recipe"]], "each": 3, "way": "neighbours", "strength": 0.5}
    shown = page.vary(asked)
    assert (shown["total"], shown["each"]) == (3, 4) and pixels_of(of(shown["url"])).shape == (16, 64, 1)
    file = last(page.pack({**asked, "as": ".zip"}))
    assert file["name"] == "digits-3-variations.zip"
    with zipfile.ZipFile(io.BytesIO(of(file["url"]))) as archive:
        about = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
        assert {line["source"] for line in about} == {hashlib.sha256(data).hexdigest()} and len(about) == 3
        for k, line in enumerate(about):  # what was looked at is what is packed
            tile = pixels_of(of(shown["url"]))[:, 16 * (k + 1) : 16 * (k + 2)]
            assert (pixels_of(archive.read(line["file_name"])) == tile).all()
    assert held(served) == before


@pytest.mark.parametrize(("words", "changed"), [
    ("choose a picture", dict(found="x")), ("1 to 20 pictures", dict(found=[])), ("too many for one", dict(each=1001)),
    ("1 to 10,000", dict(each=0)), ("strength", dict(strength=float("nan"))), ("strength must be", dict(strength=2)),
    ("way must be", dict(way="<b>")), ("without directions", dict(way="walk")), ("not in this gallery", dict(model="x")),
    ("found in digits", dict(model="plain")), ("whole number", dict(each=True)), ("packed as", {"as": ".exe"}),
    ("recipe", dict(found=["{"]))])
def test_what_cannot_be_varied_is_refused_in_one_line(page, served, words, changed):
    revision = served.studio.model("digits").revision
    recipe = EditRecipe("digits", revision, label="one", source="0" * 64, latent=(0.0,) * 8).to_json()
    asked = {"model": "digits", "found": [recipe], "each": 3, "way": "neighbours", "strength": 0.5, "as": ".zip"}
    assert page.vary(asked)["kind"] == "varied"
    with pytest.raises(ValueError, match=words):
        list(page.pack({**asked, **changed}))
    if "as" not in changed:
        answer = page.vary({**asked, **changed})
        assert answer["kind"] == "refused" and words in answer["text"].lower()


def test_the_same_by_every_door(served, client, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png").write_bytes(picture(size=(40, 30)))
    before = held(served)
    answered = client.predict(model="plain", pictures=[handle_file(tmp_path / "mine" / "a.png")], each=2, api_name="/vary")
    assert main(["augment", str(served.folder / "plain"), "--from-pictures", str(tmp_path / "mine"), "--each", "2", "--out",
                 str(tmp_path / "set")]) == 0
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(answered["file"]))) as archive:
        names = [name for name in archive.namelist() if name.endswith(".png")]
        assert len(names) == 2 and all(archive.read(name) == (tmp_path / "set" / name).read_bytes() for name in names)
    assert held(served) == before
    (tmp_path / "x.png").write_bytes(b"no picture")
    for words, given in (("no picture", dict(pictures=[handle_file(tmp_path / "x.png")])), ("1 to 20", dict(pictures=[])),
                         ("Way must", dict(pictures=[handle_file(tmp_path / "x.png")], way="x"))):
        with pytest.raises(AppError, match=words):
            client.predict(model="plain", **given, api_name="/vary")
    assert held(served) == before
