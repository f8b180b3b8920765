"""A model's config.json, read strictly: every number is bounded and checked, and the net is built without memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from gan.base import Generator, Latent
from gan.files import read_json
from gan.models import family
from gan.spec import fits, kind_name, kinds

__all__ = ["FORMAT", "build", "read_object"]

FORMAT = 1


def read_object(path: Path, *, lenient: bool = False) -> dict[str, Any]:
    """The JSON object that a file of a model folder holds."""
    try:
        data = read_json(path, lenient=lenient)
        if not isinstance(data, dict):
            raise ValueError("it holds no JSON object")
        return data
    except FileNotFoundError:
        raise FileNotFoundError(f"no {path.name} in {path.parent.name}: this is no model folder of ours") from None
    except ValueError as error:  # JSON and Unicode errors are ValueErrors
        raise ValueError(f"{path.parent.name}/{path.name} cannot be read: {error}") from None


def build(config: dict[str, Any], model_id: str) -> tuple[Generator, tuple[str, ...]]:
    """The generator that a config describes, on the meta device: shapes without memory."""
    try:
        arguments = dict(config)
        if arguments.pop("format", None) != FORMAT:
            raise ValueError(f"format must be {FORMAT}, got {str(config.get('format'))[:20]!r}")
        cls = family(str(arguments.pop("family", None))[:50]).Generator
        class_names = _class_names(arguments.pop("class_names", []))
        known = kinds(cls)
        if unknown := sorted(set(arguments) - set(known)):
            raise ValueError(f"unknown key {unknown[0][:50]!r}; known: {', '.join(known)}")
        if "latent" not in arguments:
            raise ValueError("key 'latent' is missing")
        checked = {k: _latent(v) if k == "latent" else _bounded(k, v, known[k]) for k, v in arguments.items()}
        with torch.device("meta"):
            G = cls(**checked)
        if class_names and len(class_names) != G.latent.classes:
            raise ValueError(f"{len(class_names)} class names for {G.latent.classes} classes")
        return G, class_names or tuple(str(i) for i in range(G.latent.classes))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{model_id}: config.json is not usable: {error}") from None


def _class_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 16384 or not all(
            isinstance(v, str) and 0 < len(v) <= 200 and v.isprintable() for v in value):
        raise ValueError("class_names must be a list of short printable texts")
    return tuple(value)


def _latent(value: Any) -> Latent:
    if not isinstance(value, dict):
        raise ValueError("latent must be an object")
    known = kinds(Latent)
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"unknown key {unknown[0][:50]!r} in latent; known: {', '.join(known)}")
    return Latent(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})


def _bounded(name: str, value: Any, annotation: Any) -> Any:
    """The value, if it is of the annotated type and of a size that a net could have."""
    if not fits(value, annotation):
        raise ValueError(f"{name} must be {kind_name(annotation)}, got {str(value)[:50]!r}")
    if isinstance(value, (int, float)) and not (math.isfinite(value) and 0 <= value <= 16384):
        raise ValueError(f"{name} must be from 0 to 16384, got {str(value)[:50]}")
    return value
