"""Lets our links through: Gradio's own route "/" has a query parameter that is named ``page`` as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode

__all__ = ["PageParameter"]


class PageParameter:
    """ASGI middleware that hides ``page`` from the route of the page itself, which fails on every value but its own.

    The browser keeps it in the address, and sends it with the page's first event, which is where we read it.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http" and b"page=" in scope["query_string"] and "/gradio_api/" not in scope["path"]:
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            scope = {**scope, "query_string": urlencode([p for p in pairs if p[0] != "page"]).encode("latin-1")}
        await self.app(scope, receive, send)
