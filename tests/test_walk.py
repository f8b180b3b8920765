"""Walks from seed to seed, frame by frame."""

import numpy as np
import pytest
import torch
from conftest import tiny_generator

from gan.engine import draw, draw_walk
from gan.latent import Draw, latents, to_w
from gan.walk import Walk, walk_w

KEYS = tuple(Draw(s) for s in (1, 5, 9))


@pytest.mark.parametrize("family", ["dcgan", "stylegan2"])
@pytest.mark.parametrize("space", ["auto", "w", "z"])
@pytest.mark.parametrize("loop", [False, True])
def test_walk_passes_through_its_seeds(loop, space, family):
    G = tiny_generator(family, classes=3)
    frames = list(draw_walk(G, Walk(KEYS, 4, loop, space=space)))
    stations = draw(G, KEYS)
    assert len(frames) == (12 if loop else 9)
    for k in range(3):  # slerp at t = 0 and 1 is exact up to float32 rounding
        assert np.abs(frames[4 * k].astype(int) - stations[k]).max() <= 1


@pytest.mark.parametrize("loop", [False, True])
def test_a_frame_by_its_number_is_that_of_the_whole_walk(loop):
    G = tiny_generator("dcgan", classes=3)
    walk = Walk(KEYS, 7, loop)
    frames = list(draw_walk(G, walk))
    for number in (len(walk) - 1, 0, 9, 7):
        (frame,) = draw_walk(G, walk, [number])
        assert np.array_equal(frame, frames[number])


def test_ease_slows_down_at_every_key_and_meets_it():
    latent = tiny_generator("dcgan").latent
    plain, eased = (Walk(KEYS, 8, ease=ease).rows(latent, range(9)).t for ease in (False, True))
    assert eased[[0, 4]].tolist() == plain[[0, 4]].tolist() and eased[8] == 0  # the next key's own frame
    assert torch.diff(eased[:8]).min() < torch.diff(plain[:8]).min() < torch.diff(eased[:8]).max()


def test_ways_differ_and_a_way_through_w_is_straight():
    G = tiny_generator("stylegan2")
    walk = Walk(KEYS[:2], 4)
    rows = walk.rows(G.latent, [0, 1, 2, 3, 4])
    w = walk_w(G, "w", rows)
    torch.testing.assert_close(w[1] - w[0], (w[4] - w[0]) / 4)
    assert not torch.allclose(walk_w(G, "z", rows)[2], w[2], atol=1e-3)
    z, c = latents(G.latent, KEYS[:2])
    torch.testing.assert_close(w[[0, 4]], to_w(G, z, c, torch.ones(2)))


def test_a_walk_crosses_classes():
    G = tiny_generator("dcgan", classes=3)
    keys = (Draw(1, label=0), Draw(1, label=2))
    w = walk_w(G, "auto", Walk(keys, 2).rows(G.latent, [0, 1, 2]))
    torch.testing.assert_close(w[1, 0, 8:], G.append.embed.weight[[0, 2]].mean(0))


def test_bad_walks():
    G = tiny_generator("mlp")
    with pytest.raises(ValueError, match="at least two seeds"):
        Walk(KEYS[:1], 4)
    for frames in (0, 10_001):
        with pytest.raises(ValueError, match="1 to 10,000 frames"):
            Walk(KEYS, frames)
    for number in (-1, 9, 10**12):
        with pytest.raises(ValueError, match=f"frames 0 to 8, there is no frame {number}"):
            list(draw_walk(G, Walk(KEYS, 4), [number]))
