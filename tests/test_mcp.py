"""The endpoints as tools of the Model Context Protocol: off unless asked for, the same pixels as by every other door."""

import base64
import io
import json
import urllib.request

import anyio
import numpy as np
import pytest
from PIL import Image
from serving import running, studio_of, write_models

import app as entry_point
from gan import hub
from gan.edit import draw_edits
from gan.engine import draw
from gan.image import CHUNK_KEY
from gan.latent import Draw
from gan.recipe import EditRecipe, SeedsRecipe, from_json
from gan.ui import drop_picture_tools, tools


def test_without_the_package_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(entry_point.signal, "signal", lambda *_: None)
    monkeypatch.setattr(tools.importlib.util, "find_spec", lambda name: None)
    assert entry_point.main(["--mcp"]) == 1
    assert capsys.readouterr().err == 'error: --mcp needs the package mcp: pip install "gradio[mcp]"\n'


def test_off_unless_asked_for(served):
    assert served.blocks.mcp_server_obj is None


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Calls ``talk(session)`` with a client of a running server; its folder of models stands beside it."""
    pytest.importorskip("mcp", reason='mcp is not installed: pip install "gradio[mcp]"')
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    folder = tmp_path_factory.mktemp("models")
    with studio_of(write_models(folder)) as studio, running(studio, mcp=True) as (blocks, url):
        drop_picture_tools(blocks)

        def ask(talk):
            async def conversation():
                async with streamable_http_client(f"{url}gradio_api/mcp/") as (read, write, _):
                    async with ClientSession(read, write) as session:
                        await session.initialize()
                        return await talk(session)
            return anyio.run(conversation)

        ask.folder, ask.studio = folder, studio
        yield ask


def picture_of(answer):
    """(pixels uint8 [H, W, C], what the tool said in words)."""
    assert not answer.isError, answer.content
    image, text = answer.content
    array = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.data))))
    return (array[..., None] if array.ndim == 2 else array), text.text


def test_a_picture_is_the_same_as_by_every_door(ask):
    model = hub.load(ask.folder / "digits")
    given = dict(model="digits", seeds="7", class_name="two", psi=0.5)
    pixels, words = picture_of(ask(lambda session: session.call_tool("generate", given)))
    assert (pixels == draw(model.G, [Draw(7, 2, 0.5)])[0]).all()
    file = urllib.request.urlopen(words.partition(": ")[2], timeout=10).read()  # the image in the answer lost its recipe
    recipe = from_json(Image.open(io.BytesIO(file)).text[CHUNK_KEY])
    assert recipe == SeedsRecipe("digits", model.revision, (7,), "two", 0.5)
    edit = EditRecipe("digits", model.revision, (4,))
    pixels, _ = picture_of(ask(lambda session: session.call_tool("draw_edit", {"recipe": edit.to_json()})))
    assert (pixels == draw_edits(model, [edit], None)[0]).all()


def test_tools_say_what_they_take_and_none_takes_a_picture(ask):
    found = {tool.name: tool for tool in ask(lambda session: session.list_tools()).tools}
    assert sorted(found) == ["augment", "draw_edit", "generate", "interpolate"]
    assert "truncation" in json.dumps(found["generate"].inputSchema) and "Draws one PNG" in found["generate"].description
    before = {*ask.studio.outbox.uploads.rglob("*")}
    data = "data:image/png;base64," + base64.b64encode(b"a visitor's picture").decode()
    for picture in (data, "http://127.0.0.1:9/secret"):
        answer = ask(lambda session, picture=picture: session.call_tool("project", dict(model="plain", picture=picture)))
        assert answer.isError and "unknown tool" in answer.content[0].text.lower()
    assert {*ask.studio.outbox.uploads.rglob("*")} == before


def test_what_is_wrong_is_one_line(ask):
    answer = ask(lambda session: session.call_tool("generate", dict(model="<script>")))
    (text,) = answer.content
    assert answer.isError and "not in this gallery" in text.text and "\n" not in text.text and "Traceback" not in text.text
