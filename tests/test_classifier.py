"""train.metrics.classifier: the judge learns what it can, once."""

import pytest
import torch
from conftest import tiny_images

from train.metrics import classifier


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
