"""What can go wrong between a client and the Hub, on demand: each fault waits for the requests that it is meant for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Fault"]


@dataclass
class Fault:
    """Applies to the next ``times`` requests whose "METHOD path" the pattern is found in."""

    pattern: str
    status: int = 0  #              answer so instead, as a server in trouble would
    code: str = ""  #               the Hub's X-Error-Code with it
    message: str = "on demand"  #   its X-Error-Message
    cut: int | None = None  #       close the connection after so many bytes of the answer's body
    lose: bool = False  #           do what was asked, then close the connection without an answer
    bytes_per_s: float = 0  #       send the answer's body so slowly
    corrupt: bool = False  #        change one byte of the answer's body
    endless: bool = False  #        send more than was announced, for as long as anybody listens (4 GiB at most)
    before: Callable[[], object] | None = None  # happens just before the request is served: somebody else was faster
    times: int = 1
    met: int = 0

    def meets(self, line: str) -> bool:
        if self.met >= self.times or not re.search(self.pattern, line):
            return False
        self.met += 1
        return True
