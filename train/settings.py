"""``--set SLOT=VALUE``: a recipe with single slots changed, every value checked against the type that its slot takes."""

from __future__ import annotations

import dataclasses
import shlex
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from gan.models import family
from gan.spec import fits, kind_name, kinds, read, write
from train.game import discriminators
from train.recipe import NETS, Recipe, named

__all__ = ["as_option", "between", "overridden", "override"]

OF_THE_DATA = {f"{net}.{option}" for net in "gde" for option in ("resolution", "channels")}


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


def between(old: Recipe, new: Recipe) -> list[str]:
    """What ``overridden`` needs to make the new recipe of the old one, part by part where a slot has parts. Two slots are
    left out: ``kimg``, which has an option of its own, and what nets take from the data.

    Errors: ``ValueError`` where the two are not of one family, which no setting changes for both nets at once.
    """
    if old.family != new.family:
        raise ValueError(f"no settings lead from {old.family} to {new.family}")
    return [text for f in dataclasses.fields(old) if f.name != "kimg"
            for text in _changed(f.name, getattr(old, f.name), getattr(new, f.name))]


def _changed(path: str, old: Any, new: Any) -> list[str]:
    if write(old) == write(new) or path in OF_THE_DATA:
        return []
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [text for name in new for text in _changed(f"{path}.{name}", old.get(name), new[name])]
    if dataclasses.is_dataclass(new) and type(old) is type(new) and not hasattr(new, "constant_name"):
        return [text for f in dataclasses.fields(new)
                for text in _changed(f"{path}.{f.name}", getattr(old, f.name), getattr(new, f.name))]
    return [f"{path}={write(new)}"]


def as_option(setting: str) -> str:
    """``--set`` with a ``SLOT=VALUE``, as any shell takes it, that of Windows too, which knows no single quotes around a
    word: the notation has both quotes, and the inner ones are single."""
    plain = setting.replace('"', "'")
    safe = shlex.quote(plain) == plain or set(plain) & set('$`\\!%')
    return f"--set {shlex.quote(plain)}" if safe else f'--set "{plain}"'


def _replace(owner: Any, path: list[str], text: str, whole: str) -> Any:
    name, rest = path[0], path[1:]
    hints = typing.get_type_hints(type(owner))
    if name not in hints:
        raise ValueError(f"unknown setting {whole!r}: no {name!r} here; known: {', '.join(sorted(hints))}")
    value = getattr(owner, name)
    if not rest:
        new = _typed(text, hints[name], whole)
    elif isinstance(value, Mapping):  # g, d and e: the options that the family's constructor takes
        new = {**value, rest[0]: _option(owner, name, rest, text, whole)}
    elif dataclasses.is_dataclass(value) and not hasattr(value, "constant_name"):
        new = _replace(value, rest, text, whole)
    else:
        raise ValueError(f"unknown setting {whole!r}: {name} has no parts; set it whole, it is now {write(value)}")
    return dataclasses.replace(owner, **{name: new})


def _option(recipe: Recipe, net: str, rest: list[str], text: str, whole: str) -> Any:
    made = getattr(family(recipe.family), NETS[net])
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
