"""What an endpoint of the test Hub is given, and what it gives back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hub_server.store import Repo, Store, User

if TYPE_CHECKING:
    from hub_server.server import Hub

__all__ = ["Answer", "Call"]


@dataclass
class Answer:
    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    hub: Hub
    query: dict[str, str]
    body: bytes
    user: User | None
    range: str | None
    parts: dict[str, str]  # of the path

    @property
    def store(self) -> Store:
        return self.hub.store

    @property
    def type(self) -> str:
        return (self.parts.get("type") or "models").rstrip("/").removesuffix("s")

    def address(self, type: str, repo_id: str) -> str:
        """Of a repository's page."""
        return f"{self.hub.address}/" + ("" if type == "model" else f"{type}s/") + repo_id

    def json(self) -> dict:
        return json.loads(self.body or b"{}")

    def repo(self, write: bool = False) -> Repo:
        return self.store.repo(self.type, self.parts["repo"], self.user, write=write)
