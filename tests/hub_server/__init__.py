"""A Hub of our own on this machine, which speaks the Hugging Face Hub's HTTP protocol, for the real client to talk to.

``store.py`` holds users, repositories and commits, ``routes.py``, ``writing.py`` and ``jobs.py`` are the endpoints,
``server.py`` serves them and ``faults.py`` says what can go wrong on demand. What it does not have: Xet, discussions,
buckets.
"""

from hub_server.faults import Fault
from hub_server.server import Hub
from hub_server.store import Blob, Store, User

__all__ = ["Blob", "Fault", "Hub", "Store", "User"]
