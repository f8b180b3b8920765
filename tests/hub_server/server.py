"""The Hub's HTTP protocol over a ``Store``: what ``huggingface_hub`` asks for, answered as the Hub does."""

from __future__ import annotations

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from hub_server.call import Answer
from hub_server.faults import Fault
from hub_server.routes import route
from hub_server.store import Refused, Store, User

__all__ = ["Hub"]


class Hub:
    """A running test Hub: its address, its store, the requests so far, and what shall go wrong."""

    def __init__(self) -> None:
        self.store, self.requests, self.faults = Store(), [], []
        self.page = 1000  # entries in a page of a listing
        self.jobs, self.machine = {}, None  # jobs by id; the environment in which they run, None where they only seem to
        self.ending = ("COMPLETED", None)  #  of jobs that only seem to run
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def user(self, token: str, name: str, **kwargs: object) -> User:
        self.store.users[token] = User(name, **kwargs)
        return self.store.users[token]

    def fail(self, pattern: str, status: int = 0, **kwargs: object) -> Fault:
        self.faults.append(Fault(pattern, status, **kwargs))
        return self.faults[-1]

    def asked(self, pattern: str) -> list[str]:
        """The requests so far in which the pattern is found."""
        return [line for line in self.requests if re.search(pattern, line)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def serve(self) -> None:
        line = f"{self.command} {self.path}"
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(line)
        with self.hub.lock:
            fault = next((f for f in self.hub.faults if f.meets(line)), None)
        if fault and fault.before:
            fault.before()
        if fault and fault.status:
            answer = self.refusal(Refused(fault.status, fault.message, fault.code))
        else:
            answer = self.answer(body)
        if fault and fault.lose:
            return self.hang_up()
        self.send(answer, fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

    def answer(self, body: bytes) -> Answer:
        url = urlsplit(self.path)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        try:
            if token and token not in self.hub.store.users:
                raise Refused(401, "Invalid credentials in Authorization header")
            with self.hub.lock:
                return route(self.hub, self.command, url.path, query, body, self.hub.store.users.get(token),
                             self.headers.get("Range"))
        except Refused as no:
            return self.refusal(no)

    @staticmethod
    def refusal(no: Refused) -> Answer:
        return Answer(no.status, {"error": no.message, **no.body}, {k: v for k, v in no.headers.items() if v})

    def send(self, answer: Answer, fault: Fault | None) -> None:
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        if fault and fault.corrupt and data:
            data = bytes([data[0] ^ 1]) + data[1:]
        self.send_response(answer.status)
        if not (fault and fault.endless):
            self.send_header("Content-Length", str(len(data)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self.send_body(data, fault)
        except ConnectionError:  # nobody listens any more
            self.close_connection = True

    def send_body(self, data: bytes, fault: Fault | None) -> None:
        if fault and fault.cut is not None:
            self.wfile.write(data[: fault.cut])
            return self.hang_up()
        if fault and fault.bytes_per_s:
            step = max(1, int(fault.bytes_per_s / 20))
            for start in range(0, len(data), step):
                self.wfile.write(data[start : start + step])
                self.wfile.flush()
                time.sleep(0.05)
            return None
        self.wfile.write(data)
        for _ in range(4096 if fault and fault.endless else 0):
            self.wfile.write(bytes(2**20))
        return None

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)

    def log_message(self, *args: object) -> None: ...
