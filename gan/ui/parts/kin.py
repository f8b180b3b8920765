"""Which models are kin: those of recipes that were trained on the same data at the same resolution."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gan.files import object_in
from gan.gallery import Entry
from gan.ui.parts.reading import as_list, as_mapping, as_text

__all__ = ["ancestors", "bare", "data_of", "group", "parents", "recipe_of", "year", "year_of"]


def group(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Recipe -> model, by year and descent, for the most recipes that were trained on the same data at the same resolution.

    Of two models of a recipe the first stands for it. {} where no two recipes can be compared.
    """
    groups: dict[tuple[str, int], dict[str, Entry]] = {}
    for entry in entries:
        data = object_in(as_mapping(entry.training), "data")
        recipe, source = recipe_of(entry), as_text(data.get("fingerprint")) or as_text(data.get("name"))
        if recipe and source:
            groups.setdefault((source, entry.resolution), {}).setdefault(recipe, entry)
    largest = max(groups.values(), key=len, default={})
    if len(largest) < 2:
        return {}
    under = parents(largest)
    order = sorted(largest, key=lambda recipe: (year_of(largest[recipe]) or 9999, len(ancestors(recipe, under)), recipe))
    return {recipe: largest[recipe] for recipe in order}


def recipe_of(entry: Entry) -> str:
    """The name of its recipe, "" where it is not known."""
    return as_text(as_mapping(entry.training).get("recipe"), 60)


def data_of(entry: Entry) -> str:
    """What it was trained on, "" where it is not known."""
    return bare(as_text(object_in(as_mapping(entry.training), "data").get("name"), 120))


def bare(text: str) -> str:
    """Names of data in a text without what only those of their files say: mnist/train-00000-of-00001.parquet -> mnist."""
    return re.sub(r"(/train)?(-\d+-of-\d+)?\.(parquet|zip)\b", "", text)


def year_of(entry: Entry) -> int | None:
    """Of its paper."""
    return year(as_text(entry.training.get("paper")))


def year(paper: str) -> int | None:
    """The first year in the name of a paper; the digits of an arXiv number, as in 1912.04958, are none."""
    match = re.search(r"\b(?:19|20)\d\d\b(?!\.\d)", paper)
    return int(match[0]) if match else None


def parents(family: Mapping[str, Entry]) -> dict[str, str]:
    """Recipe -> the nearest one of the family that it grew from, "" for a root."""
    under = {recipe: next((name for name in _named(entry) if name in family), "") for recipe, entry in family.items()}
    for recipe in under:  # files can say anything: what descends from itself becomes a root
        if recipe in ancestors(recipe, under):
            under[recipe] = ""
    return under


def _named(entry: Entry) -> list[str]:
    """The parent and its ancestors, as training.json has them."""
    return [as_text(name, 60) for name in (entry.training.get("parent"), *as_list(entry.training.get("ancestors")))]


def ancestors(recipe: str, under: Mapping[str, str]) -> list[str]:
    """From the nearest on."""
    found: list[str] = []
    while (recipe := under[recipe]) and recipe not in found:
        found.append(recipe)
    return found
