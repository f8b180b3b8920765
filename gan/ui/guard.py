"""What is done with a request before Gradio sees it: links let through, files that nobody uploaded refused."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from gan.ui.outbox import Outbox

__all__ = ["Guard", "PageParameter"]

MAX_BODY = 2**20  #    bytes of a request that calls a handler; files come another way
MAX_UPLOAD = 2**25  #  bytes of one, all its files together
MAX_LEVELS = 32  #     of mappings and lists inside one another
MAX_NAME = 255  #      bytes between two slashes of an address; a file system has no longer names
# What pages and programs read, and what they post: of all that Gradio answers, no more than this.
READS = re.compile(r"(file[=/].+|(call|heartbeat)/.+|queue/(data|status)|upload_progress|startup-events|theme\.css|info|"
                   r"openapi\.json|app_id|user|token|login_check|mcp.*)/?", re.S)
CALLS = re.compile(r"(queue/join|call/.+|upload|cancel|reset|mcp.*)/?", re.S)
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
    """ASGI middleware in front of everything that Gradio does for the page.

    Gradio would fetch an ``http`` address for whoever asks for it, as the path of a file or in the place of an uploaded one,
    and its refusal of other paths names folders of this machine. It also answers calls that no page of ours makes. A request
    with any path but that of a file of ours, or for what we do not use, never gets there.
    """

    def __init__(self, app: Asgi, outbox: Outbox):
        self.app, self.outbox = app, outbox

    async def __call__(self, scope, receive, send) -> None:
        _, ours, call = scope.get("path", "").partition("/gradio_api/")
        if scope["type"] == "http" and any(len(part.encode()) > MAX_NAME for part in scope["path"].split("/")):
            return await _refuse(send, 404, "there is nothing here")
        if scope["type"] != "http" or not ours:
            return await self.app(scope, receive, send)
        if scope["method"] in ("GET", "HEAD"):
            if not READS.fullmatch(call):
                return await _refuse(send, 404, "there is nothing here")
            file = re.match(r"file[=/]", call)
            if file and not self._inside(call[file.end() :], self.outbox.root):
                return await _refuse(send, 403, "only files that this app made are served")
            return await self.app(scope, receive, send)
        if not CALLS.fullmatch(call):
            return await _refuse(send, 404, "there is nothing here")
        if call.startswith("upload"):
            if not _short_enough(scope):
                return await _refuse(send, 413, f"an upload may hold at most {MAX_UPLOAD // 2**20} MB")
            self.outbox.make_room_for_uploads()
            return await self.app(scope, receive, send)
        body = await _body(receive)
        fault = self.fault(body, call, scope.get("app"))
        if fault:
            return await _refuse(send, 400, fault)
        sent = False

        async def again() -> dict[str, Any]:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, again, send)

    def fault(self, body: bytes | None, call: str, app: Any) -> str:
        """Why a request cannot be answered, "" where nothing speaks against it."""
        if body is None:
            return f"a request may hold at most {MAX_BODY // 2**20} MB"
        try:
            asked = json.loads(body or b"null")
            if not all(self._uploaded(path) for path in _paths(asked)):
                return "a file must be uploaded before it is used: its path is the one that the upload answered"
        except (ValueError, RecursionError):
            return "the request is no JSON that can be answered: too many levels, a number too large, or half a character"
        return _unknown_call(asked, call, app.get_blocks().fns) if call.startswith(("queue/", "call/")) else ""

    def _uploaded(self, path: Any) -> bool:
        return path is None or isinstance(path, str) and self._inside(path, self.outbox.uploads)

    @staticmethod
    def _inside(path: str, folder: Path) -> bool:
        """Whether it is the path of a file in that folder of ours, links followed."""
        try:
            return Path(path).resolve().is_relative_to(folder) and Path(path).is_file()
        except (OSError, ValueError):  # too long, or a zero byte
            return False


def _paths(value: Any) -> Iterator[Any]:
    """Whatever in a request may be taken for a file: the ``path`` of every mapping.

    Errors: ``ValueError`` for too many levels, and for numbers and texts that no answer could repeat.
    """
    waiting = [(value, 0)]
    while waiting:
        item, level = waiting.pop()
        if level > MAX_LEVELS or isinstance(item, int) and abs(item) >= 2**63:
            raise ValueError
        if isinstance(item, str):
            item.encode()  # a lone half of a character raises
        if isinstance(item, dict) and "path" in item:
            yield item["path"]
        if isinstance(item, (dict, list)):
            waiting += [(inner, level + 1) for inner in (item.values() if isinstance(item, dict) else item)]


def _unknown_call(asked: Any, call: str, handlers: dict[int, Any]) -> str:
    """What is wrong with a call that fits no handler, "" where it fits one."""
    if not isinstance(asked, dict):
        return "the request is no JSON object"
    if call.startswith("call/"):
        name = call.removeprefix("call/").removeprefix("v2/").rstrip("/")
        public = [fn.api_name for fn in handlers.values() if fn.api_visibility == "public"]
        return "" if name in public else f"there is no endpoint of this name; there are {', '.join(map(str, public))}"
    fn = handlers.get(asked["fn_index"]) if isinstance(asked.get("fn_index"), int) else None
    if fn is None or not isinstance(asked.get("data"), list) or len(asked["data"]) != len(fn.inputs):
        return "this call fits nothing that the page holds: open the page anew"
    return ""


def _short_enough(scope) -> bool:
    """Whether an upload says how long it is, and is no longer than ``MAX_UPLOAD``; the server holds it to its word."""
    said = dict(scope["headers"]).get(b"content-length", b"")
    return said.isdigit() and len(said) < 12 and int(said) <= MAX_UPLOAD


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


async def _refuse(send, status: int, fault: str) -> None:
    body = json.dumps({"detail": fault, "error": fault}).encode()
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
