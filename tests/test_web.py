"""A gallery without a server: the same stream of numbers in the browser, the same pixels, recipes that come back."""

import io
import json
import re
import shutil
import time
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from chromium import FLAGS, chromium, executable
from conftest import FAMILIES
from PIL import Image

from benchmarks.static import serving
from gan import hub
from gan.base import Latent, Source
from gan.engine import draw, draw_walk
from gan.latent import Draw, latents
from gan.models import family
from gan.recipe import read_recipe
from gan.walk import Walk
from gan.web import site as web_site
from gan.web.onnx import write_graphs

RUNTIME = """export const env = { wasm: {} };
export class Tensor { constructor(type, data, dims) { Object.assign(this, { data, dims }); } }
const later = value => new Promise(done => setTimeout(done, 10, { data: new Uint8Array(256).fill(value) }));
export const InferenceSession = { create: async bytes => ({ inputNames: ["z", "psi"], run: async ({ z, w }) => z ? { w: z } :
  { pixels: await later(bytes[0] + Math.floor(999 * Math.abs(w.data[0]))) } }) };"""

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-web.txt")
LATENTS = {
    "normal": Latent(7, classes=5), "uniform": Latent(4, prior="uniform"), "sphere": Latent(6, classes=2, prior="sphere"),
    "codes": Latent(3, classes=3, categorical=(4, 2), continuous=2)}
SEEDS = [0, 1, 42, 12345, 2**31, 2**32 - 1]


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def served(browser):
    """Opens a page of a folder that is served, as (page, address); what it asks elsewhere fails the test."""
    closing = []

    def open_folder(folder):
        server = ExitStack()
        address = server.enter_context(serving(folder))
        context = browser.new_context(viewport=dict(width=390, height=844), accept_downloads=True)
        page = context.new_page()
        page.set_default_timeout(60_000)
        asked = []
        page.on("request", lambda r: r.url.startswith((address, "blob:", "data:")) or asked.append(r.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        closing.append((server, context, asked))
        return page, address, server

    yield open_folder
    for server, context, asked in closing:
        context.close()
        server.close()
        assert not asked


def test_the_page_asks_at_once_for_all_that_the_first_picture_waits_for():
    """Every module that an import leads to, and the runtime: hints that name no file would fetch nothing."""
    page = (web_site.PAGE / "index.html").read_text()
    hinted = set(re.findall(r'<link rel="(?:modulepreload|preload"[^>]*)"? href="([^"]+)"', page))
    imported, found = ["page.js"], set()
    while imported:
        found.add(name := imported.pop())
        text = "" if name.startswith("runtime/") else (web_site.PAGE / name).read_text()
        imported += set(re.findall(r'from "\./([^"]+)"', text)) - found
    assert hinted == found | {"site.json"} | {f"runtime/{name}" for name in web_site.RUNTIME}


@pytest.mark.browser
def test_a_seed_means_the_same_numbers_in_the_browser(served):
    page, address, _ = served(web_site.PAGE)
    page.goto(address + "style.css")  # the page itself would start the runtime
    for name, latent in LATENTS.items():
        described = json.loads(json.dumps(dict(noise=latent.noise, classes=latent.classes, categorical=latent.categorical,
                                               continuous=latent.continuous, prior=latent.prior)))
        found = page.evaluate("""async ([latent, seeds]) => { const { draw } = await import(location.origin + "/latent.js");
            return seeds.map(seed => { const { z, c } = draw(latent, seed); return [[...z], c]; }); }""", [described, SEEDS])
        z, c = latents(latent, [Draw(seed) for seed in SEEDS])
        assert np.allclose([row for row, _ in found], z.numpy(), rtol=0, atol=2e-7), name
        assert c is None or [k for _, k in found] == c.tolist(), name


def test_graphs_draw_what_the_engine_draws(tiny_model, tmp_path):
    """By the plain evaluator of the package onnx; in the browser by the tests below."""
    from onnx.reference import ReferenceEvaluator

    model = hub.load(tiny_model("mlp", classes=3, half=True))
    z, c = latents(model.G.latent, [Draw(5)])
    pixels = draw(model.G, [Draw(5, psi=0.7)])
    graphs = [ReferenceEvaluator(str(path)) for path in write_graphs(model.G, tmp_path)]
    w = graphs[0].run(None, {"z": z.numpy(), "psi": np.array([0.7], np.float32), "c": c.numpy()})[0]
    assert np.abs(graphs[1].run(None, {"w": w})[0].astype(int) - pixels).max() <= 1
    stored = onnx.load(tmp_path / "pixels.onnx").graph.initializer
    assert onnx.TensorProto.FLOAT16 in {tensor.data_type for tensor in stored}  # as the model's file has them


def test_a_model_that_reads_a_picture_is_refused(tiny_model, tmp_path):
    G = hub.load(tiny_model()).G
    G.source = Source(3)
    with pytest.raises(ValueError, match="no place on the static page"):
        write_graphs(G, tmp_path)


@pytest.mark.parametrize(("answer", "message"), [
    ("raise FileNotFoundError", "npm, which comes with Node.js"), ("other", "not the one expected here")])
def test_a_runtime_that_is_not_there_or_another(tmp_path, cache, monkeypatch, answer, message):
    def npm(command, cwd, **options):
        if answer != "other":
            raise FileNotFoundError("npm")
        (cwd / "x.tgz").write_bytes(b"another")
        return type("Done", (), {"stdout": '[{"filename": "x.tgz"}]'})

    monkeypatch.setattr(web_site.subprocess, "run", npm)
    with pytest.raises(OSError, match=message):
        web_site.build_site(["mnist-gan"], tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.fixture
def quick_site(tmp_path, tiny_model, monkeypatch):
    """Builds tmp_path/site, or another folder, anew where there is one, of a model of that name. Without npm and export: a
    runtime that draws plain tiles, slowly, of the graphs' first byte and the seed."""
    for name in web_site.RUNTIME:
        (tmp_path / "runtime" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "runtime" / name).write_text(RUNTIME)
    monkeypatch.setattr(web_site, "runtime", lambda: tmp_path / "runtime")

    def build(name, byte, into="site"):
        def graphs(G, folder):
            paths = [folder / "w.onnx", folder / "pixels.onnx"]
            for path in paths:
                path.write_bytes(bytes([byte]))
            return paths

        monkeypatch.setattr(web_site, "write_graphs", graphs)
        shutil.rmtree(tmp_path / into, ignore_errors=True)
        return web_site.build_site([str(tiny_model(folder=name))], tmp_path / into)

    return build


FIRST = """async () => { const { data } = document.getElementById("single").getContext("2d").getImageData(3, 3, 1, 1);
    return [document.getElementById("model").selectedOptions[0].textContent, data[0], await caches.keys()]; }"""


@pytest.mark.browser
def test_a_site_that_was_built_anew_shows_no_picture_under_another_models_name(served, quick_site, tmp_path):
    quick_site("old", 0)
    page, address, server = served(tmp_path / "site")

    def visit():
        page.goto(address)
        page.wait_for_selector("#single[data-seed='0']")
        return page.evaluate(FIRST)

    _, tile, _ = visit()
    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    assert (before := visit())[:2] == ["old", tile] and len(before[2]) == 1
    quick_site("new", 7)
    assert visit()[:2] == ["old", tile]
    page.evaluate("navigator.serviceWorker.ready.then(there => there.update())")  # as the browser does, a second later
    deadline = time.monotonic() + 30
    while (names := page.evaluate("caches.keys()")) == before[2] or len(names) != 1:
        assert time.monotonic() < deadline, names
        time.sleep(0.02)
    again = page.evaluate("() => { const m = gallery.models[0]; m.graphs = null; return m.draw(0).catch(() => [null]); }")
    assert again[0] in (tile, None)  # a page that stayed open has its own model or none, not the other
    server.close()
    assert visit()[:2] == ["new", tile + 7]


@pytest.mark.browser
def test_two_sites_of_one_host_both_stay_without_a_network(served, quick_site, tmp_path):
    page, address, server = served(tmp_path)
    for byte, name in enumerate(("one", "two")):
        quick_site(name, byte, into=f"{name}-site")
        page.goto(f"{address}{name}-site/")
        page.wait_for_selector("#single[data-seed='0']")
        page.evaluate("navigator.serviceWorker.ready.then(there => there.active.state === 'activated' || "
                      "new Promise(done => there.active.addEventListener('statechange', done)))")
    server.close()
    for name in ("one", "two"):
        page.goto(f"{address}{name}-site/")
        page.wait_for_selector("#single[data-seed='0']")
        assert page.evaluate(FIRST)[0] == name


def test_a_version_of_the_site_is_all_that_is_told_of_its_models(quick_site, tmp_path, tiny_model):
    """The worker is another where only the name of a model is, and the same where nothing is."""
    def worker(*of):
        quick_site(*of)
        return (tmp_path / "site" / "offline.js").read_text()

    assert worker("old", 0) == worker("old", 0)
    assert len({worker("old", 0), worker("new", 0), worker("old", 1)}) == 3


@pytest.mark.browser
def test_a_download_is_what_its_recipe_draws(served, quick_site, tmp_path):
    """Of a seed that was given just now: the sheet is still being drawn."""
    quick_site("m", 0)
    page, address, _ = served(tmp_path / "site")
    page.goto(address)
    page.wait_for_selector("#single[data-seed='0']")
    for seed, button, count in ((500, "#save-sheet", 16), (900, "#save-one", 1)):
        page.fill("#seed", str(seed))
        with page.expect_download() as download:
            page.click(button)
        recipe = read_recipe(download.value.path())
        tiles = np.asarray(Image.open(download.value.path()).convert("L"))[8::18, 8::18].ravel().tolist()
        wanted = page.evaluate("async seeds => { const all = []; for (const seed of seeds) "
                               "all.push((await gallery.models[0].draw(seed))[0]); return all; }", list(recipe.seeds))
        assert tiles == wanted and len(tiles) == count
        assert recipe.seeds[0] == seed or count == 1  # one picture: the one that was shown


def parity(page, models, seeds):
    """The largest difference of a pixel, over the models and the first seeds."""
    worst = {}
    for name, model in models.items():
        found = page.evaluate("""async ([id, count]) => { const m = gallery.models.find(m => m.id === id); const all = [];
            for (let seed = 0; seed < count; seed++) all.push([...await m.draw(seed)]); return all; }""", [name, seeds])
        wanted = draw(model.G, [Draw(seed) for seed in range(seeds)])
        worst[name] = int(np.abs(np.array(found).reshape(wanted.shape) - wanted.astype(int)).max())
        frame = page.evaluate("""async id => { const m = gallery.models.find(m => m.id === id);
            return [...await m.walk(3, 4, null, 0.8, 0.25)]; }""", name)
        (between,) = draw_walk(model.G, Walk((Draw(3, psi=0.8), Draw(4, psi=0.8)), 4), [1])
        worst[name] = max(worst[name], int(np.abs(np.array(frame).reshape(between.shape) - between.astype(int)).max()))
    return worst


@pytest.fixture
def families(tmp_path):
    """A small model of every family, by name."""
    folders = {name: tmp_path / name for name in FAMILIES}
    for k, (name, folder) in enumerate(folders.items()):
        torch.manual_seed(0)
        G = family(name).Generator(Latent(8, classes=3 * (k % 2)), resolution=16, channels=1 + 2 * (k % 2), width=8)
        with torch.no_grad():  # begun nets normalise maps that are all but constant, which shows the last bit of a sum
            for p in G.parameters():
                p.add_(0.1 * torch.randn_like(p))
        hub.save(folder, G, class_names=("a", "b", "c")[: G.latent.classes])
    return folders


@pytest.mark.slow
@pytest.mark.browser
def test_the_site_draws_downloads_and_works_offline(served, families, tmp_path):
    """Every family, in Chromium. Needs npm at the first time."""
    web_site.build_site([str(folder) for folder in families.values()], tmp_path / "site")
    page, address, server = served(tmp_path / "site")
    page.goto(address)
    page.wait_for_selector("#single[data-seed='0']")
    assert page.inner_text("#status").endswith("by WebAssembly")
    worst = parity(page, {name: hub.load(folder) for name, folder in families.items()}, 8)
    assert max(worst.values()) <= 2, worst

    with page.expect_download() as download:
        page.click("#save-sheet")
    recipe = read_recipe(download.value.path())
    assert recipe.model == FAMILIES[0] and recipe.seeds == tuple(range(16)) and recipe.revision
    sheet = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert sheet.size == (4 * 18 - 2, 4 * 18 - 2)

    page.evaluate("navigator.serviceWorker.ready.then(() => 0)")
    page.reload()
    page.wait_for_selector("#single[data-seed='0']")
    server.close()
    page.reload()  # nobody answers any more
    page.wait_for_selector("#single[data-seed='0']")
    assert page.inner_text("#error") == ""


@pytest.mark.slow
@pytest.mark.browser
def test_a_graphics_processor_draws_the_same(browser, families, tmp_path):
    """Every family, on one that a program imitates."""
    web_site.build_site([str(folder) for folder in families.values()], tmp_path / "site", webgpu=True)
    assert 'href="runtime/' not in (tmp_path / "site" / "index.html").read_text()  # one of two is fetched, none before
    flags = (*FLAGS, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
    with browser.browser_type.launch(executable_path=executable(), args=flags) as other, serving(tmp_path / "site") as at:
        page = other.new_page()
        page.set_default_timeout(120_000)
        asked = []
        page.on("request", lambda r: asked.append(r.url))
        page.goto(at)
        page.wait_for_selector("#single[data-seed='0']")
        assert page.inner_text("#status").endswith("by WebAssembly")  # an imitation is slow: only for who asks for it
        asked.clear()
        page.goto(at + "?runtime=webgpu")
        page.wait_for_selector("#single[data-seed='0']")
        assert page.inner_text("#status").endswith("by WebGPU") and page.inner_text("#error") == ""
        assert not any(url.endswith("threaded.wasm") for url in asked)
        worst = parity(page, {name: hub.load(folder) for name, folder in families.items()}, 2)
    assert max(worst.values()) <= 2, worst


@pytest.mark.slow
@pytest.mark.browser
def test_shipped_models_draw_the_same_in_the_browser(served, tmp_path):
    """Within 2/255 of the app's pixels, 64 seeds each; and three of them fit into 30 MB."""
    names = sorted(p.parent.name for p in hub.WEIGHTS.glob("*/config.json"))
    models = {name: model for name, model in ((name, hub.load(name)) for name in names) if model.G.source is None}
    web_site.build_site(list(models), tmp_path / "site")
    page, address, _ = served(tmp_path / "site")
    page.goto(address)
    page.wait_for_selector("#single[data-seed]")
    worst = parity(page, models, 64)
    assert max(worst.values()) <= 2, worst
    runtime = sum(p.stat().st_size for p in (tmp_path / "site" / "runtime").iterdir())
    sizes = sorted(sum(p.stat().st_size for p in folder.iterdir()) for folder in (tmp_path / "site" / "models").iterdir())
    assert runtime + sum(sizes[:3]) < 30 * 2**20
