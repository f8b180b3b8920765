"""The app in operation: its health, its queue, what it keeps, and what a kill leaves."""

import json
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from conftest import tiny_generator

from gan import hub
from gan.engine import Engine
from gan.gallery import entry
from gan.ui import Studio, build, launch_options
from gan.ui.messages import LIMITS


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The running app on one tiny model: .studio, .url, .blocks."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    hub.save(folder, tiny_generator("dcgan"))
    studio = Studio([entry(str(folder))], engine=Engine(device="cpu"))
    blocks = build(studio)
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(studio))
    yield SimpleNamespace(studio=studio, url=url, blocks=blocks, folder=folder)
    blocks.close(verbose=False)
    studio.outbox.close()


def ask(served, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(served.url + path, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_health_says_what_a_watcher_needs_and_nothing_else(served):
    status, body = ask(served, "healthz")
    told = json.loads(body)
    assert status == 200 and set(told) == {"ok", "models", "queue", "drawing", "uptime_s"}
    assert told["ok"] and (told["models"], told["queue"], told["drawing"]) == (1, 0, 0) and 0 <= told["uptime_s"] < 600


def test_health_tells_of_a_device_that_is_stuck(served, monkeypatch):
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with served.studio.engine.turn():
            entered.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert entered.wait(20) and ask(served, "healthz")[0] == 200  # a long step is no fault yet
        monkeypatch.setattr("gan.ui.health.STUCK_S", 0)
        status, body = ask(served, "healthz")
        assert status == 503 and json.loads(body)["ok"] is False
    finally:
        leave.set()
        holder.join()
    end = time.monotonic() + 20
    while ask(served, "healthz")[0] != 200:  # once the device's thread has seen that it was given back
        assert time.monotonic() < end


def test_short_draws_meet_in_the_engine_and_long_work_waits_elsewhere(served):
    fns = [fn for fn in served.blocks.fns.values() if fn.fn is not None and fn.queue is not False]
    assert all(fn.concurrency_limit == LIMITS.get(fn.concurrency_id, 1) for fn in fns)
    groups = {fn.api_name: fn.concurrency_id for fn in fns}
    assert groups["generate"] == groups["roll"] == "draw" != groups["save"]
    assert LIMITS["draw"] > 8 and "films" not in LIMITS


def test_sessions_describe_components_as_gradio_does(served):
    """What is kept of each is what Gradio says of it, and no session changes what others get."""
    for block in served.blocks.blocks.values():
        assert block.get_config() == type(block).get_config(block) and block.get_config() is not block.get_config()
