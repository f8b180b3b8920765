"""The files of a model, written and read strictly: ``config.json``, ``model.safetensors``, ``training.json``.

A model comes from a stranger. Nothing in it is executed or unpickled; its config is bounded and checked, the nets are
built without memory, and names, shapes and types are compared with the file's header before anything is allocated.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from gan.base import Generator, Latent
from gan.files import sweep, write_json, write_tensors
from gan.hub.config import FORMAT, build, read_object
from gan.hub.folders import folder_of
from gan.layers import prepare

__all__ = ["Model", "load", "save"]


@dataclass
class Model:
    """A generator ready to draw, with what its folder says of it."""

    G: Generator
    id: str  #                        a name or Hub id, never a local path
    revision: str  #                  the Hub's commit, or 12 hex digits of sha256(model.safetensors)
    class_names: tuple[str, ...]
    training: dict[str, Any] = field(default_factory=dict)

    def label(self, name: str | None) -> int | None:
        """The index of a class name, None for None. ``ValueError`` with the known names."""
        if name is None:
            return None
        if name not in self.class_names:
            known = ", ".join(self.class_names[:20]) + (", ..." if len(self.class_names) > 20 else "")
            raise ValueError(f"{self.id} has no class {name!r}; " + (f"known: {known}" if known else "it has no classes"))
        return self.class_names.index(name)


def load(name: str | Path, *, device: str | torch.device = "cpu") -> Model:
    """The model of a name in weights/, a folder, or a Hub id ``user/name[@revision]``, in evaluation mode.

    Errors: ``FileNotFoundError`` where there is no such model, ``ValueError`` where its files do not fit together.
    """
    folder, model_id, revision = folder_of(str(name))
    config = read_object(folder / "config.json")
    G, class_names = build(config, model_id)
    path = folder / "model.safetensors"
    _fill(G, path, model_id)
    training = folder / "training.json"
    G.requires_grad_(False).eval().to(device)
    prepare(G)
    return Model(G, model_id, revision or _digest(path), class_names,
                 read_object(training, lenient=True) if training.is_file() else {})


def save(folder: Path, G: Generator, *, class_names: tuple[str, ...] = (), half: bool = False) -> None:
    """Writes config.json and model.safetensors of G; float16 where ``half``."""
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    arguments = {k: asdict(v) if isinstance(v, Latent) else v for k, v in G.config.items()}
    family_name = type(G).__module__.rsplit(".", 1)[-1]
    config = {"format": FORMAT, "family": family_name, **arguments, "class_names": list(class_names)}
    tensors = {k: v.detach().cpu().contiguous() for k, v in G.state_dict().items()}
    if half:
        tensors = {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}
    write_tensors(folder / "model.safetensors", tensors)
    write_json(folder / "config.json", config)


def _fill(G: Generator, path: Path, model_id: str) -> None:
    """Gives the meta generator its memory and its values, after comparing it with the header of the file."""
    if not path.is_file():
        raise FileNotFoundError(f"{model_id}: no model.safetensors in its folder")
    expected = G.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            found = set(file.keys())
            if missing := sorted(set(expected) - found):
                raise ValueError(f"weight {missing[0]} is missing ({len(missing)} in all)")
            if unknown := sorted(found - set(expected)):
                raise ValueError(f"unknown key {unknown[0][:100]!r} ({len(unknown)} in all)")
            for name, tensor in expected.items():
                part = file.get_slice(name)
                shape, dtype = list(part.get_shape()), part.get_dtype()
                if shape != list(tensor.shape):
                    raise ValueError(f"{name} has shape {shape}, expected {list(tensor.shape)}")
                accepted = ("F32", "F16") if tensor.is_floating_point() else ("I64",)
                if dtype not in accepted:
                    raise ValueError(f"{name} has type {dtype}, expected {' or '.join(accepted)}")
            values = {name: file.get_tensor(name).to(tensor.dtype) for name, tensor in expected.items()}
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{model_id}: model.safetensors is not usable: {error}") from None
    G.load_state_dict(values, strict=True, assign=True)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12] if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read()).hexdigest()[:12]
