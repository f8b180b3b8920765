"""From a trained run to a folder of the gallery: averaged weights, card, samples and timeline."""

from __future__ import annotations

import copy
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from gan import hub
from gan.base import Generator
from gan.engine import device_name, draw
from gan.files import write_json, write_text
from gan.hub.card import card
from gan.image import contact_sheet
from gan.latent import Draw, latents
from gan.recipe import SeedsRecipe, save_png

__all__ = ["Provenance", "export", "hardware", "settled"]


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from; written to training.json, which the app and the card read."""

    recipe: str  #                  its name
    parent: str
    ancestors: list[str]  #         the parent, its parent, ...
    paper: str
    note: str  #                    what is new in it, in one line
    changes: dict[str, list[str]]  # slot -> [of the parent, of the recipe], both for this data, as the recipes stand
    slots: dict[str, str]  #        the resolved recipe
    data: dict[str, Any]  #         name, images, classes, fingerprint, licence
    command: str
    seed: int
    nimg: int
    minutes: float
    hardware: str


def hardware(device: torch.device) -> str:
    """What a run was trained on, in words."""
    threads = torch.get_num_threads()
    return device_name(device) + (f", {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else "")


@torch.no_grad()
def settled(G_ema: Generator, *, batches: int = 16, batch: int = 64) -> Generator:
    """A copy of G_ema for drawing: spectral norm baked in, mean w measured, BatchNorm statistics estimated afresh.

    The average copies G's statistics, which belong to other weights. All from fixed seeds: nothing is drawn from the
    training generators.
    """
    G = copy.deepcopy(G_ema).requires_grad_(False).eval()
    if any(parametrize.is_parametrized(m) for m in G.modules()):
        G = _without_spectral_norm(G).requires_grad_(False).eval()
    if G.w_mean is not None:
        _measure_w_mean(G)
    norms = [m for m in G.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return G
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # None = the plain mean over all batches
        norm.train()
    rng = torch.Generator(next(G.parameters()).device).manual_seed(0)
    classes = G.latent.classes
    for _ in range(batches):
        z = G.latent.sample(batch, generator=rng)
        G(z, torch.randint(classes, (batch,), generator=rng, device=rng.device) if classes else None)
    return G.eval()


def _without_spectral_norm(G: Generator, iterations: int = 20) -> Generator:
    """The same function with every normalised weight as a plain one.

    The singular vectors are first brought up to the averaged weights. The net is built anew, since a copy shares its
    parametrised classes with the net in training: taking the parametrisation off one would take it off both.
    """
    values = {name: value for name, value in G.state_dict().items() if ".parametrizations." not in f".{name}"}
    for name, module in G.named_modules():
        if parametrize.is_parametrized(module):
            module.train()
            for _ in range(iterations):
                values[f"{name}.weight"] = module.weight  # one power iteration each
    with torch.device("meta"):  # nothing is initialised, so nothing is drawn from torch's own generator
        plain = type(G)(**{**G.config, "spectral": False})
    plain.load_state_dict(values, assign=True)
    return plain


def _measure_w_mean(G: Generator, count: int = 4096) -> None:
    """The mean w of each class over the same z, which truncation draws towards."""
    rng = torch.Generator(G.w_mean.device).manual_seed(0)
    z = G.latent.sample(count, generator=rng)
    for k, row in enumerate(G.w_mean):
        c = torch.full((count,), k, device=z.device) if G.latent.classes else None
        row.copy_(G.mapping(z, c)[:, 0].mean(0))


def export(G_ema: Generator, folder: Path, provenance: Provenance, *, class_names: tuple[str, ...] = (),
           snapshots: Path | None = None, name: str = "") -> None:
    """Writes the whole model folder. The samples are drawn from the file, reloaded."""
    G = settled(G_ema).cpu().to(memory_format=torch.contiguous_format)
    hub.save(folder, G, class_names=class_names, half=_half_is_enough(G))
    training = asdict(provenance)
    write_json(folder / "training.json", training)
    model = hub.load(folder)
    name = name or model.id
    draws = [Draw(seed) for seed in sample_seeds(G)]
    recipe = SeedsRecipe(name, model.revision, tuple(d.seed for d in draws))
    save_png(folder / "samples.png", contact_sheet(draw(model.G, draws)), recipe)
    if snapshots and (snapshots / "timeline.json").exists():
        shutil.rmtree(folder / "timeline", ignore_errors=True)  # an earlier export's, of sheets that are no more
        shutil.copytree(snapshots, folder / "timeline")
    write_text(folder / "README.md", card(name, model, training))


def sample_seeds(G: Generator) -> list[int]:
    """Seeds of a square sheet, 8 x 8 or, from ten classes on, 10 x 10: class after class, each as its seeds draw it, so
    that the sheet's recipe is its list of seeds and nothing else."""
    classes = max(G.latent.classes, 1)
    count = 100 if classes >= 10 else 64
    wanted = -(-count // classes)
    found: list[list[int]] = [[] for _ in range(classes)]
    for seed in range(100 * count):
        _, c = latents(G.latent, [Draw(seed)])
        row = found[0 if c is None else int(c)]
        if len(row) < wanted:
            row.append(seed)
        if sum(map(len, found)) == wanted * classes:
            break
    return [seed for row in found for seed in row][:count]


def _half_is_enough(G: Generator) -> bool:
    """Whether float16 weights move no pixel by more than 1/255 over 64 seeds."""
    draws = [Draw(seed) for seed in range(64)]
    rounded = copy.deepcopy(G)
    for tensor in [*rounded.parameters(), *rounded.buffers()]:
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    difference = draw(rounded, draws).astype(np.int16) - draw(G, draws)
    return bool(np.isfinite(difference).all() and np.abs(difference).max() <= 1)
