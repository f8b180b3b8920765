"""What is done with a request before Gradio sees it: links let through, files that nobody uploaded refused."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gan.ui.outbox import Outbox

__all__ = ["Guard", "PageParameter"]

MAX_BODY = 2**20  # bytes of a request that calls a handler; files come another way
Asgi = Callable[..., Awaitable[None]]


class PageParameter:
    """ASGI middleware that hides ``page`` from the route of the page itself, which fails on every value but its own.

    The browser keeps it in the address, and sends it with the page's first event, which is where we read it.
    """

    def __init__(self, app: Asgi):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http" and b"page=" in scope["query_string"] and "/gradio_api/" not in scope["path"]:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            scope = {**scope, "query_string": urlencode([p for p in pairs if p[0] != "page"]).encode("latin-1")}
        await self.app(scope, receive, send)


class Guard:
    """ASGI middleware in front of the handlers and of uploads.

    Gradio fetches an ``http`` address that stands where an uploaded file's path belongs, and its refusal of other paths
    names folders of this machine. A request with any path but that of a file that was uploaded here never gets there.
    """

    def __init__(self, app: Asgi, outbox: Outbox):
        self.app, self.outbox = app, outbox

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or "/gradio_api/" not in scope["path"]:
            return await self.app(scope, receive, send)
        if scope["path"].endswith("/upload"):
            self.outbox.make_room_for_uploads()
            return await self.app(scope, receive, send)
        body = await _body(receive)
        fault = self.fault(body)
        if fault:
            return await _refuse(send, fault)
        sent = False

        async def again() -> dict[str, Any]:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    def fault(self, body: bytes | None) -> str:
        """Why a request cannot be answered, "" where nothing speaks against it."""
        if body is None:
            return f"a request may hold at most {MAX_BODY // 2**20} MB"
        try:
            asked = json.loads(body or b"null")
        except (ValueError, RecursionError):
            return "the request is no JSON"
        if all(self._uploaded(path) for path in _paths(asked)):
            return ""
        return "a file must be uploaded before it is used: its path is the one that the upload answered"

    def _uploaded(self, path: Any) -> bool:
        if path is None:
            return True
        try:
            inside = isinstance(path, str) and Path(path).resolve().is_relative_to(self.outbox.uploads)
            return inside and Path(path).is_file()
        except (OSError, ValueError):  # too long, or a zero byte
            return False


def _paths(value: Any) -> Iterator[Any]:
    """Whatever in a request may be taken for a file: the ``path`` of every mapping."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "path" in item:
                yield item["path"]
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


async def _body(receive) -> bytes | None:
    """The whole body, None where it is larger than ``MAX_BODY``."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        more = message.get("more_body", False)
    return b"".join(parts)


async def _refuse(send, fault: str) -> None:
    body = json.dumps({"detail": fault, "error": fault}).encode()
    await send({"type": "http.response.start", "status": 400,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
