"""What a picture y is made of: the tasks that turn a picture into a picture, each as one class.

A task says how y is made from the target picture x, in training and wherever an example is shown, and what a visitor gives
instead. ``Source.made`` of a generator holds it in the notation of ``gan.spec``, so that whoever has a model's config knows
its task: ``task_of``. A new task is one class here and its name in ``RECIPE_NAMES``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.base import Source
from gan.filters import compressed, gaussian, grey, lines, to_segment
from gan.spec import read, write

__all__ = ["Degrade", "source_of", "task_of"]
RECIPE_NAMES = ("Edges", "Shrink", "Blur", "Holes", "Grey", "Noise", "Compressed", "Paired", "Unpaired")


class Degrade:
    """x [N, C, H, W] in [-1, 1] -> y [N, Cy, H / scale, W / scale] in [-1, 1]; subclasses are frozen dataclasses.

    What a call draws, it draws sample after sample from ``generator``, on the CPU: the same picture and the same state give
    the same y. Where ``stored`` says so, y is a picture of the data and nothing is made: the other one of a "pair", or any
    of the other "domain".
    """

    gives: ClassVar[Literal["drawing", "picture", "hole"]] = "picture"  # what a visitor brings
    local: ClassVar[bool] = False  #    far parts of a picture do not matter: a large one may be made in tiles
    stored: ClassVar[Literal["", "pair", "domain"]] = ""
    title: ClassVar[str]  #             a few words for pages
    words: ClassVar[str]  #             one sentence
    scale: int = 1

    def channels(self, picture_channels: int) -> int:
        """Cy for pictures of C channels. Errors: ``ValueError`` where the task makes no sense with them."""
        return picture_channels

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        raise TypeError(f"{write(self)} makes no y: the data brings it")

    def given(self, picture: Tensor, hole: Tensor | None = None) -> Tensor:
        """y of what a visitor gives: a picture, or a drawing, [N, C, h, w] at the size that G reads; ``hole`` [N, 1, h, w]
        is 1 where it shall be filled, 0 elsewhere, and only tasks whose ``gives`` is "hole" read it."""
        return picture

    def shown(self, y: Tensor, picture_channels: int) -> Tensor:
        """y as a picture [N, C, H, W] to be looked at beside x, each pixel ``scale`` times as large."""
        picture = y[:, :picture_channels] if y.shape[1] >= picture_channels else y.expand(-1, picture_channels, -1, -1)
        return F.interpolate(picture, scale_factor=self.scale) if self.scale > 1 else picture


@dataclass(frozen=True)
class Drawn(Degrade):
    """A task of which one number is drawn for each picture."""

    least: float
    most: float

    bounds: ClassVar[tuple[float, float]]  # that both lie in

    def __post_init__(self):
        low, high = self.bounds
        _check("least", self.least, low, high)
        _check("most", self.most, self.least, high)

    def drawn(self, count: int, generator: torch.Generator) -> Tensor:
        """[count]"""
        return _between(self.least, self.most, count, generator)


@dataclass(frozen=True)
class Edges(Degrade):
    """Dark thin lines on white, where the picture changes most, as somebody would draw them: see ``gan.filters.lines``.

    How many is drawn for each picture, since drawings by hand are sparser than what is found in a photo: on all of that, G
    learns to do little with less.
    """

    smooth: float = 1.6  #    sigma in px of a picture of 64 px, and in proportion for others: larger = fewer lines
    keep: float = 0.1  #      share of the pixels whose gradient counts as strong
    sparsest: float = 1.0  #  below 1 that share is drawn for each picture, down to this part of it

    gives: ClassVar = "drawing"
    title: ClassVar = "Drawing to picture"
    words: ClassVar = "Draw a few lines, and the picture follows them."

    def __post_init__(self):
        _check("smooth", self.smooth, 0.3, 8)
        _check("keep", self.keep, 0.001, 0.9)
        _check("sparsest", self.sparsest, 0.01, 1)

    def channels(self, picture_channels: int) -> int:
        return 1

    def __call__(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        shares = [self.keep] * len(x)
        if self.sparsest < 1 and generator is not None:  # without one all lines are wanted
            shares = (self.keep * _between(self.sparsest, 1, len(x), generator)).tolist()
        return 1 - 2 * torch.cat([lines(grey(one[None]), smooth=self.smooth, keep=share) for one, share in zip(x, shares)])

    def given(self, picture: Tensor, hole: Tensor | None = None) -> Tensor:
        return grey(picture)


@dataclass(frozen=True)
class Shrink(Degrade):
    """The picture, ``factor`` times smaller: bicubic, smoothed before, as image programs do it."""

    factor: int = 4

    local: ClassVar = True
    title: ClassVar = "Small picture to large"
    words: ClassVar = "A small picture becomes a large one, with details that fit."

    def __post_init__(self):
        if self.factor not in (2, 4, 8, 16):
            raise ValueError(f"factor of Shrink must be 2, 4, 8 or 16, got {self.factor}")

    @property
    def scale(self) -> int:
        return self.factor

    def __call__(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        size = [side // self.factor for side in x.shape[2:]]
        return F.interpolate(x, size=size, mode="bicubic", antialias=True).clamp(-1, 1)


@dataclass(frozen=True)
class Blur(Drawn):
    """The picture out of focus: a Gaussian whose sigma, in px, is drawn for each picture."""

    least: float = 0.5
    most: float = 2.0
    bounds: ClassVar = (0.1, 16)

    local: ClassVar = True
    title: ClassVar = "Blurred picture to sharp"
    words: ClassVar = "A picture that is a little out of focus becomes sharp."

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        sigmas = self.drawn(len(x), generator)
        return torch.cat([gaussian(one[None], sigma) for one, sigma in zip(x, sigmas.tolist())])


@dataclass(frozen=True)
class Holes(Drawn):
    """The picture with a part of it gone, grey there, and one more channel: 1 in the hole, -1 elsewhere.

    A hole is a brush's stroke along a broken line, as a visitor paints it (after Yu et al. 2018, arXiv:1806.03589, alg. 1),
    or in every other picture a rectangle.
    """

    least: float = 0.2  # side of a rectangle in parts of the picture's; a brush is a third as thick
    most: float = 0.5
    bounds: ClassVar = (0.02, 1)

    gives: ClassVar = "hole"
    title: ClassVar = "Fill a hole"
    words: ClassVar = "Paint over what shall go, and it is filled with what fits."

    def channels(self, picture_channels: int) -> int:
        return picture_channels + 1

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        height, width = x.shape[2:]
        rows = (torch.arange(height) + 0.5) / height
        columns = (torch.arange(width) + 0.5) / width
        place = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)  # [H, W, 2]
        holes = torch.stack([self._hole(place, generator) for _ in x])[:, None]
        return self.given(x, holes.to(x))

    def _hole(self, place: Tensor, generator: torch.Generator) -> Tensor:
        """bool [H, W] for one picture; ``place`` [H, W, 2] are the pixels' middles in parts of the sides."""
        middle, size = torch.rand(2, generator=generator), self.drawn(2, generator)
        turns = torch.rand(6, 2, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            low = middle * (1 - size)
            return ((place >= low) & (place < low + size)).all(-1)
        angle = 2 * math.pi * turns[:, 0].cumsum(0)
        steps = torch.stack([angle.cos(), angle.sin()], 1) * (size.mean() * turns[:, 1:])
        points = torch.cat([middle[None], (middle + steps.cumsum(0))]).clamp(0, 1)
        distances = [to_segment(place, a, b) for a, b in zip(points, points[1:])]
        return torch.stack(distances).amin(0) < size.mean() / 6

    def given(self, picture: Tensor, hole: Tensor | None = None) -> Tensor:
        if hole is None:
            raise ValueError("say where the hole is: without one there is nothing to fill")
        return torch.cat([picture * (1 - hole), 2 * hole - 1], 1)


@dataclass(frozen=True)
class Grey(Degrade):
    """The picture without its colours."""

    title: ClassVar = "Grey picture to colours"
    words: ClassVar = "A grey picture gets colours that fit."

    def channels(self, picture_channels: int) -> int:
        if picture_channels == 1:
            raise ValueError("Grey() needs pictures that have colours, and these are grey")
        return 1

    def __call__(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        return grey(x)

    def given(self, picture: Tensor, hole: Tensor | None = None) -> Tensor:
        return grey(picture)


@dataclass(frozen=True)
class Noise(Drawn):
    """The picture as a camera sees it in the dark: Gaussian noise, whose deviation is drawn for each picture."""

    least: float = 0.05  # of pixels in [-1, 1]
    most: float = 0.4
    bounds: ClassVar = (0, 2)

    local: ClassVar = True
    title: ClassVar = "Noisy picture to clean"
    words: ClassVar = "A picture full of grain becomes smooth, and keeps its edges."

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        deviation = self.drawn(len(x), generator)
        grain = torch.stack([torch.randn(one.shape, generator=generator) for one in x])
        return (x + deviation.to(x)[:, None, None, None] * grain.to(x)).clamp(-1, 1)


@dataclass(frozen=True)
class Compressed(Drawn):
    """The picture as a JPEG of low quality leaves it: see ``gan.filters.compressed``."""

    least: float = 5  # quality, drawn for each picture
    most: float = 30
    bounds: ClassVar = (1, 50)

    local: ClassVar = True
    title: ClassVar = "Compressed picture to clear"
    words: ClassVar = "A picture that was compressed too much loses its blocks and rims."

    def __call__(self, x: Tensor, *, generator: torch.Generator) -> Tensor:
        return compressed(x, self.drawn(len(x), generator))


@dataclass(frozen=True)
class Paired(Degrade):
    """Two pictures of one thing: two folders with equal names, or pictures that stand side by side, then called A (left) and
    B (right). ``reads`` is the folder that G is given; the other one is what it shall make of it."""

    reads: str = "A"

    stored: ClassVar = "pair"
    title: ClassVar = "One picture to its other"
    words: ClassVar = "A picture of one kind becomes the picture of another kind that belongs to it."


@dataclass(frozen=True)
class Unpaired(Degrade):
    """Two folders of pictures that do not belong together one by one: G turns one of either kind into the other kind."""

    stored: ClassVar = "domain"
    title: ClassVar = "One style to another"
    words: ClassVar = "A picture of one kind becomes one of the other kind, and keeps what it shows."


NAMES = {name: globals()[name] for name in RECIPE_NAMES}


def source_of(task: Degrade, picture_channels: int) -> Source:
    """What a generator's constructor is told of a task. Errors: ``ValueError`` as ``Degrade.channels``."""
    return Source(task.channels(picture_channels), task.scale, write(task))


def task_of(source: Source, picture_channels: int) -> Degrade:
    """The task of a model that makes pictures of C channels. Errors: ``ValueError`` of one line for what is none of those
    here, or does not give what the model reads."""
    task = read(source.made, NAMES)
    if not isinstance(task, Degrade):
        raise ValueError(f"a source is made by one of {', '.join(NAMES)}, got {source.made[:100]!r}")
    if source_of(task, picture_channels) != source:
        raise ValueError(f"{source.made} does not give {source.channels} channels, {source.scale} times smaller")
    return task


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least:g} to {most:g}, got {value:g}")


def _between(least: float, most: float, count: int, generator: torch.Generator) -> Tensor:
    return least + (most - least) * torch.rand(count, generator=generator)
