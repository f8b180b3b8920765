"""The tray: images of a model that a visitor has put aside, in order, from any tile or typed. It stays in his browser."""

from __future__ import annotations

from typing import Any

from gan.ui.parts.stage import scripted

__all__ = ["Tray"]


class Tray:
    """The part: ``component`` shows what ``show`` returns. The server never sees what is in it; scripts ask ``gan.tray``."""

    def __init__(self) -> None:
        self.component = scripted("gan.tray.build", "element", "props", "watch", elem_classes="tray-part")

    @staticmethod
    def show(model: str) -> dict[str, Any]:
        """The tray of a model, as the browser keeps it."""
        return {"model": model}
