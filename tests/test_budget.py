"""Speed and memory of a run, before it begins."""

import numpy as np
import pytest
import torch
from conftest import tiny_images
from runs import tiny_run

from train.data.spec import DataSpec
from train.recipes import RECIPES, find
from train.run import budget
from train.run.loop import Run
from train.settings import override


def test_speed_is_the_mean_over_the_run(monkeypatch):
    """A clock by which the second half of the run is three times as slow."""
    now, images = [0.0], tiny_images()
    recipe = override(override(find("dcgan")(images.spec), "g.width", "4"), "d.width", "4")

    def advance(self):
        now[0] += (1 if self.nimg < self.recipe.total_nimg / 2 else 3) * self.recipe.batch / 100
        self.game.nimg += self.recipe.batch

    monkeypatch.setattr(Run, "advance", advance)
    assert budget.images_per_s(recipe, images, clock=lambda: now[0]) == pytest.approx(50)
    assert budget.kimg_in(20, 50) == 60 and budget.kimg_in(1, 123.456) == 7.41 and budget.kimg_in(0.001, 1) == 0.1


@pytest.mark.parametrize("name", RECIPES)
def test_memory_of_every_recipe(name):
    """Weights are counted to the byte: G five times with gradient, two moments and average, D four times."""
    run = tiny_run(name)
    weights, pictures = budget.memory_bytes(run.recipe, tiny_images(classes=3).spec)
    count = [sum(p.numel() for p in net.parameters()) for net in (run.game.G, run.game.D, run.game.terms)]
    assert weights == 4 * np.dot(count, [5, 4, 4])
    assert pictures > 4 * 4 * 16 * 16  # at least the pictures themselves
    twice, _ = budget.memory_bytes(override(run.recipe, "batch", "8"), tiny_images(classes=3).spec)
    assert twice == weights


def test_more_pictures_need_more_memory():
    recipe, spec = find("wgan-gp")(DataSpec(32, 1)), DataSpec(32, 1)
    small, large = (budget.memory_bytes(override(recipe, "batch", str(n)), spec)[1] for n in (16, 64))
    assert 3.5 < large / small < 4.5


def test_what_does_not_fit_is_refused_before_it_is_allocated(monkeypatch):
    recipe, spec = find("dcgan")(DataSpec(1024, 3)), DataSpec(1024, 3)
    for net in "gd":
        recipe = override(recipe, f"{net}.width", "1024")
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=r"this needs at least [\d,.]+ GB .* smaller width") as error:
        budget.check_memory(override(recipe, "batch", "4096"), spec, torch.device("cpu"))
    assert "\n" not in str(error.value) and torch.equal(state, torch.get_rng_state())
    budget.check_memory(find("dcgan")(DataSpec(16, 1)), DataSpec(16, 1), torch.device("cpu"))
