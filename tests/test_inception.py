"""The net of published Frechet distances: its layers, how pictures reach it, and where its weights come from."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from train.metrics import inception
from train.metrics.inception import Inception, enlarged, load_inception

# sha256 over the lines "name [shape]" of the published file, its last layer aside, as torch-fidelity 0.4.0 builds the net:
# with random weights in both, features were equal to 1e-6 of the largest.
LAYOUT = "09a0c63f4b9f2bbc424e2dc144145ac0afe63874679a70e01b0e4a16e242c3a7"


def test_the_layers_are_those_of_the_published_file():
    layout = "\n".join(f"{name} {list(t.shape)}" for name, t in Inception().state_dict().items())
    assert hashlib.sha256(layout.encode()).hexdigest() == LAYOUT


def test_pictures_are_enlarged_as_tensorflow_did_it():
    x = np.random.RandomState(0).rand(5, 7)
    expected = np.empty((299, 299))
    for i in range(299):
        for j in range(299):
            y, z = i * 5 / 299, j * 7 / 299
            a, b = int(y), int(z)
            c, d, u, v = min(a + 1, 4), min(b + 1, 6), y - a, z - b
            expected[i, j] = ((1 - u) * ((1 - v) * x[a, b] + v * x[a, d]) + u * ((1 - v) * x[c, b] + v * x[c, d]))
    torch.testing.assert_close(enlarged(torch.from_numpy(x)[None, None])[0, 0], torch.from_numpy(expected))


@pytest.fixture
def published(tmp_path, cache, monkeypatch):
    """A file in the place of the published one, served from the disk, and the weights in it."""
    torch.manual_seed(0)
    weights = {**Inception().state_dict(), "fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path / "weights.pth"
    torch.save(weights, path)
    monkeypatch.setattr(inception, "URL", path.as_uri())
    monkeypatch.setattr(inception, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path, weights


def test_weights_are_fetched_once(published):
    path, weights = published
    net = load_inception()
    assert all(torch.equal(t, weights[name]) for name, t in net.state_dict().items())
    path.unlink()
    again = load_inception()  # from what was kept, which is no pickle
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values()))
    kept = list((inception.cache_home()).iterdir())
    assert [f.name for f in kept] == ["inception-2015-12-05.safetensors"] and "fc.weight" not in load_file(kept[0])
    found = net(torch.rand(1, 1, 32, 32) * 2 - 1)
    assert found.shape == (1, 2048) and found.isfinite().all() and not found.requires_grad


def test_other_weights_and_no_network_are_one_line(published, monkeypatch):
    monkeypatch.setattr(inception, "SHA256", "0" * 64)
    with pytest.raises(ValueError, match="other weights were fetched .* yourself, or leave --features out"):
        load_inception()
    monkeypatch.setattr(inception, "URL", "http://127.0.0.1:9/weights.pth")
    with pytest.raises(ValueError, match="cannot be fetched .*refused.* put http://127.0.0.1:9/weights.pth into"):
        load_inception()
    assert not list(inception.cache_home().iterdir())  # nothing half is left
