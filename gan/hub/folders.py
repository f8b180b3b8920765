"""Where the files of a model are: in weights/, in a folder of the user's, or on the Hub."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from gan.hub.remote import HUB_ID, download

__all__ = ["WEIGHTS", "folder_of", "own_folder"]

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"  # the models that ship with the project


def folder_of(name: str) -> tuple[Path, str, str]:
    """(folder with the files, model id, revision or "") of a model's name. May download.

    Errors: ``FileNotFoundError`` where there is no such model.
    """
    shipped = WEIGHTS / name
    if Path(name).name == name != ".." and (shipped / "config.json").is_file():  # no path; a Space has any folder's
        return shipped, name, ""
    if Path(name).is_dir():
        folder = Path(name)
        if not (folder / "config.json").exists() and (folder / "export" / "config.json").exists():
            folder = folder / "export"  # of a run
        whole = folder.resolve()
        return folder, whole.parent.name if whole.name == "export" else whole.name, ""
    match = HUB_ID.fullmatch(name)
    if not match:
        known = sorted(p.parent.name for p in WEIGHTS.glob("*/config.json"))
        near = "".join(f"did you mean {one}? Else " for one in get_close_matches(name.strip("/").lower(), known, 1, 0.8))
        raise FileNotFoundError(f"no model {name[:200]!r}: {near}expected a folder, a Hub id user/name, or one of "
                                f"{', '.join(known) or '(none shipped)'}")
    repo, revision = match.groups()
    folder, commit = download(repo, revision)
    return folder, repo, commit


def own_folder(name: str, what: str) -> Path:
    """The folder of a model into which ``what`` writes. Errors: ``FileNotFoundError``, and ``ValueError`` for one of the
    Hub, whose files here are its author's."""
    folder, _, revision = folder_of(name)
    if revision:
        raise ValueError(f"{what} needs a folder of yours: python -m gan pull {name} brings the model there")
    return folder
