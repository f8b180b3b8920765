"""The tray: images of a model that a visitor has put aside, in order, from any tile or typed. It stays in the browser."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan.image import png_bytes
from gan.latent import check_seed
from gan.recipe import SeedsRecipe
from gan.ui.messages import asks
from gan.ui.outbox import data_url
from gan.ui.parts.stage import answers, scripted
from gan.ui.studio import Studio
from gan.ui.view import View

__all__ = ["Tray"]

SIDE = 64  # px of a small picture, about


class Tray:
    """The part: ``component`` shows what ``show`` returns. The server sees no more of it than a seed that was typed, whose
    picture it draws; scripts ask ``gan.tray``."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.component = scripted("gan.tray.build", "element", "props", "watch", events=("draw",), elem_classes="tray-part")
        asks(self.component.draw, self.draw, answers("gan.tray.drawn"), trigger_mode="multiple")

    @staticmethod
    def show(model: str) -> dict[str, Any]:
        """The tray of a model, as the browser keeps it."""
        return {"model": model}

    def draw(self, asked: Any) -> dict[str, Any]:
        """The item of a seed that was typed. ``ValueError`` for what is no seed of a model of this page."""
        if not isinstance(asked, dict):
            raise ValueError("there is no seed")
        drawn = self.studio.draw(View(asked.get("model"), (check_seed(asked.get("seed")),)))
        return self.item(drawn.recipe, drawn.pixels[0])

    @staticmethod
    def item(recipe: SeedsRecipe, pixels: np.ndarray) -> dict[str, Any]:
        """A picture of one seed, as the browser keeps it. ``pixels`` uint8 [H, W, C], none where they could not be read."""
        step = max(1, len(pixels) // SIDE)
        thumb = data_url("image/png", png_bytes(pixels[::step, ::step])) if pixels.size else None
        return {"model": recipe.model, "seed": recipe.seeds[0], "label": recipe.label, "thumb": thumb}
