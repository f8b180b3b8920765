"""Runs of tiny nets, and whether two of them are the same."""

import torch
from conftest import tiny_images

from train.data.images import Images
from train.data.stream import Stream
from train.recipes import find
from train.run.loop import Run
from train.settings import overridden

IDENTITY = {"recipe": "x", "data": "y"}


def images_for(name: str) -> Images:
    """Tiny pictures that a recipe can be trained on."""
    return tiny_images(classes=2 if name == "cyclegan" else 3)


def tiny_run(name: str, *overrides: str, images=None, observers=(), kimg: float = 0.032, seed: int = 0,
             world=None) -> Run:
    images = images or images_for(name)
    recipe = find(name)(images.spec)
    narrow = [f"{net}.width=4" for net in "gde" if getattr(recipe, net) is not None]
    recipe = overridden(recipe, (*narrow, "batch=4", f"kimg={kimg}", *overrides))
    stream = Stream(images, seed=seed, flip=recipe.flip, source=recipe.source)
    return Run(recipe, stream, seed=seed, observers=observers, world=world)


def everything(run: Run) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in run.state()[0].items()}


def assert_same(a: Run, b: Run) -> None:
    x, y = everything(a), everything(b)
    assert x.keys() == y.keys() and (a.nimg, a.game.rounds, a.stream.index) == (b.nimg, b.game.rounds, b.stream.index)
    for name in x:
        assert torch.equal(x[name], y[name]), name
