"""Recipe: one GAN as data, written to JSON and read back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gan import degrade
from gan.base import Latent, Source
from gan.degrade import Degrade, source_of
from gan.spec import read, write
from train.game import augment, autoencoding, dynamics, objectives, optim, penalties, pictures
from train.game.dynamics import Dynamics
from train.game.objectives import Objective
from train.game.optim import Adam, RMSprop
from train.game.penalties import Term
from train.game.pictures import Pool
from train.game.step import Augment, Mix
from train.schedule import Number, Schedule, check_range

__all__ = ["NETS", "Recipe", "named"]

NETS = {"g": "Generator", "d": "Discriminator", "e": "Encoder"}  # slot -> class of a family's module


@dataclass(frozen=True)
class Recipe:
    """One GAN, whole. A recipe function states only what differs from these defaults."""

    family: str
    latent: Latent
    loss: Objective | None  #                      None = no adversary: penalties are all there is
    source: Degrade | None = None  #               what the picture y that G reads is made of; None = it reads none
    penalties: tuple[Term, ...] = ()
    mix: Mix | None = None
    augment: Augment | None = None
    pool: Pool | None = None  #                    shows D older fakes among the newest
    callbacks: tuple[Dynamics, ...] = ()  #        what changes over time
    g: Mapping[str, Any] = field(default_factory=dict)  # options of the family's Generator
    d: Mapping[str, Any] = field(default_factory=dict)  # options of the family's Discriminator
    e: Mapping[str, Any] | None = None  #          options of the family's Encoder, None = no encoder
    g_opt: Adam | RMSprop = Adam()
    d_opt: Adam | RMSprop = Adam()
    d_steps: int = 1  #                            D updates a G update
    batch: int = 32
    flip: bool = False  #                          mirror half of the reals (not for digits and letters)
    kimg: float = 1000.0  #                        thousands of real images shown to D in the whole run
    ema_kimg: Number = 10.0  #                     half-life of G_ema
    ema_rampup: float = 0.05  #                    half-life <= this share of what was seen (StyleGAN2's code, there .05)
    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16 = autocast, decided by benchmarks/training.py
    channels_last: bool = False

    def __post_init__(self):
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if not 1 <= self.d_steps <= 100:  # the largest that was ever used with success is 5
            raise ValueError(f"d_steps must be at least 1 and at most 100, got {self.d_steps}")
        if not 0 < self.kimg < 1e7:
            raise ValueError(f"kimg must be above 0 and under 10 million, got {self.kimg}")
        check_range("ema_kimg", self.ema_kimg)
        check_range("ema_rampup", self.ema_rampup)

    @property
    def total_nimg(self) -> int:
        return math.ceil(self.kimg * 1000)

    @property
    def net_options(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the constructors of G and D are given beside the latent: both are told of the picture that G reads."""
        reads = {} if self.source is None else {"source": source_of(self.source, self.g["channels"])}
        return {**self.g, **reads}, {**self.d, **reads}

    def fresh(self) -> Recipe:
        """The same recipe with terms, transforms and dynamics of its own: they carry the state of a run."""
        return Recipe.from_json(self.to_json())

    def to_json(self) -> dict[str, str]:
        """Every slot in the notation of ``gan.spec``."""
        return {f.name: write(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, slots: Mapping[str, str]) -> Recipe:
        """The inverse of ``to_json``; slots that are not there have their defaults. Errors: ``ValueError``."""
        names = named()
        return cls(**{slot: read(text, names) for slot, text in slots.items()})


def named() -> dict[str, Any]:
    """Every name that a recipe's notation may use."""
    found: dict[str, Any] = {c.__name__: c for c in (Latent, Source, Schedule)}
    for module in (degrade, objectives, penalties, autoencoding, pictures, augment, optim, dynamics):
        found.update({name: getattr(module, name) for name in module.RECIPE_NAMES})
    return found
