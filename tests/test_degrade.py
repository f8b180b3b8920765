"""gan.degrade: what the pictures that G reads are made of."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from gan.base import Source
from gan.degrade import NAMES, Blur, Compressed, Edges, Grey, Holes, Noise, Paired, Shrink, Unpaired, source_of, task_of
from gan.filters import gaussian, grey, lines, to_segment
from gan.image import to_uint8
from gan.spec import read, write

MADE = [*(task() for task in NAMES.values() if not task.stored), Shrink(2)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(count=3, channels=3, side=32):
    x = torch.rand(count, channels, 8, 8, generator=generator())
    return torch.nn.functional.interpolate(x, size=side, mode="bicubic").clamp(0, 1) * 2 - 1


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("task", MADE, ids=write)
def test_what_is_made_has_the_stated_shape_and_range(task, channels):
    if channels == 1 and task == Grey():
        pytest.skip("refused below")
    x = pictures(channels=channels)
    y = task(x, generator=generator())
    assert y.shape == (3, task.channels(channels), 32 // task.scale, 32 // task.scale)
    assert -1 <= y.min() and y.max() <= 1 and y.std() > 0
    assert task.shown(y, channels).shape == x.shape


@pytest.mark.parametrize("task", MADE, ids=write)
def test_the_same_state_makes_the_same_and_samples_do_not_share_draws(task):
    x = pictures()
    assert torch.equal(task(x, generator=generator()), task(x, generator=generator()))
    y = task(x[:1].expand(2, -1, -1, -1), generator=generator())
    draws = not torch.equal(task(x, generator=generator(1)), task(x, generator=generator(2)))
    assert torch.equal(y[0], y[1]) != draws


@pytest.mark.parametrize("name", NAMES)
def test_notation_and_words(name):
    task = NAMES[name]()
    assert read(write(task), NAMES) == task and task.title and task.words.endswith(".")
    assert task_of(source_of(task, 3), 3) == task


@pytest.mark.parametrize(("source", "message"), [
    (Source(3, 1), "cannot read"),
    (Source(3, 1, "Shrink(factor=3)"), "factor of Shrink must be 2, 4, 8 or 16"),
    (Source(3, 1, "Edges()"), "does not give 3 channels"),
    (Source(1, 1, "Edges(smooth='a')"), "smooth must be float"),
    (Source(1, 1, "Edges(smooth=100)"), "smooth must be from 0.3 to 8"),
    (Source(4, 1, "Holes(least=0.5, most=0.2)"), "most must be from 0.5 to 1"),
    (Source(3, 1, "__import__('os')"), "unknown name"),
])
def test_a_source_that_is_no_task_is_one_clear_line(source, message):
    with pytest.raises(ValueError, match=message) as error:
        task_of(source, 3)
    assert "\n" not in str(error.value)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="these are grey"):
        Grey().channels(1)
    for task in (Paired(), Unpaired()):
        with pytest.raises(TypeError, match="the data brings it"):
            task(pictures(), generator=generator())
    with pytest.raises(ValueError, match="say where the hole is"):
        Holes().given(pictures())


def test_a_disc_becomes_a_thin_dark_ring_on_white():
    side = torch.arange(64.0) - 31.5
    radius = torch.hypot(side[:, None], side[None])
    disc = torch.where(radius < 20, 1.0, -1.0)[None, None]
    y = Edges()(disc)[0, 0]
    dark = y < 0
    assert (dark & ((radius - 20).abs() > 2.5)).sum() == 0  # nowhere else
    assert dark.sum() < 3 * 2 * math.pi * 20 and y[dark].min() == -1  # at most 3 px wide
    angles = torch.atan2(side[:, None].expand(64, 64)[dark], side[None].expand(64, 64)[dark])
    assert torch.histc(angles, 36, -math.pi, math.pi).min() > 0  # closed
    assert torch.equal(Edges()(-disc)[0, 0] < 0, dark)  # dark on light or light on dark


def test_a_flat_picture_has_no_lines_and_a_pale_one_has_those_of_its_strong_twin():
    assert torch.equal(Edges()(torch.full((1, 3, 32, 32), 0.3)), torch.ones(1, 1, 32, 32))
    x = pictures(side=64)
    assert (lines(grey(x), smooth=1.6, keep=0.1) - lines(grey(0.5 * x), smooth=1.6, keep=0.1)).abs().mean() < 1e-3


def test_the_number_of_lines_is_drawn_where_it_is_asked_for():
    x = pictures(20, side=64)
    ink = lambda y: (y < 0).float().mean((1, 2, 3))  # noqa: E731
    all_lines, some = ink(Edges()(x)), ink(Edges(sparsest=0.1)(x, generator=generator()))
    assert (some <= all_lines + 1e-6).all() and (some < 0.8 * all_lines).sum() > 3 and (some > 0.9 * all_lines).any()
    assert torch.equal(Edges(sparsest=0.1)(x), Edges()(x))
    with pytest.raises(ValueError, match="sparsest must be from 0.01 to 1, got 2"):
        Edges(sparsest=2.0)


def test_lines_grow_with_the_picture():
    """At twice the size the same lines, twice as wide."""
    x = torch.nn.functional.interpolate(pictures(side=64), size=128, mode="bicubic").clamp(-1, 1)
    small = Edges()(torch.nn.functional.avg_pool2d(x, 2))
    assert ((small < 0).float().mean() / (Edges()(x) < 0).float().mean() - 1).abs() < 0.35


def test_a_gaussian_against_its_definition():
    impulse = torch.zeros(1, 1, 21, 21, dtype=torch.double)
    impulse[0, 0, 10, 10] = 1
    at = torch.arange(-10.0, 11.0, dtype=torch.double)
    bell = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * 1.5**2))
    bell *= (at.abs() <= 5)[:, None] & (at.abs() <= 5)[None]  # 3 sigma
    torch.testing.assert_close(gaussian(impulse, 1.5)[0, 0], bell / bell.sum())
    flat = torch.full((1, 2, 8, 8), 0.7)
    torch.testing.assert_close(gaussian(flat, 2.0), flat)


def test_distances_to_a_segment():
    place = torch.tensor([[[0.0, 1], [2, 3], [5, 4]]])
    a, b = torch.tensor([0.0, 0]), torch.tensor([2.0, 0])
    torch.testing.assert_close(to_segment(place, a, b), torch.tensor([[1.0, 3, 5]]))
    torch.testing.assert_close(to_segment(place, a, a), torch.tensor([[1.0, 13**0.5, 41**0.5]]))


def test_a_hole_is_grey_and_marked_and_the_rest_is_the_picture():
    x = pictures(40)
    y = Holes()(x, generator=generator())
    mask = y[:, 3:]
    assert set(mask.unique().tolist()) == {-1.0, 1.0}
    hole = (mask + 1) / 2
    torch.testing.assert_close(y[:, :3], x * (1 - hole))
    shares = hole.mean((1, 2, 3))
    assert 0 < shares.min() and shares.max() <= 0.3 and 0.03 < shares.mean() < 0.25


def test_noise_and_blur_are_as_strong_as_asked():
    x = torch.zeros(200, 1, 16, 16)
    deviations = Noise(0.1, 0.3)(x, generator=generator()).std((1, 2, 3))
    assert 0.08 < deviations.min() and deviations.max() < 0.35 and deviations.mean() == pytest.approx(0.2, abs=0.01)
    x = torch.zeros(20, 1, 33, 33)
    x[:, :, 16, 16] = 1
    peaks = Blur(1.0, 2.0)(x, generator=generator())[:, 0, 16, 16]
    assert (peaks < 1 / (2 * math.pi) * 1.02).all() and (peaks > 1 / (2 * math.pi * 4) * 0.98).all() and peaks.std() > 0


@pytest.mark.parametrize("quality", [5, 20])
def test_compression_is_that_of_jpeg(quality):
    x = grey(torch.rand(2, 3, 64, 64, generator=generator()) * 2 - 1)
    for one, found in zip(to_uint8(x), to_uint8(Compressed(quality, quality)(x, generator=generator()))):
        file = io.BytesIO()
        Image.fromarray(one[..., 0]).save(file, "JPEG", quality=quality)
        real = np.asarray(Image.open(file)).astype(int)  # its table is of whole numbers
        assert np.abs(real - found[..., 0]).mean() < 0.35 * np.abs(real - one[..., 0]).mean()


def test_a_picture_is_shrunk_as_by_its_means_where_it_is_smooth():
    ramp = torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    torch.testing.assert_close(Shrink(4)(ramp)[..., 2:-2], torch.nn.functional.avg_pool2d(ramp, 4)[..., 2:-2])


def test_what_a_visitor_gives():
    x = pictures()
    assert torch.equal(Grey().given(x), grey(x)) and torch.equal(Edges().given(x), grey(x))
    assert torch.equal(Shrink(4).given(x), x) and torch.equal(Paired().given(x), x)
    hole = torch.zeros(3, 1, 32, 32)
    hole[..., :4, :] = 1
    y = Holes().given(x, hole)
    assert not y[:, :3, :4].any() and torch.equal(y[:, :3, 4:], x[:, :, 4:]) and torch.equal(y[:, 3:], 2 * hole - 1)
    assert [task.gives for task in (Edges(), Holes(), Grey())] == ["drawing", "hole", "picture"]
    assert [task.local for task in (Shrink(), Blur(), Noise(), Edges(), Holes())] == [True, True, True, False, False]
