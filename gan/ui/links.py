"""Links that restore a view on any replica: ``?page=&model=&rev=&seed=&class=&psi=``. Nothing is kept on the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from gan.image import PngRecipe
from gan.latent import Draw, parse_seeds

__all__ = ["MAX_TILES", "SET_ADDRESS", "View", "compact", "query_of", "tile_seeds", "view_of"]

MAX_TILES = 64  # of a sheet in the app; the command line goes further

# In a Space the page lives in a frame: the visible address belongs to the parent, which listens to this message.
SET_ADDRESS = """(query) => {
  if (!query) return;
  history.replaceState(null, '', location.pathname + query);
  if (window.parent !== window) window.parent.postMessage({queryString: query.slice(1)}, 'https://huggingface.co');
}"""


@dataclass(frozen=True)
class View:
    """What the Generate page shows, as its controls say it."""

    model: str
    seeds: str = "0-15"
    label: str | None = None  #   class name
    psi: float = 1.0
    rev: str = ""  #              the version that a link or a picture was made with


def tile_seeds(text: str) -> list[int]:
    """The seeds of a sheet. ``ValueError`` in one line for anything that is no seed, and for too many."""
    seeds = parse_seeds(text)
    if len(seeds) > MAX_TILES:
        raise ValueError(f"a sheet here holds at most {MAX_TILES} images, got {len(seeds):,} seeds")
    return seeds


def compact(seeds: tuple[int, ...] | list[int]) -> str:
    """The shortest text that ``parse_seeds`` reads back: [0, 1, 2, 9] -> "0-2,9"."""
    parts: list[list[int]] = []
    for seed in seeds:
        if parts and seed == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], seed]
        else:
            parts.append([seed])
    return ",".join("-".join(map(str, part)) for part in parts)


def query_of(recipe: PngRecipe) -> str:
    """The address of a drawn view."""
    values = {"page": "generate", "model": recipe.model, "rev": recipe.revision, "seed": compact(recipe.seeds)}
    if recipe.label is not None:
        values["class"] = recipe.label
    if recipe.psi != 1:
        values["psi"] = f"{recipe.psi:g}"
    return "?" + urlencode(values, safe="/,")


def view_of(params: Mapping[str, str], models: Mapping[str, tuple[str, ...]]) -> tuple[View, list[str]]:
    """The view that a query asks for, and a line for everything in it that cannot be had.

    ``models``: the class names of every model, the default first.
    """
    notices = []
    model = params.get("model", "")
    if model not in models:
        if model:
            notices.append(f"There is no model “{model[:60]}” here.")
        model = next(iter(models), "")
    seeds, label, psi = params.get("seed", "0-15"), params.get("class"), 1.0
    try:
        tile_seeds(seeds)
    except ValueError as error:
        notices.append(f"The link's seeds were left out: {error}.")
        seeds = "0-15"
    if label is not None and label not in models.get(model, ()):
        notices.append(f"{model} has no class “{label[:60]}”.")
        label = None
    try:
        psi = Draw(0, psi=float(params.get("psi", 1.0))).psi
    except ValueError:
        notices.append("The link's psi was left out: expected a number from 0 to 2.")
    return View(model, seeds, label, psi, params.get("rev", "")[:64]), notices
