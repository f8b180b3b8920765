"""The app in operation: its health, its queue, what it keeps, and what a kill leaves."""

import http.client
import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import gradio as gr
import pytest
from commands import ROOT
from conftest import tiny_generator
from PIL import Image
from processes import held_port
from serving import running, studio_of

from gan import hub
from gan.ui.messages import LIMITS, explain
from gan.ui.pages.interpolate import SLICE, Interpolate
from gan.ui.path import Path


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The running app on one tiny model: .studio, .url, .blocks."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    hub.save(folder, tiny_generator("dcgan"))
    with studio_of([folder]) as studio, running(studio) as (blocks, url):
        yield SimpleNamespace(studio=studio, url=url, blocks=blocks, folder=folder)


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
    assert groups["generate"] == groups["roll"] == "draw" != groups["ask_save"]
    assert LIMITS["draw"] > 8 and "films" not in LIMITS


def test_sessions_describe_components_as_gradio_does(served):
    """What is kept of each is what Gradio says of it, and no session changes what others get."""
    for block in served.blocks.blocks.values():
        assert block.get_config() == type(block).get_config(block) and block.get_config() is not block.get_config()


def test_the_log_names_the_place_of_a_failure_and_no_word_of_a_visitor(caplog):
    try:
        {}["seed 4711"]
    except KeyError as error:
        assert "server's log" in explain(error)
    assert "KeyError at test_operation.py:" in caplog.text and "4711" not in caplog.text


def test_a_path_whose_visitor_has_left_is_drawn_no_further(served, monkeypatch):
    """A handler that is a generator is closed; what it had not asked for yet is never drawn."""
    with gr.Blocks():
        page = Interpolate(served.studio)
    drawn, frames = [], served.studio.engine.frames
    monkeypatch.setattr(served.studio.engine, "frames", lambda *args: drawn.append(len(args[2])) or frames(*args))
    monkeypatch.setattr("gan.ui.pages.interpolate.SLOW_S", 0)
    path = Path("tiny", tuple((seed, None) for seed in range(10)))
    going = page.show(path)
    assert next(going)["kind"] == "drawing"
    going.close()
    assert drawn == [SLICE] and len(path.walk(served.studio.model("tiny"))) > 5 * SLICE


@pytest.fixture
def port():
    with held_port() as held:
        yield held.getsockname()[1]


@pytest.mark.slow
def test_killed_and_restarted_under_load_it_serves_whole_pictures_and_leaves_nothing(tmp_path, port):
    """Four clients ask all the time; the server dies without a word, twice. Who asks again gets pictures again."""
    hub.save(tmp_path / "tiny", tiny_generator("dcgan"))
    (tmp_path / "temp").mkdir()
    env = {**os.environ, "GRADIO_TEMP_DIR": str(tmp_path / "temp"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}

    def start() -> subprocess.Popen:
        command = [sys.executable, "app.py", "--port", str(port), "--models", str(tmp_path / "tiny")]
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        assert "open at" in server.stdout.readline()
        return server

    stop, whole, lost, torn = threading.Event(), [], [], []

    def ask_always() -> None:
        while not stop.is_set():
            try:
                picture = picture_of(f"http://127.0.0.1:{port}/", str(len(whole)))
            except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
                lost.append(repr(error))
                time.sleep(0.2)
                continue
            try:
                Image.open(io.BytesIO(picture)).load()
                whole.append(time.monotonic())
            except OSError as error:
                torn.append(repr(error))

    server = start()
    clients = [threading.Thread(target=ask_always) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for _ in range(2):
            twenty_more(whole)
            server.kill()
            server.wait()
            server = start()
        twenty_more(whole)
    finally:
        stop.set()
        for client in clients:
            client.join()
        server.kill()
        server.wait()
    assert lost and not torn
    assert len(list((tmp_path / "temp").glob("gan-gallery-*"))) == 1  # each start swept what the killed one left


def picture_of(url: str, seed: str) -> bytes:
    """A PNG from the public endpoint."""
    body = json.dumps({"data": ["tiny", seed, "", 1.0]}).encode()
    request = urllib.request.Request(url + "gradio_api/call/generate", body, {"Content-Type": "application/json"})
    event = json.loads(urllib.request.urlopen(request, timeout=20).read())["event_id"]
    told = urllib.request.urlopen(f"{url}gradio_api/call/generate/{event}", timeout=20).read().decode()
    (file,) = json.loads(told.rsplit("data:", 1)[1])
    return urllib.request.urlopen(f"{url}gradio_api/file={file['path']}", timeout=20).read()


def twenty_more(found: list) -> None:
    before, end = len(found), time.monotonic() + 120
    while len(found) < before + 20:
        assert time.monotonic() < end
        time.sleep(0.05)
