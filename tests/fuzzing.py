"""Hostile visitors: calls of every handler that the app has, found in its own config, with anything in every place.

What a page's scripts may send is read from the sources, so that a new page is met without a word here.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from transforming import drawing

from gan.recipe import EditRecipe, Mix, SeedsRecipe, StripRecipe, TransformRecipe, WalkRecipe

UI = Path(__file__).resolve().parent.parent / "gan" / "ui"
PATIENCE_S = 10  # a visitor who has waited so long leaves
MARK = "pwned4711"  # stands in every markup
MARKUP = (f"<script>window.{MARK}=1</script>", f"<img src=x onerror={MARK}>", f"${{window.{MARK}}}{{{{7*7}}}}")
NUMBERS = (0, -1, 1, 3, 2.5, 10**9, 2**32, -(2**63), 10**400, 1e308, float("nan"), float("inf"), -0.0)
TEXTS = ("", " ", "0", "-1", "NaN", "1e999", "0-4294967295", "1," * 5000, "9" * 5000, "\0", "\ud83d", "\U0001f600",
         "é" * 300, "../../etc/passwd", "/etc/passwd",
         "file:///etc/passwd", "C:\\Windows\\win.ini", "%00", "a\r\nSet-Cookie: x=1", "'; drop table", "no-such-model",
         "user/name@" + "f" * 40, "{}", "[]", "null", "0-9999", "1:zero,2:<b>",
         "zero=5,one=1000000000", *MARKUP)
UPLOADS = ("uploadbutton", "file", "image", "imageeditor", "gallery")  # components that take a visitor's file
SOME_KEYS = ("link", "recipe", "tile", "turn", "job", "url", "__type__", "value", "meta")
DRAWING = "data:image/png;base64," + base64.b64encode(drawing()).decode()
LEAKS = re.compile(r"Traceback|site-packages|File \\?\"|object at 0x|gradio/|\.py\b|has no attribute|NoneType|unhashable|"
                   r"not subscriptable|unsupported operand|expected str instance")


@dataclass
class Handler:
    """One of the app's handlers, as its config describes it."""

    id: int
    name: str
    values: list  #              what the page sends at first
    files: list[int]  #          places of uploads among them
    target: int | None  #        the component that it is an event of
    public: str  #               its name as an endpoint, "" where it has none


@dataclass
class Findings:
    """What came back."""

    answers: Counter = field(default_factory=Counter)  # by kind
    faults: Counter = field(default_factory=Counter)  #  by handler and what is wrong


def handlers(config: dict) -> list[Handler]:
    """Everything that a request may call."""
    parts = {c["id"]: c for c in config["components"]}
    found = []
    for d in config["dependencies"]:
        if d["backend_fn"]:
            kinds = [parts[k]["type"] for k in d["inputs"]]
            files = [k for k, kind in enumerate(kinds) if kind in UPLOADS]
            target = next((t for t, _ in d["targets"] if t is not None), None)
            values = [parts[k]["props"].get("value") for k in d["inputs"]]
            found.append(Handler(d["id"], d["api_name"] or str(d["id"]), values, files, target,
                                 d["api_name"] if d.get("api_visibility") == "public" else ""))
    return found


def keys() -> list[str]:
    """What handlers look up in what a page's script sends them."""
    source = "".join(path.read_text("utf-8") for path in sorted(UI.rglob("*.py")))
    return sorted({*SOME_KEYS, *re.findall(r"\basked(?:\.get\(|\[|, )\"(\w+)\"", source)})


class Hostile:
    """Values of one seed: the same seed, the same requests."""

    def __init__(self, seed: int, models: list[str], links: list[str]):
        self.rs, self.models, self.links, self.keys = random.Random(seed), models, links, keys()

    def value(self, depth: int = 0):
        kind = self.rs.randrange(10 if depth < 3 else 6)
        if kind < 2:
            return self.rs.choice(NUMBERS)
        if kind < 4:
            return self.rs.choice((*TEXTS, *self.models))
        if kind == 4:
            return self.rs.choice((None, True, False))
        if kind == 5:
            return self.rs.choice((self.link(), self.recipe()))
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.rs.randrange(4))]
        if kind == 7:
            return {"path": self.rs.choice(("/etc/passwd", "http://192.0.2.1/x.png", "../x", None, 3)),
                    "meta": {"_type": "gradio.FileData"}}
        if kind == 8 and depth == 0:
            return self.rs.choice((list(range(10_000)), ",".join(map(str, range(10_000))), "[" * 1000))
        return self.event(depth + 1)

    def event(self, depth: int = 0) -> dict:
        """What a script may send: keys that handlers know, some with values that they expect."""
        event = {key: self.value(depth + 1) for key in self.rs.sample(self.keys, min(len(self.keys), 6))}
        good = {"link": self.link(), "recipe": self.recipe(), "as": self.rs.choice(("png", "zip", "mp4", "webp", "gif")),
                "rate": self.rs.choice((12, 24, 30, 60)), "frame": self.rs.randrange(50), "tile": self.rs.randrange(20),
                "model": self.rs.choice(self.models), "seed": self.rs.randrange(9),
                "drawing": DRAWING, "box": [0, 0, self.rs.randrange(-1, 40)]}
        event.update({key: good[key] for key in good if self.rs.random() < 0.7})
        return event

    def link(self) -> str:
        base = dict(part.partition("=")[::2] for part in self.rs.choice(self.links or [""]).lstrip("?").split("&"))
        base["model"] = self.rs.choice((*self.models, *self.models, "no-such", MARKUP[0]))
        for key in self.rs.sample(sorted({*base, "seed", "class", "psi", "rev", "codes", "stops", "frames"}), 2):
            base[key] = quote(str(self.rs.choice((*TEXTS, *NUMBERS))), errors="replace")[:3000]
        return "&".join(f"{key}={value}" for key, value in base.items())

    def recipe(self) -> str:
        model, label = self.rs.choice((*self.models, MARKUP[1])), self.rs.choice((None, None, "zero", MARKUP[0]))
        of, sha = (model, "f" * 12), "0" * 64
        recipe = self.rs.choice((
            SeedsRecipe(*of, (self.rs.randrange(9), 1), label), StripRecipe(*of, 3, (label, "one", "two")),
            WalkRecipe(*of, (1, 2), 0, 5), EditRecipe(*of, (1,), mix=(Mix(2, 0, 1000),)), EditRecipe(*of, source=sha),
            TransformRecipe(*of, "edges", sha)))
        told = json.loads(recipe.to_json())
        if self.rs.random() < 0.7:
            strange = (*NUMBERS, *TEXTS, None, [], {}, [None], [1] * 9999, {"a": 1})
            told[self.rs.choice(sorted(told))] = self.rs.choice(strange)
        return json.dumps(told)

    def call(self, handler: Handler) -> dict:
        """A call of a handler: its usual values with some replaced, or nothing but strange ones, or too few or too many."""
        data = list(handler.values)
        if self.rs.random() < 0.2:
            data = [self.value() for _ in range(self.rs.choice((0, 1, len(data), len(data), len(data) + 1, 20)))]
        elif data:
            for place in self.rs.sample(range(len(data)), self.rs.randrange(1, min(4, len(data) + 1))):
                data[place] = self.value()
        event = self.event() if self.rs.random() < 0.8 else self.value()
        return {"data": data, "fn_index": handler.id, "trigger_id": handler.target, "event_data": event}


class Stranger:
    """A session that sends such calls and judges the answers."""

    def __init__(self, url: str, findings: Findings, secrets: list[str]):
        self.host, self.findings, self.secrets = urlsplit(url).netloc, findings, secrets
        self.session = f"{random.getrandbits(64):x}"

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
        line = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        try:
            line.request(method, path, body, {"Content-Type": kind})
            answer = line.getresponse()
            try:
                data = answer.read()
            except http.client.IncompleteRead as error:  # Gradio breaks off the stream of an event that it does not know
                data = error.partial
            return answer.status, data.decode("utf-8", "replace")
        finally:
            line.close()

    def send(self, call: dict, name: str) -> str:
        """One call through the queue, to the end of its answer or of the visitor's patience: the answer."""
        body = json.dumps({**call, "session_hash": self.session}).encode()
        try:
            status, text = self.ask("POST", "/gradio_api/queue/join", body)
            if status == 200:
                status, text = self.ask("GET", f"/gradio_api/queue/data?session_hash={self.session}")
        except TimeoutError:
            self.findings.answers["left"] += 1
            return ""
        self.judge(name, status, text)
        return text

    def judge(self, name: str, status: int, text: str) -> None:
        """Notes what no visitor should see."""
        self.findings.answers[status] += 1
        if status >= 500 and "Queue is full" not in text:
            self.findings.faults[f"{name}: status {status}: {text[:80]}"] += 1
        for secret in self.secrets:
            if secret in text:
                self.findings.faults[f"{name}: names {secret}"] += 1
        for message in messages_of(text):
            if message is None:
                self.findings.faults[f"{name}: an error without a word"] += 1
            elif LEAKS.search(message) or "\n" in message or len(message) > 700 or f"<script>window.{MARK}" in message:
                self.findings.faults[f"{name}: {message[:160]!r}"] += 1
            else:
                self.findings.answers["told"] += 1


def messages_of(text: str) -> list[str | None]:
    """What an answer says in words: errors and warnings."""
    found = []
    for line in text.splitlines():
        try:
            message = json.loads(line.removeprefix("data:")) if line.startswith(("data:", "{")) else None
        except ValueError:
            continue
        if isinstance(message, dict):
            if message.get("msg") == "log":
                found.append(message["log"])
            if message.get("msg") == "process_completed" and not message["success"]:
                found.append((message["output"] or {}).get("error"))
            if isinstance(message.get("detail"), str):
                found.append(message["detail"])
    return found
