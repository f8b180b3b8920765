"""The folder that the app serves files from: every answer gets a place of its own, and old ones are swept away."""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

__all__ = ["Outbox", "file_stem"]

KEEP_S = 3600  #       how long an answer can be downloaded
SWEEP_EVERY_S = 60  #  at most so often


class Outbox:
    """A temporary folder with two parts: ``shown`` lives as long as the app, ``drawn`` is swept after ``keep_s``."""

    def __init__(self, *, keep_s: float = KEEP_S):
        base = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir())
        base.mkdir(parents=True, exist_ok=True)
        self.root = Path(tempfile.mkdtemp(prefix="gan-gallery-", dir=base)).resolve()
        self.keep_s = keep_s
        self._swept = time.monotonic()
        self._lock = threading.Lock()
        atexit.register(self.close)

    def fresh(self, name: str, *, part: str = "drawn") -> Path:
        """A path of that file name, in a new folder that nobody can guess."""
        if part == "drawn":
            self._sweep()
        folder = self.root / part / secrets.token_hex(8)
        folder.mkdir(parents=True)
        return folder / name

    @staticmethod
    def url(path: Path) -> str:
        """Where the page finds the file: relative, so that it holds behind any proxy."""
        return "gradio_api/file=" + quote(str(path))

    def _sweep(self) -> None:
        with self._lock:
            if time.monotonic() - self._swept < min(SWEEP_EVERY_S, self.keep_s):
                return
            self._swept = time.monotonic()
        oldest = time.time() - self.keep_s
        for folder in (self.root / "drawn").glob("*"):
            try:
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                continue  # another thread was faster

    def close(self) -> None:
        """Removes everything."""
        shutil.rmtree(self.root, ignore_errors=True)


def file_stem(model_id: str) -> str:
    """The model's id as the beginning of a file name."""
    return re.sub(r"[^\w.-]+", "-", model_id).strip(".-")[:80] or "model"
