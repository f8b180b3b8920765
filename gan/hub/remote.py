"""Models from the Hugging Face Hub, where a model is one repository of the same files as a folder of weights/.

Downloads go to the Hub's own cache, under the commit. A repository is a stranger's: only the files that ``contents`` names
are asked for, by name and with a bound, and what arrives must have the hash that the Hub lists.
"""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan.files import check_new, new_folder
from gan.hub.config import build, read_object
from gan.hub.contents import CONFIG, DIRECTIONS, FIXED, TIMELINE, WEIGHTS_FILE, sheets
from gan.hub.listing import Listed, listed
from gan.hub.troubles import Unreachable, patiently, reason, transient

__all__ = ["HUB_ID", "download", "NEEDED", "fetched", "pull"]

log = logging.getLogger(__name__)
HUB_ID = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?")  # user/name[@revision]
COMMIT = re.compile(r"[0-9a-f]{40}")
ANSWER_S = 2.5  #  so long may the Hub take to say which commit it has
HEADER = 2**20  # bytes that a safetensors file may need beside its tensors
# To draw and to edit, and for a card in the gallery.
NEEDED = (CONFIG, WEIGHTS_FILE, "training.json", "samples.png", DIRECTIONS)


def download(repo: str, revision: str | None) -> tuple[Path, str]:
    """(folder in the cache, commit) of a model ``user/name``; None means its newest revision.

    A commit that is in the cache costs no request. Where the Hub cannot be reached, the newest revision that is in the cache
    is taken, and a line says so.
    Errors: ``FileNotFoundError`` with the reason in one line (``Unreachable`` where that is the reason).
    """
    if revision and COMMIT.fullmatch(revision) and (folder := _cached(repo, revision)):
        return folder, revision
    return _fetch(repo, revision, NEEDED)


def pull(repo: str, revision: str | None = None, out: Path | None = None) -> tuple[Path, str]:
    """(folder, commit) of a model with everything that belongs to it: in the cache, or copied to the new folder ``out``.

    Errors: as ``download``; ``FileExistsError`` where there is something in ``out``; ``OSError`` where it cannot be written.
    """
    if out is not None:
        check_new(out, "--out")
    folder, commit = _fetch(repo, revision, tuple(FIXED))
    return (folder if out is None else _copied(folder, out)), commit


def _copied(folder: Path, out: Path) -> Path:
    """A copy that is whole or not there."""
    with new_folder(out) as copy:
        for name in [*FIXED, *sheets(folder / TIMELINE)]:
            if (folder / name).is_file():
                (copy / name).parent.mkdir(exist_ok=True)
                shutil.copyfile(folder / name, copy / name)
    return out


def _cached(repo: str, revision: str | None) -> Path | None:
    """The folder of a revision in the cache, where it holds what a model needs."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(repo, name, revision=revision) for name in (CONFIG, WEIGHTS_FILE)]
    return Path(found[0]).parent if all(isinstance(path, str) for path in found) else None


def _fetch(repo: str, revision: str | None, names: tuple[str, ...]) -> tuple[Path, str]:
    from huggingface_hub import errors as e

    try:
        return _fetch_online(repo, revision, names)
    except (e.HfHubHTTPError, e.HTTPError, e.OfflineModeIsEnabled, e.LocalEntryNotFoundError) as error:
        away = transient(error) or isinstance(error, (e.OfflineModeIsEnabled, e.LocalEntryNotFoundError))
        if away and (folder := _cached(repo, revision)):
            log.warning("%s: %s; this is %s from the cache", repo, reason(error), folder.name[:12])
            return folder, folder.name
        kind, more = (Unreachable, ", and the model is not in the cache") if away else (FileNotFoundError, "")
        raise kind(f"cannot get {repo} from the Hub: {reason(error, revision=revision)}{more}") from None
    except (OSError, ValueError) as error:
        raise FileNotFoundError(f"cannot get {repo} from the Hub: {reason(error)}") from None


def _fetch_online(repo: str, revision: str | None, names: tuple[str, ...]) -> tuple[Path, str]:
    from huggingface_hub import HfApi

    api = HfApi()
    commit = patiently(api.model_info, repo, revision=revision, timeout=ANSWER_S, waits_s=(0.5,)).sha
    files = listed(api, repo, commit, names)
    if not {CONFIG, WEIGHTS_FILE} <= set(files):
        raise ValueError("it has no config.json or no model.safetensors: this is no model of ours")
    config = fetched(api, repo, commit, files[CONFIG])
    files[WEIGHTS_FILE].most = min(FIXED[WEIGHTS_FILE], _bytes_of(config, repo))
    paths = {name: fetched(api, repo, commit, file) for name, file in files.items()}
    if TIMELINE in paths:
        for file in listed(api, repo, commit, sheets(paths[TIMELINE])).values():
            fetched(api, repo, commit, file)
    if revision != commit:  # last: only now does the name stand for this commit in the cache
        api.hf_hub_download(repo, CONFIG, revision=revision, etag_timeout=ANSWER_S)
    return config.parent, commit


def _bytes_of(config: Path, repo: str) -> int:
    """What a safetensors file of the nets that a config describes may take. ``ValueError`` for a config that is none."""
    tensors = build(read_object(config), repo).tensors()
    return HEADER + sum(t.numel() * t.element_size() for t in tensors.values())


def fetched(api: Any, repo: str, commit: str, file: Listed, kind: str = "model") -> Path:
    """The file in the cache, downloaded where it is not there. What is damaged is asked for once more.

    Errors: ``ValueError`` for one that is too large or twice not what the Hub lists; those of ``hf_hub_download``.
    """
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(repo, file.name, revision=commit, repo_type=kind)
    if isinstance(cached, str):
        return Path(cached)
    if file.size > file.most:
        raise ValueError(f"{file.name} has {file.size:,} bytes, at most {file.most:,} are possible")
    for again in (True, False):
        path = Path(api.hf_hub_download(repo, file.name, revision=commit, repo_type=kind, etag_timeout=ANSWER_S,
                                        tqdm_class=_bar(file)))
        if file.is_same(path):
            return path
        for part in {path.resolve(), path}:  # the cache keeps the bytes in one place and a link to them in another
            part.unlink(missing_ok=True)
        log.warning("%s of %s arrived damaged%s", file.name, repo, ": asking for it again" if again else "")
    raise ValueError(f"{file.name} is twice not the file that the Hub lists: try again later")


def _bar(file: Listed) -> type[tqdm]:
    """A progress bar for what takes long, which also stops a download that brings more than its file may have."""

    class Bar(tqdm):
        arrived = 0

        def __init__(self, *args: Any, **kwargs: Any):
            kwargs.pop("name", None)  # of the Hub's own bars
            super().__init__(*args, **{**kwargs, "disable": file.size < 2**23 or None, "leave": False})

        def update(self, n: float | None = 1) -> bool | None:
            self.arrived += n or 0
            if self.arrived > file.most:
                raise ValueError(f"{file.name} brings more than {file.most:,} bytes")
            return super().update(n)

    return Bar
