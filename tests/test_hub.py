"""A model folder comes from a stranger: what is right loads exactly, what is not is refused in one clear line."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import FAMILIES, tiny_generator
from hub_server import Hub
from hub_server.client import environment
from safetensors.torch import load_file, save_file

from gan import gallery, hub
from gan.engine import Engine, draw
from gan.latent import Draw

DRAWS = [Draw(s) for s in range(3)]


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_round_trip_is_exact(tiny_model, name, classes):
    folder = tiny_model(name, classes=classes)
    model = hub.load(folder)
    assert np.array_equal(draw(model.G, DRAWS), draw(tiny_generator(name, classes=classes), DRAWS))
    assert model.id == "model" and len(model.revision) == 12 and len(model.class_names) == classes
    assert model.label(None) is None and (not classes or model.label("class2") == 2)
    with pytest.raises(ValueError, match="no class 'cat'"):
        model.label("cat")


def test_half_is_widened(tiny_model):
    model = hub.load(tiny_model(half=True))
    assert {t.dtype for t in model.G.state_dict().values()} <= {torch.float32, torch.int64}


def test_revision_follows_the_weights(tiny_model):
    assert hub.load(tiny_model(folder="a")).revision == hub.load(tiny_model(folder="b")).revision
    assert hub.load(tiny_model(folder="c", seed=1)).revision != hub.load(tiny_model(folder="b")).revision


def change(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    for key, value in changes.items():
        if value is None:
            config.pop(key, None)
        else:
            config[key] = value
    path.write_text(json.dumps(config))


LATENT = {"noise": 8, "classes": 0, "categorical": [], "continuous": 0, "prior": "normal"}
THREE = {**LATENT, "classes": 3}


@pytest.mark.parametrize(("changes", "message"), [
    (dict(format=3), "format must be 1 or 2"), (dict(format="1"), "format must be 1 or 2"),
    (dict(chunk=1), "unknown key 'chunk'"),
    (dict(family="os"), "unknown family 'os'; known: .*dcgan"),
    (dict(family="../x"), "unknown family"),
    (dict(channels=10**9), "channels must be from 0 to 16384"),
    (dict(width=10**9), "width must be from 0 to 16384"),
    (dict(resolution=10**9), "resolution must be from 0 to 16384"),
    (dict(resolution=10**400), "resolution must be from 0 to 16384"),
    (dict(resolution=48), "power of two"),
    (dict(width=9), "has shape"),
    (dict(latent=THREE, embed=0), "config.json is not usable"),
    (dict(family="stylegan", w_dim=0, up=None, norm=None, embed=None), "config.json is not usable: .*zero"),
    (dict(width=True), "width must be int"),
    (dict(width="8"), "width must be int"),
    (dict(width=-1), "width must be from 0"),
    (dict(up="sideways"), "up must be one of nearest, transposed"),
    (dict(surprise=1), "unknown key 'surprise' in Generator; known: latent, resolution"),
    (dict(latent=None), "'latent' is missing"),
    (dict(latent=[1]), "latent must be Latent"),
    (dict(latent={**LATENT, "noise": 10**9}), "from 0 to 16384"),
    (dict(latent={**LATENT, "categorical": [16384] * 10**4}), "dimensions"),
    (dict(latent={**LATENT, "sigma": 1}), "unknown key 'sigma' in Latent"),
    (dict(class_names=["a"]), "1 class names for 0 classes"),
    (dict(class_names=["a\nb"]), "short printable"),
])
def test_bad_configs(tiny_model, changes, message):
    folder = tiny_model()
    change(folder, **changes)
    with pytest.raises(ValueError, match=message) as error:
        hub.load(folder)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"format": NaN', "[" * 10**5])
def test_config_that_is_no_json_object(tiny_model, text):
    folder = tiny_model()
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match="config.json cannot be read"):
        hub.load(folder)


def rewrite(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(("edit", "message"), [
    (lambda t: t.pop("pixels.bias"), "pixels.bias is missing"),
    (lambda t: t.update(extra=torch.zeros(1)), "unknown key 'extra'"),
    (lambda t: t.update({"pixels.bias": torch.zeros(2)}), r"shape \[2\], expected \[1\]"),
    (lambda t: t.update({"pixels.bias": torch.zeros(1, dtype=torch.float64)}), "type F64, expected F32 or F16"),
    (lambda t: t["pixels.bias"].fill_(torch.nan), "pixels.bias holds numbers that are not finite"),
    (lambda t: t["pixels.weight"][0, 0].fill_(torch.inf), "pixels.weight holds numbers that are not finite"),
    (lambda t: t.update({"blocks.0.num_batches_tracked": torch.zeros(())}), "expected I64"),
])
def test_weights_that_do_not_fit(tiny_model, edit, message):
    folder = tiny_model()
    rewrite(folder, edit)
    with pytest.raises(ValueError, match=message):
        hub.load(folder)


def test_truncated_and_absent_weights(tiny_model):
    folder = tiny_model()
    path = folder / "model.safetensors"
    data = path.read_bytes()
    for cut in (len(data) - 1, len(data) // 2, 20, 0):
        path.write_bytes(data[:cut])
        with pytest.raises(ValueError, match="model.safetensors is not usable"):
            hub.load(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="no model.safetensors"):
        hub.load(folder)


@pytest.mark.parametrize("name", ["nowhere", "../secret", "", "a/b/c", "/no/such/folder"])
def test_unknown_models(name):
    with pytest.raises(FileNotFoundError, match="no model"):
        hub.load(name)


def test_hub_that_cannot_be_reached():
    with pytest.raises(FileNotFoundError, match="cannot get user/absent from the Hub"):
        hub.load("user/absent")


def test_engine_keeps_the_last_used_within_its_memory(tiny_model):
    a, b, c = (str(tiny_model(folder=f, seed=i)) for i, f in enumerate("abc"))
    size = sum(t.nbytes for t in hub.load(a).G.state_dict().values())
    engine = Engine(device="cpu", keep_bytes=4 * size)  # of what is prepared for drawing too
    first = engine.model(a)
    engine.draw(b, DRAWS)
    assert engine.model(a) is first
    engine.draw(c, DRAWS)
    assert engine.model(a) is first and list(engine._models) == [c, a]
    tight = Engine(device="cpu", keep_bytes=1)
    assert tight.model(a) is tight.model(a) and tight.model(b) and list(tight._models) == [b]


def test_nobody_waits_while_another_model_is_read(tiny_model, monkeypatch):
    slow, quick = str(tiny_model(folder="slow")), str(tiny_model(folder="quick"))
    engine, go, reads, load = Engine(device="cpu"), threading.Event(), [], hub.load

    def waits(name, **kwargs):
        reads.append(name)
        assert name != slow or go.wait(20)
        return load(name, **kwargs)

    monkeypatch.setattr(hub, "load", waits)
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(engine.draw, slow, DRAWS) for _ in range(2)]
        assert pool.submit(engine.draw, quick, DRAWS).result(timeout=20).shape == (3, 16, 16, 1)
        go.set()
        first, second = (w.result(timeout=20) for w in waiting)
    assert np.array_equal(first, second) and reads.count(slow) == 1, "two who ask for one model read it once"


def test_a_model_that_cannot_be_read_can_be_asked_for_again(tiny_model):
    folder = tiny_model()
    whole = (folder / "model.safetensors").read_bytes()
    engine = Engine(device="cpu")
    (folder / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(ValueError, match="not usable"):
        engine.model(str(folder))
    (folder / "model.safetensors").write_bytes(whole)
    assert engine.draw(str(folder), DRAWS).shape == (3, 16, 16, 1)


def test_a_loaded_model_stays_what_it_is_where_its_file_changes(tiny_model):
    """Tensors that are mapped to their file would follow what is copied over it."""
    folder = tiny_model()
    model = hub.load(folder)
    before = draw(model.G, DRAWS)
    path = folder / "model.safetensors"
    size = path.stat().st_size
    with open(path, "r+b") as file:  # in place: another file under the same name would not reach the mapping
        file.seek(size // 2)
        file.write(bytes(size - size // 2))
    weights = [t.clone() for t in model.G.state_dict().values()]
    assert all(t.isfinite().all() for t in weights) and np.array_equal(draw(model.G, DRAWS), before)


def test_pixels_are_promised_in_float32(monkeypatch):
    """TF32, which Ampere and later use where it is allowed, rounds factors to ten bits."""
    G, seen = tiny_generator("mlp"), []
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    synthesis = G.synthesis
    G.synthesis = lambda w, y=None: seen.append((matmul.allow_tf32, cudnn.allow_tf32)) or synthesis(w, y)
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = True
        draw(G, DRAWS)
        assert seen == [(False, False)] and (matmul.allow_tf32, cudnn.allow_tf32) == (True, True)
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


@pytest.mark.parametrize("text", ['{"resolution": 1e400}', '{"latent": {"noise": Infinity}}', "[" * 10**5, '{"format": 1}'])
def test_one_hostile_config_stops_no_gallery(tiny_model, tmp_path, text):
    good, hostile = tiny_model(folder="shelf/good"), tiny_model(folder="shelf/hostile")
    config = (hostile / "config.json").read_text()
    changed = config.replace('"resolution": 16', '"resolution": 1e400') if "resolution" in text else text
    (hostile / "config.json").write_text(changed)
    assert [e.id for e in gallery.list_models([str(tmp_path / "shelf")]) if e.folder.parent == good.parent] == ["good"]
    with pytest.raises(ValueError, match="^hostile"):
        gallery.entry(str(hostile))


@pytest.mark.parametrize("changes", [dict(resolution=48), dict(surprise=1), dict(channels=10**9), dict(class_names=["a"]),
                                     dict(latent=THREE, embed=0)])
def test_the_gallery_checks_what_loading_checks(tiny_model, changes):
    folder = tiny_model()
    change(folder, **changes)
    messages = set()
    for read in (gallery.entry, hub.load):
        with pytest.raises(ValueError) as error:
            read(str(folder))
        messages.add(str(error.value))
    assert len(messages) == 1


def test_gallery_leaves_broken_models_out(tiny_model, tmp_path, caplog):
    good, broken = tiny_model(folder="shelf/good"), tiny_model(folder="shelf/broken")
    (broken / "config.json").write_text("{}")
    entries = [e for e in gallery.list_models([str(tmp_path / "shelf")]) if e.folder.parent == good.parent]
    assert [(e.id, e.family, e.resolution, e.samples) for e in entries] == [("good", "dcgan", 16, None)]
    assert "left out of the gallery: broken" in caplog.text


LOAD = """
import sys
from gan import hub
from gan.gallery import list_models
for name in sys.argv[1:]:
    try:
        model = hub.load(name)
        print(model.id, model.revision, model.G.resolution)
    except (OSError, ValueError) as error:
        print(error)
"""


def from_the_hub(server, home, *names):
    """A line for each model, loaded in another process."""
    command = [sys.executable, "-c", LOAD, *names]
    result = subprocess.run(command, capture_output=True, text=True, env=environment(server, home), cwd=hub.WEIGHTS.parent)
    return result.stdout.splitlines()


def test_model_from_the_hub_and_from_its_cache(tiny_model, tmp_path):
    files = {path.name: path.read_bytes() for path in tiny_model().iterdir()}
    home, server = tmp_path / "home", Hub()
    server.store.publish("user/model", {**files, "README.md": b"# model", "pytorch_model.bin": b"x"})
    good, absent, old = from_the_hub(server, home, "user/model", "user/absent", "user/model@v9")
    name, commit, resolution = good.split()
    assert (name, resolution, len(commit)) == ("user/model", "16", 40)
    assert not server.asked(r"README|\.bin")
    assert "it is not there" in absent and "no revision v9" in old
    server.store.publish("user/model", {**files, "model.safetensors": b"broken"})
    assert "not usable" in from_the_hub(server, home, "user/model")[0]
    server.close()  # a pinned revision then comes from the cache
    assert from_the_hub(server, home, f"user/model@{commit}") == [f"user/model {commit} 16"]


def test_the_export_of_a_run_is_called_as_the_run(tiny_model, tmp_path):
    """So that two runs opened together are two models, with the name that is in their pictures."""
    for run in ("cats", "dogs"):
        assert hub.load(tiny_model(folder=f"{run}/export")).id == hub.load(tmp_path / run).id == run
    entries = gallery.list_models([str(tmp_path / run / "export") for run in ("cats", "dogs")])
    assert [entry.id for entry in entries][-2:] == ["cats", "dogs"]


def test_what_covers_most_of_its_data_stands_first_among_models_of_one_size(tiny_model, monkeypatch, tmp_path):
    def shipped(name, metrics, channels):
        folder = tiny_model(folder=f"weights/{name}", channels=channels)
        (folder / "training.json").write_text(json.dumps({"metrics": metrics}), "utf-8")

    for name, coverage in dict(a=0.7, b=0.6, c=float("nan"), d="1", e=None).items():
        shipped(name, {"scores": {"coverage": coverage, "coverage_of_reals": 0.75 if name == "b" else 0.95}}, 3)
    shipped("f", [1], 3)
    shipped("g", {"scores": {"coverage": 0.99}}, 3)
    shipped("grey", {"scores": {"coverage": 0.9, "coverage_of_reals": 0.9}}, 1)
    for module in (hub, hub.folders):
        monkeypatch.setattr(module, "WEIGHTS", tmp_path / "weights")
    assert [e.id for e in gallery.list_models()] == ["b", "a", "c", "d", "e", "f", "g", "grey"]
