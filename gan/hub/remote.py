"""The Hugging Face Hub, where a model is one repository of the same files as a folder of weights/."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["HUB_ID", "download"]

HUB_ID = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?")  # user/name[@revision]


def download(repo: str, revision: str | None) -> tuple[Path, str]:
    """(folder in the cache, commit) of a repository ``user/name``; None means its newest revision.

    Errors: ``FileNotFoundError`` with the reason in one line.
    """
    from huggingface_hub import errors as e
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    try:
        config = hf_hub_download(repo, "config.json", revision=revision)
        commit = Path(config).parent.name  # the cache's folder of a snapshot is its commit
        hf_hub_download(repo, "model.safetensors", revision=commit)
        for extra in ("training.json", "samples.png", "directions.safetensors"):
            if try_to_load_from_cache(repo, extra, revision=commit) is None:  # neither there nor known to be absent
                try:
                    hf_hub_download(repo, extra, revision=commit)
                except (e.HfHubHTTPError, e.LocalEntryNotFoundError):
                    continue  # a model is whole without them
    except (e.HfHubHTTPError, e.HFValidationError, e.OfflineModeIsEnabled, OSError) as error:
        reasons = {e.RepositoryNotFoundError: "there is no such model, or it is private",
                   e.RevisionNotFoundError: f"it has no revision {revision}",
                   e.LocalEntryNotFoundError: "the Hub cannot be reached, and the model is not in the cache",
                   e.EntryNotFoundError: "it has no config.json or no model.safetensors: this is no model of ours"}
        reason = next((text for kind, text in reasons.items() if isinstance(error, kind)), str(error).split("\n")[0][:300])
        raise FileNotFoundError(f"cannot get {repo} from the Hub: {reason}") from None
    return Path(config).parent, commit
