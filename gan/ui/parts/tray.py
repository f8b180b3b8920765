"""The tray: images of a model that a visitor has put aside, in order, from any tile or typed. It stays in the browser."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan.image import png_bytes
from gan.recipe import SeedsRecipe
from gan.ui.outbox import data_url
from gan.ui.parts.stage import scripted

__all__ = ["Tray"]

SIDE = 64  # px of a small picture, about


class Tray:
    """The part: ``component`` shows what ``show`` returns. The server never sees what is in it; scripts ask ``gan.tray``."""

    def __init__(self) -> None:
        self.component = scripted("gan.tray.build", "element", "props", "watch", elem_classes="tray-part")

    @staticmethod
    def show(model: str) -> dict[str, Any]:
        """The tray of a model, as the browser keeps it."""
        return {"model": model}

    @staticmethod
    def item(recipe: SeedsRecipe, pixels: np.ndarray) -> dict[str, Any]:
        """A picture of one seed, as the browser keeps it. ``pixels`` uint8 [H, W, C], none where they could not be read."""
        step = max(1, len(pixels) // SIDE)
        thumb = data_url("image/png", png_bytes(pixels[::step, ::step])) if pixels.size else None
        return {"model": recipe.model, "seed": recipe.seeds[0], "label": recipe.label, "thumb": thumb}
