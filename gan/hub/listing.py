"""What a commit on the Hub holds, asked for by name or within bounds: a stranger's repository may have no end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from gan.hub.contents import git_sha1, largest, sha256
from gan.hub.troubles import patiently

__all__ = ["Listed", "listed", "names_in"]

MOST_LISTED = 1000


class Listed:
    """A file as the Hub lists it."""

    def __init__(self, info: Any):
        self.name, self.size, self.sha1 = info.path, info.size, info.blob_id
        self.sha256 = info.lfs.sha256 if info.lfs else None
        self.most = largest(info.path) or 0  # bytes that it may have

    def is_same(self, source: Path | bytes) -> bool:
        """Whether a file holds what the Hub lists."""
        return sha256(source) == self.sha256 if self.sha256 else git_sha1(source) == self.sha1


def listed(api: Any, repo: str, commit: str, names: Iterable[str], kind: str = "model") -> dict[str, Listed]:
    """Those of the names that the commit has as files, in the order of the names."""
    from huggingface_hub.hf_api import RepoFile

    wanted = list(names)
    if not wanted:
        return {}
    found = patiently(api.get_paths_info, repo, wanted, revision=commit, repo_type=kind)
    files = {info.path: info for info in found if isinstance(info, RepoFile)}
    return {name: Listed(files[name]) for name in wanted if name in files}


def names_in(api: Any, repo: str, commit: str, kind: str = "model") -> set[str]:
    """The names of all files in a commit, the first thousand where there are more."""
    from huggingface_hub.hf_api import RepoFile

    entries = api.list_repo_tree(repo, revision=commit, repo_type=kind, recursive=True)
    return {entry.path for entry in islice(entries, MOST_LISTED) if isinstance(entry, RepoFile)}
