"""The judge: its distance against a closed form, its classifier on data it can learn."""

import numpy as np
import pytest
import torch
from conftest import tiny_images

from train.metrics import classifier, scores
from train.metrics.scores import frechet_distance, shares


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
    assert shares(a, b + 50)[:2] == (0, 0)
    narrow = b[:, :1] * [0.01, 0, 0, 0]  # fakes near one point: all of them are like reals, few reals like them
    found = shares(a, narrow)
    assert found.precision > 0.95 and found.recall < 0.05
    line = np.array([[0.0], [1], [2], [4]])  # 4 reaches as far as 2, and so to 5; 5 reaches as far as 9, and so to 1
    monkeypatch.setattr(scores, "K", 1)
    monkeypatch.setattr(scores, "K_DENSITY", 1)
    assert shares(line, np.array([[5.0], [9], [9], [9]]))[:2] == (0.25, 0.75)


def test_classifier_learns_and_is_cached(cache, monkeypatch):
    cache.mkdir(parents=True)
    monkeypatch.setattr(classifier, "BATCH", 16)
    monkeypatch.setattr(classifier, "EPOCHS", 8)
    images = tiny_images(classes=3, count=96)
    net = classifier.trained_classifier(images)
    assert classifier.accuracy(net, images) > 0.9
    again = classifier.trained_classifier(images)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values()))
    with pytest.raises(ValueError, match="no labels"):
        classifier.trained_classifier(tiny_images())
