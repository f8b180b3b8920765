"""A run's log, compact enough to travel with its model: what was lost and how healthy it was, over images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from train.run.speed import NAMES as SPEED

__all__ = ["curves"]

MOST = 200  # points
APART = ("nimg", "seconds", *SPEED)  # no curves


def curves(log: Path) -> dict[str, Any]:
    """{"nimg": [...], "series": {name: [...]}} of a log.jsonl, evenly thinned, the last line among it; a value that a line
    does not have is None. {} where there are not two lines."""
    rows = []
    for line in log.read_text("utf-8", "replace").splitlines() if log.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:  # torn by a killed run
            continue
        if isinstance(row, dict) and isinstance(row.get("nimg"), int):
            rows.append(row)
    if len(rows) < 2:
        return {}
    count = min(MOST, len(rows))
    picked = [rows[round(k * (len(rows) - 1) / (count - 1))] for k in range(count)]
    names = dict.fromkeys(name for row in picked for name in row if name not in APART)
    return {"nimg": [row["nimg"] for row in picked],
            "series": {name: [_short(row.get(name)) for row in picked] for name in names}}


def _short(value: Any) -> float | None:
    """Four digits: a chart shows no more."""
    return float(f"{value:.4g}") if isinstance(value, (int, float)) and abs(value) < 1e30 else None
