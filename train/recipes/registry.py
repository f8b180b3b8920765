"""Recipes by name: how one is registered, found, and compared with the one that it grew from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace

from gan.base import Latent
from gan.models import family
from gan.spec import defaults, write
from train.data.spec import DataSpec
from train.game.optim import Adam, RMSprop
from train.recipe import NETS, Recipe

__all__ = ["RECIPES", "NamedRecipe", "ancestors", "changes", "find", "recipe", "sized", "told_the_class"]


@dataclass(frozen=True)
class NamedRecipe:
    """A recipe function with what is known of it."""

    name: str
    make: Callable[[DataSpec], Recipe]
    paper: str  #    authors, year, arXiv id
    parent: str  #   the recipe that it grew from, "" for the first
    note: str  #     what is new in one line
    labelled: bool  # makes no sense without classes
    pairs: bool  #   may read data in pairs: they are looked for

    def check(self, data: DataSpec, hint: str = "") -> None:
        """Raises ``ValueError`` where it needs classes and the data has none; ``hint`` ends the line."""
        if self.labelled and data.classes < 2:
            raise ValueError(f"{self.name} needs labelled data: put the images of each class in a sub-folder of its own, "
                             f"or use an unconditional recipe{hint}")

    def __call__(self, data: DataSpec) -> Recipe:
        """The recipe for this data; its nets get the data's resolution and channels.

        Raises ``ValueError`` where it needs classes and the data has none.
        """
        self.check(data)
        return sized(self.make(data), data)


def sized(recipe: Recipe, data: DataSpec) -> Recipe:
    """The recipe with nets of the data's resolution and channels, where it does not say others."""
    size = dict(resolution=data.resolution, channels=data.channels)
    g, d, e = (options if options is None else {**size, **options} for options in (recipe.g, recipe.d, recipe.e))
    return replace(recipe, g=g, d=d, e=e)


RECIPES: dict[str, NamedRecipe] = {}


def recipe(*, paper: str, parent: str = "", note: str, labelled: bool = False, pairs: bool = False) -> Callable:
    """Registers a recipe under its function's name, printed with hyphens."""

    def register(make: Callable[[DataSpec], Recipe]) -> NamedRecipe:
        name = make.__name__.replace("_", "-")
        RECIPES[name] = NamedRecipe(name, make, paper, parent, note, labelled, pairs)
        return RECIPES[name]

    return register


def find(name: str) -> NamedRecipe:
    """The recipe of a name, with hyphens or underscores. ``ValueError`` with the known names for any other."""
    hyphenated = name.replace("_", "-")
    if hyphenated not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[hyphenated]


def ancestors(named: NamedRecipe) -> list[str]:
    """Names of the recipes that it grew from, its parent first."""
    return [named.parent, *ancestors(find(named.parent))] if named.parent else []


def told_the_class(named: NamedRecipe, data: DataSpec) -> NamedRecipe:
    """The recipe that tells the same nets the class: itself, or one that grew from it; itself where there is none."""
    recipe = named(data)
    if recipe.latent.classes:
        return named
    return next((r for r in RECIPES.values() if r.parent == named.name and r.labelled
                 and r(data).family == recipe.family and r(data).latent.classes), named)


def changes(named: NamedRecipe, data: DataSpec) -> dict[str, list[str]]:
    """Slot -> [of the parent, of the recipe], in the notation of ``--set``, for what the recipe does otherwise than its
    parent on this data; "" = there is no such slot. ``kimg``, ``precision`` and ``channels_last`` are left out: budget and
    arithmetic are no part of a paper's idea. {} without a parent."""
    if not named.parent:
        return {}
    before, after = find(named.parent)(data), named(data)
    old, new = _flat(before), _flat(after)
    if before.family != after.family:  # options of nets that only one of the families has say nothing that its name does not
        written = {f"{net}.{name}" for net in NETS for name in getattr(after, net) or {}}
        for slot in (old.keys() ^ new.keys()) - written:
            if slot.split(".")[0] in NETS:
                old.pop(slot, None), new.pop(slot, None)
    return {slot: [old.get(slot, ""), new.get(slot, "")] for slot in {**old, **new}
            if old.get(slot) != new.get(slot) and slot not in ("kimg", "precision", "channels_last")}


def _flat(recipe: Recipe) -> dict[str, str]:
    """Every slot as text, those that have parts part by part, as ``--set`` names them; nets' options with their defaults."""
    flat = {}
    for slot in (f.name for f in fields(recipe)):
        value, parts = getattr(recipe, slot), {}
        if isinstance(value, (Latent, Adam, RMSprop)):
            flat[slot], parts = type(value).__name__, vars(value)
        elif isinstance(value, Mapping):
            parts = {**defaults(getattr(family(recipe.family), NETS[slot])), **value}
        else:
            flat[slot] = write(value)
        flat.update({f"{slot}.{name}": write(part) for name, part in parts.items()})
    return flat
