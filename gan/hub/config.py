"""config.json: which nets a model has, as the arguments of their constructors. A stranger may have written it.

Format 1 holds one generator. Format 2 may say more: ``chunk``, the rows it is evaluated on at a time (see ``gan.cost``),
and ``encoder``, a second net of the family, from pictures to latents. What a model does not need is not written, so that
most models stay in format 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan.base import Encoder, Generator
from gan.cost import CHUNKS, check_cost, chunk_of, cost_of
from gan.degrade import task_of
from gan.files import read_json
from gan.models import family, family_of
from gan.spec import Recorded, fits, from_plain

__all__ = ["Nets", "build", "describe", "read_object", "tensors_of"]

FORMATS = (1, 2)
LARGEST = 16384  # any number, and the length of any list


@dataclass
class Nets:
    """What a config describes, on the meta device: shapes without memory."""

    family: str
    G: Generator
    encoder: Encoder | None
    class_names: tuple[str, ...]

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of both nets, under the names that model.safetensors gives them."""
        return tensors_of(self.G, self.encoder)


def tensors_of(G: Generator, encoder: Encoder | None) -> dict[str, Tensor]:
    """As ``Nets.tensors``. No module's name holds a slash, so that the encoder's names are no other's."""
    second = {} if encoder is None else encoder.state_dict()
    return {**G.state_dict(), **{f"encoder/{name}": tensor for name, tensor in second.items()}}


def read_object(path: Path, *, lenient: bool = False) -> dict[str, Any]:
    """The JSON object that a file of a model folder holds. Errors: ``FileNotFoundError``, ``ValueError``."""
    try:
        data = read_json(path, lenient=lenient)
        if not isinstance(data, dict):
            raise ValueError("it holds no JSON object")
        return data
    except FileNotFoundError:
        where = path.parent.name or path.parent
        raise FileNotFoundError(f"no {path.name} in {where}: this is no model folder of ours") from None
    except (ValueError, OSError) as error:  # JSON and Unicode errors are ValueErrors
        raise ValueError(f"{path.parent.name}/{path.name} cannot be read: {error}") from None


def describe(G: Generator, class_names: tuple[str, ...], encoder: Encoder | None) -> dict[str, Any]:
    """The config that ``build`` makes these nets of again."""
    config = {"family": family_of(G), **_arguments(G), "class_names": list(class_names)}
    more: dict[str, Any] = {}
    if encoder is not None:
        more["encoder"] = {"family": family_of(encoder), **_arguments(encoder)}
    with torch.device("meta"):
        chunk = chunk_of(cost_of(type(G)(**G.config).eval()))
    if chunk != CHUNKS[0]:
        more["chunk"] = chunk
    return {"format": 2 if more else 1, **config, **more}


def _arguments(net: Recorded) -> dict[str, Any]:
    return {k: asdict(v) if is_dataclass(v) else v for k, v in net.config.items() if v is not None}


def build(config: Mapping[str, Any], model_id: str) -> Nets:
    """The nets of a config. ``ValueError`` in one line for what is no config of ours, or costs more than a draw may."""
    try:
        _check_numbers(config)
        arguments = dict(config)
        version = arguments.pop("format", None)
        if version not in FORMATS:
            raise ValueError(f"format must be 1 or 2, got {str(version)[:20]!r}")
        class_names = _class_names(arguments.pop("class_names", []))
        chunk = arguments.pop("chunk", None) if version > 1 else None
        second = arguments.pop("encoder", None) if version > 1 else None
        name, G = _net(arguments, "Generator")
        if G.source is not None:
            task_of(G.source, G.channels)
        encoder = None if second is None else _encoder(second, G)
        if class_names and len(class_names) != G.latent.classes:
            raise ValueError(f"{len(class_names)} class names for {G.latent.classes} classes")
        cost = cost_of(G.eval())
        if chunk is not None and not (fits(chunk, int) and chunk in CHUNKS):
            raise ValueError(f"chunk must be one of {', '.join(map(str, CHUNKS))}, got {str(chunk)[:20]!r}")
        G.chunk_size = chunk or chunk_of(cost)
        check_cost(cost, G.chunk_size)
        return Nets(name, G, encoder, class_names or tuple(str(i) for i in range(G.latent.classes)))
    except (ValueError, TypeError, KeyError, RuntimeError, ArithmeticError) as error:
        # a RuntimeError is PyTorch's: shapes that do not fit together; an ArithmeticError is a net's of no or a huge size
        raise ValueError(f"{model_id}: config.json is not usable: {str(error).splitlines()[0][:400]}") from None


def _net(arguments: Any, kind: str) -> tuple[str, Any]:
    """(family, net on the meta device) of its constructor's arguments and its family's name."""
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{kind.lower()} must be an object")
    rest = dict(arguments)
    name = str(rest.pop("family", None))[:50]
    cls = getattr(family(name), kind, None)
    if cls is None:
        raise ValueError(f"the family {name} has no {kind.lower()}")
    with torch.device("meta"):
        return name, from_plain(cls, rest)


def _encoder(arguments: Any, G: Generator) -> Encoder:
    """The encoder beside G. ``ValueError`` for one of another G, or that takes too much to read one picture."""
    encoder = _net(arguments, "Encoder")[1]
    for what in ("resolution", "channels", "latent"):
        if getattr(encoder, what) != getattr(G, what):
            raise ValueError(f"the encoder's {what} is {getattr(encoder, what)}, the generator's {getattr(G, what)}")
    check_cost(cost_of(encoder.eval()), 1)
    return encoder


def _check_numbers(value: Any) -> None:
    """``ValueError`` unless every number could be a size, and every list has a length that one could have."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(part, (int, float)) and not 0 <= part <= LARGEST:
                raise ValueError(f"{str(key)[:50]} must be from 0 to {LARGEST}, got {str(part)[:50]}")
            _check_numbers(part)
    elif isinstance(value, list):
        if len(value) > LARGEST:
            raise ValueError(f"a list has {len(value):,} parts, more than {LARGEST}")
        for part in value:
            _check_numbers({"a number": part} if isinstance(part, (int, float)) else part)


def _class_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
            isinstance(v, str) and 0 < len(v) <= 200 and v.isprintable() for v in value):
        raise ValueError("class_names must be a list of short printable texts")
    return tuple(value)
