"""What a draw costs is known before it is drawn: heavy nets draw one picture at a time, impossible ones are refused."""

import json
import tracemalloc

import pytest
import torch
from conftest import FAMILIES, tiny_generator

from gan import hub
from gan.base import Latent
from gan.cost import Cost, check_cost, chunk_of, cost_of
from gan.engine import draw
from gan.latent import Draw, latents
from gan.models import family


def on_meta(name, latent=None, **kwargs):
    latent = latent or Latent(8)
    with torch.device("meta"):
        return family(name).Generator(latent, **kwargs).eval()


def test_operations_and_bytes_of_a_net_that_can_be_counted_by_hand():
    cost = cost_of(on_meta("mlp", resolution=16, channels=1, width=8))
    assert cost.flop == 2 * (8 * 8 + 8 * 16 + 16 * 32 + 32 * 256)
    assert 4 * 256 <= cost.bytes <= 4 * 256 * 4


def test_a_generator_under_spectral_norm_and_one_that_grows_have_a_cost():
    for name in FAMILIES:
        assert cost_of(on_meta(name, Latent(8, classes=3), resolution=32, channels=3, width=8)).flop > 1000


def test_light_nets_draw_eight_at_a_time_and_heavy_ones_fewer():
    assert chunk_of(cost_of(on_meta("dcgan", Latent(128), resolution=64, channels=3, width=64))) == 8
    assert chunk_of(cost_of(on_meta("resnet", Latent(128), resolution=64, channels=3, width=128))) == 2
    assert chunk_of(cost_of(on_meta("stylegan2", Latent(512), resolution=64, channels=3, width=512, w_dim=512))) == 1
    assert chunk_of(Cost(10**6, 2**28)) == 4, "memory counts as well"


def test_what_no_visitor_may_ask_of_the_others_is_refused():
    for cost, message in ((Cost(1, 2**30), "8.0 GiB of memory, more than 4"), (Cost(10**12, 1), "8.0 TFLOP, more than 1")):
        with pytest.raises(ValueError, match=message):
            check_cost(cost, 8)
    check_cost(Cost(10**12, 2**32), 1)


def test_the_chunk_of_a_heavy_net_is_recorded_and_read(tmp_path, monkeypatch):
    flop = cost_of(on_meta("dcgan", resolution=16, channels=1, width=8)).flop
    monkeypatch.setattr("gan.cost.CHUNK_FLOP", 3 * flop)
    hub.save(tmp_path / "m", tiny_generator("dcgan"))
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    assert (config["format"], config["chunk"]) == (2, 2)
    monkeypatch.undo()
    G = hub.load(tmp_path / "m").G
    assert G.chunk_size == 2, "recorded, so that pixels stay what they are where the rule changes"
    sizes, synthesis = [], G.synthesis
    G.synthesis = lambda w, y=None: sizes.append(len(w)) or synthesis(w, y)
    draw(G, [Draw(seed) for seed in range(3)])
    assert sizes == [2, 2]
    for wrong in (0, 3, 16, 2.0, "2", True):
        path.write_text(json.dumps({**config, "chunk": wrong}))
        with pytest.raises(ValueError, match="chunk must be one of 8, 4, 2, 1|unknown key"):
            hub.load(tmp_path / "m")


def test_a_small_file_that_needs_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gan.cost.MAX_BYTES", 10**5)
    hub.save(tmp_path / "m", tiny_generator("dcgan", resolution=32))
    with pytest.raises(ValueError, match="config.json is not usable: a draw would take"):
        hub.load(tmp_path / "m")


def test_a_code_of_many_values_costs_a_row_and_no_square():
    tracemalloc.start()
    z, _ = latents(Latent(1, categorical=(16000,)), [Draw(0)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert z.sum() - z[0, 0] == 1 and peak < 10**6
