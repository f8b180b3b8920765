"""``/healthz``: whether the app answers and draws, for whatever watches over it. Nothing in it is about a visitor."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse

from gan.ui.studio import Studio

__all__ = ["Health"]

STUCK_S = 300  # that one chunk or step has been under way: the slowest that ``gan.cost`` lets through takes a tenth of it


class Health:
    """``answer`` is the route's: 200, or 503 where the device has been at the same chunk for minutes."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.started = time.monotonic()

    async def answer(self, request: Request) -> JSONResponse:
        batcher, now = self.studio.engine.batcher, time.monotonic()
        since = batcher.busy_since
        ok = since is None or now - since < STUCK_S
        queue = request.app.get_blocks()._queue
        told = {"ok": ok, "models": len(self.studio.models), "queue": len(queue), "drawing": len(batcher),
                "uptime_s": round(now - self.started)}
        return JSONResponse(told, 200 if ok else 503)
