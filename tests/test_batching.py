"""Requests of several people for one model: drawn together, in fair turns, each with its own pictures and its own errors."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from conftest import FAMILIES

from gan import engine, hub
from gan.batching import Batcher, Busy, Work
from gan.engine import Engine
from gan.latent import Draw
from gan.walk import Walk


class Device:
    """A model of Batcher's tests: pictures are twice their rows. The first chunk waits for ``go``, so that others queue."""

    def __init__(self, takes_s: float = 0.0):
        self.chunks: list[list[float]] = []
        self.go, self.takes_s = threading.Event(), takes_s

    def __call__(self, rows):
        self.chunks.append(rows[0].tolist())
        assert self.go.wait(10)
        time.sleep(self.takes_s)
        if (rows[0] < 0).any():
            raise RuntimeError(f"no picture of {rows[0].min():g}")
        return 2 * rows[0].numpy()


@pytest.fixture
def queued():
    """``queued(batcher, device, *requests)``: their answers; all of them wait while the device is kept by a first row, 0."""
    with ThreadPoolExecutor(32) as pool:
        def ask(batcher, device, *requests):
            def draw(rows):
                return batcher.draw("m", device, [torch.tensor(rows, dtype=torch.float32), None], 8).tolist()

            futures = [pool.submit(draw, [0.0])]
            wait_until(lambda: device.chunks)
            for k, rows in enumerate(requests):
                futures.append(pool.submit(draw, rows))
                wait_until(lambda k=k: len(batcher) == k + 2)
            device.go.set()
            return futures[1:]
        yield ask


def wait_until(true) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_requests_share_chunks_and_get_their_own_pictures(queued):
    batcher, device = Batcher(), Device()
    answers = queued(batcher, device, [1.0], [2.0, 3.0, 4.0], list(range(10, 30)), [5.0])
    assert [a.result(10) for a in answers] == [[2.0], [4.0, 6.0, 8.0], [2.0 * k for k in range(10, 30)], [10.0]]
    assert device.chunks[1] == [1, 2, 3, 4, 10, 11, 12, 13] and len(device.chunks) == 1 + 4
    assert len(batcher) == 0 and batcher.busy_since is None


def test_a_hundred_pictures_let_pass_who_asks_for_one(queued):
    batcher, device = Batcher(), Device()
    device.go.set()
    batcher.draw("m", device, [torch.zeros(1)], 8)  # its pace is known
    device.go.clear()
    device.chunks.clear()
    many, one = queued(batcher, device, [100.0] * 100, [1.0])
    assert one.result(10) == [2.0] and many.result(10) == [200.0] * 100
    assert device.chunks[1] == [1.0] + [100.0] * 7


def test_a_hundred_pictures_are_not_passed_for_ever():
    """Sixteen who always ask again would fill every chunk."""
    batcher, device, stop = Batcher(), Device(takes_s=0.002), time.monotonic() + 20
    device.go.set()

    def draw(count):
        return batcher.draw("m", device, [torch.ones(count)], 8)

    def again():
        while not many.done() and time.monotonic() < stop:
            draw(1)

    with ThreadPoolExecutor(32) as pool:
        draw(1)
        many = pool.submit(draw, 100)
        others = [pool.submit(again) for _ in range(16)]
        assert len(many.result(20)) == 100
        assert [other.result(20) for other in others] == [None] * 16


def test_an_error_reaches_the_request_that_caused_it_alone(queued):
    batcher, device = Batcher(), Device()
    good, bad, long = queued(batcher, device, [1.0, 2.0], [-3.0], list(range(10, 22)))
    assert good.result(10) == [2.0, 4.0] and long.result(10) == [2.0 * k for k in range(10, 22)]
    with pytest.raises(RuntimeError, match="no picture of -3"):
        bad.result(10)
    assert batcher.draw("m", device, [torch.ones(1)], 8).tolist() == [2.0]  # and the thread lives on


def test_rows_that_do_not_fit_together_are_no_fault_of_those_that_do(queued):
    batcher, device = Batcher(), Device()
    one, two = queued(batcher, device, [1.0], [[2.0, 3.0]])
    assert one.result(10) == [2.0] and two.result(10) == [[4.0, 6.0]]


def test_turns_and_chunks_take_turns_and_never_overlap():
    batcher, device, inside = Batcher(), Device(takes_s=0.001), []
    device.go.set()

    def evaluate(rows):
        assert not inside
        return device(rows)

    def steps():
        for _ in range(20):
            with batcher.turn():
                inside.append(1)
                time.sleep(0.002)
                inside.pop()

    def draws():
        for _ in range(20):
            batcher.draw("m", evaluate, [torch.ones(3)], 8)

    with ThreadPoolExecutor(8) as pool:
        ends = [(pool.submit(work), work) for work in (steps, draws, steps, draws)]
        for end, _ in ends:
            end.result(20)


def test_a_long_work_does_not_keep_the_device_between_its_steps():
    """A lock that is let go and taken again at once goes to the same thread again."""
    batcher, device, going = Batcher(), Device(), threading.Event()
    device.go.set()

    def steps():
        while not going.is_set():
            with batcher.turn():
                time.sleep(0.02)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(steps)
        started = time.monotonic()
        for _ in range(5):
            batcher.draw("m", device, [torch.ones(1)], 8)
        going.set()
    assert time.monotonic() - started < 2


def test_who_leaves_takes_his_work_along():
    batcher, device = Batcher(), Device()
    with pytest.raises(KeyError):
        with batcher.turn():
            raise KeyError
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(batcher.draw, "m", device, [torch.zeros(1)], 8)
        wait_until(lambda: device.chunks)
        with pytest.raises(KeyError), batcher._asked(Work("m", device, [torch.ones(80)], 80, 8)):
            raise KeyError  # as an interrupt does while it waits
        device.go.set()
        first.result(10)
    assert len(batcher) == 0 and len(device.chunks) == 1


def test_a_request_that_would_wait_for_minutes_is_told_so(monkeypatch):
    monkeypatch.setattr("gan.batching.MOST_WAITING_S", 0.01)
    batcher, device = Batcher(), Device(takes_s=0.02)
    device.go.set()
    draw = lambda count: batcher.draw("m", device, [torch.ones(count)], 8)  # noqa: E731
    draw(1)
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(draw, 320)
        wait_until(lambda: len(batcher) == 1)
        with pytest.raises(Busy, match="try again"):
            draw(320)
        assert len(draw(1)) == 1  # its turn comes before
        assert len(long.result(20)) == 320


@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_are_the_same_alone_and_among_others(tiny_model, name):
    """Twelve at once, for one picture and for many, walks among them; each compares with what is drawn alone."""
    folder = tiny_model(name)
    G, shared, rs = hub.load(folder).G, Engine(device="cpu"), np.random.RandomState(0)
    chunks, pixels = [], engine._pixels

    def counted(G, synthesise, rows):
        chunks.append(len(rows[0]))
        return pixels(G, synthesise, rows)

    walk = Walk((Draw(3), Draw(4)), 9)
    asked = [[Draw(int(rs.randint(1000)), psi=float(rs.choice([0.5, 1.0]))) for _ in range(rs.choice([1, 1, 3, 11]))]
             for _ in range(24)]
    with ThreadPoolExecutor(12) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_pixels", counted)
        walked = [pool.submit(shared.frames, str(folder), walk, range(k, 9)) for k in range(4)]
        drawn = [pool.submit(shared.draw, str(folder), draws) for draws in asked]
        walked, drawn = [a.result(60) for a in walked], [a.result(60) for a in drawn]
    for draws, answer in zip(asked, drawn):
        assert (answer == engine.draw(G, draws)).all()
    for k, answer in enumerate(walked):
        assert (answer == np.stack(list(engine.draw_walk(G, walk, range(k, 9))))).all()
    assert len(chunks) < sum(-(-len(draws) // G.chunk_size) for draws in asked) + 4 * 2  # some were shared
