"""Parts of a set: which pictures they hold, and that nothing is held twice."""

import numpy as np
import pytest
from conftest import tiny_images

from train.data.part import hold_out, part
from train.data.stream import Stream


def test_a_part_reads_its_pictures_where_they_lie():
    images = tiny_images(classes=2, count=12)
    rows = np.array([9, 2, 3])
    some = part(images, rows)
    assert len(some.pixels) == some.spec.count == 3 and some.pixels.shape == (3, 16, 16, 1)
    assert np.array_equal(some.pixels[:], images.pixels[rows])
    assert np.array_equal(np.asarray(some.pixels), some.pixels[:])
    assert np.array_equal(some.pixels[1], images.pixels[2]) and np.array_equal(some.labels, images.labels[rows])
    assert some.fingerprint != images.fingerprint != part(images, rows[:2]).fingerprint
    nested = part(some, np.array([2, 0]))
    assert np.array_equal(nested.pixels[:], images.pixels[[3, 9]])


def test_a_stream_of_a_part_shows_its_pictures_and_no_others():
    images = tiny_images(classes=2, count=40)
    rows = np.arange(0, 40, 4)
    x = Stream(part(images, rows), seed=1).batch(10).x
    shown = {((x[k, 0].numpy() + 1) * 127.5).round().astype(np.uint8).tobytes() for k in range(10)}
    assert shown == {images.pixels[r, :, :, 0].tobytes() for r in rows}


def test_every_class_is_held_out_alike_and_always_the_same():
    images = tiny_images(classes=3, count=300)
    trained, held = hold_out(images, 0.1)
    assert np.bincount(held.labels).tolist() == [10, 10, 10] and np.bincount(trained.labels).tolist() == [90, 90, 90]
    assert not {p.tobytes() for p in trained.pixels[:]} & {p.tobytes() for p in held.pixels[:]}
    assert hold_out(images, 0.1)[0].fingerprint == trained.fingerprint != hold_out(images, 0.2)[0].fingerprint


@pytest.mark.parametrize("share, message", [(1.0, "under 1"), (0.0, "above 0"), (-0.1, "above 0"), (0.1, "6 held out"),
                                            (0.99, "to train on"), (float("nan"), "above 0")])
def test_a_share_that_leaves_too_little_is_refused(share, message):
    with pytest.raises(ValueError, match=message):
        hold_out(tiny_images(count=64), share)
