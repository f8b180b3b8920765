"""The files of a model, written and read strictly: ``config.json``, ``model.safetensors``, ``training.json``.

A model comes from a stranger. Nothing in it is executed or unpickled; its config is bounded and checked, the nets are
built without memory, and names, shapes and types are compared with the file's header before anything is allocated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gan.base import Encoder, Generator
from gan.files import composed, read_tensors, sweep, write_json, write_tensors
from gan.hub.config import Nets, build, describe, read_object, tensors_of
from gan.hub.contents import sha256
from gan.hub.folders import folder_of
from gan.layers import prepare

__all__ = ["Model", "load", "save", "training_of"]


@dataclass
class Model:
    """A generator ready to draw, with what its folder says of it."""

    G: Generator
    id: str  #                        a name or Hub id, never a local path
    revision: str  #                  the Hub's commit, or 12 hex digits of sha256(model.safetensors)
    class_names: tuple[str, ...]
    training: dict[str, Any] = field(default_factory=dict)
    encoder: Encoder | None = None  #  from pictures to latents, where the model has one

    def label(self, name: str | None) -> int | None:
        """The index of a class name, None for None. ``ValueError`` with the known names."""
        if name is None:
            return None
        names = list(map(composed, self.class_names))
        if composed(name) not in names:
            known = ", ".join(self.class_names[:20]) + (", ..." if len(self.class_names) > 20 else "")
            raise ValueError(f"{self.id} has no class {name!r}; " + (f"known: {known}" if known else "it has no classes"))
        return names.index(composed(name))


def load(name: str | Path, *, device: str | torch.device = "cpu") -> Model:
    """The model of a name in weights/, a folder, or a Hub id ``user/name[@revision]``, in evaluation mode.

    Errors: ``FileNotFoundError`` where there is no such model, ``ValueError`` where its files do not fit together, hold a
    number that is not finite, or describe a net that one draw of would take too much.
    """
    folder, model_id, revision = folder_of(str(name))
    nets = build(read_object(folder / "config.json"), model_id)
    path = folder / "model.safetensors"
    _fill(nets, path, model_id)
    for net in (nets.G, nets.encoder):
        if net is not None:
            net.requires_grad_(False).eval().to(device)
            prepare(net)
    return Model(nets.G, model_id, revision or sha256(path)[:12], nets.class_names, training_of(folder), nets.encoder)


def save(folder: Path, G: Generator, *, class_names: tuple[str, ...] = (), half: bool = False,
         encoder: Encoder | None = None) -> None:
    """Writes config.json and model.safetensors of G, and of its encoder where it has one; float16 where ``half``."""
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    tensors = tensors_of(G, encoder)
    if half:
        tensors = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
    write_tensors(folder / "model.safetensors", tensors)
    write_json(folder / "config.json", describe(G, class_names, encoder))


def training_of(folder: Path) -> dict[str, Any]:
    """What training.json says, {} where there is none; a number that no float holds is None."""
    path = folder / "training.json"
    return read_object(path, lenient=True) if path.is_file() else {}


def _fill(nets: Nets, path: Path, model_id: str) -> None:
    """Gives the meta nets their memory and their values, after comparing them with the header of the file."""
    if not path.is_file():
        raise FileNotFoundError(f"{model_id}: no model.safetensors in its folder")
    try:
        values = read_tensors(path, nets.tensors())
    except ValueError as error:
        raise ValueError(f"{model_id}: model.safetensors is not usable: {error}") from None
    second = {name.removeprefix("encoder/"): values.pop(name) for name in list(values) if name.startswith("encoder/")}
    nets.G.load_state_dict(values, strict=True, assign=True)
    if nets.encoder is not None:
        nets.encoder.load_state_dict(second, strict=True, assign=True)
