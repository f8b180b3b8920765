"""Whether a model's pictures make a classifier better: what its training.json says of the experiment, read strictly.

``python -m train evidence`` makes the experiment and writes it there. Anybody may have written the file: what is of the
wrong type counts as not said, and every text is one line within bounds.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan.files import object_in

__all__ = ["NOT_EXAMINED", "Evidence", "evidence_of", "set_by"]

VERDICTS = ("use", "do not use", "undecided")
NOT_EXAMINED = "not examined"
MOST_ROWS, MOST_COLUMNS, LONGEST, LONGEST_COMMAND = 100, 6, 400, 3000


@dataclass(frozen=True)
class Evidence:
    """A verdict with what it rests on, or ``NOT_EXAMINED`` with the command that would examine the model."""

    verdict: str
    reason: str
    command: str = ""  #                      that made it, or would; "" where none can
    examined: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()  # a name, then a cell for each column
    not_run: tuple[str, ...] = ()


def evidence_of(training: Mapping[str, Any], name: str, class_names: Sequence[str]) -> Evidence:
    """Of what training.json holds; ``name`` is what loads the model."""
    found = training.get("evidence")
    if not isinstance(found, Mapping) or found.get("verdict") not in VERDICTS:
        return _not_examined(training, name, class_names)
    columns = _lines(found.get("columns"), MOST_COLUMNS)
    rows = (_lines(row, len(columns) + 1) for row in _list(found.get("rows"))[:MOST_ROWS])
    return Evidence(found["verdict"], _line(found.get("reason")), _line(found.get("command"), LONGEST_COMMAND),
                    _line(found.get("examined"), LONGEST_COMMAND), columns,
                    tuple(row for row in rows if len(row) == len(columns) + 1), _lines(found.get("not_run"), MOST_ROWS))


def _not_examined(training: Mapping[str, Any], name: str, class_names: Sequence[str]) -> Evidence:
    if not class_names:
        return Evidence(NOT_EXAMINED, "it draws no classes, and a classifier cannot learn from pictures without labels")
    recipe, source = _line(training.get("recipe")), _line(object_in(training, "data").get("name"))
    if not recipe or not source:
        return Evidence(NOT_EXAMINED, "its record does not say how and on what it was trained")
    settings = [word for text in set_by(_line(training.get("command"), LONGEST_COMMAND)) for word in ("--set", text)]
    words = ["python", "-m", "train", "evidence", recipe, "--data", source, *settings, "--out", "runs/evidence"]
    return Evidence(NOT_EXAMINED, "whether its pictures make a classifier better has not been tried",
                    shlex.join([*words, "--write", name]))


def set_by(command: str) -> list[str]:
    """What a training command sets with ``--set``: where the model differs from its recipe."""
    try:
        words = shlex.split(command)
    except ValueError:  # files can say anything
        return []
    return [text for option, text in zip(words, words[1:]) if option == "--set"]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: Any, longest: int = LONGEST) -> str:
    return " ".join(value.split())[:longest] if isinstance(value, str) else ""


def _lines(value: Any, most: int) -> tuple[str, ...]:
    return tuple(_line(text) for text in _list(value)[:most])
