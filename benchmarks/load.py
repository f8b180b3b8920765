"""Loads the app as many visitors at once do, over plain HTTP, each with a session of his own. Prints one JSON line a figure.

  python -m benchmarks.load                          # one user, then fifty for a minute
  python -m benchmarks.load --minutes 5
  python -m benchmarks.load --only compare           # images/s with and without merging, in alternating slices

click     milliseconds from a click on the dice to the bytes of the sheet of 16, one user; and those that the server's
          threads worked for it, which other work on the machine changes less
load      users who click, look at the sheet for a while and click again: milliseconds, errors by text, and the memory of
          the server after a fifth of the time and at its end
compare   single images through the public endpoint, users who never pause, against three servers in turns: as shipped;
          with requests that share no chunk; and with one handler at a time, as it was before
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
FULL = re.compile(r"queue is full", re.I)
SLICE_S = 8  # of a comparison
SERVERS = ("shipped", "apart", "serial")


class Visitor:
    """One session over one connection at a time. Errors: ``RuntimeError`` with what the app says, ``OSError``."""

    def __init__(self, port: int):
        self.port, self.session = port, f"{random.getrandbits(64):x}"
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: dict | None = None) -> bytes:
        self.line.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = self.line.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {data[:100].decode(errors='replace')}")
        return data

    def event(self, body: dict) -> dict:
        """The values that the queue's event ends with."""
        self.ask("POST", "/gradio_api/queue/join", {**body, "session_hash": self.session})
        told = self.ask("GET", f"/gradio_api/queue/data?session_hash={self.session}").decode()
        messages = [json.loads(line[5:]) for line in told.splitlines() if line.startswith("data:")]
        last = next(m for m in reversed(messages) if m["msg"] == "process_completed")
        if not last["success"]:
            raise RuntimeError(last["output"].get("error") or "no reason given")
        return last["output"]

    def file(self, url: str) -> bytes:
        data = self.ask("GET", "/" + url.lstrip("/"))
        if not data.startswith(b"\x89PNG") or not data.endswith(b"IEND\xaeB`\x82"):
            raise RuntimeError("a picture that is not whole")
        return data


class Dice:
    """A click on the dice of the Generate page, as the browser sends it."""

    def __init__(self, port: int, model: str):
        config = json.loads(Visitor(port).ask("GET", "/config"))
        parts = {c["id"]: c["props"] for c in config["components"]}
        dice = next(key for key, props in parts.items() if props.get("elem_id") == "dice")
        event = next(d for d in config["dependencies"] if [dice, "click"] in d["targets"])
        data = [model if parts[k].get("elem_classes") == ["model"] else parts[k].get("value") for k in event["inputs"]]
        self.body = {"fn_index": event["id"], "data": data, "trigger_id": dice}

    def __call__(self, visitor: Visitor) -> None:
        values = visitor.event(self.body)["data"]
        visitor.file(next(v["url"] for v in values if isinstance(v, dict) and "tiles" in v))


class Single:
    """One image from the public endpoint, as a program asks for it."""

    def __init__(self, port: int, model: str):
        self.model = model

    def __call__(self, visitor: Visitor) -> None:
        seed = str(random.randrange(10**6))
        answer = json.loads(visitor.ask("POST", "/gradio_api/call/generate", {"data": [self.model, seed, "", 1.0]}))
        told = visitor.ask("GET", f"/gradio_api/call/generate/{answer['event_id']}").decode()
        if "event: complete" not in told:
            raise RuntimeError(told[-200:])
        (file,) = json.loads(told.rsplit("data:", 1)[1])
        visitor.file(f"gradio_api/file={file['path']}")


class Crowd:
    """Users who do the same again and again until they are told to stop."""

    def __init__(self, port: int, task, users: int, pause_s: float):
        self.took_ms: list[float] = []
        self.errors: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, args=(port, task, pause_s)) for _ in range(users)]
        for thread in self._threads:
            thread.start()

    def _visit(self, port: int, task, pause_s: float) -> None:
        visitor = Visitor(port)
        self._stop.wait(random.random() * pause_s)  # they do not come all at once
        while not self._stop.is_set():
            started = time.perf_counter()
            try:
                task(visitor)
                self.took_ms.append((time.perf_counter() - started) * 1000)
            except (RuntimeError, OSError, http.client.HTTPException, StopIteration) as error:
                self.errors["queue full" if FULL.search(str(error)) else f"{type(error).__name__}: {error}"[:200]] += 1
                visitor = Visitor(port)
            self._stop.wait(pause_s * random.uniform(0.5, 1.5))

    def leave(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def served(kind: str = "shipped"):
    """(port, process) of an app that is warm."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.load", "--serve", kind, str(port)], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def serve(kind: str, port: str) -> None:
    """The app, or a lesser one to compare it with."""
    from gan.batching import Batcher
    from gan.ui import messages

    if kind != "shipped":
        draw = Batcher.draw
        Batcher.draw = lambda self, key, *args: draw(self, (key, object()), *args)  # nobody else's chunk has this key
    if kind == "serial":
        messages.LIMITS["draw"] = 1
    import app

    sys.exit(app.main(["--port", port]))


def show(**figures) -> None:
    print(json.dumps(figures), flush=True)


def percentiles(times: list[float]) -> dict[str, float]:
    times = sorted(times) or [float("nan")]
    return {f"p{q}_ms": round(times[min(len(times) - 1, len(times) * q // 100)], 1) for q in (50, 95, 99)}


def click(model: str, clicks: int = 40) -> None:
    with served() as (port, process):
        visitor, dice = Visitor(port), Dice(port, model)
        for _ in range(5):
            dice(visitor)
        times, before = [], sum(process.cpu_times()[:2])
        for _ in range(clicks):
            started = time.perf_counter()
            dice(visitor)
            times.append((time.perf_counter() - started) * 1000)
        worked = (sum(process.cpu_times()[:2]) - before) * 1000 / clicks
        show(figure="click", clicks=clicks, **percentiles(times), fastest_ms=round(min(times), 1),
             worked_ms=round(worked, 1))


def load(model: str, users: int, minutes: float, pause_s: float) -> None:
    with served() as (port, process):
        dice = Dice(port, model)
        crowd = Crowd(port, dice, users, pause_s)
        time.sleep(12 * minutes)
        early = process.memory_info().rss / 2**20
        time.sleep(48 * minutes)
        late = process.memory_info().rss / 2**20
        crowd.leave()
        health = json.loads(Visitor(port).ask("GET", "/healthz"))
        show(figure="load", users=users, minutes=minutes, pause_s=pause_s, sheets=len(crowd.took_ms),
             images_per_s=round(16 * len(crowd.took_ms) / minutes / 60, 1), **percentiles(crowd.took_ms),
             errors=dict(crowd.errors), memory_mb=[round(early), round(late)], ok=health["ok"])


def compare(model: str, users: int, minutes: float) -> None:
    with served("shipped") as (a, _), served("apart") as (b, _), served("serial") as (c, _):
        ports, rates = dict(zip(SERVERS, (a, b, c))), {kind: [] for kind in SERVERS}
        errors: Counter[str] = Counter()
        for _ in range(max(1, round(60 * minutes / SLICE_S / len(SERVERS)))):
            for kind in SERVERS:
                crowd, started = Crowd(ports[kind], Single(ports[kind], model), users, 0.0), time.perf_counter()
                time.sleep(SLICE_S)
                crowd.leave()
                rates[kind].append(len(crowd.took_ms) / (time.perf_counter() - started))
                errors += crowd.errors
        medians = {kind: statistics.median(found) for kind, found in rates.items()}
        show(figure="compare", users=users, slices=len(rates["shipped"]), errors=dict(errors),
             images_per_s={kind: round(value, 1) for kind, value in medians.items()},
             ratio_to_apart=round(medians["shipped"] / medians["apart"], 2),
             ratio_to_serial=round(medians["shipped"] / medians["serial"], 2))


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.load", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="cats64-dcgan", help="a name in weights/ (default: cats64-dcgan)")
    p.add_argument("--users", type=int, default=50, help="at the same time (default: 50)")
    p.add_argument("--minutes", type=float, default=1.0, help="that the users stay (default: 1)")
    p.add_argument("--pause", type=float, default=1.0, help="seconds that a user looks at a sheet, on average (default: 1)")
    p.add_argument("--only", choices=["click", "load", "compare"], help="one part of it")
    p.add_argument("--serve", nargs=2, metavar=("KIND", "PORT"), help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.serve:
        return serve(*args.serve)
    if args.only in (None, "click"):
        click(args.model)
    if args.only in (None, "load"):
        load(args.model, args.users, args.minutes, args.pause)
    if args.only in (None, "compare"):
        compare(args.model, args.users, args.minutes)


if __name__ == "__main__":
    main()
