"""How the app answers: a handler's values, or one line that says what went wrong."""

from __future__ import annotations

import functools
import html
import inspect
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

__all__ = ["LIMITS", "answering", "asks", "explain", "on", "refuse", "warn", "without"]

log = logging.getLogger(__name__)
Handler = Callable[..., dict[Component, Any] | Iterator[dict[Component, Any]]]
# Handlers of a group that run at once; of a group that is not named here, one. Short draws meet in the engine, which draws
# what they ask for together; what takes longer has groups of its own, so that no draw waits for a free place behind it.
LIMITS = {"draw": 16, "paths": 4, "open": 4, "look": 4}


def explain(error: Exception) -> str:
    """An error in one line for the page, without a path of this machine."""
    if isinstance(error, OSError) and error.errno is not None:
        text = f"a file could not be read or written: {error.strerror}"
    elif isinstance(error, (ValueError, FileNotFoundError)):
        text = str(error)
    else:
        where = traceback.extract_tb(error.__traceback__)[-3:]  # not its words, which may be a visitor's
        log.error("a handler failed: %s at %s", type(error).__name__,
                  ", ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(where)))
        text = f"something went wrong ({type(error).__name__}); the server's log says more"
    return _sentence(" ".join(text.split())[:300])


def _sentence(text: str) -> str:
    """With a capital letter, but for the name of a model, which keeps its own."""
    return text if re.search(r"[\d/_-]", text.partition(" ")[0]) else text[:1].upper() + text[1:]


def refuse(error: Exception) -> gr.Error:
    """The error as the page and the API show it. Gradio takes the text for HTML, so that what a visitor typed is escaped."""
    if isinstance(error, gr.Error):
        return error
    return gr.Error(html.escape(explain(error), quote=False), print_exception=False)


def warn(notes: Iterable[str]) -> None:
    """Says on the page, in one message, what was left out of an answer."""
    lines = (_sentence(note[:300]) for note in notes)
    text = " ".join(line if line.endswith(".") else f"{line}." for line in lines)
    if text:
        gr.Warning(html.escape(text, quote=False))


def answering(answer: Callable) -> Callable:
    """For a method (self, asked) that is asked by a script, which waits for its last word: each answer bears the ``number``
    that was asked with, and an error is an answer too.

    Who asks once a stroke or a slider's step is told of it there: {"kind": "refused", "text": ...}. A generator's error is
    shown as every other is, after {"kind": "failed"}.
    """
    def number(asked: Any) -> dict[str, Any]:
        return {"number": asked.get("number") if isinstance(asked, dict) else None}

    @functools.wraps(answer)
    def once(self: Any, asked: Any) -> dict[str, Any]:
        try:
            return {**number(asked), **answer(self, asked)}
        except Exception as error:
            return {**number(asked), "kind": "refused", "text": explain(error)}

    @functools.wraps(answer)
    def stream(self: Any, asked: Any) -> Iterator[dict[str, Any]]:
        try:
            for value in answer(self, asked):
                yield {**number(asked), **value}
        except Exception:
            yield {**number(asked), "kind": "failed"}
            raise

    return stream if inspect.isgeneratorfunction(answer) else once


def asks(trigger: Callable, answer: Callable, shown: gr.HTML, **options: Any) -> None:
    """Lets a script ask by an event of its page: the event's data go to ``answer``, and ``shown`` takes what it answers.
    Options as ``on``."""
    def once(event: gr.EventData) -> dict[Component, Any]:
        return {shown: answer(event._data)}

    def stream(event: gr.EventData) -> Iterator[dict[Component, Any]]:
        for value in answer(event._data):
            yield {shown: value}

    handler = stream if inspect.isgeneratorfunction(inspect.unwrap(answer)) else once
    handler.__name__ = f"ask_{answer.__name__}"  # the plain names are those of the API
    on(trigger, handler, None, [shown], **options)


def without(values: dict[Component, Any], *touched: Component) -> dict[Component, Any]:
    """An answer that leaves alone what the visitor touched, who may have touched it again since."""
    return {component: value for component, value in values.items() if component not in touched}


def on(triggers: Callable | Sequence[Callable], handler: Handler, inputs: Any, outputs: Sequence[Component],
       *, group: str = "draw", **options: Any) -> None:
    """Calls a handler whenever one of the components' events fires.

    The handler returns ``{component: value}`` for those of ``outputs`` that change, or yields several, one after another;
    what it raises is shown as one line, and the page stays as it is. With a set as ``inputs`` it takes ``{component:
    value}``, else each value as an argument. ``LIMITS`` says how many handlers of a ``group`` run at once.
    """
    @functools.wraps(handler)
    def answer(*values: Any, **named: Any) -> dict[Component, Any]:
        try:
            return handler(*_checked(inputs, values), **named)
        except Exception as error:
            raise refuse(error) from None

    @functools.wraps(handler)
    def stream(*values: Any, **named: Any) -> Iterator[dict[Component, Any]]:
        try:
            yield from handler(*_checked(inputs, values), **named)
        except Exception as error:
            raise refuse(error) from None

    for trigger in triggers if isinstance(triggers, Sequence) else [triggers]:
        trigger(stream if inspect.isgeneratorfunction(handler) else answer, inputs, list(outputs), preprocess=False,
                **{"show_progress": "hidden", "concurrency_id": group, "concurrency_limit": LIMITS.get(group, 1),
                   "api_visibility": "private", **options})


def _checked(inputs: Any, values: tuple) -> tuple:
    """A handler's arguments, each value as its component's ``preprocess`` lets it through.

    Gradio would ask the component of the session, which has lost the checks of ours once a handler has changed its choices,
    and says what it thinks of a value in its own words.
    """
    if isinstance(inputs, (set, frozenset)):
        return ({component: _check(component, value) for component, value in values[0].items()}, *values[1:])
    components = [] if inputs is None else list(inputs) if isinstance(inputs, Sequence) else [inputs]
    given = [_check(component, value) for component, value in zip(components, values)]
    return (*given, *values[len(components) :])


def _check(component: Component, value: Any) -> Any:
    try:
        return component.preprocess(value)
    except Exception:
        raise ValueError(f"what was sent for {component.label or 'this'!r} cannot be read") from None
