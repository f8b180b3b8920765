"""benchmarks.translation and benchmarks.domains: how their numbers are made."""

import numpy as np
import pytest
import torch

from benchmarks.domains import translated, votes
from benchmarks.translation import distance, plainly_filled
from gan.base import Latent
from gan.degrade import Holes, Unpaired, source_of
from gan.image import from_uint8, to_uint8
from gan.models import family


def test_a_plain_fill_is_the_mean_of_what_is_left():
    x = torch.rand(2, 3, 8, 8) * 2 - 1
    hole = torch.zeros(2, 1, 8, 8)
    hole[:, :, 2:5, 3:7] = 1
    filled = plainly_filled(Holes().given(x, hole))
    rest = (hole == 0).expand_as(x)
    for n in range(2):
        for k in range(3):
            mean = x[n, k][rest[n, k]].mean()
            assert np.abs(filled[n, 2:5, 3:7, k] - float(127.5 * mean + 127.5)).max() <= 0.51
    assert np.array_equal(filled[:, :2], np.round(127.5 * x.permute(0, 2, 3, 1).numpy()[:, :2] + 127.5).astype(np.uint8))


def test_the_distance_counts_where_it_shall():
    real, found = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 10, np.uint8)
    found[0, 0, 0] = 250
    where = np.zeros((1, 2, 2, 1), bool)
    where[0, 0] = True
    assert distance(real, found, where) == pytest.approx(130)


def test_votes_are_the_share_that_is_taken_for_the_kind():
    def judge(x):  # bright pictures are of kind 1
        bright = x.mean((1, 2, 3))
        return torch.stack([-bright, bright], 1)

    pictures = np.repeat(np.array([0, 255, 255, 20], np.uint8), 2 * 2 * 3).reshape(4, 2, 2, 3)
    assert votes(judge, pictures, 1) == 0.5 and votes(judge, pictures[:3], 0) == pytest.approx(1 / 3)


def test_a_picture_goes_to_the_kind_that_is_asked_for():
    G = family("cycle").Generator(Latent(0, classes=2), resolution=16, channels=3, width=2, source=source_of(Unpaired(), 3))
    pictures = np.random.RandomState(0).randint(0, 256, (3, 16, 16, 3), np.uint8)
    for kind in (0, 1):
        y = G.eval()(torch.zeros(3, 0), torch.full((3,), kind), from_uint8(pictures))
        assert np.abs(translated(G, pictures, kind).astype(int) - to_uint8(y.detach())).max() <= 1
    assert not np.array_equal(translated(G, pictures, 0), translated(G, pictures, 1))
