"""The app over plain HTTP and its Python client: what it serves, answers and refuses."""

import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

import httpx
import pytest
from serving import ROOT, drawn, expected, fetch, pixels_of

from gan import hub
from gan.image import contact_sheet
from gan.latent import MAX_SEED, Draw
from gan.recipe import SeedsRecipe, read_recipe
from gan.ui.messages import explain
from gan.ui.view import View


def status_of(served, url: str, data: bytes | None = None) -> int:
    request = urllib.request.Request(served.url + url, data, {"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def test_endpoint_gives_our_png_bit_for_bit(served, client, tmp_path):
    path = client.predict("digits", "42", "two", 0.7, api_name="/generate")
    assert Path(path).name == "digits-seed0042.png"
    pixels = pixels_of(Path(path).read_bytes())
    assert (pixels == expected(served, "digits", [Draw(42, 2, 0.7)])[0]).all()
    recipe = read_recipe(path)
    assert recipe == SeedsRecipe("digits", hub.load(served.folder / "digits").revision, (42,), "two", 0.7)
    assert str(served.folder) not in recipe.to_json()

    restored = drawn(served.shell.restore(path))
    assert (pixels_of(fetch(served, restored["url"])) == pixels).all()
    assert not restored["other"]


def test_endpoint_gives_a_sheet_with_defaults(served, client):
    path = client.predict(model="plain", api_name="/generate")
    tiles = expected(served, "plain", [Draw(seed) for seed in range(16)])
    assert (pixels_of(Path(path).read_bytes()) == contact_sheet(tiles)).all()


@pytest.mark.parametrize("arguments, message", [
    (("digits", "-1"), "cannot read seeds"), (("digits", "1e9"), "cannot read seeds"),
    (("digits", str(MAX_SEED + 1)), "whole number from 0"), (("digits", "0-999999"), "more than|too many"),
    (("digits", ""), "type a seed"), (("digits", "1", "nine"), "no class 'nine'"), (("digits", "1", "one", 9), "psi"),
    (("../digits", "1"), "not in this gallery")])
def test_endpoint_says_what_is_wrong_in_one_line(client, arguments, message):
    with pytest.raises(Exception, match=f"(?i){message}") as error:
        client.predict(*arguments, api_name="/generate")
    assert "\n" not in str(error.value) and "Traceback" not in str(error.value)


def test_the_doors_are_public_and_nothing_else_and_none_skips_the_queue(served, client):
    doors = ["/generate", "/interpolate", "/draw_edit", "/transform", "/augment", "/vary", "/project"]
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == doors
    body = json.dumps({"data": ["digits", "1", "", 1]}).encode()
    assert status_of(served, "gradio_api/run/generate", body) == 404


def test_serves_its_own_files_only(served):
    for path in ("/etc/passwd", str(ROOT / "app.py"), str(served.folder / "digits" / "config.json")):
        assert status_of(served, f"gradio_api/file={path}") == 403


@pytest.mark.parametrize("query", ["", "page=gallery", "page=generate&seed=3", "page=tree", "page=nonsense&page=2",
                                   "page=%00"])
def test_page_opens_whatever_the_link_says(served, query):
    text = fetch(served, "?" + query).decode()
    assert "gradio_config" in text
    assert str(served.folder) not in text


# Links


def call(served, name: str, data: list) -> str:
    """What the handler of that name answers over plain HTTP: the error of the refusal, or the event stream."""
    index = next(k for k, fn in served.blocks.fns.items() if fn.api_name == name or fn.name == name)
    session = f"s{time.monotonic_ns()}"
    body = json.dumps({"data": data, "fn_index": index, "session_hash": session}).encode()
    request = urllib.request.Request(served.url + "gradio_api/queue/join", body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=10)
    except urllib.error.HTTPError as error:
        return error.read().decode()
    return fetch(served, f"gradio_api/queue/data?session_hash={session}").decode()


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/x.png", "https://example.org/x.png", "/etc/passwd", "\0", 3,
                                  "x" * 9999])
def test_a_path_that_nobody_uploaded_is_refused_in_one_line(served, path):
    answer = call(served, "give_back", [{"path": path, "meta": {"_type": "gradio.FileData"}}])
    assert "must be uploaded before" in answer and str(path)[:9] not in answer
    assert str(served.studio.outbox.root) not in answer


def test_an_uploaded_picture_is_restored_and_forgotten(served, tmp_path):
    sheet = served.sheet.show(View("digits", (5,)))
    answer = httpx.post(served.url + "gradio_api/upload", files={"files": ("x.png", fetch(served, sheet["url"]))}).json()
    assert Path(answer[0]).is_file() and Path(answer[0]).is_relative_to(served.studio.outbox.root)
    told = call(served, "give_back", [{"path": answer[0], "meta": {"_type": "gradio.FileData"}}])
    assert '"success":true' in told and "model=digits" in told
    assert not Path(answer[0]).exists()


@pytest.mark.parametrize("data", [[], [None] * 20, [{}] * 20, [[[]]] * 20, ["x" * 1000] * 20, [1e300] * 20, [True] * 20])
def test_wrong_types_are_answered_without_a_word_of_the_machinery(served, data):
    for name in ("draw", "from_seed", "change_model", "ask", "ask_single", "ask_archive", "generate"):
        answer = call(served, name, data)
        assert not re.search(r"Traceback|Error\b.*\(|gradio/|site-packages|object has no attribute", answer), (name, answer)


def test_errors_name_no_path_of_this_machine(tmp_path):
    try:
        (tmp_path / "nowhere").read_text()
    except OSError as error:
        assert str(tmp_path) not in explain(error)
    assert explain(RuntimeError(str(tmp_path))).startswith("Something went wrong (RuntimeError)")
