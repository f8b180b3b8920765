"""What is measured of a model after its training, kept in its training.json and told on its card."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from gan import hub
from gan.files import read_json, write_json, write_text
from gan.hub.card import card, is_ours

__all__ = ["keep"]

log = logging.getLogger(__name__)


def keep(folder: Path, model: hub.Model, **found: Any) -> None:
    """Puts entries into the folder's training.json and writes its card anew, unless its owner has written that. Errors:
    ``OSError``."""
    path = folder / "training.json"
    training = {**(read_json(path) if path.is_file() else {}), **found}
    write_json(path, training)
    readme = folder / "README.md"
    if not readme.exists() or is_ours(readme.read_text("utf-8")):
        write_text(readme, card(model.id, model, training))
    else:
        log.warning("%s was written by its owner and is left as it is", readme)
