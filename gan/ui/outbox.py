"""The folder that the app serves files from and receives uploads in: bounded in time and in bytes, and swept of what killed
servers left."""

from __future__ import annotations

import atexit
import base64
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from gradio import route_utils

from gan.picture import read_bytes

__all__ = ["Outbox", "data_url", "file_stem"]

KEEP_S = 3600  #           how long an answer can be downloaded
KEEP_UPLOAD_S = 600  #     how long an upload waits for its handler, which removes it
SWEEP_EVERY_S = 60  #      answers are swept at most so often,
SWEEP_EVERY = 100  #       but after so many in any case
MAX_DRAWN = 2**30  #       bytes of all answers
MAX_UPLOADS = 2**26  #     bytes of all uploads
ABANDONED_S = 24 * 3600  # age from which a folder is taken for left where it cannot be told whether its server lives
NAME = re.compile(r"gan-gallery-(?:(\d+)-)?\w+")
UPLOADS = "GRADIO_TEMP_DIR"  # the environment variable that tells Gradio its folder of uploads; users name theirs with it

T = TypeVar("T")
_ours: set[Path] = set()  # roots of this process


class Outbox:
    """A temporary folder with three parts: ``shown`` holds copies of the pictures of the models that are here, the others
    are swept."""

    def __init__(self, *, keep_s: float = KEEP_S, most: int = MAX_DRAWN):
        base = Path(os.environ.get(UPLOADS) or tempfile.gettempdir())
        base.mkdir(parents=True, exist_ok=True)
        sweep_abandoned(base)
        self.root = Path(tempfile.mkdtemp(prefix=f"gan-gallery-{os.getpid()}-", dir=base)).resolve()
        _ours.add(self.root)
        self.uploads = self.root / "uploads"
        self.keep_s, self.most = keep_s, most
        self._swept, self._since = time.monotonic(), 0
        self._lock = threading.Lock()
        self._copies: dict[tuple[Path, int], tuple[Path, Any]] = {}  # a picture and its time of change -> see ``copy_of``
        self._copying = threading.Lock()
        self._before: str | None = None
        atexit.register(self.close)

    def take_uploads(self) -> None:
        """Lets Gradio put uploads here; a process serves one app, so that this may stand in the environment."""
        own_folders()
        self.uploads.mkdir(exist_ok=True)
        self._before = os.environ.get(UPLOADS)
        os.environ[UPLOADS] = str(self.uploads)

    def fresh(self, name: str, *, part: str = "drawn") -> Path:
        """A path of that file name, in a new folder that nobody can guess."""
        if part == "drawn" and self._due():
            sweep(self.root / part, self.keep_s, self.most)
        folder = self.root / part / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name

    def copy_of(self, source: Path, suffix: str, write: Callable[[Path], T]) -> T:
        """What ``write(copy)`` says, which writes a copy of a model's picture for the pages: once, as long as the picture
        stays as it is. Errors: those of ``write``, and ``OSError`` where there is no picture."""
        key = source, source.stat().st_mtime_ns
        with self._copying:
            if key not in self._copies:
                copy = self.fresh(f"{source.stem}{suffix}", part="shown")
                try:
                    self._copies[key] = copy, write(copy)
                except BaseException:
                    shutil.rmtree(copy.parent)
                    raise
            return self._copies[key][1]

    def forget_copies(self, folder: Path) -> None:
        """Removes the copies of what lies in the folder of a model that is here no more."""
        with self._copying:
            for key in [key for key in self._copies if key[0].is_relative_to(folder)]:
                shutil.rmtree(self._copies.pop(key)[0].parent, ignore_errors=True)

    @staticmethod
    def url(path: Path) -> str:
        """Where the page finds the file: relative, so that it holds behind any proxy."""
        return "gradio_api/file=" + quote(str(path))

    def make_room_for_uploads(self) -> None:
        """Before an upload: those that no handler took go, and the oldest of too many bytes."""
        sweep(self.uploads, KEEP_UPLOAD_S, MAX_UPLOADS)

    def taken(self, upload: Any) -> bytes:
        """What an uploaded picture holds; its file is removed, whatever comes of it. Errors: as ``read_bytes``."""
        with self.passing(upload):
            return read_bytes(str(upload))

    @contextmanager
    def passing(self, *uploads: str | None) -> Iterator[None]:
        """Uploaded files are there inside the block, and removed after it, whatever comes of it."""
        try:
            yield
        finally:
            for upload in uploads:
                self.forget(upload)

    def forget(self, upload: str | None) -> None:
        """Removes an uploaded file. Any other path is left alone."""
        folder = Path(upload or "").resolve().parent
        if folder != self.uploads and folder.is_relative_to(self.uploads):
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Removes everything."""
        if os.environ.get(UPLOADS) == str(self.uploads):
            os.environ.pop(UPLOADS)
            if self._before is not None:
                os.environ[UPLOADS] = self._before
        shutil.rmtree(self.root, ignore_errors=True)
        _ours.discard(self.root)

    def _due(self) -> bool:
        with self._lock:
            self._since += 1
            due = self._since >= SWEEP_EVERY or time.monotonic() - self._swept >= min(SWEEP_EVERY_S, self.keep_s)
            if due:
                self._swept, self._since = time.monotonic(), 0
            return due


class OwnFolder:
    """An upload as Gradio receives it, with a random number in the hash that names its folder."""

    def __init__(self, *values: Any, **named: Any):
        super().__init__(*values, **named)
        if sha := getattr(self, "sha", None):
            sha.update(secrets.token_bytes(16))


def own_folders() -> None:
    """Gives every upload a folder of its own. Gradio names it by the hash of the bytes: of two visitors with the same
    picture the one who is answered first would take it from the other.

    The class is no public part of Gradio. Where a later one has none, uploads go on as they are there, and a test fails.
    """
    plain = getattr(route_utils, "GradioUploadFile", None)
    if plain is not None and not issubclass(plain, OwnFolder):
        route_utils.GradioUploadFile = type("Upload", (OwnFolder, plain), {})


def sweep(part: Path, keep_s: float, most: int) -> None:
    """Removes the folders of a part that are older than ``keep_s``, and the oldest until the rest holds ``most`` bytes.

    Among them lie single files as well: uploads whose visitor left before they had come.
    """
    found = []
    for folder in part.glob("*"):
        with suppress(OSError):  # another thread was faster
            files = folder.rglob("*") if folder.is_dir() else [folder]
            found.append((folder.stat().st_mtime, sum(f.stat().st_size for f in files), folder))
    oldest, held = time.time() - keep_s, 0
    for born, size, folder in sorted(found, reverse=True):
        held += size
        if born < oldest or held > most:
            with suppress(OSError):
                shutil.rmtree(folder) if folder.is_dir() else folder.unlink()


def sweep_abandoned(base: Path) -> None:
    """Removes what servers that were killed left in the folder of temporary files, their uploads included."""
    for root in base.glob("gan-gallery-*"):
        match = NAME.fullmatch(root.name)
        with suppress(OSError):
            if match and root.resolve() not in _ours and not _in_use(match[1], time.time() - root.stat().st_mtime):
                shutil.rmtree(root, ignore_errors=True)


def _in_use(process: str | None, age_s: float) -> bool:
    if process is None or os.name == "nt":  # named by an earlier version; Windows has no harmless question to a process
        return age_s < ABANDONED_S
    if int(process) == os.getpid():
        return False  # a container's processes have the same numbers after each start
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return age_s < ABANDONED_S
    return True


def file_stem(model_id: str) -> str:
    """The model's id as the beginning of a file name."""
    return re.sub(r"[^\w.-]+", "-", model_id).strip(".-")[:80] or "model"


def data_url(kind: str, data: bytes) -> str:
    """An address that is the file itself: what shows or holds a visitor's picture travels inside the answer, and does not
    lie on this disk."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
