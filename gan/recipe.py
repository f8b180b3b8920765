"""What made a picture: one frozen value that every PNG of ours carries as JSON, enough to draw it again.

There are five kinds, each with fields of its own: ``SeedsRecipe`` (an image or a sheet), ``StripRecipe`` (one seed through
classes or psi), ``WalkRecipe`` (a frame of a walk), ``EditRecipe`` (styles mixed, directions followed) and
``TransformRecipe`` (a picture made from a picture). Anybody may have written what is read here: every field is bounded, and
unknown ones are refused. A visitor's own picture is never in a recipe, only its sha256.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from gan.bounds import check_digest, check_draws, check_number, check_text
from gan.files import parse_json, replacing
from gan.image import CHUNK_KEY, MAX_SHEET, columns_of, png_bytes
from gan.latent import Draw, check_seed
from gan.spec import from_plain
from gan.walk import Space, Walk

__all__ = ["EditRecipe", "Mix", "Move", "PngRecipe", "SeedsRecipe", "StripRecipe", "TransformRecipe", "WalkRecipe",
           "from_json", "read_recipe", "save_png"]

MAX_CHUNK = 64 * 1024  #     characters: a longer text is no recipe of ours
MAX_LATENT = 4096  #         numbers
MAX_PARTS = 64  #            mixes, moves or parameters of one recipe
Label = Callable[[str | None], int | None]  # class name -> index, as ``Model.label``


@dataclass(frozen=True)
class PngRecipe:
    """What all kinds have: the model that made the picture."""

    model: str  #     a name or Hub id, never a local path
    revision: str  #  see gan.hub
    kind: ClassVar[str]

    def __post_init__(self):
        check_text(self.model, "the model")
        check_text(self.revision, "the revision")

    def to_json(self) -> str:
        """``from_json`` reads it back. ``ValueError`` for more than a picture's recipe holds."""
        text = json.dumps({"format": 2, "kind": self.kind, **_plain(asdict(self))}, ensure_ascii=True)
        if len(text) > MAX_CHUNK:
            raise ValueError(f"this takes {len(text):,} characters to describe, more than the {MAX_CHUNK:,} that a picture "
                             f"carries: use fewer seeds")
        return text


@dataclass(frozen=True)
class SeedsRecipe(PngRecipe):
    """One image, or a contact sheet of several seeds."""

    seeds: tuple[int, ...]
    label: str | None = None  #                  class name; None = no classes, or as each seed draws. "class" in JSON
    psi: float = 1.0
    codes: tuple[float, ...] | None = None  #    None = as each seed draws
    kind: ClassVar[str] = "seeds"

    def __post_init__(self):
        super().__post_init__()
        check_draws(self.seeds, (self.label,), self.psi, self.codes)

    def draws(self, label: Label) -> list[Draw]:
        """One draw a seed. Errors as ``label``."""
        return [Draw(seed, label(self.label), self.psi, self.codes) for seed in self.seeds]


@dataclass(frozen=True)
class StripRecipe(PngRecipe):
    """A sheet of one seed, through several classes or several psi."""

    seed: int
    labels: tuple[str | None, ...] = (None,)  #  one for all images, or one an image
    psis: tuple[float, ...] = (1.0,)  #          likewise
    codes: tuple[float, ...] | None = None
    kind: ClassVar[str] = "strip"

    def __post_init__(self):
        super().__post_init__()
        if min(len(self.labels), len(self.psis)) != 1 or max(len(self.labels), len(self.psis)) > MAX_SHEET:
            raise ValueError(f"a strip goes through classes or through psi, got {len(self.labels)} and {len(self.psis)}")
        for psi in self.psis:
            check_draws((self.seed,), self.labels, psi, self.codes)

    @property
    def columns(self) -> int:
        """Of the sheet: as square as can be without an empty place, up to 16."""
        count = max(len(self.labels), len(self.psis))
        whole = [c for c in range(1, min(count, 16) + 1) if count % c == 0 and c * c >= count]
        return whole[0] if whole else columns_of(count)

    def draws(self, label: Label) -> list[Draw]:
        """One draw an image. Errors as ``label``."""
        return [Draw(self.seed, label(name), psi, self.codes) for name in self.labels for psi in self.psis]


@dataclass(frozen=True)
class WalkRecipe(PngRecipe):
    """One frame of a walk from seed to seed: see ``gan.walk.Walk``."""

    seeds: tuple[int, ...]
    frame: int  #                                the number of this frame, from 0
    frames: int  #                               from each seed to the next
    loop: bool = False
    ease: bool = False
    space: Space = "auto"
    labels: tuple[str | None, ...] = (None,)  #  one for all seeds, or one a seed
    psi: float = 1.0
    codes: tuple[float, ...] | None = None
    kind: ClassVar[str] = "walk"

    def __post_init__(self):
        super().__post_init__()
        check_draws(self.seeds, self.labels, self.psi, self.codes)
        if len(self.labels) not in (1, len(self.seeds)):
            raise ValueError(f"{len(self.labels)} classes for {len(self.seeds)} seeds: expected one for all or one for each")
        self.walk(lambda name: None).check(self.frame)

    def walk(self, label: Label) -> Walk:
        """The walk that this is a frame of. Errors as ``label``."""
        labels = self.labels * (len(self.seeds) if len(self.labels) == 1 else 1)
        keys = tuple(Draw(seed, label(name), self.psi, self.codes) for seed, name in zip(self.seeds, labels))
        return Walk(keys, self.frames, self.loop, self.ease, self.space)


@dataclass(frozen=True)
class Mix:
    """Style mixing: some layers of w come from another seed (Karras et al. 2019, arXiv:1812.04948, fig. 3)."""

    seed: int
    first: int
    last: int  #                    itself included
    label: str | None = None  #     class of the other seed

    def __post_init__(self):
        check_seed(self.seed)
        check_text(self.label, "a class", optional=True)
        if not 0 <= self.first <= self.last < 1024:
            raise ValueError(f"layers {self.first} to {self.last} cannot be mixed: expected 0 <= first <= last < 1024")


@dataclass(frozen=True)
class Move:
    """A step along one of the model's directions."""

    direction: int  #   its number in the model's directions, from 0
    strength: float  #  in the spreads of that direction: see gan.directions

    def __post_init__(self):
        if not 0 <= self.direction < 1024 or not -100 <= self.strength <= 100:
            raise ValueError("a direction is a number from 0 to 1023, its strength from -100 to 100")


@dataclass(frozen=True)
class EditRecipe(PngRecipe):
    """Seeds, or a visitor's picture found in the model's space: first styles are mixed in, then directions followed."""

    seeds: tuple[int, ...] = ()  #     none where it starts from a picture
    label: str | None = None
    psi: float = 1.0
    codes: tuple[float, ...] | None = None
    mix: tuple[Mix, ...] = ()
    moves: tuple[Move, ...] = ()
    source: str | None = None  #       sha256 of the picture that it starts from
    latent: tuple[float, ...] | None = None  # and where that was found: see gan.project.Point
    kind: ClassVar[str] = "edit"

    def __post_init__(self):
        super().__post_init__()
        if (self.source is None) == (not self.seeds):
            raise ValueError("an edit starts from seeds or from a picture, and not from both")
        check_draws(self.seeds or (0,), (self.label,), self.psi, self.codes)
        if self.source is not None:
            check_digest(self.source)
        if self.latent is not None and self.source is None or len(self.latent or ()) > MAX_LATENT:
            raise ValueError(f"a latent belongs to a picture, and has at most {MAX_LATENT:,} numbers")
        [check_number(value, "a latent's number") for value in self.latent or ()]
        if max(len(self.mix), len(self.moves)) > MAX_PARTS:
            raise ValueError(f"an edit mixes at most {MAX_PARTS} seeds and follows at most {MAX_PARTS} directions")

    def draws(self, label: Label) -> list[Draw]:
        """One draw a seed, before anything is mixed. Errors as ``label``."""
        return [Draw(seed, label(self.label), self.psi, self.codes) for seed in self.seeds]


@dataclass(frozen=True)
class TransformRecipe(PngRecipe):
    """A picture made from a picture."""

    task: str  #                                                 its name, as edges or shrink
    source: str  #                                               sha256 of the picture that was read
    parameters: tuple[tuple[str, float | str], ...] = ()  #      of the task, by name
    seed: int | None = None  #                                   where the model reads noise beside the picture
    label: str | None = None
    kind: ClassVar[str] = "transform"

    def __post_init__(self):
        super().__post_init__()
        check_text(self.task, "the task")
        check_digest(self.source)
        check_text(self.label, "a class", optional=True)
        if self.seed is not None:
            check_seed(self.seed)
        names = [name for name, _ in self.parameters]
        if len(names) > MAX_PARTS or len({*names}) < len(names):
            raise ValueError(f"a task has at most {MAX_PARTS} parameters, each named once")
        for name, value in self.parameters:
            check_text(name, "a parameter's name")
            (check_text if isinstance(value, str) else check_number)(value, name)


KINDS = {cls.kind: cls for cls in (SeedsRecipe, StripRecipe, WalkRecipe, EditRecipe, TransformRecipe)}


def from_json(text: str) -> PngRecipe:
    """Reads a recipe that anybody may have written. ``ValueError`` where it is not one of ours."""
    try:
        if len(text) > MAX_CHUNK:
            raise ValueError("it is too long")
        data = parse_json(text)
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")
        version = data.pop("format", None)
        if version == 1:
            return _of_format_1(data)
        if version != 2:
            raise ValueError(f"format {str(version)[:20]}, expected 1 or 2")
        kind = data.pop("kind", None)
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"kind {str(kind)[:20]}, expected {', '.join(KINDS)}")
        return _fields(KINDS[kind], data)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the recipe inside this picture cannot be read: {error}") from None


def _of_format_1(data: dict[str, Any]) -> PngRecipe:
    """The first form, without kinds: ``walk`` is null or [frame, frames, loop], and ``edits`` was always empty."""
    if data.pop("edits", None):
        raise ValueError("it has edits, which its format never had")
    walk, label = data.pop("walk", None), data.get("class")
    if walk is None:
        return _fields(SeedsRecipe, data)
    if not isinstance(walk, list) or len(walk) != 3 or walk[2] not in (0, 1):
        raise ValueError("walk must be [frame, frames, 1 if it loops]")
    data.pop("class", None)
    return _fields(WalkRecipe, {**data, "labels": [label], "frame": walk[0], "frames": walk[1], "loop": bool(walk[2])})


def _fields(cls: type[PngRecipe], data: dict[str, Any]) -> PngRecipe:
    return from_plain(cls, {_field(k): _inside(v) for k, v in data.items()})


def _field(key: str) -> str:
    return "label" if key == "class" else key  # which is no name that Python allows for a field


def _inside(value: Any) -> Any:
    """The same for objects inside lists: mixes and moves."""
    if isinstance(value, list):
        return [{_field(k): v for k, v in item.items()} if isinstance(item, dict) else item for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {("class" if k == "label" else k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def save_png(path: Path | str, pixels: np.ndarray, recipe: PngRecipe) -> Path:
    """Writes uint8 [H, W, C] with its recipe inside; the file is whole or not there."""
    with replacing(Path(path), sync=False) as file:
        file.write(png_bytes(pixels, recipe.to_json()))
    return Path(path)


def read_recipe(path: Path | str) -> PngRecipe:
    """The recipe inside a PNG. ``ValueError`` for a picture without one, a forged one, or what is no picture."""
    try:
        with Image.open(path, formats=["PNG"]) as image:
            text = image.info.get(CHUNK_KEY)
            if text is None and image.width * image.height <= 2**24:  # behind the pixels, which are decoded to get there
                text = getattr(image, "text", {}).get(CHUNK_KEY)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise ValueError("this is no PNG picture: drop one that this gallery made") from None
    if not isinstance(text, str):
        raise ValueError("there is no recipe in this picture: drop a PNG that this gallery made, as it was downloaded")
    return from_json(text)
