"""The real ``huggingface_hub`` client, pointed at a test Hub: inside this process, or in another by its environment."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from hub_server.server import Hub

__all__ = ["connected", "environment"]

LONGEST_WAIT = 0.02  # s between tries, in the place of seconds


def environment(hub: Hub | str, home: Path, token: str | None = None) -> dict[str, str]:
    """For a process of its own: ``huggingface_hub`` reads its environment when it is imported."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env |= {"HF_ENDPOINT": hub if isinstance(hub, str) else hub.address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1",
            "GRADIO_ANALYTICS_ENABLED": "False", "OMP_NUM_THREADS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return env if token is None else {**env, "HF_TOKEN": token}


@contextmanager
def connected(hub: Hub | str, home: Path, token: str | None = None) -> Iterator[None]:
    """Within it, this process's client talks to the test Hub, with a cache of its own, and waits little between tries."""
    from huggingface_hub import constants, file_download
    from huggingface_hub.utils import _http

    from gan.hub import troubles

    address = hub if isinstance(hub, str) else hub.address
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
    values = {"ENDPOINT": address, "HUGGINGFACE_CO_URL_TEMPLATE": template, "HF_HUB_OFFLINE": False, "HF_HOME": str(home),
              "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_DISABLE_XET": True, "HF_TOKEN_PATH": str(home / "token"),
              "HF_STORED_TOKENS_PATH": str(home / "stored_tokens")}
    quick = SimpleNamespace(**{**vars(time), "sleep": lambda s: time.sleep(min(s, LONGEST_WAIT))})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(constants, name, value)
        for name in [name for name in os.environ if name.startswith("HF_")]:
            patch.delenv(name)
        if token is not None:
            patch.setenv("HF_TOKEN", token)
        for module in (_http, file_download, troubles):
            patch.setattr(module, "time", quick)
        _http.close_session()  # the one that is kept asks nothing where the tests are offline
        yield
    _http.close_session()
