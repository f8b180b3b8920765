"""Differentiable augmentation: what it may change, what it may not, and gradients through it."""

import pytest
import torch

from gan.spec import read, write
from train.game.augment import DiffAugment
from train.recipe import named


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_color_moves_mean_and_spread_within_its_bounds():
    x = torch.randn(256, 3, 8, 8)
    y = DiffAugment("color")(x, rng())
    shift = (y - x).mean((1, 2, 3))
    assert -0.5 <= shift.min() < -0.4 and 0.4 < shift.max() <= 0.5 and shift.mean().abs() < 0.1
    grey = torch.randn(64, 1, 8, 8)  # without colour there is no saturation: contrast is all that scales
    ratio = DiffAugment("color")(grey, rng()).std((1, 2, 3)) / grey.std((1, 2, 3))
    assert 0.5 <= ratio.min() and ratio.max() <= 1.5 and ratio.std() > 0.2


def test_translation_shifts_whole_samples_and_brings_in_zeros():
    x = torch.arange(1.0, 257).reshape(1, 1, 16, 16).expand(64, 3, 16, 16).contiguous()
    y = DiffAugment("translation")(x, rng())
    seen = set()
    for sample in y:
        shifts = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)
                  if torch.equal(sample, torch.nn.functional.pad(x[0], (2, 2, 2, 2))[:, 2 + dy : 18 + dy, 2 + dx : 18 + dx])]
        assert len(shifts) == 1
        seen.update(shifts)
    assert len(seen) > 15  # of 25


def test_cutout_leaves_a_square_of_zeros():
    y = DiffAugment("cutout")(torch.ones(64, 2, 16, 16), rng())
    zeros = (y == 0).float().mean((1, 2, 3))
    assert zeros.max() == 0.25 and zeros.min() >= 1 / 16 and torch.equal(y[:, 0], y[:, 1])


def test_gradients_pass_and_the_generator_decides():
    augment = DiffAugment()
    x = torch.randn(8, 3, 16, 16, requires_grad=True)
    augment(x, rng()).sum().backward()
    assert x.grad.abs().sum() > 0
    assert torch.equal(augment(x, rng(3)), augment(x, rng(3)))
    assert not torch.equal(augment(x, rng(3)), augment(x, rng(4)))


def test_notation_and_errors():
    text = write(read("DiffAugment('color', hole=0.25)", named()))
    assert text == "DiffAugment(policy='color', shift=0.125, hole=0.25, p=1.0)"
    with pytest.raises(ValueError, match="unknown policy 'blur'; known: color, translation, cutout"):
        DiffAugment("color,blur")


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_augmentation_changes_a_share_of_the_pictures(p):
    x = torch.randn(400, 1, 8, 8)
    y = DiffAugment("color", p=p)(x, torch.Generator().manual_seed(0))
    share = (y != x).flatten(1).any(1).float().mean().item()
    assert abs(share - p) < 0.06
