"""Parts of the experiment: intervals and the verdict, who sees which pictures, what an arm is fed, how it is judged."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import tiny_images
from scipy import stats

from train.data.part import part
from train.evidence import split as splitting
from train.evidence.diet import CLASSIC, Classic, Diet, Fakes, feeder, weights
from train.evidence.judged import ResNet, cross_entropy, right_by_class
from train.evidence.split import split
from train.evidence.statistics import Interval, interval, verdict

# Intervals and the verdict


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_the_interval_is_that_of_the_paired_t_test(n):
    a, b = np.random.RandomState(n).rand(2, n)
    found, expected = interval(a - b), stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx((a - b).mean())


def test_the_interval_in_closed_form():
    found = interval([0.1, 0.3])  # t of one degree of freedom is a Cauchy: tan(0.475 pi) = 12.7062
    assert (found.low, found.high) == pytest.approx((0.2 - 12.7062 * 0.1, 0.2 + 12.7062 * 0.1), abs=1e-4)
    assert interval([0.5] * 4) == Interval(0.5, 0.5, 0.5) and interval([0.5]) == Interval(0.5, None, None)
    assert str(Interval(-0.0001, -0.0004, 0.0004)) == "0.0 (0.0 to 0.0)"
    assert str(Interval(0.013, 0.002, 0.024)) == "1.3 (0.2 to 2.4)" and str(Interval(0.5, None, None)) == "50.0 (one seed)"


UP, DOWN, OPEN = Interval(0.02, 0.01, 0.03), Interval(-0.02, -0.03, -0.01), Interval(0.0, -0.03, 0.03)


@pytest.mark.parametrize("gains, taught, word, reason", [
    ({"a": UP, "b": OPEN}, 0.9, "use", "in 1 of 2 regimes, 95% intervals (a: 2.0 (1.0 to 3.0) points)"),
    ({"a": DOWN, "b": OPEN}, 0.9, "do not use", "they harm in 1 of 2 regimes"),
    ({"a": UP, "b": DOWN}, 0.9, "undecided", "help with some sizes and harm with others"),
    ({"a": OPEN}, 0.9, "undecided", "no gain and no harm is sure"),
    ({"a": OPEN}, 0.1, "do not use", "alone they teach at most 10%"),
    ({"a": OPEN}, -0.1, "do not use", "alone they teach at most 0%"),
    ({"a": UP}, 0.1, "use", "1 of 1"),  # what was seen to help helps
    ({"a": Interval(0.0, -0.001, 0.001)}, 0.9, "do not use", "under half a point"),
    ({"a": Interval(0.1, None, None)}, 0.9, "undecided", "one seed"),
    ({"a": Interval(0.1, None, None), "b": DOWN}, 0.9, "do not use", "in 1 of 1 regimes"),
    ({}, 0.9, "undecided", "nothing was run"),
])
def test_the_verdict(gains, taught, word, reason):
    found = verdict(gains, dict.fromkeys(gains, taught))
    assert found.word == word and reason in found.reason and "\n" not in found.reason


# Who sees which pictures


def digests(images) -> set[bytes]:
    return {picture.tobytes() for picture in images.pixels}


def test_the_parts_of_a_split_have_no_picture_in_common():
    images = tiny_images(classes=3, count=150)
    found = split(images)
    parts = [digests(p) for p in (found.pool, found.validation, found.test)]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 150
    counts = [np.bincount(p.labels).tolist() for p in (found.test, found.validation, found.pool)]
    assert counts == [[10] * 3, [8] * 3, [32] * 3]
    again = split(images)
    assert all(np.array_equal(getattr(found, p).pixels, getattr(again, p).pixels) for p in ("pool", "validation", "test"))


def test_a_subset_lies_in_a_larger_one_of_its_seed_and_differs_from_another_seeds():
    found = split(tiny_images(classes=3, count=150))
    few, more, other = (found.subset(size, seed) for size, seed in (("5", 0), ("20", 0), ("5", 1)))
    assert digests(few) < digests(more) <= digests(found.pool) and digests(few) != digests(other)
    assert np.bincount(few.labels).tolist() == [5] * 3 and few.spec.count == 15 and few.fingerprint != other.fingerprint
    assert np.bincount(found.to_choose_by("5").labels).tolist() == [5] * 3
    assert len(found.to_choose_by("20").pixels) == 24  # as many as there are
    assert np.array_equal(found.subset("all", 0).pixels, found.pool.pixels)


def test_the_long_tail_and_a_size_that_is_too_large(monkeypatch):
    found = split(tiny_images(classes=3, count=150))
    with pytest.raises(ValueError, match="200 pictures of 'class0' are asked for, and 32 can be learnt from"):
        found.wanted("tail")
    monkeypatch.setattr(splitting, "LONGEST", 32)
    monkeypatch.setattr(splitting, "SHORTEST", 2)
    assert found.wanted("tail").tolist() == [32, 8, 2]


def test_copies_of_test_pictures_are_left_out():
    images = tiny_images(classes=2, count=100)
    test = part(images, np.arange(0, 100, 3))
    found = split(images, test)
    assert found.copies == 34 and not digests(found.test) & (digests(found.pool) | digests(found.validation))


def test_copies_of_pictures_to_choose_by_are_left_out():
    images = tiny_images(classes=2, count=100)
    found = split(part(images, np.tile(np.arange(100), 2)),
                  part(tiny_images(classes=2, count=200), np.arange(100, 200)))
    assert found.again and not digests(found.pool) & digests(found.validation)
    assert len(found.pool.pixels) + len(found.validation.pixels) + found.again + found.copies == 200


def test_bad_pictures_are_refused_in_one_line():
    images = tiny_images(classes=3, count=60)
    with pytest.raises(ValueError, match="tiny has no labels: put the pictures of each class in a sub-folder"):
        split(tiny_images(count=60))
    rare = np.flatnonzero((images.labels != 1) | (np.cumsum(images.labels == 1) <= 2))
    with pytest.raises(ValueError, match="class 'class1' has 2 pictures, and a split needs at least 10 of each"):
        split(part(images, rare))
    with pytest.raises(ValueError, match="class 'class2' has 0 pictures, and the test set needs at least 1"):
        split(images, part(images, np.flatnonzero(images.labels != 2)))
    with pytest.raises(ValueError, match="has other classes or colours"):
        split(images, tiny_images(classes=2, count=60))
    with pytest.raises(ValueError, match="after copies of test pictures were left out"):
        split(images, images)


# What an arm is fed


def fakes(each=4, classes=3, sure=None):
    labels = np.repeat(np.arange(classes), each)
    return Fakes(np.zeros((len(labels), 16, 16, 1), np.uint8), labels, np.ones(len(labels), bool) if sure is None else sure)


def masses(diet, counts, given=None):
    """(real, fake) mass of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    given = fakes(classes=len(counts)) if given is None else given
    real, fake = weights(diet, labels, given, len(counts))
    fake = fake if len(fake) else np.zeros(len(given.labels))
    assert real.sum() + fake.sum() == pytest.approx(1)
    return np.bincount(labels, real), np.bincount(given.labels, fake)


def test_weights_in_closed_form():
    for diet, real, fake in [
            (Diet(), [0.5, 0.3, 0.2], [0, 0, 0]),
            (Diet(balanced=True), [1 / 3] * 3, [0, 0, 0]),
            (Diet(ratio=1), [1 / 3, 1 / 3 * 3 / 5, 1 / 3 * 2 / 5], [0, 1 / 3 * 2 / 5, 1 / 3 * 3 / 5]),  # filled to 5
            (Diet(reals=False), [0, 0, 0], [1 / 3] * 3)]:
        found = masses(diet, [5, 3, 2])
        assert found[0] == pytest.approx(real) and found[1] == pytest.approx(fake)
    real, fake = masses(Diet(ratio=4), [5, 5, 5])
    assert fake.sum() == pytest.approx(4 / 5) and fake == pytest.approx([4 / 15] * 3)


def test_only_sure_fakes_are_fed_and_a_class_without_any_keeps_its_reals():
    sure = np.arange(12) % 4 == 0
    sure[8:] = False
    real, fake = masses(Diet(ratio=1, sure=True), [5, 5, 5], fakes(sure=sure))
    assert real == pytest.approx([1 / 6, 1 / 6, 1 / 3]) and fake == pytest.approx([1 / 6, 1 / 6, 0])
    _, each = weights(Diet(ratio=1, sure=True), np.repeat(np.arange(3), 5), fakes(sure=sure), 3)
    assert (each[~sure] == 0).all()


def test_classic_augmentation_changes_what_it_says():
    x = torch.rand(64, 1, 16, 16) * 2 - 1
    rng = torch.Generator().manual_seed(0)
    assert torch.allclose(Classic(0, 0, 0, 0)(x, rng), x, atol=1e-5)
    flipped = Classic(0, 0, 0, 0, flip=True)(x, rng)
    mirrored = (flipped - x.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    same = (flipped - x).abs().amax((1, 2, 3)) < 1e-5
    assert (mirrored ^ same).all() and 16 < mirrored.sum() < 48
    quarter = Classic(90, 0, 0, 0)(x, torch.Generator().manual_seed(1))
    assert quarter.shape == x.shape and quarter.abs().max() <= 1
    changes = [(classic(x, torch.Generator().manual_seed(0)) - x).abs().mean() for classic in CLASSIC.values()]
    assert 0 < changes[0] < changes[1] < changes[2]


def test_the_same_seed_feeds_the_same_and_mixup_mixes_labels_as_pictures():
    images = tiny_images(classes=3, count=60)
    a, b = (feeder(Diet(classic="strong"), images, None, seed=3, steps=2)() for _ in range(2))
    assert torch.equal(a[0], b[0]) and torch.equal(a[1], b[1])
    grey = 100 * images.labels.astype(np.uint8)[:, None, None, None]
    flat = replace(images, pixels=np.broadcast_to(grey, images.pixels.shape))
    x, shares = feeder(Diet(mixup=True), flat, None, seed=0, steps=1)()
    expected = shares @ (torch.tensor([0.0, 100, 200]) / 127.5 - 1)
    assert torch.allclose(x.mean((1, 2, 3)), expected, atol=1e-5) and ((shares > 0).sum(1) == 2).any()


@pytest.mark.parametrize("resolution", [8, 32, 64])
def test_the_classifier_ends_at_four_pixels(resolution):
    net = ResNet(3, 5, resolution)
    x = torch.zeros(2, 3, resolution, resolution)
    assert net.stages(x).shape[2:] == (4, 4) and net(x).shape == (2, 5)


def test_right_by_class():
    assert right_by_class(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), 4) == [1, 0.5, 1, 0]


def test_cross_entropy_is_the_mean_of_the_classes_and_tells_two_apart_that_read_everything_rightly():
    labels, sure = np.array([0, 0, 0, 1]), np.eye(3, dtype=np.float32)[[0, 0, 0, 1]] * 4
    each = F.cross_entropy(torch.tensor(sure[:1]), torch.tensor([0])).item()
    assert cross_entropy(sure, labels) == pytest.approx(each)  # the third class has no picture
    sure[3, 1] = 0  # one of one is a half of the whole
    assert cross_entropy(sure, labels) == pytest.approx((each + np.log(3)) / 2)
    weak, strong = (cross_entropy(scale * np.eye(3, dtype=np.float32), np.arange(3)) for scale in (1, 8))
    assert strong < weak
