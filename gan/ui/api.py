"""The endpoint for programs: the same pictures as the pages', over HTTP and the Python client."""

from __future__ import annotations

import gradio as gr

from gan.ui.messages import LIMITS, refuse
from gan.ui.studio import Studio
from gan.ui.view import MAX_PSI, View, seeds_of

__all__ = ["publish"]


def publish(studio: Studio) -> None:
    """Adds the endpoint to the app that is being built."""

    def generate(model: str, seeds: str = "0-15", class_name: str = "", psi: float = 1.0) -> gr.FileData:
        """Draws one PNG: a single image for one seed, a contact sheet for several. Its recipe is inside the file.

        Args:
            model: name of the model, as the gallery shows it
            seeds: whole numbers and ranges, as in 0-15,42
            class_name: class of every image; empty = as each seed draws
            psi: truncation from 0 to 1.5; 1 = none
        """
        try:
            if isinstance(psi, bool) or not isinstance(psi, (int, float)) or not 0 <= psi <= MAX_PSI:
                raise ValueError(f"psi must be a number from 0 to {MAX_PSI:g}, got {str(psi)[:20]}")
            if not isinstance(class_name, str):
                raise ValueError(f"class_name must be a text, got {str(class_name)[:20]}")
            path = studio.save(studio.draw(View(str(model), seeds_of(str(seeds)), class_name or None, float(psi))))
            return gr.FileData(path=str(path), orig_name=path.name, mime_type="image/png")
        except Exception as error:
            raise refuse(error) from None

    gr.api(generate, api_name="generate", concurrency_id="draw", concurrency_limit=LIMITS["draw"])
