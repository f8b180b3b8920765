"""What the Generate page shows, as a value: made from the controls, from a link or from a picture's recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from gan.latent import MAX_SEED, Draw, check_seed, parse_seeds
from gan.recipe import PngRecipe, SeedsRecipe, WalkRecipe

__all__ = ["MAX_TILES", "PAGES", "SHEET", "View", "from_link", "from_recipe", "run_of", "seeds_of", "seeds_text"]

SHEET = 16  #       tiles of the usual sheet
MAX_TILES = 100  #  tiles of the largest sheet that the page draws: those of the samples fit
MAX_PSI = 1.5  #    end of the slider
MAX_CODE = 2.0  #   and of that of a continuous code, both ways
PAGES = ("gallery", "generate", "tree")  # the tabs, in their order


@dataclass(frozen=True)
class View:
    """A model and what to draw with it."""

    model: str  #                              id
    seeds: tuple[int, ...]
    label: str | None = None  #                class name; None = no classes, or as each seed draws
    psi: float = 1.0
    codes: tuple[float, ...] | None = None  #  None = as each seed draws
    revision: str = ""  #                      the one that a link or a picture asks for, "" = any

    def query(self, revision: str) -> str:
        """The link to this view, drawn with that revision: all but the page."""
        parts = {"model": self.model, "rev": revision, "seed": seeds_text(self.seeds)}
        if self.label is not None:
            parts["class"] = self.label
        parts["psi"] = f"{self.psi:g}"
        if self.codes is not None:
            parts["codes"] = ",".join(f"{v:g}" for v in self.codes)
        return urlencode(parts, safe=",/")


def run_of(first: int, count: int = SHEET) -> tuple[int, ...]:
    """Seeds of a sheet that begins with ``first``. ``ValueError`` for what is no seed."""
    return tuple(range(check_seed(first), min(first + count, MAX_SEED + 1)))


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds of a text such as 0-15,42. ``ValueError`` for anything else, and for more than a sheet holds."""
    if len(str(text)) > 2000:
        raise ValueError(f"these are too many seeds for one sheet: at most {MAX_TILES}")
    if not str(text).strip():
        raise ValueError("type a seed, or several, as in 0-15,42")
    seeds = tuple(parse_seeds(text))
    if len(seeds) > MAX_TILES:
        raise ValueError(f"{len(seeds):,} seeds are too many for one sheet: at most {MAX_TILES}")
    return seeds


def seeds_text(seeds: Sequence[int]) -> str:
    """The shortest text that ``parse_seeds`` reads as these seeds."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def from_link(query: Mapping[str, str], models: Sequence[str]) -> tuple[str, View | None, list[str]]:
    """(page, view, what was wrong with the link). What is wrong is left at its default. No view without models."""
    notes: list[str] = []

    def read(key, convert, default):
        if not query.get(key):
            return default
        try:
            return convert(query[key])
        except (ValueError, OverflowError) as error:
            notes.append(f"the link's {key} was ignored: {error}")
            return default

    page = read("page", lambda text: _one_of(text, PAGES, "page"), "gallery")
    if not models:
        return page, None, notes
    model = read("model", lambda text: _one_of(text, models, "model"), models[0])
    view = View(model, read("seed", seeds_of, run_of(0)), read("class", _short, None), read("psi", _psi, 1.0),
                read("codes", lambda text: tuple(map(_finite, text[:2000].split(","))), None), read("rev", _short, ""))
    return page, view, notes


def from_recipe(recipe: PngRecipe) -> tuple[View, list[str]]:
    """(view, what of the recipe the page cannot show)."""
    notes: list[str] = []
    if not isinstance(recipe, (SeedsRecipe, WalkRecipe)):
        raise ValueError(f"this picture is of the kind {recipe.kind}, which this page cannot show")
    if isinstance(recipe, WalkRecipe):
        notes.append("this picture is a frame of a walk: the seeds that the walk passes are shown")
    if len(recipe.seeds) > MAX_TILES:
        notes.append(f"this sheet has {len(recipe.seeds):,} images: the first {MAX_TILES} are shown")
    label = recipe.label if isinstance(recipe, SeedsRecipe) else recipe.labels[0]
    psi = min(recipe.psi, MAX_PSI)
    if psi != recipe.psi:
        notes.append(f"psi {recipe.psi:g} is beyond the slider: drawn with {psi:g}")
    return View(recipe.model, recipe.seeds[:MAX_TILES], label, psi, recipe.codes, recipe.revision), notes


def draws_of(view: View, label: int | None) -> list[Draw]:
    """One draw a seed, ``label`` being the index of the view's class."""
    return [Draw(seed, label, view.psi, view.codes) for seed in view.seeds]


def _one_of(text: str, known: Sequence[str], what: str) -> str:
    if text not in known:
        some = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        raise ValueError(f"there is no {what} {text[:60]!r} here, only {some}")
    return text


def _short(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise ValueError("it is no short printable text")
    return text


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]!r} is no finite number")
    return value


def _psi(text: str) -> float:
    try:
        value = _finite(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_PSI:
        raise ValueError(f"psi must be a number from 0 to {MAX_PSI:g}, got {text[:20]!r}")
    return value
