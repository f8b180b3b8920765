"""Pictures that visitors may upload, at every place that takes one: each is read, or refused in one clear line."""

import io
import json
import os
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from fuzzing import LEAKS, Findings, Handler, Stranger, handlers, messages_of
from PIL import Image
from serving import running, studio_of, write_models
from transforming import write_painters


def encoded(image: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def png_of(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says it is so large."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d))
                                           for kind, d in parts)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(Image.new("RGB", (40, 20), "red"), "JPEG", exif=exif)


NOISE = Image.fromarray(np.random.RandomState(0).randint(0, 255, (40, 40, 3), np.uint8))
PICTURES = {  # name -> its bytes
    "no picture": b"MZ" + bytes(1000),
    "nothing": b"",
    "text": b"<script>alert(1)</script>",
    "broken": encoded(NOISE, "PNG")[:700],
    "a hundred megapixels": png_of(10_000, 10_000, zlib.compress(bytes(10_001 * 10_000), 1)),
    "a bomb": png_of(60_000, 60_000, zlib.compress(bytes(10_000))),
    "CMYK": encoded(NOISE.convert("CMYK"), "JPEG"),
    "animated": encoded(NOISE, "GIF", save_all=True, append_images=[NOISE.rotate(90)]),
    "turned by its EXIF": turned(),
    "with alpha": encoded(NOISE.convert("RGBA"), "PNG"),
    "one pixel": encoded(Image.new("RGB", (1, 1)), "PNG"),
    "a plain photo": encoded(NOISE, "JPEG"),
}


REFUSED = ("no picture", "nothing", "text", "broken", "a hundred megapixels", "a bomb", "one pixel")


@pytest.fixture(scope="module")
def served(tmp_path_factory, test_families):
    """The running app, and every place of it that takes an upload: those that let go of it afterwards."""
    folder = tmp_path_factory.mktemp("models")
    with studio_of([*write_models(folder), *write_painters(folder)]) as studio, running(studio) as (_, url):
        app = SimpleNamespace(url=url, studio=studio)
        found = handlers(httpx.get(url + "config", timeout=20).json())
        app.places = [place for place in found if not give(app, place, b"no picture")[1]]
        yield app


def upload(app, picture: bytes) -> str:
    """The path that is answered."""
    answer = httpx.post(app.url + "gradio_api/upload", files={"files": ("x.png", picture)}, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()[0]


def give(app, place: Handler, picture: bytes, path: str = "") -> tuple[list[str], bool]:
    """(what a place says to an upload, whether the upload is still there)."""
    path = path or upload(app, picture)
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data = [given if k in place.files else value for k, value in enumerate(place.values)]
    model, label = ("styles", "apple") if place.name.startswith("ask_make") else ("digits", "one")
    event = None if place.files else {"path": path, "model": model, "label": label, "seed": 1}
    stranger = Stranger(app.url, findings := Findings(), [])
    text = stranger.send({"data": data, "fn_index": place.id, "trigger_id": place.target, "event_data": event}, place.name)
    assert not findings.faults, findings.faults
    return messages_of(text), Path(path).exists()


def test_places_that_take_uploads_are_found(served):
    names = {place.name.rstrip("_0123456789") for place in served.places}
    assert {"give_back", "ask_project", "ask_find", "ask_make"} <= names and len(served.places) < 10


@pytest.mark.parametrize("name", PICTURES)
def test_every_place_reads_it_or_says_why_not(served, name):
    for place in served.places:
        told, there = give(served, place, PICTURES[name])
        assert not there and not any(LEAKS.search(line) or len(line) > 300 for line in told)
        if name in REFUSED or place.name == "give_back":  # which opens pictures of ours only
            assert len(told) == 1, (place.name, told)
        else:
            assert not told, (place.name, told)


def test_visitors_with_the_same_picture_do_not_take_it_from_each_other(served):
    """Gradio gives uploads of the same bytes one folder. This fails, too, where its class of uploads is another one."""
    picture = PICTURES["a plain photo"]
    for place in served.places:
        first, second = upload(served, picture), upload(served, picture)
        alone, there = give(served, place, picture, first)
        assert first != second and not there and Path(second).is_file(), place.name
        assert give(served, place, picture, second) == (alone, False)


def test_an_upload_that_does_not_say_its_size_or_is_too_large_is_refused(served):
    def endless():
        yield b"--x\r\n"

    many = httpx.post(served.url + "gradio_api/upload", content=endless(), timeout=20,
                      headers={"Content-Type": "multipart/form-data; boundary=x"})
    large = httpx.post(served.url + "gradio_api/upload", files={"files": ("x.png", bytes(6 * 2**20))}, timeout=20)
    assert many.status_code == large.status_code == 413
    assert json.loads(many.text)["detail"] == "an upload may hold at most 32 MB"


def test_an_upload_that_was_broken_off_is_swept(served):
    left = served.studio.outbox.uploads / "tmpabc"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    served.studio.outbox.make_room_for_uploads()
    assert not left.exists()
