"""Thousands of hostile requests: no traceback, no crash, no file but ours, no request to a stranger's address."""

import ipaddress
import json
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from fuzzing import TEXTS, Findings, Hostile, Stranger, handlers
from serving import running, studio_of, write_models
from transforming import write_painters

from gan.ui.pages import PAGES

USERS = 6


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory, test_families):
    """The running app: .url, .studio, .handlers, .outside (addresses that it wanted to reach), .secrets (paths)."""
    folder = tmp_path_factory.mktemp("models")
    with studio_of([*write_models(folder), *write_painters(folder)]) as studio, running(studio) as (blocks, url):
        config = json.loads(urllib.request.urlopen(url + "config", timeout=20).read())
        outside: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            watch(patch, outside)
            yield SimpleNamespace(url=url, studio=studio, handlers=handlers(config), outside=outside, blocks=blocks,
                                  secrets=[str(folder), "root:x:0"])


def watch(patch, outside: list[str]) -> None:
    """Notes every address beyond this machine that anything in this process looks up or connects to."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def local(host) -> bool:
        try:
            return host in (None, "", b"", "localhost") or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def connecting(self, address):
        if self.family != socket.AF_UNIX and not local(address[0]):
            outside.append(str(address[0]))
            raise ConnectionRefusedError
        return connect(self, address)

    def looking_up(host, *args, **kwargs):
        if not local(host):
            outside.append(str(host))
            raise socket.gaierror("not in a test")
        return look_up(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", connecting)
    patch.setattr(socket, "getaddrinfo", looking_up)


def storm(fuzzed, count: int, seed: int) -> Findings:
    """So many calls, spread over all handlers, by several visitors at once."""
    findings = Findings()
    links = ["&".join([f"page={page.id}", *(f"{key}=1" for key in page.reads)]) for page in PAGES]

    def visit(number: int) -> None:
        hostile = Hostile(seed + number, list(fuzzed.studio.entries), links)
        for k in range(number, count, USERS):
            if k // USERS % 20 == 0:  # each session lives for a while, as what it was answered changes what it sends
                stranger = Stranger(fuzzed.url, findings, fuzzed.secrets)
            handler = fuzzed.handlers[k % len(fuzzed.handlers)]
            stranger.send(hostile.call(handler), handler.name)

    with ThreadPoolExecutor(USERS) as pool:
        list(pool.map(visit, range(USERS)))
    return findings


def check(fuzzed, findings: Findings) -> None:
    assert not findings.faults, "\n".join(f"{count} x {fault}" for fault, count in findings.faults.most_common(40))
    assert not fuzzed.outside
    end = time.monotonic() + 60
    while len(fuzzed.studio.engine.batcher):  # what was asked by those who left does not go on for ever
        assert time.monotonic() < end
        time.sleep(0.1)
    told = json.loads(urllib.request.urlopen(fuzzed.url + "healthz", timeout=20).read())
    assert told["ok"] and told["models"] == 7


def test_hostile_calls_of_every_handler(fuzzed):
    findings = storm(fuzzed, 4 * len(fuzzed.handlers), seed=1)
    check(fuzzed, findings)
    assert findings.answers["told"]  # some were wrong in a way that is told


@pytest.mark.slow
def test_five_thousand_hostile_calls(fuzzed):
    findings = storm(fuzzed, 5000, seed=1000)
    print(dict(findings.answers))
    check(fuzzed, findings)


OUTSIDE = ("http://192.0.2.1/x.png", "https://example.org/x.png", "http:/192.0.2.1/x", "HTTP://example.org",
           "//example.org/x", "http://localhost:1/", "ftp://example.org/x", "https://user@example.org/")


@pytest.mark.parametrize("path", ["file=", "file/", "proxy="])
def test_no_address_is_fetched_for_a_stranger(fuzzed, path):
    """Gradio fetches a public address that stands after file= for whoever asks: an open proxy."""
    for address in OUTSIDE:
        for method in ("GET", "HEAD"):
            assert Stranger(fuzzed.url, Findings(), []).ask(method, f"/gradio_api/{path}{address}")[0] in (403, 404)
    assert not fuzzed.outside


@pytest.mark.parametrize("text", ['{"a": ' + "9" * 30 + "}", '["\\ud83d"]', "[" * 40 + "]" * 40, "[" * 99_999, "{nan}"])
def test_what_no_answer_could_repeat_is_refused_at_the_door(fuzzed, text):
    """Gradio broke off the stream of an answer with such a number or text in it."""
    status, told = Stranger(fuzzed.url, Findings(), []).ask("POST", "/gradio_api/queue/join", text.encode())
    assert status == 400 and "no JSON that can be answered" in told


def test_every_route_answers_strange_requests(fuzzed):
    """All that the server knows, Gradio's own routes too: pages, files, programs' calls."""
    findings, routes = Findings(), sorted({r.path for r in all_routes(fuzzed.blocks.app) if hasattr(r, "path")})
    assert len(routes) > 20
    stranger = Stranger(fuzzed.url, findings, fuzzed.secrets)
    for path in routes:
        if any(stream in path for stream in ("heartbeat", "queue/data")):
            continue  # they never end
        for text in ("x", "..%2f..%2fetc%2fpasswd", "%2Fetc%2Fpasswd", "%00", "%3Cscript%3E", "9" * 300):
            filled = "/".join(text if "{" in part else part for part in path.split("/")) if "{" in path else path
            for method, body in (("GET", None), ("POST", b'{"data": [[]]}'), ("POST", b"\xff{"), ("DELETE", b"")):
                stranger.judge(f"{method} {path}", *stranger.ask(method, f"{filled}?model={text}&page={text}", body))
    check(fuzzed, findings)


def all_routes(app) -> list:
    """The routes of an app and of the routers in it."""
    found = []
    for route in app.routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        found += all_routes(inner) if hasattr(inner, "routes") and not hasattr(route, "path") else [route]
    return found


def test_links_with_anything_in_them_open_the_page(fuzzed):
    findings = Findings()
    stranger = Stranger(fuzzed.url, findings, fuzzed.secrets)
    for text in TEXTS:
        for key in ("page", "model", "models", "seed", "__theme", "view"):
            stranger.judge(f"?{key}", *stranger.ask("GET", f"/?{key}={quote(text[:3000], errors='replace')}"))
    check(fuzzed, findings)
