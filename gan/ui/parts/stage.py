"""How a page is laid out: controls on one side, what they make on the other; and the pieces that a page's script fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr

__all__ = ["answers", "beside", "scripted"]


@contextmanager
def beside(lay_out_controls: Callable[[], None]) -> Iterator[None]:
    """What is laid out inside the context stands beside the controls; on a phone, above them."""
    with gr.Row(elem_classes="studio"):
        with gr.Column(scale=3, min_width=300, elem_classes="controls"):
            lay_out_controls()
        with gr.Column(scale=5, min_width=320, elem_classes="stage"):
            yield


def scripted(function: str, *arguments: str, events: Sequence[str] = (), value: Any = None, **options: Any) -> gr.HTML:
    """A piece of the page that a script's function fills when it is loaded. Its last argument is an object with a function
    for each of ``events``, which sends data to the handler of that event."""
    triggers = ", ".join(f"{name}: data => trigger('{name}', data)" for name in events)
    given = ", ".join([*arguments, f"{{{triggers}}}"] if events else arguments)
    return gr.HTML(value, html_template="", apply_default_css=False, js_on_load=f"{function}({given})", **options)


def answers(function: str, *arguments: str) -> gr.HTML:
    """What a handler answers, for a script alone: it takes no room."""
    return scripted(function, *arguments, "props", "watch", elem_classes="no-room")
