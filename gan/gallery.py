"""Lists the models that a gallery shows: the folders of weights/, and others that the user names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan import hub
from gan.base import Latent, Source
from gan.degrade import Degrade, task_of
from gan.files import object_in
from gan.hub.config import build, read_object
from gan.hub.format import training_of

__all__ = ["NAMES", "Entry", "entries", "entry", "list_models", "results"]

log = logging.getLogger(__name__)
NAMES = "models.txt"  # beside app.py: models on the Hub, one a line


@dataclass(frozen=True)
class Entry:
    """One model of the gallery, described without loading its weights."""

    name: str  #                     what ``hub.load`` takes
    id: str  #                       what the page shows and recipes hold
    folder: Path
    family: str
    resolution: int  #               px
    channels: int
    latent: Latent
    class_names: tuple[str, ...]
    bytes: int  #                    of model.safetensors
    training: dict[str, Any] = field(default_factory=dict)  # training.json, {} where there is none
    source: Source | None = None  #  the picture that it reads, None where it reads none

    @property
    def task(self) -> Degrade | None:
        """What it does with the picture that it reads."""
        return None if self.source is None else task_of(self.source, self.channels)

    @property
    def abilities(self) -> tuple[str, ...]:
        """What can be done with it: ``picture`` makes a picture from a picture, ``seeds`` draws pictures from seeds,
        ``classes`` lets choose among them."""
        found = {"picture": self.source is not None, "seeds": self.source is None, "classes": bool(self.class_names)}
        return tuple(name for name, there in found.items() if there)

    @property
    def samples(self) -> Path | None:
        """The contact sheet, where there is one."""
        path = self.folder / "samples.png"
        return path if path.is_file() else None

    @property
    def rank(self) -> tuple[int, bool, int, float, str]:
        """Its place in a gallery: colour first, and what draws without being given a picture; then size, then how many real
        pictures have one of its own nearby, where training.json states it: coverage, in parts of what other real pictures
        reach, so that one set can be compared with another."""
        scores = object_in(object_in(self.training, "metrics"), "scores")
        mine, real = scores.get("coverage"), scores.get("coverage_of_reals")
        known = all(isinstance(x, (int, float)) and 0 < x <= 1 for x in (mine, real))
        return -self.channels, self.source is not None, -self.resolution, -mine / real if known else 0.0, self.id


def entry(name: str) -> Entry:
    """The entry of a model, whose config is read as strictly as ``hub.load`` reads it, and with the same errors."""
    folder, model_id, _ = hub.folder_of(name)
    nets = build(read_object(folder / "config.json"), model_id)
    weights, G = folder / "model.safetensors", nets.G
    if not weights.is_file():
        raise FileNotFoundError(f"{model_id}: no model.safetensors in its folder")
    return Entry(name, model_id, folder, nets.family, G.resolution, G.channels, G.latent, nets.class_names,
                 weights.stat().st_size, training_of(folder), G.source)


def list_models(extra: Sequence[str] = ()) -> list[Entry]:
    """Entries of weights/ by rank, then of those that ``NAMES`` lists (a Space has such a file), then of ``extra``
    (folders, folders of models, Hub ids). A broken one is left out with a warning."""
    shipped = [p.parent.name for p in hub.WEIGHTS.glob("*/config.json")]
    listed = hub.WEIGHTS.parent / NAMES
    more: list[str] = []
    for name in [*(listed.read_text("utf-8").split() if listed.is_file() else []), *extra]:
        inside = sorted(str(p.parent) for p in Path(name).glob("*/config.json")) if Path(name).is_dir() else []
        more += inside or [name]
    return [*sorted(entries(shipped), key=lambda e: e.rank), *entries(more)]


def entries(names: Sequence[str]) -> list[Entry]:
    """Those of the names, in their order. A broken one is left out with a warning."""
    found = []
    for name in names:
        try:
            found.append(entry(name))
        except (ValueError, FileNotFoundError) as error:
            log.warning("left out of the gallery: %s", error)
    return found


def results() -> list[Path]:
    """Files of the scoreboards that were measured on the models of this project, none where it is installed without them."""
    return sorted((hub.WEIGHTS.parent / "benchmarks" / "results").glob("*.json"))
