"""The generator's pictures for one subset: of a GAN that is trained on it, or of a model that was trained on it before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from gan import hub
from gan.base import Generator
from gan.engine import draw
from gan.files import object_in
from gan.latent import Draw
from train.asked import AUTO, Asked, resolved
from train.auto import Facts, filled_in
from train.data.images import Images
from train.data.part import held_out_share, hold_out
from train.data.stream import Stream
from train.recipe import Recipe
from train.recipes import find
from train.run.budget import check_trainable
from train.run.loop import Observer, Run, Unhealthy
from train.run.origin import Origin, read_origin
from train.run.settle import settled

__all__ = ["FromModel", "FromRecipe", "drawn", "of_model", "origin_of"]

SEEDS_APART = 10**6  # of a model's pictures between one seed of the experiment and the next
SLICE = 200
Progress = Callable[[float], None]  # 0 to 1


@dataclass(frozen=True)
class FromRecipe:
    """A GAN trained on every subset, from nothing or from ``origin``. ``recipe`` may be auto: it is then the origin's, or
    the table of ``train.auto`` chooses for each."""

    recipe: str
    settings: tuple[str, ...]
    kimg: float
    device: torch.device
    origin: Origin | None = None  # as origin_of gives it
    plenty: ClassVar[int] = 1  #    times as many fakes as a small subset is fed

    @property
    def identity(self) -> dict[str, str]:
        """``auto`` chooses by the machine too, so that a folder is of one kind of machine."""
        return {"generator": self.recipe, "settings": " ".join(self.settings), "kimg": f"{self.kimg:g}",
                **({"machine": "gpu" if self._gpu else "cpu"} if self.recipe == AUTO else {}),
                **({"from": self.origin.identity} if self.origin else {})}

    @property
    def _gpu(self) -> bool:
        return self.device.type != "cpu"

    def resolved(self, images: Images, mirror: float) -> Recipe:
        """For a subset; ``mirror`` as ``strange_mirror_images`` of the pool. Errors: ``ValueError``."""
        spec = images.spec
        asked = Asked(images.name, Path(), self.recipe, kimg=self.kimg, overrides=self.settings)
        if self.recipe == AUTO:
            facts = Facts(spec.count, spec.resolution, spec.channels, spec.classes, mirror, self._gpu)
            asked, _ = filled_in(asked, facts, spec, self.origin)
        recipe = resolved(asked, spec, self.origin)
        if not recipe.latent.classes:
            raise ValueError(f"{asked.recipe} draws no classes, and a classifier needs labels: choose a recipe that does "
                             f"(cgan, acgan, cgan-mlp, biggan, …)")
        return recipe

    def check(self, images: Images, mirror: float) -> None:
        """Errors: ``ValueError`` where the GAN of these pictures could not be trained: better at once than after minutes."""
        recipe = self.resolved(images, mirror)
        check_trainable(recipe, self.settings, images.spec, self.device)
        if self.origin is not None:
            self.origin.why_no_discriminator(recipe, images.spec)

    def generator(self, images: Images, seed: int, mirror: float, progress: Progress) -> Generator:
        """Trained on these pictures, and before on those of the origin only. Errors: ``ValueError`` where it diverges."""
        recipe = self.resolved(images, mirror)
        run = Run(recipe, Stream(images, seed=seed, flip=recipe.flip), seed=seed, device=self.device,
                  observers=[_Told(progress)])
        if self.origin is not None:
            self.origin.give(run.game, run.recipe, images.spec)
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
    plenty: ClassVar[int] = 5  # it is drawn from once, and alone 4,000 pictures taught less than more of them

    @property
    def identity(self) -> dict[str, str]:
        return {"generator": self.model.id, "revision": self.model.revision, "plenty": str(self.plenty)}

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
    seen, share = object_in(model.training, "data").get("fingerprint"), held_out_share(model.training)
    instead = f"python -m train evidence {_recipe_of(model)} --data … trains it anew on pictures that it may see"
    if test is None and share:
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


def origin_of(name: str, images: Images, test: Images | None) -> Origin:
    """What a GAN may start from: a model, or an exported run, that was trained on other pictures only, as its record says.

    Errors: ``FileNotFoundError``, and ``ValueError`` of one line where it saw these, or nobody can tell.
    """
    model = hub.load(name)
    data = object_in(model.training, "data")
    seen, called = data.get("fingerprint"), data.get("name")
    if not (isinstance(seen, str) and isinstance(called, str)) or "from" in model.training:
        raise ValueError(f"which pictures {model.id} has seen is not known: its training.json names no data, or another "
                         f"model that it was started from")
    for given in filter(None, (images, test)):
        if seen == given.fingerprint or called == given.name:
            raise ValueError(f"{model.id} was trained on {called}, as its training.json says, and so on pictures that are "
                             f"judged on: --from needs a model of other pictures")
    return read_origin(name)


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
