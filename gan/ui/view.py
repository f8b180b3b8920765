"""A model and what to draw with it, as one value: made from controls, from a link or from a picture's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gan.gallery import Entry
from gan.latent import MAX_SEED, check_seed, parse_seeds
from gan.recipe import PngRecipe, SeedsRecipe, StripRecipe
from gan.ui.parts.link import Link, finite, link_to, one_of, short_text

__all__ = ["MAX_CODE", "MAX_PSI", "MAX_TILES", "PSIS", "READS", "SHEET", "View", "check_tiles", "fitted", "from_link",
           "from_recipe", "most_tiles", "run_of", "seeds_of", "seeds_text", "within_psi"]

SHEET = 16  #           tiles of the usual sheet
MAX_TILES = 100  #      tiles of the largest sheet that a page draws: those of the samples fit
MAX_PIXELS = 2**24  #   and its pixels: at 1024 px 16 tiles
MAX_PSI = 1.5  #        end of the slider
MAX_CODE = 2.0  #       and of that of a continuous code, both ways
PSIS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4)  # of a strip through psi
READS = ("model", "rev", "seed", "class", "psi", "codes", "strip")  # what ``from_link`` reads
Strip = Literal["", "class", "psi"]


@dataclass(frozen=True)
class View:
    """A model and what to draw with it: an image a seed, or a strip of the first seed."""

    model: str  #                              id
    seeds: tuple[int, ...]
    label: str | None = None  #                class name; None = no classes, or as each seed draws
    psi: float = 1.0
    codes: tuple[float, ...] | None = None  #  None = as each seed draws
    strip: Strip = ""  #                       through every class, or through ``PSIS``
    revision: str = ""  #                      the one that a link or a picture asks for, "" = any

    def link(self, page: str) -> str:
        """The query string that shows this view on a page."""
        codes = "" if self.codes is None else ",".join(f"{v:g}" for v in self.codes)
        return link_to(page, model=self.model, rev=self.revision, seed=seeds_text(self.seeds), class_=self.label or "",
                       psi=f"{self.psi:g}", codes=codes, strip=self.strip)

    def images(self, class_names: Sequence[str]) -> list[View]:
        """A view of each image. ``ValueError`` for a strip through the classes of a model that has none."""
        one = replace(self, seeds=self.seeds[:1], strip="")
        if self.strip == "class" and not class_names:
            raise ValueError(f"{self.model} has no classes")
        if self.strip == "class":
            return [replace(one, label=name) for name in class_names[:MAX_TILES]]
        if self.strip == "psi":
            return [replace(one, psi=psi) for psi in PSIS]
        return [replace(one, seeds=(seed,)) for seed in self.seeds]

    def recipe(self, class_names: Sequence[str]) -> SeedsRecipe | StripRecipe:
        """What is stored in the picture. Errors as ``images``."""
        if not self.strip:
            return SeedsRecipe(self.model, self.revision, self.seeds, self.label, self.psi, self.codes)
        images = self.images(class_names)
        labels = tuple(view.label for view in images) if self.strip == "class" else (self.label,)
        psis = tuple(view.psi for view in images) if self.strip == "psi" else (self.psi,)
        return StripRecipe(self.model, self.revision, self.seeds[0], labels, psis, self.codes)


def most_tiles(resolution: int) -> int:
    """How many pictures of that resolution one sheet may hold."""
    return max(1, min(MAX_TILES, MAX_PIXELS // resolution**2))


def check_tiles(count: int, resolution: int) -> None:
    """``ValueError`` for more pictures of that resolution than one sheet may hold."""
    if count > (most := most_tiles(resolution)):
        raise ValueError(f"{count:,} images are too many for one sheet of this model: at most {most}")


def run_of(first: int, count: int = SHEET) -> tuple[int, ...]:
    """Seeds of a sheet that begins with ``first``. ``ValueError`` for what is no seed."""
    return tuple(range(check_seed(first), min(first + count, MAX_SEED + 1)))


def seeds_of(text: str) -> tuple[int, ...]:
    """The seeds of a text such as 0-15,42. ``ValueError`` for anything else, and for more than a sheet holds."""
    if len(str(text)) > 2000:
        raise ValueError(f"these are too many seeds for one sheet: at most {MAX_TILES}")
    if not str(text).strip():
        raise ValueError("type a seed, or several, as in 0-15,42")
    return tuple(parse_seeds(text, MAX_TILES))


def seeds_text(seeds: Sequence[int]) -> str:
    """The shortest text that ``parse_seeds`` reads as these seeds."""
    runs: list[list[int]] = []
    for seed in seeds:
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def from_link(link: Link, models: Sequence[str]) -> View | None:
    """What a link asks to draw; what is wrong in it is noted there and left at its default. None without models."""
    if not models:
        return None
    model = link.read("model", one_of(models, "model"), models[0])
    return View(model, link.read("seed", seeds_of, run_of(0)), link.read("class", short_text, None),
                link.read("psi", _psi, 1.0), link.read("codes", _codes, None),
                link.read("strip", one_of(("class", "psi"), "strip"), ""), link.read("rev", short_text, ""))


def from_recipe(recipe: PngRecipe) -> tuple[View, list[str]]:
    """(view, what of the recipe the page cannot show). ``ValueError`` for a picture not made from seeds."""
    notes: list[str] = []
    if isinstance(recipe, StripRecipe):
        strip = "class" if len(recipe.labels) > 1 else "psi"
        label, psi = (None, recipe.psis[0]) if strip == "class" else (recipe.labels[0], 1.0)
        return View(recipe.model, (recipe.seed,), label, min(psi, MAX_PSI), recipe.codes, strip, recipe.revision), notes
    if not isinstance(recipe, SeedsRecipe):
        raise ValueError(f"this picture is of the kind {recipe.kind}, which this page cannot show")
    if len(recipe.seeds) > MAX_TILES:
        notes.append(f"this sheet has {len(recipe.seeds):,} images: the first {MAX_TILES} are shown")
    psi = min(recipe.psi, MAX_PSI)
    if psi != recipe.psi:
        notes.append(f"psi {recipe.psi:g} is beyond the slider: drawn with {psi:g}")
    return View(recipe.model, recipe.seeds[:MAX_TILES], recipe.label, psi, recipe.codes, revision=recipe.revision), notes


def fitted(view: View, entry: Entry) -> tuple[View, list[str]]:
    """(the view as far as the model and the page's dials can show it, what was changed)."""
    notes: list[str] = []
    most = most_tiles(entry.resolution)
    if len(view.seeds) > most:
        notes.append(f"a sheet holds at most {most} images of {entry.resolution} px: the first {most} are shown")
        view = replace(view, seeds=view.seeds[:most])
    if view.label is not None and view.label not in entry.class_names:
        notes.append(f"there is no class {view.label[:60]!r} in {entry.id}")
        view = replace(view, label=None)
    if view.strip == "class" and not entry.class_names:
        notes.append(f"there are no classes in {entry.id}")
        view = replace(view, strip="")
    if view.codes is not None:
        view, said = _fitted_codes(view, entry)
        notes += said
    return view, notes


def _fitted_codes(view: View, entry: Entry) -> tuple[View, list[str]]:
    sizes, codes = entry.latent.categorical, view.codes
    indices, dials = codes[: len(sizes)], codes[len(sizes) :]
    if len(codes) != len(sizes) + entry.latent.continuous or not all(i in range(k) for i, k in zip(indices, sizes)):
        return replace(view, codes=None), [f"these codes do not fit {entry.id}"]
    kept = tuple(min(max(value, -MAX_CODE), MAX_CODE) for value in dials)
    if kept == dials:
        return view, []
    return replace(view, codes=(*indices, *kept)), [f"a code was beyond its dial: drawn with {MAX_CODE:g} at most"]


def _codes(text: str) -> tuple[float, ...]:
    return tuple(map(finite, text[:2000].split(",")))


def within_psi(text: str) -> float:
    """A psi brought within the slider. ``ValueError`` for what is no number."""
    return min(max(finite(text), 0.0), MAX_PSI)


def _psi(text: str) -> float:
    try:
        value = finite(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_PSI:
        raise ValueError(f"psi must be a number from 0 to {MAX_PSI:g}, got {text[:20]!r}")
    return value
