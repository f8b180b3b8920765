"""A path through a model's pictures, as one value: made from controls, from a link or from a picture's recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from gan.gallery import Entry
from gan.hub import Model
from gan.latent import Draw, check_seed, parse_seeds
from gan.recipe import WalkRecipe
from gan.ui.parts.link import Link, flag, link_to, listed, name_of, one_of, short_text, whole_between
from gan.ui.view import MAX_PIXELS, within_psi
from gan.walk import Space, Walk

__all__ = ["FRAMES", "Path", "READS", "STOPS", "most_frames", "path_from_link", "stops_of", "stops_text"]

STOPS = ((1, None), (5, None), (9, None))  # of a page without a link
FRAMES = 20  #       from one stop to the next
MOST_BETWEEN = 240
MOST_STOPS = 48
MOST_FRAMES = 1200  # of a whole path
READS = ("model", "rev", "stops", "frames", "loop", "ease", "space", "psi", "frame")
Stop = tuple[int, str | None]  # seed, class name or None = as the seed draws


@dataclass(frozen=True)
class Path:
    """A model and the stops to pass, in order."""

    model: str  #                id
    stops: tuple[Stop, ...]
    frames: int = FRAMES  #      from one stop to the next
    loop: bool = True
    ease: bool = False
    space: Space = "auto"
    psi: float = 1.0
    revision: str = ""  #        the one that a link or a picture asks for, "" = any

    def link(self, page: str, frame: int = 0) -> str:
        """The query string that shows this path on a page, at that frame."""
        return link_to(page, model=self.model, rev=self.revision, stops=stops_text(self.stops), frames=str(self.frames),
                       loop=str(int(self.loop)), ease=str(int(self.ease)), space=self.space, psi=f"{self.psi:g}",
                       frame=str(frame) if frame else "")

    def walk(self, model: Model) -> Walk:
        """Errors: ``ValueError`` for fewer than two stops, a class that is not there, too many frames."""
        if len(self.stops) < 2:
            raise ValueError("a path needs at least two stops: type seeds, as in 1,5,9, or add images to the tray")
        walk = Walk(tuple(Draw(seed, model.label(label), self.psi) for seed, label in self.stops), self.frames, self.loop,
                    self.ease, self.space)
        most = most_frames(model.G.resolution)
        if len(walk) > most:
            raise ValueError(f"this path has {len(walk):,} frames, at most {most:,} are drawn here at this resolution: take "
                             "fewer stops or fewer frames between them")
        return walk

    def recipe(self, model: Model, frame: int) -> WalkRecipe:
        """What made a frame of this path."""
        labels = tuple(label for _, label in self.stops)
        return WalkRecipe(model.id, model.revision, tuple(seed for seed, _ in self.stops), frame, self.frames, self.loop,
                          self.ease, self.space, labels[:1] if len({*labels}) == 1 else labels, self.psi)

    @classmethod
    def of(cls, recipe: WalkRecipe) -> Path:
        """The path that a frame is from. ``ValueError`` where its codes were set, which this page does not do."""
        if recipe.codes is not None:
            raise ValueError("this frame's codes were set by hand: python -m gan generate draws it again")
        labels = recipe.labels * (len(recipe.seeds) if len(recipe.labels) == 1 else 1)
        return cls(recipe.model, tuple(zip(recipe.seeds, labels)), recipe.frames, recipe.loop, recipe.ease, recipe.space,
                   recipe.psi, recipe.revision)


def most_frames(resolution: int) -> int:
    """How many frames of that resolution the browser is given at once."""
    return min(MOST_FRAMES, MAX_PIXELS // resolution**2)


def stops_of(text: str) -> tuple[Stop, ...]:
    """``"1,5:seven"`` -> ((1, None), (5, "seven")): a class stands behind a colon; without one, whatever ``parse_seeds``
    reads. ``ValueError`` for anything else."""
    stops: list[Stop] = []
    for seed, colon, label in (part.strip().partition(":") for part in str(text)[:4000].split(",") if part.strip()):
        if not colon:
            stops += [(one, None) for one in parse_seeds(seed, MOST_STOPS)]
        elif seed.strip().isdecimal() and len(seed) <= 12:
            stops.append((check_seed(int(seed)), short_text(name_of(label.strip())) or None))
        else:
            raise ValueError(f"cannot read {seed[:40]!r} as a seed: expected whole numbers, as in 1,5,9; a class may follow "
                             "after a colon, as in 5:name, a comma in it written %2C")
    if len(stops) > MOST_STOPS:
        raise ValueError(f"{len(stops)} stops are too many: at most {MOST_STOPS}")
    return tuple(stops)


def stops_text(stops: Sequence[Stop]) -> str:
    """What ``stops_of`` reads as these stops."""
    return ",".join(str(seed) if label is None else f"{seed}:{listed(label)}" for seed, label in stops)


def path_from_link(link: Link, models: Sequence[str]) -> Path | None:
    """What a link asks for; what is wrong in it is noted there and left at its default. None without models."""
    if not models:
        return None
    return Path(link.read("model", one_of(models, "model"), models[0]), link.read("stops", stops_of, STOPS),
                link.read("frames", lambda text: whole_between(text, 1, MOST_BETWEEN), FRAMES),
                link.read("loop", flag, True), link.read("ease", flag, False),
                link.read("space", one_of(get_args(Space), "space"), "auto"),
                link.read("psi", within_psi, 1.0), link.read("rev", short_text, ""))


def fitted(path: Path, entry: Entry) -> tuple[Path, list[str]]:
    """(the path without classes that the model does not have, what was changed)."""
    unknown = [label for _, label in path.stops if label is not None and label not in entry.class_names]
    if not unknown:
        return path, []
    stops = tuple((seed, label if label in entry.class_names else None) for seed, label in path.stops)
    return replace(path, stops=stops), [f"there is no class {unknown[0][:60]!r} in {entry.id}"]
