"""A data set of the Hub as parquet shards that stay there: rows are fetched where they lie, and nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from gan.hub.troubles import patiently, reason
from train.data.items import key_of
from train.data.tables import Parquet, of_train

__all__ = ["HubShards"]

CONVERTED = "refs/convert/parquet"  # where the Hub puts what it makes of sets in other forms
MOST_LISTED = 100_000  #              files of a set that are looked through
BLOCK = 2**20  #                      bytes that are fetched at least


class HubShards(Parquet):
    """The train split of ``user/name``, pinned to the commit that is the newest now.

    Errors: ``ValueError`` in one line where it cannot be read, or there is no parquet of it.
    """

    def __init__(self, name: str):
        from huggingface_hub import HfApi, HfFileSystem
        from huggingface_hub import errors as e

        api = HfApi()
        try:
            commit, files = _listed(api, name, None) or _listed(api, name, CONVERTED) or ("", {})
            if not files:
                raise ValueError("it has no parquet files, and the Hub has made none of it")
            self._root, self._fs = f"datasets/{name}@{commit}", HfFileSystem()
            self._files = files
            super().__init__([PurePosixPath(file) for file in of_train(sorted(files), name)], name)
        except (e.HTTPError, e.HFValidationError, e.OfflineModeIsEnabled, OSError) as error:
            raise ValueError(f"{name} is no local path, and as a Hub data set it cannot be read: {reason(error)}") from None
        except ValueError as error:
            raise ValueError(f"{name} cannot be streamed: {error}") from None

    def _open(self, shard: PurePosixPath) -> Any:
        return self._pq.ParquetFile(self._fs.open(f"{self._root}/{shard}", "rb", block_size=BLOCK))

    def _known(self) -> tuple[str, str]:
        content = key_of("hub shards", [(str(shard), self._files[str(shard)]) for shard in self._shards])
        return content, content


def _listed(api: Any, name: str, revision: str | None) -> tuple[str, dict[str, Any]] | None:
    """(commit, what the Hub calls the content of each parquet file); None where there is none."""
    from huggingface_hub import errors as e
    from huggingface_hub.hf_api import RepoFile

    try:
        commit = patiently(api.dataset_info, name, revision=revision).sha
        tree = api.list_repo_tree(name, repo_type="dataset", revision=commit, recursive=True)
        found = {file.path: file.blob_id for file in islice(tree, MOST_LISTED)
                 if isinstance(file, RepoFile) and file.path.endswith(".parquet")}
    except e.RevisionNotFoundError:
        return None
    return (commit, _one_config(found)) if found else None


def _one_config(files: dict[str, Any]) -> dict[str, Any]:
    """Of a set in several configurations, each in a folder of its own, "default" or the first."""
    folders: Sequence[str] = sorted({path.partition("/")[0] for path in files if "/" in path})
    if len(folders) < 2 or any(re.match(r"(train|test|valid)", folder) for folder in folders):
        return files
    chosen = "default" if "default" in folders else folders[0]
    return {path: oid for path, oid in files.items() if path.startswith(f"{chosen}/")}
