"""Shared by all tests: one thread (tiny nets run many times slower on more), no network, tiny models and data."""

import inspect
import os
import signal
from pathlib import Path
from types import SimpleNamespace

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import torch

import gan.models
import gan.project
from gan.base import Latent
from gan.files import cache_home
from gan.models import families, family
from train.data.images import Images
from train.data.spec import DataSpec

torch.set_num_threads(1)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job, and all that it starts, is deaf to it



def _needs_a_picture(name: str) -> bool:
    source = inspect.signature(family(name).Generator.__init__).parameters.get("source")
    return source is not None and source.default is source.empty


READERS = tuple(filter(_needs_a_picture, families()))  # make a picture from a picture
FAMILIES = tuple(name for name in families() if name not in READERS)  # draw from seeds


def tiny_generator(name: str, *, classes: int = 0, resolution: int = 16, channels: int = 1, seed: int = 0):
    """An untrained generator whose images differ visibly from seed to seed."""
    torch.manual_seed(seed)
    G = family(name).Generator(Latent(8, classes=classes), resolution=resolution, channels=channels, width=8)
    with torch.no_grad():
        for p in G.parameters():
            if p.ndim > 1:
                p.mul_(3)
    return G.eval()


@pytest.fixture
def short_search(monkeypatch):
    """Finding a picture in a model takes few steps: where tests only use what was found."""
    for name, value in dict(SIFTING=4, POLISHING=2, CANDIDATES=16).items():
        monkeypatch.setattr(gan.project, name, value)


def tiny_images(*, classes: int = 0, channels: int = 1, resolution: int = 16, count: int = 64) -> Images:
    """Random pictures with a bright square whose place tells the class."""
    rs = np.random.RandomState(0)
    pixels = rs.randint(0, 60, (count, resolution, resolution, channels), dtype=np.uint8)
    labels = np.arange(count) % max(classes, 2)
    for k, label in enumerate(labels):
        pixels[k, 2 + 3 * label : 5 + 3 * label, 2:5] = 250
    spec = DataSpec(resolution, channels, classes, tuple(f"class{i}" for i in range(classes)), count)
    return Images(pixels, labels.astype(np.int64) if classes else None, spec, "tiny", "f" * 16, ())


@pytest.fixture(scope="module")
def test_families():
    """Lets recipes name the families of tests/families as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gan.models, "__path__", [*gan.models.__path__, str(Path(__file__).parent / "families")])
        yield


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder in which this test keeps data sets decoded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_home()


@pytest.fixture
def quick_trial(monkeypatch):
    """Nobody waits to see how fast training is here."""
    monkeypatch.setattr("train.auto.images_per_s", lambda *args, **kwargs: 100.0)


@pytest.fixture
def photos(tmp_path, cache):
    """A folder of eight pictures."""
    from pictures import folder, picture

    return folder(tmp_path / "photos", {f"{k}.png": picture(k) for k in range(8)})


@pytest.fixture
def tiny_model(tmp_path):
    """Writes a tiny model folder and returns it."""
    from gan import hub

    def make(name: str = "dcgan", folder: str = "model", half: bool = False, **kwargs):
        G = tiny_generator(name, **kwargs)
        names = tuple(f"class{i}" for i in range(G.latent.classes))
        hub.save(tmp_path / folder, G, class_names=names, half=half)
        return tmp_path / folder

    return make


@pytest.fixture
def server(tmp_path):
    """A Hub on this machine, which ``huggingface_hub`` in this process talks to: three tokens are known, none is set."""
    from hub_server import Hub
    from hub_server.client import connected

    server = Hub()
    server.user("write", "ada", orgs=("club",))
    server.user("read", "ada", role="read")
    server.user("other", "bob")
    with connected(server, tmp_path / "home"):
        yield server
    server.close()


@pytest.fixture
def ada(server, monkeypatch):
    """The Hub, with its user ada logged in."""
    monkeypatch.setenv("HF_TOKEN", "write")
    return server


@pytest.fixture
def whole_model(tiny_model):
    """A model folder with card, samples and timeline."""
    from published import make_whole

    return make_whole(tiny_model())


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The running app: .studio, .url, .folder (the models), and objects whose handlers are called without a browser."""
    import gradio as gr
    from serving import running, studio_of, write_models

    from gan.ui.pages import PAGES
    from gan.ui.pages.gallery import Gallery
    from gan.ui.pages.generate import Generate
    from gan.ui.parts.sheet import Sheet
    from gan.ui.shell import Shell

    folder = tmp_path_factory.mktemp("models")
    with studio_of(write_models(folder)) as studio, running(studio) as (blocks, url):
        with gr.Blocks():
            parts = dict(shell=Shell(studio, PAGES), page=Generate(studio), sheet=Sheet(studio, "generate", "alone"),
                         gallery=Gallery(studio))
        yield SimpleNamespace(studio=studio, url=url, folder=folder, blocks=blocks, **parts)


@pytest.fixture(scope="module")
def client(served):
    from gradio_client import Client

    return Client(served.url, verbose=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The running app and a browser; modules that need other models have a ``site`` of their own."""
    from visiting import gallery

    with gallery(tmp_path_factory.mktemp("models")) as found:
        yield found


@pytest.fixture
def visitor(site):
    """A fresh page of a phone, in the browser of the module's ``site``. The test fails if it asks another host for anything,
    or if a script on it fails."""
    context = site.browser.new_context(viewport=dict(width=390, height=844), accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(30_000)  # on a busy machine all is slow
    wrong: list[str] = []
    page.on("request", lambda r: r.url.startswith((site.url, "data:", "blob:")) or wrong.append(f"asked for {r.url}"))
    page.on("pageerror", lambda error: wrong.append(f"script failed: {error}"))
    yield page
    context.close()
    assert not wrong
