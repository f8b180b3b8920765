"""A training's curves, which curves.json in the model's folder holds: losses and signs of health, over images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan.files import object_in, read_json
from gan.ui.parts.reading import as_list, as_mapping, as_number, as_text

__all__ = ["curves"]

MOST_BYTES, MOST_LINES, MOST_POINTS = 2**20, 16, 400
TITLES = {"diversity": "Diversity, 1 = as that of real pictures", "accuracy": "How often D is right",
          "Frechet distance": "Frechet distance, less is better", "recall": "Recall: the share of real pictures it can draw"}


def curves(folder: Path) -> list[dict[str, Any]]:
    """Charts of {title, lines: [{name, points: [[nimg, value], ...]}]}, [] where there is no usable file."""
    try:
        file = as_mapping(read_json(folder / "curves.json", MOST_BYTES))
    except (OSError, ValueError):
        return []
    nimg = [as_number(value) for value in as_list(file.get("nimg"))[:MOST_POINTS]]
    charts: dict[str, list[dict[str, Any]]] = {}
    for name, values in list(object_in(file, "series").items())[:MOST_LINES]:
        numbers = [as_number(value, least=-1e15) for value in as_list(values)]
        points = [[x, y] for x, y in zip(nimg, numbers) if x is not None and y is not None]
        if len(points) > 1:
            charts.setdefault(_title(name), []).append({"name": as_text(name, 40), "points": points})
    return [{"title": title, "lines": lines} for title, lines in charts.items()]


def _title(name: str) -> str:
    return TITLES.get(name, "Length of the gradients" if name.endswith(" gradient") else "Losses")
