"""What a recipe is made of: frozen dataclasses that are written to JSON, printed, and changed with ``--set``."""

from __future__ import annotations

import dataclasses
import math
import shlex
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Union

import torch

from gan.base import Latent
from gan.models import family
from gan.spec import fits, kind_name, kinds, read, write
from train import discriminators

if TYPE_CHECKING:
    from train.callbacks import Callback  # these import this file
    from train.terms import Objective, Term

__all__ = ["Adam", "DataSpec", "RMSprop", "Recipe", "Schedule", "as_option", "at", "named", "overridden", "override"]


@dataclass(frozen=True)
class DataSpec:
    """What a recipe may know of the data it is for."""

    resolution: int  #                     px, a power of two
    channels: int  #                       1 or 3
    classes: int = 0  #                    0 = unlabelled
    class_names: tuple[str, ...] = ()
    count: int = 0  #                      images


@dataclass(frozen=True)
class Schedule:
    """A number that moves from ``start`` to ``end`` while ``kimg`` thousand images are seen, and stays there.

    Without ``kimg`` it moves over the whole run, however long that is.
    """

    start: float
    end: float
    kimg: float | None = None
    shape: Literal["linear", "cosine"] = "linear"

    def __post_init__(self):
        if self.kimg is not None and self.kimg <= 0:
            raise ValueError(f"kimg of a Schedule must be above 0, got {self.kimg}")

    def at(self, nimg: int, planned_nimg: int) -> float:
        over = planned_nimg if self.kimg is None else 1000 * self.kimg
        t = min(nimg / over, 1.0) if over else 1.0
        if self.shape == "cosine":
            t = (1 - math.cos(math.pi * t)) / 2
        return self.start + (self.end - self.start) * t


Number = Union[float, Schedule]


def at(value: Number, nimg: int, planned_nimg: int) -> float:
    """The number itself, or the schedule's value after nimg images of a run of planned_nimg."""
    return value.at(nimg, planned_nimg) if isinstance(value, Schedule) else value


def check_range(what: str, value: Number, least: float = 0.0, below: float = math.inf) -> None:
    """Errors: ``ValueError`` for a number, or one that a schedule passes, that is not in [least, below)."""
    for number in (value.start, value.end) if isinstance(value, Schedule) else (value,):
        if not least <= number < below:
            most = f" and below {below:g}" if below < math.inf else ""
            raise ValueError(f"{what} must be at least {least:g}{most}, got {write(value)}")


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2014, arXiv:1412.6980); the betas are DCGAN's unless a recipe says otherwise."""

    lr: Number = 2e-4
    betas: tuple[Number, Number] = (0.5, 0.999)

    def __post_init__(self):
        check_range("lr", self.lr)
        for beta in self.betas:
            check_range("each of betas", beta, below=1.0)

    def values(self, nimg: int, planned_nimg: int, *, lazy: int) -> dict[str, Any]:
        """What the optimiser works with after nimg images of planned_nimg. ``lazy`` is the longest interval of a lazily
        evaluated term, 0 without one: Adam's time constants are kept by scaling them with r = lazy / (lazy + 1) (Karras et
        al. 2020, arXiv:1912.04958, appendix B)."""
        r = lazy / (lazy + 1) if lazy else 1.0
        betas = tuple(float(at(beta, nimg, planned_nimg)) ** r for beta in self.betas)
        return dict(lr=at(self.lr, nimg, planned_nimg) * r, betas=betas)

    def build(self, params: list[torch.nn.Parameter], lazy: int) -> torch.optim.Optimizer:
        return torch.optim.Adam(params, fused=True, **self.values(0, 1, lazy=lazy))


@dataclass(frozen=True)
class RMSprop:
    """RMSprop (Hinton 2012), which WGAN uses because momentum made its critic unstable (arXiv:1701.07875, sec. 4)."""

    lr: Number = 5e-5

    def __post_init__(self):
        check_range("lr", self.lr)

    def values(self, nimg: int, planned_nimg: int, *, lazy: int) -> dict[str, Any]:
        return dict(lr=at(self.lr, nimg, planned_nimg))

    def build(self, params: list[torch.nn.Parameter], lazy: int) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(params, **self.values(0, 1, lazy=lazy))


@dataclass(frozen=True)
class Recipe:
    """One GAN, whole. A recipe function states only what differs from these defaults."""

    family: str
    latent: Latent
    loss: Objective
    penalties: tuple[Term, ...] = ()
    mix: Any = None  #                             a transform of w before synthesis, or None
    augment: Any = None  #                         a differentiable transform of x before D, or None
    callbacks: tuple[Callback, ...] = ()  #        what changes over time
    g: Mapping[str, Any] = field(default_factory=dict)  # options of the family's Generator
    d: Mapping[str, Any] = field(default_factory=dict)  # options of the family's Discriminator
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
        for name in ("batch", "d_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 < self.kimg < 1e7:
            raise ValueError(f"kimg must be above 0 and under 10 million, got {self.kimg}")
        check_range("ema_kimg", self.ema_kimg)
        check_range("ema_rampup", self.ema_rampup)

    @property
    def total_nimg(self) -> int:
        return math.ceil(self.kimg * 1000)

    def fresh(self) -> Recipe:
        """The same recipe with terms and callbacks of its own, for a trial: they carry state."""
        return Recipe.from_json(self.to_json())

    def nets(self) -> tuple[torch.nn.Module, torch.nn.Module]:
        """Fresh G and D."""
        module = family(self.family)
        G = module.Generator(self.latent, **self.g)
        return G, discriminators.build(module.Discriminator, self.latent, self.d, self.batch)

    def to_json(self) -> dict[str, str]:
        """Every slot in the notation of ``gan.spec``."""
        return {f.name: write(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, slots: Mapping[str, str]) -> Recipe:
        names = named()
        return cls(**{slot: read(text, names) for slot, text in slots.items()})


def named() -> dict[str, Any]:
    """Every name that a recipe's notation may use: what terms.py, augment.py, callbacks.py and this file define."""
    from train import augment, callbacks, terms  # these import this file

    found: dict[str, Any] = {c.__name__: c for c in (Latent, Schedule, Adam, RMSprop)}
    for module in (terms, augment, callbacks):
        found.update({name: getattr(module, name) for name in module.RECIPE_NAMES})
    return found


def override(recipe: Recipe, path: str, text: str) -> Recipe:
    """The recipe with one slot changed, as ``--set PATH=VALUE`` asks: ``g_opt.lr=1e-4``, ``d.spectral=true``.

    Errors: ``ValueError`` that names the known slots, or the type that the slot takes.
    """
    return _replace(recipe, path.split("."), text, path)


def overridden(recipe: Recipe, texts: Iterable[str]) -> Recipe:
    """The recipe with everything that ``SLOT=VALUE`` texts change, in their order. Errors as ``override``."""
    for text in texts:
        path, sign, value = text.partition("=")
        if not sign:
            raise ValueError(f"--set needs SLOT=VALUE, got {text!r}")
        recipe = override(recipe, path.strip(), value.strip())
    return recipe


def as_option(setting: str) -> str:
    """``--set`` with a ``SLOT=VALUE``, as a shell takes it: the notation has both quotes; double ones need no escapes."""
    plain = setting.replace("'", '"')
    return f"--set {shlex.quote(plain)}"


def _replace(owner: Any, path: list[str], text: str, whole: str) -> Any:
    from train.callbacks import Callback  # these import this file
    from train.terms import Objective, Term

    name, rest = path[0], path[1:]
    hints = typing.get_type_hints(type(owner), localns=dict(Callback=Callback, Objective=Objective, Term=Term))
    if name not in hints:
        raise ValueError(f"unknown setting {whole!r}: no {name!r} here; known: {', '.join(sorted(hints))}")
    value = getattr(owner, name)
    if not rest:
        new = _typed(text, hints[name], whole)
    elif isinstance(value, Mapping):  # g and d: the options that the family's constructor takes
        new = {**value, rest[0]: _option(owner, name, rest, text, whole)}
    elif dataclasses.is_dataclass(value) and not hasattr(value, "constant_name"):
        new = _replace(value, rest, text, whole)
    else:
        raise ValueError(f"unknown setting {whole!r}: {name} has no parts; set it whole, it is now {write(value)}")
    return dataclasses.replace(owner, **{name: new})


def _option(recipe: Recipe, net: str, rest: list[str], text: str, whole: str) -> Any:
    made = getattr(family(recipe.family), {"g": "Generator", "d": "Discriminator"}[net])
    known = {**(discriminators.OPTIONS if net == "d" else {}), **kinds(made)}
    del known["latent"]  # a slot of the recipe
    if len(rest) > 1 or rest[0] not in known:
        raise ValueError(f"unknown setting {whole!r}; known for {recipe.family}: "
                         f"{', '.join(f'{net}.{n}' for n in sorted(known))}")
    return _typed(text, known[rest[0]], whole)


def _typed(text: str, kind: Any, path: str) -> Any:
    """The text read as a value of the annotated type."""
    words, origin = {"true": True, "false": False, "none": None}, typing.get_origin(kind)
    if kind is str or origin is Literal:  # needs no quotes
        value = text.strip("'\"")
    elif text.lower() in words:
        value = words[text.lower()]
    else:
        value = read(text, named())
    if tuple in (kind, origin) and not isinstance(value, tuple):
        value = (value,)  # one term needs no brackets
    if not fits(value, kind):
        raise ValueError(f"{path} must be {kind_name(kind)}, got {text!r}")
    return float(value) if type(value) is int and kind is not Any and fits(0.5, kind) else value
