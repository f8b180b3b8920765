"""Scores: against independent float64 computations, on sets whose answer is known, and across the ways of reading."""

import itertools

import numpy as np
import pytest
import torch
from conftest import tiny_images
from scipy import ndimage

from train.features import FeatureNet
from train.metrics import scores, wasserstein
from train.metrics.reading import CHUNK, features
from train.metrics.scores import frechet_distance, kernel_distance, memorised, nearest, neighbours, shares
from train.metrics.wasserstein import sliced_wasserstein

RS = np.random.RandomState(0)
REAL, FAKE = RS.randn(400, 6) @ RS.randn(6, 6), RS.randn(300, 6) @ RS.randn(6, 6) + 0.5


def test_frechet_distance_of_gaussians():
    """Diagonal Gaussians: |m1 - m2|^2 + sum (s1 - s2)^2."""
    rs = np.random.RandomState(0)
    a, b = rs.randn(200_000, 3), rs.randn(200_000, 3) * [1, 2, 0.5] + [3, 0, 0]
    assert frechet_distance(a, b) == pytest.approx(9 + 0 + 1 + 0.25, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(a[:2], b[:5]) >= 0  # covariances of low rank


def test_precision_and_recall_of_known_sets(monkeypatch):
    rs = np.random.RandomState(0)
    a, b = rs.randn(2000, 4), rs.randn(2000, 4)
    assert min(shares(a, b)[:2]) > 0.9
    narrow = b[:, :1] * [0.01, 0, 0, 0]  # fakes near one point: all of them are like reals, few reals like them
    found = shares(a, narrow)
    assert found.precision > 0.95 and found.recall < 0.05
    line = np.array([[0.0], [1], [2], [4]])  # 4 reaches as far as 2, and so to 5; 5 reaches as far as 9, and so to 1
    monkeypatch.setattr(scores, "K", 1)
    monkeypatch.setattr(scores, "K_DENSITY", 1)
    assert shares(line, np.array([[5.0], [9], [9], [9]]))[:2] == (0.25, 0.75)


def test_frechet_distance_against_the_roots_of_the_plain_product():
    """tr (S_r S_f)^(1/2) is the sum of the roots of that product's eigenvalues, which is not symmetric."""
    a, b = np.cov(REAL.T), np.cov(FAKE.T)
    roots = np.sqrt(torch.linalg.eigvals(torch.from_numpy(a @ b)).numpy()).real.sum()
    expected = ((REAL.mean(0) - FAKE.mean(0)) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * roots
    assert frechet_distance(REAL.astype(np.float32), FAKE.astype(np.float32)) == pytest.approx(expected, rel=1e-3)


def brute_kernel_distance(x, y):
    kernel = lambda a, b: (sum(p * q for p, q in zip(a, b)) / 6 + 1) ** 3  # noqa: E731
    within = sum(sum(kernel(s[i], s[j]) for i, j in itertools.permutations(range(len(s)), 2)) / (len(s) * (len(s) - 1))
                 for s in (x, y))
    return within - 2 * sum(kernel(p, q) for p in x for q in y) / (len(x) * len(y))


def test_kernel_distance_against_sums_over_all_pairs(monkeypatch):
    x, y = REAL[:12], FAKE[:9]
    left_out = [[brute_kernel_distance(np.delete(x, i, 0), y) for i in range(12)],
                [brute_kernel_distance(x, np.delete(y, i, 0)) for i in range(9)]]
    error = sum((len(d) - 1) / len(d) * ((np.array(d) - np.mean(d)) ** 2).sum() for d in left_out) ** 0.5
    monkeypatch.setattr("train.metrics.scores.PART", 5)
    assert kernel_distance(x, y) == pytest.approx((brute_kernel_distance(x, y), error), rel=1e-9)
    with pytest.raises(ValueError, match="3 samples of each, got 2 and 9"):
        kernel_distance(x[:2], y)


def test_the_error_of_a_kernel_distance_is_how_far_it_scatters():
    rs = np.random.RandomState(3)
    found = np.array([kernel_distance(rs.randn(60, 6), rs.randn(60, 6) + 0.7) for _ in range(200)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.2)


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


def test_real_pictures_that_are_there_twice_do_not_hide_copies():
    train, held_out, new = RS.randn(3, 2000, 5)
    twice, among = np.concatenate([train, train[:200]]), np.concatenate([held_out, train[:200]])
    for seen, unseen in ((twice, None), (train, among), (train, train)):
        assert memorised(train[:300], seen, unseen) == 1
    for seen, unseen in ((twice, None), (train, among)):
        assert memorised(train[:300] + 1e-4, seen, unseen) == 1 and memorised(new, seen, unseen) < 0.03
    assert memorised(new, train, train) == 0


def brute_sliced_wasserstein(real, fake, level, levels):
    """In float64, with the filters of another library, one picture, one patch and one direction at a time."""
    smooth = lambda x: ndimage.convolve(x, np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2), mode="mirror")  # noqa: E731

    def level_of(x):
        for k in range(levels):
            smaller = smooth(x)[::2, ::2]
            apart = np.zeros_like(x)
            apart[::2, ::2] = smaller
            if k == level:
                return x - 4 * smooth(apart) if k < levels - 1 else x
            x = smaller

    def patches(pictures):
        maps = [[level_of(p[..., c].astype(np.float64)) for c in range(p.shape[2])] for p in pictures]
        places = np.random.RandomState(level).randint(0, len(maps[0][0]) - 6, (len(maps), wasserstein.PATCHES, 2))
        found = np.array([[m[y : y + 7, x : x + 7] for m in of] for of, ps in zip(maps, places) for y, x in ps])
        return ((found - found.mean((0, 2, 3), keepdims=True)) / found.std((0, 2, 3), keepdims=True)).reshape(len(found), -1)

    a, b = patches(real), patches(fake)
    directions = np.random.RandomState(0).randn(wasserstein.DIRECTIONS, a.shape[1])
    return 1000 * np.mean([np.abs(np.sort(a @ d) - np.sort(b @ d)).mean() / np.linalg.norm(d) for d in directions])


def test_sliced_wasserstein_against_float64(monkeypatch):
    monkeypatch.setattr(wasserstein, "DIRECTIONS", 40)
    real = ndimage.gaussian_filter(RS.rand(9, 32, 32, 3), (0, 2, 2, 0)) * 255
    real, fake = real.astype(np.uint8), RS.randint(0, 256, (9, 32, 32, 3)).astype(np.uint8)
    found = sliced_wasserstein(real, fake)
    assert list(found) == [32, 16]
    expected = {32: brute_sliced_wasserstein(real, fake, 0, 2), 16: brute_sliced_wasserstein(real, fake, 1, 2)}
    assert found == pytest.approx(expected, rel=1e-3)
    monkeypatch.setattr(wasserstein, "CHUNK", 4)  # pictures at a time are nobody's business
    assert sliced_wasserstein(real, fake) == found
    assert sliced_wasserstein(real, real) == {32: 0, 16: 0}
    assert list(sliced_wasserstein(real[:, :8, :8], fake[:, :8, :8])) == [8]
    with pytest.raises(ValueError, match="as many pictures of one size"):
        sliced_wasserstein(real, fake[:5])


def test_features_do_not_depend_on_how_many_are_read():
    net = FeatureNet((4, 8), residual=True)
    images = tiny_images(count=CHUNK + 7)
    whole = features(net, images.pixels)
    assert whole.shape == (CHUNK + 7, 12)
    assert np.array_equal(whole[:3], features(net, images.pixels[:3]))
    assert np.array_equal(whole[CHUNK - 2 :], np.concatenate([features(net, p[None]) for p in images.pixels[CHUNK - 2 :]]))
