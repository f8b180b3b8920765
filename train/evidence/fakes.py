"""The generator's pictures for one subset: of a GAN that is trained on it, or of a model that was trained on it before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from gan import hub
from gan.base import Generator
from gan.engine import draw
from gan.latent import Draw
from train.asked import AUTO
from train.auto import Facts, chosen
from train.data.images import Images
from train.data.part import hold_out
from train.data.stream import Stream
from train.recipe import Recipe
from train.recipes import find
from train.run.budget import check_trainable
from train.run.loop import Observer, Run, Unhealthy
from train.run.settle import settled
from train.settings import overridden

__all__ = ["FromModel", "FromRecipe", "drawn", "of_model"]

SEEDS_APART = 10**6  # of a model's pictures between one seed of the experiment and the next
SLICE = 200
Progress = Callable[[float], None]  # 0 to 1


@dataclass(frozen=True)
class FromRecipe:
    """A GAN trained anew on every subset. ``recipe`` may be auto: the table of ``train.auto`` then chooses for each."""

    recipe: str
    settings: tuple[str, ...]
    kimg: float
    device: torch.device

    @property
    def identity(self) -> dict[str, str]:
        return {"generator": self.recipe, "settings": " ".join(self.settings), "kimg": f"{self.kimg:g}"}

    def resolved(self, images: Images, mirror: float) -> Recipe:
        """For a subset; ``mirror`` as ``strange_mirror_images`` of the pool. Errors: ``ValueError``."""
        spec, name, settings = images.spec, self.recipe, self.settings
        if name == AUTO:
            facts = Facts(spec.count, spec.resolution, spec.channels, spec.classes, mirror, self.device.type != "cpu")
            rules = chosen(facts)
            name = rules[0].recipe
            settings = (*(text for rule in rules for text in rule.settings), *settings)
        recipe = overridden(find(name)(spec), (f"kimg={self.kimg:g}", *settings))
        if not recipe.latent.classes:
            raise ValueError(f"{name} draws no classes, and a classifier needs labels: choose a recipe that does (cgan, "
                             f"acgan, cgan-mlp, biggan, …)")
        return recipe

    def check(self, images: Images, mirror: float) -> None:
        """Errors: ``ValueError`` where the GAN of these pictures could not be trained: better at once than after minutes."""
        check_trainable(self.resolved(images, mirror), self.settings, images.spec, self.device)

    def generator(self, images: Images, seed: int, mirror: float, progress: Progress) -> Generator:
        """Trained on these pictures and no others. Errors: ``ValueError`` where it diverges."""
        recipe = self.resolved(images, mirror)
        run = Run(recipe, Stream(images, seed=seed, flip=recipe.flip), seed=seed, device=self.device,
                  observers=[_Told(progress)])
        try:
            run.fit()
        except Unhealthy as error:
            raise ValueError(f"the GAN of {images.spec.count} pictures, seed {seed}: {error}") from None
        return settled(run.game.G_ema).cpu().to(memory_format=torch.contiguous_format)

    def first_seed(self, seed: int) -> int:
        return 0


@dataclass(frozen=True)
class FromModel:
    """A model that was trained on the whole pool before, and saw no picture of the test set."""

    model: hub.Model

    @property
    def identity(self) -> dict[str, str]:
        return {"generator": self.model.id, "revision": self.model.revision}

    def generator(self, images: Images, seed: int, mirror: float, progress: Progress) -> Generator:
        return self.model.G

    def first_seed(self, seed: int) -> int:
        return seed * SEEDS_APART


class _Told(Observer):
    def __init__(self, progress: Progress):
        self.progress = progress

    def after_round(self, run: Run) -> None:
        self.progress(min(1.0, run.nimg / run.recipe.total_nimg))


def of_model(name: str, images: Images, test: Images | None) -> tuple[FromModel, Images, Images]:
    """(a model, the pictures that it was trained on and no others, pictures that it has not seen), as its own record says.
    Without ``test`` they are those that its training held out.

    Errors: ``ValueError`` of one line where it saw the test pictures, or nobody can tell.
    """
    model = hub.load(name)
    if model.class_names != images.spec.class_names:
        raise ValueError(f"{model.id} draws {len(model.class_names) or 'no'} classes, and {images.name} has "
                         f"{images.spec.classes}: {', '.join(images.spec.class_names[:6])}")
    data = model.training.get("data")
    data = data if isinstance(data, dict) else {}
    seen, share = data.get("fingerprint"), data.get("held_out")
    instead = f"python -m train evidence {_recipe_of(model)} --data … trains it anew on pictures that it may see"
    if test is None and isinstance(share, float) and 0 < share < 1:
        images, test = hold_out(images, share)
    if test is not None and seen == test.fingerprint:
        raise ValueError(f"{model.id} was trained on the test pictures ({test.name}), as its training.json says: {instead}")
    if seen != images.fingerprint:
        raise ValueError(f"which pictures {model.id} has seen is not known: its training.json does not name {images.name} "
                         f"as it is here: {instead}")
    if test is None:
        raise ValueError(f"{model.id} was trained on all of {images.name}, as its training.json says, and so on the test "
                         f"pictures among them: give --test with pictures that it has not seen (a training with --hold-out "
                         f"keeps some), or {instead}")
    return FromModel(model), images, test


def _recipe_of(model: hub.Model) -> str:
    name = str(model.training.get("recipe", ""))
    try:
        return find(name).name
    except ValueError:
        return "RECIPE"


def drawn(G: Generator, each: int, psi: float, first_seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """``each`` pictures of every class: pixels uint8 [M, H, W, C] and labels int64 [M]."""
    labels = np.repeat(np.arange(G.latent.classes), each)
    draws = [Draw(first_seed + k, int(label), psi) for k, label in enumerate(labels)]
    parts = [draw(G, draws[i : i + SLICE]) for i in range(0, len(draws), SLICE)]
    return np.ascontiguousarray(np.concatenate(parts)), labels
