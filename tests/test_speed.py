"""How fast a training is: operations counted against a sum by hand, and what stands in the log."""

import json
from types import SimpleNamespace

import pytest
import torch
from runs import assert_same, tiny_run
from torch import nn

from gan.cost import Operations
from train.data.spec import DataSpec
from train.run import speed
from train.run.curves import curves
from train.run.observers import Log
from train.run.speed import Speed, flop_per_image, peak_flop_per_s

SPEC = DataSpec(16, 1, 0, (), 64)


def test_operations_of_perceptrons_by_hand():
    """Where D learns: G forward, D twice forward and back, but no gradient of the pictures. Where G learns: both forward
    and back, but no gradients of D's weights and of z."""
    run = tiny_run("gan")
    g, d = ([2 * m.in_features * m.out_features for m in net.modules() if isinstance(m, nn.Linear)]
            for net in (run.game.G, run.game.D))
    expected = sum(g) + 2 * (3 * sum(d) - d[0]) + (3 * sum(g) - g[0]) + 2 * sum(d)
    assert flop_per_image(run.recipe, SPEC) == expected


def test_a_term_of_every_fourth_round_counts_a_fourth():
    lazy, always, without = (tiny_run("dcgan", "d.norm=none", *terms).recipe
                             for terms in (["penalties=R1(1, every=4)"], ["penalties=R1(1)"], []))
    flop = [flop_per_image(recipe, SPEC) for recipe in (lazy, always, without)]
    assert flop[2] < flop[0] < flop[1]


def test_gradients_of_grouped_convolutions_count_once():
    plain, grouped = nn.Conv2d(8, 8, 3, bias=False), nn.Conv2d(8, 8, 3, groups=4, bias=False)
    x, found = torch.randn(2, 8, 6, 6, requires_grad=True), []
    for layer in (plain, grouped):
        with Operations() as counter:
            layer(x).sum().backward()
        found.append(counter.flop)
    assert found[0] == 3 * 2 * (2 * 16 * 8 * 8 * 9) and found[1] * 4 == found[0]


def noted(*args):
    pass


def test_the_log_has_it_and_the_run_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(speed, "EVERY_NIMG", 8)
    monkeypatch.setattr(speed, "TRIAL_S", 0.0)
    watch, log = Speed(SPEC), Log(tmp_path / "log.jsonl")
    often = SimpleNamespace(on_start=noted, after_phase=noted, on_end=noted, state=dict,
                            after_round=lambda run: setattr(log, "logged_nimg", -1000))  # a line each round
    plain, timed = tiny_run("dcgan"), tiny_run("dcgan", observers=[watch, often, log])
    plain.fit(), timed.fit()
    assert_same(plain, timed)
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert line["images/s"] > 0 and line["TFLOP/s"] == pytest.approx(line["images/s"] * watch.flop / 1e12, rel=0.01)
    assert line["of peak"] == pytest.approx(line["TFLOP/s"] * 1e12 / watch.peak, abs=1e-3)
    assert not set(speed.NAMES) & curves(tmp_path / "log.jsonl")["series"].keys()


def test_where_nets_grow_only_images_are_counted(monkeypatch):
    monkeypatch.setattr(speed, "EVERY_NIMG", 8)
    run = tiny_run("progan", observers=[Speed(SPEC)])
    run.fit()
    assert run.speed.keys() == {"images/s"}


@pytest.mark.parametrize("half", [False, True])
def test_the_peak_is_no_less_than_what_one_product_takes(half, monkeypatch):
    monkeypatch.setattr(speed, "SIDE", {"cpu": 64})
    assert 1e6 < peak_flop_per_s(torch.device("cpu"), half) < 1e15
