"""Pictures in: a G that reads a picture and a D of patches, from the stream to the export."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import tiny_images
from PIL import Image
from runs import IDENTITY, assert_same

from gan import hub
from gan.base import Latent, Source
from gan.degrade import Shrink
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw
from train.data.stream import Stream
from train.game.objectives import hinge, nonsaturating, relativistic
from train.game.penalties import R1, Drift, GradientPenalty, Orthogonal, squared_gradient_norm
from train.recipe import Recipe
from train.run import watch
from train.run.budget import memory_bytes
from train.run.checkpoint import load_checkpoint, save_checkpoint
from train.run.export import JUDGED, Provenance, export
from train.run.loop import Run
from train.run.observers import Snapshots
from train.run.watch import CollapseWatch

pytestmark = pytest.mark.usefixtures("test_families")
SOURCE = Source(3, scale=2, made="Shrink(factor=2)")
SIZE = dict(resolution=16, channels=3)


def painting(noise=0, observers=(), **slots):
    options = dict(penalties=(R1(1.0), GradientPenalty(), Drift()), batch=4, kimg=0.032, g=SIZE, d=SIZE)
    recipe = Recipe("painter", Latent(noise), **{"loss": nonsaturating, "source": Shrink(2), **options, **slots})
    return Run(recipe, Stream(tiny_images(channels=3), seed=0, source=recipe.source), observers=observers)


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize("loss", [nonsaturating, relativistic, hinge])
def test_trains_and_resumes_bit_for_bit(noise, loss, tmp_path):
    straight, resumed = painting(noise, loss=loss), painting(noise, loss=loss)
    before = [p.clone() for p in straight.game.G.parameters()]
    for _ in range(3):
        straight.advance()
    save_checkpoint(tmp_path / "c.safetensors", straight.state(), IDENTITY)
    straight.advance()
    resumed.restore(*load_checkpoint(tmp_path / "c.safetensors", IDENTITY))
    resumed.advance()
    assert_same(straight, resumed)
    assert not any(torch.equal(a, b) for a, b in zip(before, straight.game.G.parameters()) if a.ndim > 1)


def test_a_step_shows_d_the_pair_and_its_logits_are_patches():
    run = painting()
    phase, batch = run.game.phases[0], run.stream.batch(4)
    step = run.game.step(phase, torch.zeros(4, 0), batch, run.rng)
    assert step.fake_logits.shape == step.real_logits.shape == (4, 4)
    torch.testing.assert_close(step.real_logits, run.game.D(batch.x, y=batch.y))
    torch.testing.assert_close(step.fake, run.game.G(step.z, y=batch.y).detach())
    assert not torch.equal(step.real_logits, run.game.D(batch.x, y=-batch.y))


def test_a_penalty_judges_the_mean_over_patches():
    """The same gradient as of one score a sample, whatever number of patches it is the mean of."""
    x = torch.randn(3, 1, 4, 4, requires_grad=True)
    a = torch.randn(1, 4, 4)
    one = (a * x).sum((1, 2, 3))
    torch.testing.assert_close(squared_gradient_norm(one[:, None].expand(3, 7), x), squared_gradient_norm(one, x))


def test_a_loss_is_the_mean_over_samples_and_patches():
    run = painting(penalties=())
    phase = run.game.phases[0]
    step = run.game.step(phase, torch.zeros(4, 0), run.stream.batch(4), run.rng)
    loss, _ = phase.evaluate(step, 0, 1)
    expected = [F.softplus(step.fake_logits[n]).mean() + F.softplus(-step.real_logits[n]).mean() for n in range(4)]
    torch.testing.assert_close(loss, sum(expected) / 4)


def test_fixed_inputs_are_the_same_at_every_moment_and_move_nothing():
    run = painting(noise=3)
    first = run.fixed_inputs(5)
    run.advance()
    index = run.stream.index
    later = run.fixed_inputs(5)
    assert all(torch.equal(a, b) for a, b in zip(first, later) if a is not None) and run.stream.index == index
    assert first.y.shape == (5, 3, 8, 8) and first.y.std() > 0


def test_watched_drawn_and_exported(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "EVERY_NIMG", 8)
    alone = painting()
    run = painting(observers=[CollapseWatch(tmp_path / "w"), Snapshots(tmp_path / "s")])
    alone.fit()
    run.fit()
    assert_same(alone, run)
    assert 0 <= run.vitals["accuracy"] <= 1 and run.vitals["diversity"] > 0
    assert json.loads((tmp_path / "s" / "timeline.json").read_text())["snapshots"][-1]["nimg"] == 32
    inputs = run.fixed_inputs(JUDGED)
    provenance = Provenance("painter", "", [], "", "", {}, run.recipe.to_json(), dict(name="t", images=64, licence="CC0"),
                            "", 0, run.nimg, 0.1, "a CPU")
    export(run.game.G_ema, tmp_path / "m", provenance, snapshots=tmp_path / "s", inputs=inputs)
    model = hub.load(tmp_path / "m")
    assert model.G.source == SOURCE
    sheet = np.asarray(Image.open(tmp_path / "m" / "samples.png"))
    drawn = draw(model.G, [Draw(0), Draw(1)], inputs.y[:2])
    read = to_uint8(inputs.y[:2]).repeat(2, 1).repeat(2, 2)  # as large as what is drawn from it, and on its left
    assert np.array_equal(sheet[:16, :16], read[0]) and np.array_equal(sheet[:16, 18:34], drawn[0])
    assert np.array_equal(sheet[:16, 36:52], read[1]) and np.array_equal(sheet[:16, 54:70], drawn[1])
    assert not np.array_equal(drawn[0], drawn[1])


def test_memory_is_estimated_with_the_picture_that_g_reads():
    weights, pictures = memory_bytes(painting().recipe, tiny_images(channels=3).spec)
    assert weights > 0 and pictures > 4 * 4 * (3 * 16 * 16 + 3 * 8 * 8)


@pytest.mark.parametrize(("slots", "phases"), [
    (dict(loss=None, penalties=(Orthogonal(1.0),)), ["G"]),  # D has no losses
    (dict(penalties=(Orthogonal(1.0, every=2),)), ["D", "G", "G/2"]),
])
def test_a_net_without_losses_has_no_phase_and_no_optimiser(slots, phases, tmp_path):
    run = painting(d_steps=2, **slots)
    assert [p.name for p in run.game.phases] == phases
    before = [p.clone() for p in run.game.D.parameters()]
    run.advance()
    assert all(torch.equal(a, b) for a, b in zip(before, run.game.D.parameters())) == ("D" not in phases)
    assert run.nimg == (8 if "D" in phases else 4)  # batch x d_steps, where D is shown any
    assert any(k.startswith("opt.D.") for k in run.state()[0]) == ("D" in phases)
    again = painting(d_steps=2, **slots)
    again.restore(*run.state())
    assert_same(run, again)


def test_a_watch_without_an_adversary(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "EVERY_NIMG", 8)
    run = painting(loss=None, penalties=(Orthogonal(1.0),), observers=[CollapseWatch(tmp_path)])
    run.fit()
    assert "accuracy" not in run.vitals and run.vitals["diversity"] > 0


def test_a_recipe_that_trains_nothing_is_refused():
    with pytest.raises(ValueError, match="neither a loss nor penalties"):
        painting(loss=None, penalties=())


def test_no_latent_and_no_picture_is_refused():
    with pytest.raises(ValueError, match="reads a latent, a picture or both"):
        painting(source=None)


def test_a_recipe_with_a_source_goes_through_json():
    recipe = painting().recipe
    assert Recipe.from_json(recipe.to_json()).source == Shrink(2)
    assert all(options["source"] == SOURCE for options in recipe.net_options)
    assert replace(recipe, loss=None).to_json()["loss"] == "None"
