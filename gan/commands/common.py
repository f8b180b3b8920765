"""What the commands share: how a parser is made, the arguments that several have, and loading a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan import hub
from gan.engine import pick_device

__all__ = ["add_command", "add_device", "add_out", "check_folder", "load", "progress"]

FILES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".mp4", ".mov", ".avi", ".zip",
         ".parquet", ".tar", ".gz", ".tgz", ".7z", ".json", ".csv")
MODEL = "MODEL is a name in weights/, a folder, or a Hub id user/name[@revision]."


def add_command(commands: Any, name: str, run: Callable[[argparse.Namespace], None], *, summary: str, description: str,
                examples: str, model: str = MODEL) -> argparse.ArgumentParser:
    """A parser of ``commands`` (what ``add_subparsers`` gave) whose help ends with examples, and with what MODEL is."""
    parser = commands.add_parser(name, help=summary, description=description, epilog=f"examples:\n{examples}\n{model}",
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(run=run)
    return parser


def add_out(parser: argparse.ArgumentParser, what: str = "where to write") -> None:
    parser.add_argument("--out", required=True, type=Path, help=what)


def check_folder(out: Path, instead: str = "name a folder") -> None:
    """Errors: ``ValueError`` where ``--out``, which would become a folder, has the name of a file."""
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file: {instead}")
    if out.suffix.lower() in FILES and not out.is_dir():
        raise ValueError(f"--out {out} is the name of a file that is not written here: {instead}")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")


def load(name: str, device: str | None) -> hub.Model:
    """The model on the device of that name. Errors as ``hub.load`` and ``pick_device``."""
    return hub.load(name, device=pick_device(device))


@contextmanager
def progress(unit: str, **options: Any) -> Iterator[Callable[[float, int], None]]:
    """A bar, moved by telling how many are done, of how many; ``options`` are tqdm's."""
    with tqdm(unit=unit, leave=False, **options) as bar:
        def report(done: float, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
