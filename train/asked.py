"""What a user asks of ``python -m train``, the recipe that it means for the data, and the command that asks it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from gan.latent import check_seed
from train.data.spec import DataSpec
from train.recipe import Recipe
from train.recipes import RECIPES, ancestors, find, sized, told_the_class
from train.run.budget import check_minutes
from train.run.origin import Origin
from train.run.watch import OnCollapse
from train.settings import as_option, between, overridden

__all__ = ["AUTO", "NOTHING", "Asked", "as_before", "as_the_origin", "command", "resolved"]

AUTO = "auto"  # where no recipe is named
NOTHING = "none"  # of --from: nothing, where AUTO would take a model


@dataclass(frozen=True)
class Asked:
    """What a user may say on the command line; None = the default, or as the run did before."""

    data: str
    out: Path
    recipe: str = AUTO
    origin: str | None = None  # of --from: a model or a run, or NOTHING
    resolution: int | None = None
    kimg: float | None = None
    minutes: float | None = None
    batch: int | None = None
    hold_out: float | None = None  #   share of the pictures that training never sees
    stream: bool = False  #       pictures are read as they are needed, and not kept
    seed: int = 0
    device: str | None = None
    overrides: tuple[str, ...] = ()  # SLOT=VALUE
    licence: str | None = None
    resume: bool | str = False  # a text: from this repository on the Hub
    push: str | None = None  #    user/name on the Hub
    push_minutes: float = 15.0  # between checkpoints there
    private: bool = False  #      of a repository that is made for --push
    checkpoint_s: float = 60.0
    on_collapse: OnCollapse = "warn"
    dashboard: bool = False
    dry_run: bool = False

    def check(self) -> None:
        """Errors: ``ValueError`` for what is wrong whatever the data is."""
        if self.recipe != AUTO:
            find(self.recipe)
        check_seed(self.seed)
        if self.out.exists() and not self.out.is_dir():
            raise ValueError(f"--out {self.out} is a file: name a folder for the run")
        if self.minutes is not None:
            check_minutes(self.minutes)

    def with_settings(self, recipe: str, settings: list[str]) -> Asked:
        """The same with a recipe's name and settings that come before the user's own, which win."""
        if self.batch is not None:
            settings = [text for text in settings if not text.startswith("batch=")]
        return replace(self, recipe=recipe, overrides=(*settings, *self.overrides))


def resolved(asked: Asked, spec: DataSpec, origin: Origin | None, planned_kimg: float | None = None) -> Recipe:
    """The recipe for this data, on the nets of what it starts from, with the budget of the run that goes on, and everything
    that the command line changes. Errors: ``ValueError``."""
    recipe = find(asked.recipe)(spec)
    if origin is not None:
        recipe = origin.nets_for(recipe, spec)
    return _with_what_is_said(asked, recipe, spec, planned_kimg)


def _with_what_is_said(asked: Asked, recipe: Recipe, spec: DataSpec, planned_kimg: float | None) -> Recipe:
    said = dict(kimg=planned_kimg if asked.kimg is None else asked.kimg, batch=asked.batch)
    recipe = replace(recipe, **{slot: value for slot, value in said.items() if value is not None})
    recipe = overridden(recipe, asked.overrides)
    if recipe.latent.classes not in (0, spec.classes):
        raise ValueError(f"latent.classes must be 0 or the {spec.classes} of the data, got {recipe.latent.classes}")
    return recipe


def as_the_origin(asked: Asked, spec: DataSpec, origin: Origin, settings: tuple[str, ...]) -> Asked:
    """What was asked, with the recipe of what it starts from in the place of none, and ``settings`` after it. Where the data
    has no classes, a recipe that needs them makes way for the nearest one before it that does not; where it has, one that
    does not tell them makes way for the one after it that does. Errors: ``ValueError``."""
    if origin.recipe_name not in RECIPES:
        raise ValueError(f"{origin.id} was trained by the recipe {origin.recipe_name[:50]!r}, which is unknown here: name "
                         f"one that trains a {origin.recipe.family}")
    named = find(origin.recipe_name)
    if named.labelled and spec.classes < 2:
        named = next(find(name) for name in ancestors(named) if not find(name).labelled)
    elif spec.classes > 1:
        named = told_the_class(named, spec)
    base, replaced = origin.nets_for(named(spec), spec), {text.partition("=")[0] for text in settings}
    before = [text for text in between(base, origin.trained_as_before(base)) if text.partition("=")[0] not in replaced]
    return asked.with_settings(named.name, [*before, *settings])


def as_before(asked: Asked, identity: Mapping[str, str], spec: DataSpec) -> tuple[Asked, Recipe]:
    """What was asked, with everything that a run was begun with in the place of no recipe, and the recipe which that is.
    Errors: ``ValueError``."""
    name = identity.get("recipe", "")
    if name not in RECIPES:
        raise ValueError(f"{asked.out} was begun by the recipe {name[:50]!r}, which is unknown here")
    was = Recipe.from_json({f.name: identity[f.name] for f in fields(Recipe) if f.name in identity})
    base = find(name)(spec)
    if "from" in identity:  # its nets' options are then all said: their defaults are those of what it started from
        base = sized(replace(base, g={}, d={}, e=None if base.e is None else {}), spec)
    asked = asked.with_settings(name, between(base, was))
    return asked, _with_what_is_said(asked, base, spec, float(identity["kimg"]))


def command(asked: Asked, recipe: Recipe, data: str, out: str, again: str | None, processes: int = 1) -> str:
    """The command that makes the same model of ``data`` in ``out``. ``again``: what --from takes, None where the run started
    from nothing."""
    launcher = ["python"] if processes == 1 else ["torchrun", "--nproc-per-node", str(processes)]
    parts = [*launcher, "-m", "train", asked.recipe, "--data", data, "--out", out]
    if again:
        parts += ["--from", again]
    if asked.resolution is not None:
        parts += ["--resolution", str(asked.resolution)]
    if asked.hold_out:
        parts += ["--hold-out", f"{asked.hold_out:g}"]
    if asked.stream:
        parts += ["--stream"]
    parts += ["--kimg", f"{recipe.kimg:g}"]
    if asked.batch is not None:
        parts += ["--batch", str(asked.batch)]
    if asked.seed:
        parts += ["--seed", str(asked.seed)]
    return " ".join([shlex.join(parts), *map(as_option, asked.overrides)])
