"""The two commands as a user types them, and what they say of a mistake."""

from pathlib import Path

import gan.__main__ as gan_cli
import train.__main__ as train_cli

ROOT = Path(__file__).resolve().parent.parent
TINY = ["--set", "g.width=4", "--set", "d.width=4", "--batch", "4", "--device", "cpu"]


def train(*args) -> int:
    return train_cli.main([str(a) for a in args])


def gan(*args) -> int:
    return gan_cli.main([str(a) for a in args])


def error_of(capsys) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, lines
    return lines[0]
