"""A generator that reads pictures, through engine and model folder; and a model of two nets."""

import json

import numpy as np
import pytest
import torch
from conftest import tiny_generator

from gan import hub
from gan.base import Inputs, Latent, Source
from gan.engine import draw, draw_inputs, draw_walk
from gan.image import to_uint8
from gan.latent import Draw
from gan.models import family
from gan.walk import Walk

pytestmark = pytest.mark.usefixtures("test_families")


SOURCE = Source(1, 2, "Shrink(factor=2)")


def reads_pictures(noise=0):
    torch.manual_seed(0)
    return family("painter").Generator(Latent(noise), resolution=16, channels=1, source=SOURCE).eval()


PICTURES = torch.rand(11, 1, 8, 8) * 2 - 1


@pytest.mark.parametrize("noise", [0, 4])
def test_pictures_are_drawn_in_chunks_with_their_own_latents(noise):
    G, draws = reads_pictures(noise), [Draw(seed) for seed in range(11)]
    pixels = draw(G, draws, PICTURES)
    assert pixels.shape == (11, 16, 16, 1)
    for k in (0, 7, 8, 10):
        assert np.array_equal(pixels[k], draw(G, draws[k : k + 1], PICTURES[k : k + 1])[0])
    if not noise:
        assert np.array_equal(pixels, to_uint8(G(torch.empty(11, 0), None, PICTURES).detach()))
        assert np.array_equal(draw_inputs(G, Inputs(torch.empty(11, 0), None, PICTURES)), pixels)


def test_pictures_that_do_not_fit_are_one_clear_line():
    with pytest.raises(ValueError, match="from a picture of 8 px: give it one"):
        draw(reads_pictures(), [Draw(0)])
    with pytest.raises(ValueError, match=r"y has shape \[11, 1, 8, 8\], this model reads \[1, 1, 8, 8\]"):
        draw(reads_pictures(), [Draw(0)], PICTURES)
    with pytest.raises(ValueError, match="reads no picture"):
        draw(tiny_generator("dcgan"), [Draw(0)], PICTURES[:1])
    with pytest.raises(ValueError, match="no walk between seeds"):
        list(draw_walk(reads_pictures(4), Walk((Draw(0), Draw(1)), 4)))


def test_source_goes_through_the_model_folder(tmp_path):
    hub.save(tmp_path / "m", reads_pictures(4))
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["format"] == 1 and config["source"] == {"channels": 1, "scale": 2, "made": "Shrink(factor=2)"}
    G = hub.load(tmp_path / "m").G
    assert G.source == SOURCE
    assert np.array_equal(draw(G, [Draw(0)], PICTURES[:1]), draw(reads_pictures(4), [Draw(0)], PICTURES[:1]))


def with_encoder(folder):
    encoder = family("painter").Encoder(Latent(4), resolution=16)
    hub.save(folder, reads_pictures(4), encoder=encoder)
    return encoder


def test_a_second_net_goes_through_the_model_folder(tmp_path):
    encoder = with_encoder(tmp_path / "m")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["format"] == 2
    loaded, x = hub.load(tmp_path / "m").encoder, torch.randn(2, 1, 16, 16)
    assert all(map(torch.equal, loaded(x), encoder(x))) and not loaded.training and not loaded.layer.weight.requires_grad
    hub.save(tmp_path / "one", reads_pictures(4))
    assert hub.load(tmp_path / "one").encoder is None


@pytest.mark.parametrize(("change", "message"), [
    (lambda c: c.update(format=1), "unknown key 'encoder' in Generator"),
    (lambda c: c.pop("encoder"), "unknown key 'encoder/layer.bias'"),
    (lambda c: c["encoder"].pop("latent"), "key 'latent' is missing in Encoder"),
    (lambda c: c["encoder"].update(depth=3), "unknown key 'depth' in Encoder"),
    (lambda c: c["encoder"].update(resolution=10**9), "resolution must be from 0 to 16384"),
    (lambda c: c["encoder"].update(resolution=32), "the encoder's resolution is 32, the generator's 16"),
    (lambda c: c["encoder"].update(latent={"noise": 5}), r"the encoder's latent is Latent\(noise=5"),
    (lambda c: c["encoder"].update(latent={"noise": 4, "prior": "uniform"}), "finds Gaussian noise and nothing else"),
    (lambda c: c.update(encoder=[]), "encoder must be an object"),
    (lambda c: c.update(source={"channels": 99}), "channels of a Source must be from 1 to 16"),
    (lambda c: c["source"].update(made="Erase()"), "unknown name 'Erase'; known: Blur, "),
    (lambda c: c["source"].update(made="Shrink(factor=4)"), "does not give 1 channels, 2 times smaller"),
    (lambda c: c["source"].update(made="7"), "a source is made by one of Edges"),
    (lambda c: c["source"].update(made="x" * 201), "at most 200 characters"),
])
def test_a_second_net_that_does_not_fit(tmp_path, change, message):
    with_encoder(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=message):
        hub.load(tmp_path / "m")
