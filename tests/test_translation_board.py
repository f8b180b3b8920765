"""benchmarks.translation: how its numbers are made."""

import numpy as np
import pytest
import torch

from benchmarks.translation import distance, plainly_filled
from gan.degrade import Holes


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
