"""A run on the Hugging Face Hub: checkpoints on a branch of its model, so that a lost machine loses little."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import threading
from pathlib import Path

from gan import hub
from gan.hub.contents import MOST_WEIGHTS
from gan.hub.listing import listed, names_in
from gan.hub.publish import MODEL, Kind, upload
from gan.hub.remote import fetched
from gan.hub.troubles import HubError, patiently, reason
from train.run.best import BEST
from train.run.checkpoint import CHECKPOINT, HEALTHY, differences, peek
from train.run.loop import Observer, Run

__all__ = ["BRANCH", "PushedCheckpoints", "fetch_run"]

log = logging.getLogger(__name__)
BRANCH = "checkpoints"
MB = 2**20
LARGEST = {CHECKPOINT: 16384 * MB, BEST: MOST_WEIGHTS, "recipe.json": MB, "log.jsonl": 64 * MB,
           "snapshots/timeline.json": MB}
SHEET = re.compile(r"snapshots/\d{1,12}\.webp", re.ASCII)
SHEET_BYTES = MB
# Sheets and best average that a run before this one left there go.
RUN = Kind("model", MODEL.ours, lambda name: name == BEST or bool(SHEET.fullmatch(name)))


class PushedCheckpoints(Observer):
    """Sends the last checkpoint every ``every_s`` seconds of training to the branch, beside the loop; when the run is
    interrupted, once more before it ends. Trouble with the Hub is a warning, and the next time tries again."""

    def __init__(self, out: Path, repo: str, *, private: bool, every_s: float):
        self.out, self.repo, self.private, self.every_s = out, repo, private, every_s
        self.sender: threading.Thread | None = None
        self.sent_at_s = 0.0

    def on_start(self, run: Run) -> None:
        self.sent_at_s = run.seconds

    def after_round(self, run: Run) -> None:
        sending = self.sender is not None and self.sender.is_alive()
        if run.seconds - self.sent_at_s >= self.every_s and not sending and (self.out / CHECKPOINT).exists():
            self.sent_at_s = run.seconds
            self.sender = threading.Thread(target=self._send, daemon=True)
            self.sender.start()

    def on_end(self, run: Run) -> None:
        if self.sender is not None and self.sender.is_alive():
            print("\nwaiting for the last checkpoint to arrive on the Hub", file=sys.stderr)
            self.sender.join()
        if not run.finished:
            self._send()

    def _send(self) -> None:
        """The loop may replace checkpoint and best average in the meantime: what is sent are second names of the same files.
        The checkpoint comes first: who goes on finds a newer average again, but never one that was older and is missing."""
        kept = {name: self.out / f".{name}.{os.getpid()}.tmp" for name in (CHECKPOINT, BEST)}
        try:
            large = {name: path for name, path in kept.items() if _linked(self.out / name, path)}
            kimg = peek(kept[CHECKPOINT])[0]["nimg"] / 1000
            sheets = [f"snapshots/{path.name}" for path in (self.out / "snapshots").glob("*.webp")]
            files: dict[str, Path | bytes] = {name: (self.out / name).read_bytes() for name in [*LARGEST, *sheets]
                                              if name not in kept and (self.out / name).exists()}
            upload({**files, **large}, self.repo, RUN, private=self.private, branch=BRANCH, message=f"{kimg:.1f} kimg")
        except (OSError, ValueError) as error:  # HubError is an OSError
            log.warning("the checkpoint did not reach the Hub (%s); the next one will be tried", error)
        finally:
            for path in kept.values():
                path.unlink(missing_ok=True)


def _linked(path: Path, second: Path) -> bool:
    """Gives a file a second name. Whether there is such a file."""
    if not path.exists():
        return False
    second.unlink(missing_ok=True)
    try:
        os.link(path, second)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, second)
    return True


def fetch_run(repo: str, out: Path) -> bool:
    """Brings the last checkpoint of a run from the Hub into its folder, where the one there is not newer, with its best
    average, its log and its snapshots. Whether there was one.

    Errors: ``HubError`` in one line where the Hub cannot be asked; ``ValueError`` where what is there is no checkpoint, or
    the folder holds another run, of which nothing is then replaced.
    """
    from huggingface_hub import HfApi
    from huggingface_hub import errors as e

    match = hub.HUB_ID.fullmatch(repo)
    if not match or match[2]:
        raise ValueError(f"--resume {repo[:100]}: expected user/name, or nothing to go on from --out")
    api = HfApi()
    try:
        commit = patiently(api.model_info, repo, revision=BRANCH).sha
        names = patiently(names_in, api, repo, commit)
        wanted = [name for name in sorted(names) if name in LARGEST or SHEET.fullmatch(name)]
        if CHECKPOINT not in wanted:
            return False
        wanted.sort(key=CHECKPOINT.__eq__)  # it comes last: what is killed in between is begun anew
        return _brought(api, repo, commit, wanted, out)
    except (e.RepositoryNotFoundError, e.RevisionNotFoundError):
        return False
    except (e.HTTPError, e.HFValidationError, OSError) as error:
        raise HubError(f"cannot go on from {repo}: {reason(error)}") from error


def _brought(api: object, repo: str, commit: str, names: list[str], out: Path) -> bool:
    files = listed(api, repo, commit, names)
    for name, file in files.items():
        file.most = LARGEST.get(name, SHEET_BYTES)
    checkpoint = fetched(api, repo, commit, files[CHECKPOINT])
    if (out / CHECKPOINT).exists():
        (here, mine), (there, its) = peek(out / CHECKPOINT), peek(checkpoint)
        if lines := differences(mine, its):
            raise ValueError(f"{out} belongs to another run than {repo}: choose another --out; {'; '.join(lines)}")
        if here["nimg"] >= there["nimg"]:
            return True
    else:  # of a run that was here before
        for name in (BEST, HEALTHY):
            (out / name).unlink(missing_ok=True)
    for name, file in files.items():
        cached, target = fetched(api, repo, commit, file), out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        shutil.move(cached.resolve(), temporary)  # not kept twice: a checkpoint may be large
        cached.unlink(missing_ok=True)
        os.replace(temporary, target)
    return True
