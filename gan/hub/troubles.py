"""What can go wrong with the Hub, in one line that says what to do."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["WAITS_S", "HubError", "Unreachable", "patiently", "pause", "reason", "status", "transient"]

log = logging.getLogger(__name__)
WAITS_S = (1.0, 2.0, 4.0)  # between tries of a call that the client itself tries once only
T = TypeVar("T")


class HubError(OSError):
    """The Hub, or what is on it, does not allow what was asked. One line."""


class Unreachable(FileNotFoundError):
    """The Hub cannot be reached, and the model is not in the cache."""


def patiently(call: Callable[..., T], *args: Any, waits_s: tuple[float, ...] = WAITS_S, **kwargs: Any) -> T:
    """The call's result, tried again where the Hub is in trouble for a moment. Errors: the last try's."""
    for wait_s in waits_s:
        try:
            return call(*args, **kwargs)
        except Exception as error:
            if not transient(error):
                raise
            pause(error, wait_s)
    return call(*args, **kwargs)


def pause(error: BaseException, wait_s: float) -> None:
    """Waits before another try, and says so."""
    log.warning("the Hub did not answer well (%s): trying again in %g s", short(error), wait_s)
    time.sleep(wait_s)


def status(error: BaseException) -> int:
    """The HTTP status of an error, 0 where there was no answer."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    from huggingface_hub import errors as e

    if isinstance(error, e.HfHubHTTPError):
        return status(error) in (408, 429, 500, 502, 503, 504)
    return isinstance(error, e.HTTPError)  # no answer: the connection failed or broke


def short(error: BaseException) -> str:
    """An error of the Hub's client in a few words."""
    return f"{status(error)}" if status(error) else (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def reason(error: BaseException, *, revision: str | None = None) -> str:
    """Why a call failed, in words for a person."""
    from huggingface_hub import errors as e

    kinds: list[tuple[type, str]] = [
        (e.LocalTokenNotFoundError, "there is no token: log in once with `hf auth login`, or set HF_TOKEN to one that may "
                                    "write (huggingface.co/settings/tokens)"),
        (e.GatedRepoError, "its owner gives access on request only: ask on its page, then log in with `hf auth login`"),
        (e.RepositoryNotFoundError, "it is not there, or it is private and your token (if any) does not open it"),
        (e.RevisionNotFoundError, f"it has no revision {revision}"),
        (e.OfflineModeIsEnabled, "HF_HUB_OFFLINE is set"),
        (e.LocalEntryNotFoundError, "the Hub cannot be reached"),
        (e.EntryNotFoundError, "it has no config.json or no model.safetensors: this is no model of ours"),
        (e.HFValidationError, "no repository can be called so: user/name, of letters, digits, '-', '_' and '.', at most 96")]
    for kind, text in kinds:
        if isinstance(error, kind):
            return text
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: make room and run the same command again"
    numbers = {401: "the token was refused: log in again with `hf auth login`, or correct HF_TOKEN",
               402: "the Hub asks for a paid plan for this (docs/space.md says what a free account may host)",
               403: "your token may not do that: it needs the right to write there",
               412: "somebody else has changed it in the meantime: look, and run the same command again",
               429: "the Hub asks you to slow down: wait a few minutes and run the same command again"}
    code = status(error)
    if code in numbers:
        return numbers[code]
    if code >= 500:
        return f"the Hub is in trouble ({code}): run the same command again a little later"
    if isinstance(error, e.HTTPError) and not isinstance(error, e.HfHubHTTPError):
        return f"the connection to the Hub failed ({short(error)}): run the same command again"
    return (getattr(error, "server_message", None) or str(error).strip().partition("\n")[0] or type(error).__name__)[:300]
