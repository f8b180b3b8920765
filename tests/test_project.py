"""Projection: pictures that a model drew are found again; holes do not count; what is told is what is drawn."""

import numpy as np
import pytest
import torch
from conftest import tiny_generator

from gan import project as module
from gan.base import Latent
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw, latents
from gan.models import family
from gan.project import DECIMALS, Point, Pyramid, fill_hole, project, w_of


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(module, "SIFTING", 12)
    monkeypatch.setattr(module, "POLISHING", 12)
    monkeypatch.setattr(module, "CANDIDATES", 64)


def generator(name, gain, **kwargs):
    """Untrained nets are too rugged to go down in with large weights, and draw one grey with small ones."""
    G = tiny_generator(name, **kwargs)
    with torch.no_grad():
        for p in G.parameters():
            if p.ndim > 1:
                p.mul_(gain)
    return G


def last_of(*args, **kwargs):
    *_, last = project(*args, **kwargs)
    return last


@pytest.mark.parametrize(("name", "gain", "classes"), [
    ("dcgan", 3, 0), ("mlp", 1, 3), ("biggan", 1, 3), ("stylegan2", 0.3, 0)])
def test_what_a_model_drew_is_found_again(name, gain, classes):
    """After other pictures were drawn: what inference keeps must not stand in the way of the gradient."""
    G = generator(name, gain, classes=classes, channels=3)
    picture = draw(G, [Draw(1000)])[0]
    told = list(project(G, picture))
    first, last = told[0], told[-1]
    assert last.error < 0.3 * first.error < 0.15
    assert first.done == 0 and last.done == last.steps and [p.done for p in told] == sorted(p.done for p in told)
    assert last.share == pytest.approx(1 - last.error / last.mean_error) and last.share > first.share
    assert abs(np.abs(last.pictures[0].astype(int) - picture).mean() / 255 - last.error) < 0.002  # of whole pixels
    with torch.no_grad():
        assert (to_uint8(G.synthesis(w_of(G, last.points))) == last.pictures).all()
    assert all(round(v, DECIMALS) == v for v in last.points[0].latent)


def test_a_picture_of_noise_is_not_claimed_to_be_drawn():
    G = tiny_generator("dcgan")
    last = last_of(G, np.random.RandomState(0).randint(0, 256, (16, 16, 1), np.uint8))
    assert 0 <= last.share < 0.6


def test_latents_stay_where_the_models_own_lie():
    G = tiny_generator("mlp")
    norms = latents(G.latent, [Draw(seed) for seed in range(256)])[0].norm(dim=1)
    last = last_of(G, np.full((16, 16, 1), 255, np.uint8))
    assert np.linalg.norm(last.points[0].latent) < 1.1 * norms.max()


def test_codes_are_found_too_and_stay_codes():
    torch.manual_seed(0)
    G = family("mlp").Generator(Latent(6, categorical=(3,), continuous=1), resolution=16, channels=1, width=8).eval()
    last = last_of(G, draw(G, [Draw(5000, codes=(2, 0.5))])[0])
    codes = last.points[0].latent[6:]
    assert sorted(codes[:3]) == [0, 0, 1] and abs(codes[3]) <= 1.05


def test_a_hole_is_not_compared_and_proposals_differ():
    G = tiny_generator("dcgan")
    picture, mask = draw(G, [Draw(7)])[0].copy(), np.ones((16, 16), bool)
    mask[4:10, 4:10] = False
    told = {}
    for value in (0, 255):  # whatever stands in the hole
        picture[~mask] = value
        told[value] = last_of(G, picture, mask=mask, proposals=3)
    assert told[0].points == told[255].points and len(told[0].points) == 3
    assert len({p.latent for p in told[0].points}) == 3
    filled = fill_hole(picture, told[0].pictures[0], mask)
    assert (filled[mask] == picture[mask]).all() and (filled[6, 6] == told[0].pictures[0][6, 6]).all()


def test_distance_counts_the_mask_at_every_scale():
    target, weight = torch.zeros(1, 1, 16, 16), torch.ones(1, 1, 16, 16)
    weight[..., :8] = 0
    x = torch.zeros(2, 1, 16, 16)
    x[0, ..., :8] = 1
    x[1, ..., 8:] = 1
    distance = Pyramid(target, weight).distance(x)
    assert distance[0] == 0 and distance[1] == pytest.approx(3)  # one for each of 16, 8 and 4 px, no edge is seen


@pytest.mark.parametrize(("words", "picture", "mask"), [
    ("expected a picture", np.zeros((8, 8, 1), np.uint8), None),
    ("expected a picture", np.zeros((16, 16, 1), np.float32), None),
    ("nothing of the picture is left", np.zeros((16, 16, 1), np.uint8), np.zeros((16, 16), bool)),
    ("expected a mask", np.zeros((16, 16, 1), np.uint8), np.ones((8, 8), bool)),
])
def test_what_does_not_fit_is_refused(words, picture, mask):
    with pytest.raises(ValueError, match=words):
        next(project(tiny_generator("mlp"), picture, mask=mask))


@pytest.mark.parametrize(("words", "point"), [
    ("8 numbers, got 3", Point((0.0,) * 3, 0)), ("8 numbers", Point((float("nan"),) * 8, 0)),
    ("class 9 is out of range", Point((0.0,) * 8, 9)), ("class None", Point((0.0,) * 8))])
def test_a_point_that_is_none_of_this_model_is_refused(words, point):
    with pytest.raises(ValueError, match=words):
        w_of(tiny_generator("mlp", classes=2), [point])
