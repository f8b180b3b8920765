"""The app as its tests run it: tiny models, a studio of them, and the running server."""

import io
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import numpy as np
from conftest import tiny_generator
from PIL import Image

from gan import hub
from gan.base import Latent
from gan.engine import Engine, draw
from gan.gallery import entry
from gan.latent import Draw
from gan.models import family
from gan.ui import Studio, build, launch_options
from gan.ui.pages import PAGES

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = ("<img src=x onerror=\"window.pwned=1\">${window.pwned=2}{{#each this}}"
           "</script><script>window.pwned=3</script>`\\")


def write_models(folder: Path) -> list[Path]:
    """Three tiny models: with classes, without, and with codes; the second's training.json is hostile."""
    hub.save(folder / "digits", tiny_generator("dcgan", classes=3), class_names=("zero", "one", "two"))
    hub.save(folder / "plain", tiny_generator("dcgan", channels=3, resolution=32))
    coded = family("dcgan").Generator(Latent(4, categorical=(3,), continuous=2), resolution=16, channels=1, width=8)
    hub.save(folder / "coded", coded.eval())
    (folder / "digits" / "training.json").write_text(json.dumps(dict(
        recipe="tiny", paper="Someone 2014, arXiv:1406.2661", data=dict(name="shapes", images=1234, licence="CC0"),
        command="python -m train tiny --data shapes", nimg=5_600_000, minutes=75, hardware="a laptop")))
    (folder / "plain" / "training.json").write_text(json.dumps(dict(
        recipe=HOSTILE, paper=HOSTILE + "arXiv:1406.2661", data=dict(name=HOSTILE, images="many", licence=[HOSTILE]),
        command=HOSTILE, nimg=-1e300, minutes="NaN", hardware=HOSTILE)))
    return [folder / name for name in ("digits", "plain", "coded")]


@contextmanager
def studio_of(models: list[Path]) -> Iterator[Studio]:
    """A studio on the CPU, whose outbox goes with it."""
    studio = Studio([entry(str(path)) for path in models], engine=Engine(device="cpu"))
    try:
        yield studio
    finally:
        studio.outbox.close()


@contextmanager
def running(studio: Studio, pages=PAGES, mcp: bool = False) -> Iterator[tuple[gr.Blocks, str]]:
    """(the app, its address)."""
    blocks = build(studio, pages)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1",
                              **launch_options(studio, pages, mcp=mcp))
    try:
        yield blocks, url
    finally:
        blocks.close(verbose=False)


def fetch(served, url: str) -> bytes:
    return urllib.request.urlopen(served.url + url, timeout=10).read()


def last(iterator):
    *_, value = iterator
    return value


def pixels_of(data: bytes) -> np.ndarray:
    array = np.asarray(Image.open(io.BytesIO(data)))
    return array[..., None] if array.ndim == 2 else array


def expected(served, name: str, draws: list[Draw]) -> np.ndarray:
    return draw(hub.load(served.folder / name).G, draws)


def by_name(values: dict) -> dict:
    """A handler's values by the names that the components have on the page."""
    return {getattr(c, "elem_id", None) or getattr(c, "label", None): value for c, value in values.items()}


def drawn(values: dict) -> dict:
    """The sheet among a handler's values."""
    return by_name(values)["generate-sheet"]
