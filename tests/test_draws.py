"""train.run.draws: generators that are independent, and a run that goes on on another kind of device."""

import logging

import pytest
import torch
from runs import tiny_run

from train.run.draws import states
from train.seeds import derived


@pytest.mark.parametrize("name", ["progan", "stylegan2"])  # whose weights start as N(0, 1)
def test_the_first_latents_are_not_the_first_weights(name):
    """Both generators once began with the run's seed."""
    run = tiny_run(name)
    z = run.recipe.latent.sample(64, generator=run.rng).flatten()
    weights = [p.detach().flatten() for p in run.game.G.parameters() if p.ndim > 1]
    for w in weights:
        n = min(len(w), len(z))
        assert abs(torch.corrcoef(torch.stack([w[:n], z[:n]]))[0, 1]) < 0.9, "the same numbers"


def test_derived_seeds_differ_by_seed_and_purpose():
    seeds = {derived(seed, purpose) for seed in range(100) for purpose in ("weights", "latents")}
    assert len(seeds) == 200 and all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("other", ["cuda", "mps"])
def test_a_checkpoint_of_another_device_goes_on_and_says_so(other, caplog):
    run = tiny_run("dcgan")
    run.advance()
    tensors, meta = run.state()
    tensors |= {"rng.run": torch.zeros(16, dtype=torch.uint8), f"rng.{other}": torch.zeros(16, dtype=torch.uint8)}
    resumed, again = tiny_run("dcgan"), tiny_run("dcgan")
    with caplog.at_level(logging.WARNING):
        resumed.restore(tensors, meta)
    assert "made on another kind of device than this cpu" in caplog.text
    again.restore(tensors, meta)
    resumed.advance()
    again.advance()
    assert all(torch.equal(a, b) for a, b in zip(resumed.game.G.parameters(), again.game.G.parameters()))
    fresh = tiny_run("dcgan")
    assert not torch.equal(resumed.rng.get_state(), fresh.rng.get_state())  # it does not start over either


def test_the_states_of_a_device_with_a_generator_of_its_own_are_saved(monkeypatch):
    from train.run import draws

    monkeypatch.setitem(draws.DEVICES, "cpu", (lambda device: torch.tensor([7]), lambda state, device: None))
    assert states(torch.Generator())["rng.cpu"].tolist() == [7]
