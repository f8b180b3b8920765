"""Scores: against independent float64 computations, on sets whose answer is known, and across the ways of reading."""

import itertools

import numpy as np
import pytest
import torch
from conftest import tiny_images

from train.features import FeatureNet
from train.metrics.reading import CHUNK, features
from train.metrics.scores import frechet_distance, kernel_distance, memorised, nearest, neighbours, precision_recall, shares

RS = np.random.RandomState(0)
REAL, FAKE = RS.randn(400, 6) @ RS.randn(6, 6), RS.randn(300, 6) @ RS.randn(6, 6) + 0.5


def test_frechet_distance_against_the_roots_of_the_plain_product():
    """tr (S_r S_f)^(1/2) is the sum of the roots of that product's eigenvalues, which is not symmetric."""
    a, b = np.cov(REAL.T), np.cov(FAKE.T)
    roots = np.sqrt(torch.linalg.eigvals(torch.from_numpy(a @ b)).numpy()).real.sum()
    expected = ((REAL.mean(0) - FAKE.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * roots
    assert frechet_distance(REAL.astype(np.float32), FAKE.astype(np.float32)) == pytest.approx(expected, rel=1e-3)


def test_kernel_distance_against_sums_over_all_pairs():
    x, y = REAL[:40], FAKE[:40]
    kernel = lambda a, b: (sum(p * q for p, q in zip(a, b)) / 6 + 1) ** 3  # noqa: E731
    within = sum(kernel(s[i], s[j]) for s in (x, y) for i, j in itertools.permutations(range(40), 2)) / (40 * 39)
    between = sum(kernel(p, q) for p in x for q in y) / 1600
    value, error = kernel_distance(x, y, subsets=3, size=40)  # subsets that are the whole sets
    assert value == pytest.approx(within - 2 * between, rel=1e-9) and error == pytest.approx(0, abs=1e-9)
    value, error = kernel_distance(REAL, REAL[::-1], size=100)  # unbiased: one distribution is at 0, within its error
    assert abs(value) < 5 * error


def brute_shares(real, fake, k, k_density):
    d = lambda a, b: np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))  # noqa: E731
    reach = lambda a, k: np.sort(d(a, a), 1)[:, k]  # noqa: E731  the first is itself
    cross = d(real, fake)
    in_real = cross <= reach(real, k_density)[:, None]
    return ((cross <= reach(real, k)[:, None]).any(0).mean(), (cross <= reach(fake, k)[None]).any(1).mean(),
            in_real.sum() / (k_density * len(fake)), in_real.any(1).mean())


def test_shares_against_all_pairs(monkeypatch):
    expected = brute_shares(REAL, FAKE, 3, 5)
    assert shares(REAL, FAKE) == pytest.approx(expected, rel=1e-3)
    monkeypatch.setattr("train.metrics.scores.PART", 37)  # rows at a time are nobody's business
    assert shares(REAL, FAKE) == pytest.approx(expected, rel=1e-3)
    assert precision_recall(REAL, FAKE) == shares(REAL, FAKE)[:2]


def test_shares_of_one_set_and_of_sets_apart():
    assert shares(REAL, REAL)[:2] == (1, 1) and shares(REAL, REAL).coverage == 1
    assert shares(REAL, FAKE + 1000) == (0, 0, 0, 0)


def test_neighbours_leave_the_point_itself_out():
    line = np.array([[0.0], [1], [3], [7]])
    assert neighbours(line, 2).tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]
    distance, index = nearest(np.array([[2.9], [6.0]]), line)
    assert distance == pytest.approx([0.1, 1]) and index.tolist() == [2, 3]
    with pytest.raises(ValueError, match="4 neighbours need more than 4 samples, got 4"):
        neighbours(line, 4)


def test_copies_are_memorised_and_new_draws_are_not():
    train, held_out, new = RS.randn(3, 2000, 5)
    assert memorised(train[:300] + 1e-6, train, held_out) == 1
    assert memorised(new, train, held_out) < 0.03
    assert memorised(train[:300] + 1e-6, train) == 1 and memorised(new, train) < 0.03  # each held out from the others


def test_features_do_not_depend_on_how_many_are_read():
    net = FeatureNet((4, 8), residual=True)
    images = tiny_images(count=CHUNK + 7)
    whole = features(net, images.pixels)
    assert whole.shape == (CHUNK + 7, 12)
    assert np.array_equal(whole[:3], features(net, images.pixels[:3]))
    assert np.array_equal(whole[CHUNK - 2 :], np.concatenate([features(net, p[None]) for p in images.pixels[CHUNK - 2 :]]))
