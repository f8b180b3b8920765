"""How the app starts: its models, its port, its help."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import tiny_generator

import app as entry_point
from gan import hub
from gan.engine import Engine
from gan.ui import Studio, build, collect

ROOT = Path(__file__).resolve().parent.parent


def test_gallery_without_models_opens(tmp_path):
    studio = Studio([], engine=Engine(device="cpu"))
    build(studio)
    studio.warm()
    studio.outbox.close()


def test_models_given_take_the_place_of_others_of_the_same_id(monkeypatch, tmp_path):
    for name in ("coded", "digits", "plain"):
        hub.save(tmp_path / name, tiny_generator("dcgan"))
    monkeypatch.setattr(hub, "WEIGHTS", tmp_path / "none")
    found = collect([str(tmp_path), str(tmp_path / "digits")])
    assert [e.id for e in found] == ["coded", "digits", "plain"]


def test_unusable_models_argument_gives_one_line(capsys, monkeypatch):
    monkeypatch.setattr(entry_point.signal, "signal", lambda *_: None)
    assert entry_point.main(["--models", "no-such-model-at-all"]) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"error: --models no-such-model-at-all: no model [^\n]*\n", error)


def test_port_in_use_gives_one_line():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        run = subprocess.run([sys.executable, "app.py", "--port", str(port)], cwd=ROOT, capture_output=True, text=True,
                             timeout=120, env={**os.environ, "GRADIO_SERVER_NAME": "127.0.0.1"})
    assert run.returncode == 1
    assert run.stderr == f"error: port {port} is already in use: choose another with --port\n"


@pytest.mark.parametrize("port, said", [("", "unknown"), ("http", "GRADIO_SERVER_PORT")])
def test_port_in_the_environment(port, said):
    """Empty counts as none, and the next trouble is what is told."""
    run = subprocess.run([sys.executable, "app.py", "--models", "unknown"], cwd=ROOT, capture_output=True, text=True,
                         timeout=120, env={**os.environ, "GRADIO_SERVER_PORT": port})
    assert run.returncode and said in run.stderr.splitlines()[-1] and "Traceback" not in run.stderr


def test_help_is_quick_and_shows_examples():
    run = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert run.returncode == 0 and "python app.py --open" in run.stdout


@pytest.mark.parametrize("port", ["99999", "0", "-1", "http"])
def test_port_that_is_none(port, capsys):
    with pytest.raises(SystemExit) as stopped:
        entry_point.main([f"--port={port}"])
    assert stopped.value.code == 2 and "a port is a number from 1 to 65535" in capsys.readouterr().err
