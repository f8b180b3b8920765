"""A Hub of our own on this machine: serves the files of a folder as model repositories, with a commit each.

The part of the protocol that ``hf_hub_download`` uses: HEAD and GET of /{user}/{name}/resolve/{revision}/{path}.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def commit_of(folder: Path) -> str:
    """40 hex digits that change with any file of the repository."""
    digest = hashlib.sha1()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def handler(root: Path, requests: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            requests.append(f"{self.command} {self.path}")
            parts = self.path.strip("/").split("/")
            folder = root.joinpath(*parts[:2])
            if len(parts) < 5 or not folder.is_dir():
                return self.fail("RepoNotFound")
            commit = commit_of(folder)
            if parts[3] not in ("main", commit):
                return self.fail("RevisionNotFound")
            path = folder.joinpath(*parts[4:])
            if not path.is_file():
                return self.fail("EntryNotFound", commit)
            data = path.read_bytes()
            self.send_response(200)
            for name, value in (("X-Repo-Commit", commit), ("ETag", f'"{hashlib.sha1(data).hexdigest()}"'),
                                ("Content-Length", str(len(data)))):
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def fail(self, code: str, commit: str = "") -> None:
            self.send_response(404)
            if commit:  # the client then remembers that this commit has no such file
                self.send_header("X-Repo-Commit", commit)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    return Handler


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, list[str]]]:
    """(address, list of requests so far) of a Hub that serves root/{user}/{name}/."""
    requests: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(root, requests))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()
