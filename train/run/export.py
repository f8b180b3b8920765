"""From a trained run to a folder of the gallery: averaged weights, card, samples and timeline."""

from __future__ import annotations

import copy
import math
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from gan import hub
from gan.base import Discriminator, Generator, Inputs
from gan.directions import DIRECTIONS, find_directions, save_directions, step_size
from gan.engine import device_name, draw, draw_inputs
from gan.files import write_json, write_text
from gan.hub.card import card
from gan.hub.contents import largest
from gan.image import MAX_SHEET, contact_sheet, tiles_that_fit, to_pil
from gan.latent import Draw, inputs_of, latents
from gan.recipe import SeedsRecipe, save_png
from train.run.curves import curves
from train.run.origin import keep_discriminator
from train.run.settle import settled
from train.run.sheets import pairs_of, sheet

__all__ = ["JUDGED", "Provenance", "add_directions", "export", "hardware"]


JUDGED = 64  # pictures of seeds 0, 1, ...
WORTH_S = 60.0  #  a run that trained for less gets no directions
LIMIT_S = 300.0  # a model whose directions take longer gets none
EARLY_S = 5.0  #   of them tell how long the rest takes


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
    origin: dict[str, str] | None = None  # "from" in training.json: id, revision and licence of what the run started from
    chosen: dict[str, Any] | None = None  # of which moment the weights are and by which score, where not of the last


def hardware(device: torch.device, processes: int) -> str:
    """What a run was trained on, in words."""
    threads = torch.get_num_threads()
    return (f"{processes} processes, each on " if processes > 1 else "") + device_name(device) + \
        (f", {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else "")


def export(G_ema: Generator, folder: Path, provenance: Provenance, *, class_names: tuple[str, ...] = (),
           snapshots: Path | None = None, log: Path | None = None, name: str = "", inputs: Inputs | None = None,
           D: Discriminator | None = None) -> None:
    """Writes the whole model folder, with the timeline of ``snapshots`` and the curves of ``log``.

    The samples are drawn from the file, reloaded; where G reads pictures, from ``inputs`` and beside what it reads, and the
    sheet of such a model carries no recipe. An encoder that learned with G is the model's second net. D, where it is given
    and small, lies beside them for training to go on from (``train.run.origin``).
    """
    G = settled(G_ema, inputs=inputs).cpu().to(memory_format=torch.contiguous_format)
    encoder, G.encoder = G.encoder, None
    G = G.compact()
    if G.source is None:
        inputs = inputs_of(G, [Draw(seed) for seed in range(JUDGED)])
    inputs = inputs.to("cpu")
    (folder / DIRECTIONS).unlink(missing_ok=True)  # an earlier export's
    hub.save(folder, G, class_names=class_names, half=_half_is_enough(G, inputs), encoder=encoder)
    if D is not None:
        keep_discriminator(folder, D)
    training = asdict(provenance)
    origin = training.pop("origin")
    training |= {"from": origin} if origin else {}
    if not training["chosen"]:
        del training["chosen"]
    write_json(folder / "training.json", training)
    model = hub.load(folder)
    name = name or model.id
    _write_samples(folder / "samples.png", model, name, inputs)
    if snapshots and (snapshots / "timeline.json").exists():
        shutil.rmtree(folder / "timeline", ignore_errors=True)  # an earlier export's, of sheets that are no more
        (folder / "timeline").mkdir()
        for path in filter(Path.is_file, snapshots.iterdir()):  # on a full disk the error is of the first, and not of all
            shutil.copyfile(path, folder / "timeline" / path.name)
    if log and (found := curves(log)):
        write_json(folder / "curves.json", found, indent=None)
    write_text(folder / "README.md", card(name, model, training))


def _write_samples(path: Path, model: hub.Model, name: str, inputs: Inputs) -> None:
    """Draws the samples, and fewer of them where the file would be larger than a model's may be: how many large pictures
    that are depends on how sharp they are."""
    G, most = model.G, largest(path.name)

    def write(count: int) -> None:
        if G.source is None:
            seeds = sample_seeds(G, count)
            sheet_of_seeds = contact_sheet(draw(G, [Draw(seed) for seed in seeds]))
            save_png(path, sheet_of_seeds, SeedsRecipe(name, model.revision, tuple(seeds)))
        else:
            to_pil(sheet(G, inputs.rows(slice(count)))).save(path)

    count = len(sample_seeds(G)) if G.source is None else min(pairs_of(G), len(inputs.y))
    write(count)
    while (size := path.stat().st_size) > most and count > 1:
        count = min(count - 1, int(math.sqrt(count * most / size)) ** 2 or 1)  # a square again
        write(count)


def add_directions(folder: Path, stopped: Callable[[], bool], device: torch.device) -> None:
    """Finds the directions of an exported model and writes them beside it; none where it has no latent space. Where that
    would take much longer than ``LIMIT_S``, and once ``stopped()``, one line says how they are found later."""
    G = hub.load(folder, device=device).G
    try:
        step_size(G)
    except ValueError:
        return
    began = time.monotonic()
    with tqdm(desc="directions", unit="derivative", leave=False) as bar:
        def report(done: int, most: int) -> None:
            spent = time.monotonic() - began
            if stopped() or spent > EARLY_S and spent * most / done > 2 * LIMIT_S:  # half of most is enough, nearly always
                raise TimeoutError
            bar.total = most
            bar.update(done - bar.n)

        try:
            save_directions(folder, find_directions(G, report=report))
        except TimeoutError:
            print(f"directions are left out: python -m gan directions {shlex.quote(str(folder))} finds them",
                  file=sys.stderr)


def sample_seeds(G: Generator, most: int = MAX_SHEET) -> list[int]:
    """Seeds of a square sheet, 8 x 8 or, from ten classes on, 10 x 10; of large pictures, which weigh half a megabyte then,
    6 x 6, or what fits, and never more than ``most``: class after class, each as its seeds draw it, so that the sheet's
    recipe is its list of seeds and nothing else."""
    classes = max(G.latent.classes, 1)
    count = 36 if G.resolution >= 64 else 100 if classes >= 10 else 64
    count = min(count, most, tiles_that_fit(G.resolution))
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


def _half_is_enough(G: Generator, inputs: Inputs) -> bool:
    """Whether float16 weights move no pixel of these pictures by more than 1/255."""
    rounded = copy.deepcopy(G)
    for tensor in [*rounded.parameters(), *rounded.buffers()]:
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    difference = draw_inputs(rounded, inputs).astype(np.int16) - draw_inputs(G, inputs)
    return bool(np.isfinite(difference).all() and np.abs(difference).max() <= 1)
