"""A Space with shared GPUs, played by a process that is forked and handed its arguments pickled, as ``spaces`` does it."""

import json
import os
import subprocess
import sys

import pytest
from commands import ROOT

from gan import engine, shared_gpu

# What the package does there (spaces/zero/wrappers.py): no async function, a forked process that lives on, pickled calls.
SPACES = '''
import inspect, multiprocessing
fork, calls = multiprocessing.get_context("fork"), []

def GPU(task, duration):
    assert not inspect.iscoroutinefunction(task) and not inspect.isgeneratorfunction(task) and duration <= 60
    asked, answered, started = fork.SimpleQueue(), fork.SimpleQueue(), []

    def serve():
        while True:
            try:
                answered.put(task(*asked.get()))
            except Exception as error:
                answered.put(error)

    def call(*args):
        if not started:
            started.append(fork.Process(target=serve, daemon=True))
            started[0].start()
        calls.append(task.__name__)
        asked.put(args)
        answer = answered.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call
'''
DRAW = '''
import sys, json
import numpy as np, torch
from gan import engine, hub, shared_gpu
from gan.latent import Draw
from gan.walk import Walk

light, heavy = sys.argv[1:]
torch.cuda.is_available = lambda: True  # as the package makes it look here, where there is no GPU
engine_ = engine.Engine()
assert engine_.device.type == "cpu"
torch.cuda.is_available = lambda: False
import spaces
draws, walk = [Draw(k) for k in range(11)], Walk((Draw(1), Draw(2)), 5)
for name in (light, heavy):
    G = hub.load(name).G
    assert np.array_equal(engine_.draw(name, draws), engine.draw(G, draws))
    assert np.array_equal(engine_.frames(name, walk, range(6)), np.stack(list(engine.draw_walk(G, walk))))
assert not shared_gpu._lent  # the other process has them
with engine_.turn():  # a lock that is held here does not stop the other process
    engine_.draw(heavy, draws)
print(json.dumps(spaces.calls))
'''


@pytest.fixture
def models(tiny_model):
    light, heavy = tiny_model(folder="light"), tiny_model(folder="heavy", seed=1)
    config = json.loads((heavy / "config.json").read_text())
    (heavy / "config.json").write_text(json.dumps({**config, "format": 2, "chunk": 1}))
    return str(light), str(heavy)


def test_heavy_models_are_drawn_where_a_gpu_is_lent(models, tmp_path):
    (tmp_path / "spaces.py").write_text(SPACES)
    env = {**os.environ, "SPACES_ZERO_GPU": "true", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", DRAW, *models], env=env, cwd=tmp_path, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '["_draw_lent", "_frames_lent", "_draw_lent"]'


def test_elsewhere_nothing_of_it_has_an_effect(models, monkeypatch):
    assert not shared_gpu.HERE and shared_gpu.on_shared_gpu(len) is len
    assert engine._draw_lent.__module__ == "gan.engine" and not hasattr(engine._draw_lent, "zerogpu")
    studio = engine.Engine(device="cpu")
    assert not any(shared_gpu.is_lent(studio.model(name)) for name in models)
