"""A repository may have been made to harm: nothing of it runs, the disk fills to a stated bound, others stay whole."""

import json
import pickle
import struct
import zlib

import pytest
import torch
from hub_server import Blob
from safetensors.torch import load, save

from gan import gallery, hub
from gan.engine import draw
from gan.hub.contents import MOST_OTHER, MOST_WEIGHTS, contents
from gan.latent import Draw


class Trap:
    """Leaves a file where it is unpickled."""

    path = ""

    def __reduce__(self):
        return open, (self.path, "w")


def png(width, height):
    """A picture of a few hundred bytes that says it is so large."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(10_000)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d))
                                           for k, d in [*parts, (b"IEND", b"")])


def config(files, **changes):
    return {"config.json": json.dumps({**json.loads(files["config.json"]), **changes}).encode()}


def weights(files, change):
    tensors = load(files["model.safetensors"])
    change(tensors)
    return {"model.safetensors": save(tensors)}


def training(files, **changes):
    return {"training.json": json.dumps({**json.loads(files["training.json"]), **changes}).encode()}


def timeline(names):
    return {"timeline/timeline.json": json.dumps({"snapshots": [{"file": name, "nimg": 1} for name in names]}).encode()}


LATENT = {"noise": 8, "classes": 0, "categorical": [16384] * 10_000, "continuous": 0, "prior": "normal"}
MARKUP = "<script>document.title='x'</script><img src=x onerror=alert(1)>{{ 7*7 }}${alert(1)}"
HARMFUL = {  # name -> (what is changed in a good repository, what loading it says; None: it loads as if unchanged)
    "a pickle for weights": (lambda f: {"model.safetensors": pickle.dumps(Trap())}, "not usable"),
    "a pickle for a config": (lambda f: {"config.json": pickle.dumps(Trap())}, "cannot be read"),
    "a pickle only": (lambda f: {"model.safetensors": None, "a.bin": pickle.dumps(Trap())}, "no model of ours"),
    "a pickle beside": (lambda f: {"pytorch_model.bin": pickle.dumps(Trap()), "a.pkl": pickle.dumps(Trap())}, None),
    "code of its own": (lambda f: config(f, auto_map={"A": "m.M"}) | {"m.py": b"open('ran', 'w')"}, "key 'auto_map'"),
    "code beside": (lambda f: {"config.py": b"1/0", "gan/__init__.py": b"1/0", "setup.py": b"1/0"}, None),
    "a family that is a module": (lambda f: config(f, family="os.path"), "unknown family"),
    "a huge net": (lambda f: config(f, width=1024, resolution=1024), "TFLOP, more than"),
    "a number out of bounds": (lambda f: config(f, width=10**30), "from 0 to 16384"),
    "a huge latent": (lambda f: config(f, latent=LATENT), "dimensions"),
    "a config of brackets": (lambda f: {"config.json": b"[" * 10**6}, "cannot be read"),
    "a config that is too large": (lambda f: {"config.json": b" " * (5 * 2**20)}, "at most 4,194,304 are possible"),
    "a config that has no end": (lambda f: {"config.json": "endless"}, "brings more than"),
    "weights that have no end": (lambda f: {"model.safetensors": "endless"}, "brings more than"),
    "weights beyond the net": (lambda f: {"model.safetensors": bytes(4 * 2**20)}, "bytes, at most"),
    "a lie about a size": (lambda f: {"model.safetensors": Blob(bytes(4 * 2**20), True, 10)}, "brings more than"),
    "a header that has no end": (lambda f: {"model.safetensors": struct.pack("<Q", 2**60) + b"{"}, "not usable"),
    "weights of another type": (lambda f: weights(f, lambda t: t.update({k: v.double() for k, v in t.items()})), "F64|type"),
    "a weight of another shape": (lambda f: weights(f, lambda t: t.update({"pixels.bias": torch.zeros(9)})), "has shape"),
    "a weight more": (lambda f: weights(f, lambda t: t.update(more=torch.zeros(1))), "unknown key 'more'"),
    "names that lead out": (lambda f: {"../../out": b"x", "/out": b"x", "timeline/../../out": b"x", "..\\out": b"x"}, None),
    "sheets that lead out": (lambda f: timeline(["../../out.webp", "/out.webp", "..\\out.webp", "a/b.webp", 7, None]), None),
    "sheets without end": (lambda f: timeline([f"{k}.webp" for k in range(10_000)]), None),
    "a link": (lambda f: {"samples.png": b"../../../../../../etc/passwd", "README.md": b"/etc/passwd"}, None),
    "a link for weights": (lambda f: {"model.safetensors": b"../../../../../../etc/passwd"}, "not usable"),
    "ten thousand files": (lambda f: {f"d{k % 100}/{k}.txt": b"x" for k in range(10_000)}, None),
    "a picture that is a bomb": (lambda f: {"samples.png": png(60_000, 60_000)}, None),
    "markup in every text": (lambda f: training(f, recipe=MARKUP, paper=MARKUP, command=MARKUP, hardware=MARKUP,
                                                data={"name": MARKUP, "licence": MARKUP, "images": MARKUP}), None),
    "a card of markup": (lambda f: {"README.md": MARKUP.encode() * 1000}, None),
    "a training that is a list": (lambda f: {"training.json": b"[1, 2]"}, "no JSON object"),
    "class names with line ends": (lambda f: config(f, class_names=["a\nb"]), "short printable"),
}


@pytest.fixture
def good(whole_model):
    return {name: path.read_bytes() for name, path in contents(whole_model).items()}


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


@pytest.mark.parametrize("kind", HARMFUL)
def test_harmful(server, good, whole_model, tmp_path, monkeypatch, caplog, kind):
    monkeypatch.setattr(Trap, "path", str(tmp_path / "ran"))
    monkeypatch.chdir(tmp_path)
    change, message = HARMFUL[kind]
    changed = change(good)
    for name in [name for name, data in changed.items() if data == "endless"]:
        changed[name] = good[name]
        server.fail(f"GET /bob/evil/.*{name}", endless=True, times=10)
    server.store.publish("bob/evil", {name: data for name, data in {**good, **changed}.items() if data is not None})
    server.store.publish("bob/good", good)
    before = {path for path in tmp_path.rglob("*") if (tmp_path / "home") not in path.parents}
    pixels = draw(hub.load(whole_model).G, [Draw(0)])

    if message is None:
        assert (draw(hub.load("bob/evil").G, [Draw(0)]) == pixels).all()
    else:
        with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
            hub.load("bob/evil")
        assert "\n" not in str(error.value) and len(str(error.value)) < 600
    try:
        hub.pull("bob/evil")
    except FileNotFoundError:
        assert message
    listed = [e.id for e in gallery.list_models(["bob/evil", "bob/good"])]
    assert "bob/good" in listed and (draw(hub.load("bob/good").G, [Draw(0)]) == pixels).all()

    after = {path for path in tmp_path.rglob("*") if (tmp_path / "home") not in path.parents}
    assert after - before <= {tmp_path / "home"}  # nothing ran, nothing got out of the cache
    assert size_of(tmp_path / "home") < 16 * 2**20 < MOST_OTHER < 128 * 2**20 and MOST_WEIGHTS == 2 * 2**30
    assert not [line for line in server.asked("resolve") if ".bin" in line or ".py" in line or "d1/" in line]
    assert len(server.requests) < 200


def test_thirty_kinds():
    assert len(HARMFUL) >= 20
