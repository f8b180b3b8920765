"""train.game.dynamics: growing, and augmentation that adapts."""

import pytest
import torch
from runs import assert_same, tiny_run
from steps import make_step

from gan.engine import draw
from gan.latent import Draw
from train.game.dynamics import Grow
from train.run.settle import settled


def test_growth_passes_every_level_and_ends_whole():
    grow = Grow(kimg=1)
    seen = [grow.at(n, 10_000, levels=3) for n in (0, 999, 1000, 1500, 2000, 2999, 3000, 3250, 4000, 99_000)]
    assert seen == [(0, 1), (0, 1), (1, 0), (1, 0.5), (1, 1), (1, 1), (2, 0), (2, 0.25), (2, 1), (2, 1)]


def test_nets_and_reals_grow_together():
    run = tiny_run("progan", "callbacks=Grow(0.008)", kimg=1)
    sizes, shown = [], []
    run.game.D.features = lambda x, c=None, y=None, whole=run.game.D.features: shown.append(x.shape[-1]) or whole(x, c, y)
    for _ in range(12):
        shown.clear()
        run.advance()
        assert len(set(shown)) == 1  # reals, fakes and points between them
        sizes.append((shown[0], float(run.game.G.alpha)))
    assert sizes == [(4, 1)] * 2 + [(8, 0), (8, 0.5), (8, 1), (8, 1), (16, 0), (16, 0.5)] + [(16, 1)] * 4
    assert draw(settled(tiny_run("progan").game.G_ema), [Draw(0)]).shape == (1, 16, 16, 1)


def test_fading_in_starts_from_the_old_picture():
    """At alpha = 0 a new level changes nothing but the size."""
    run = tiny_run("progan")
    G, z = run.game.G.eval(), torch.randn(2, run.game.G.latent.dim)
    c = torch.tensor([0, 1])
    G.grow(1, 1.0)
    before = G(z, c)
    G.grow(2, 0.0)
    torch.testing.assert_close(G(z, c), before)


def test_adaptive_augmentation_moves_towards_its_target_and_resumes():
    overrides = ("augment=DiffAugment(p=0.5)", "callbacks=AdaptiveAugment(every=1, kimg=1)")
    run = tiny_run("dcgan", *overrides, kimg=1)
    adapt = run.dynamics[0]
    for real, way in ((9.0, 1), (-9.0, -1)):  # D sure that reals are real: more; sure that they are fake: less
        before, step = run.recipe.augment.p, make_step("D")
        step.__dict__["real_logits"] = torch.full((4,), real)
        adapt.after_phase(run.game, run.game.phases[0], step)
        adapt.after_round(run.game)
        assert run.recipe.augment.p == pytest.approx(before + way * 4 / 1000)
    straight, first, second = (tiny_run("dcgan", *overrides, kimg=0.04) for _ in range(3))
    straight.fit()
    first.recipe = first.recipe.__class__(**{**first.recipe.__dict__, "kimg": 0.02})
    first.fit()
    second.restore(*first.state())
    second.fit()
    assert_same(straight, second)
    assert straight.recipe.augment.p == second.recipe.augment.p != 0.5


@pytest.mark.parametrize(("loss", "border"), [("nonsaturating", 0.0), ("least_squares", 0.5)])
def test_augmentation_adapts_to_what_the_loss_calls_real(loss, border):
    """Where D cannot tell, half of the reals lie above the border: p falls, and it stays at 0."""
    run = tiny_run("dcgan", f"loss={loss}", "augment=DiffAugment(p=0.5)", "callbacks=AdaptiveAugment(every=1, kimg=1)")
    adapt = run.dynamics[0]
    for shift, way in ((torch.tensor([-0.2, 0.2] * 2), -1), (torch.full((4,), 0.2), 1)):
        before, step = run.recipe.augment.p, make_step("D")
        step.__dict__["real_logits"] = border + shift
        adapt.after_phase(run.game, run.game.phases[0], step)
        adapt.after_round(run.game)
        assert run.recipe.augment.p == pytest.approx(before + way * 4 / 1000)


def test_weights_that_are_frozen_are_not_clipped():
    run = tiny_run("wgan", "d.projected=true")
    before = {name: p.clone() for name, p in run.game.D.named_parameters() if not p.requires_grad}
    run.advance()
    assert before and all(torch.equal(dict(run.game.D.named_parameters())[name], p) for name, p in before.items())
    assert all(p.abs().max() <= 0.01 for p in run.game.D.parameters() if p.requires_grad)


def test_in_a_prelude_g_learns_alone_from_the_terms_that_are_named():
    run = tiny_run("srgan", kimg=0.032)
    D = [p.clone() for p in run.game.D.parameters()]
    for _ in range(4):
        run.advance()
        (phase,) = (phase for phase in run.game.phases if phase.net == "G")
        assert [type(loss).__name__ for loss in phase.counting] == ["L1"] and set(run.losses) == {"G"}
    assert all(torch.equal(a, b) for a, b in zip(D, run.game.D.parameters())) and run.nimg == 16
    run.advance()
    assert len(phase.counting) == 3 and set(run.losses) == {"G", "D"}
    assert not all(torch.equal(a, b) for a, b in zip(D, run.game.D.parameters()))


@pytest.mark.parametrize("rounds", [3, 5])
def test_a_prelude_resumes_bit_for_bit_on_either_side_of_its_end(rounds):
    straight, resumed = tiny_run("srgan"), tiny_run("srgan")
    for _ in range(rounds):
        straight.advance()
    resumed.restore(*straight.state())
    for run in (straight, resumed):
        for _ in range(3):
            run.advance()
    assert_same(straight, resumed)


@pytest.mark.parametrize(("overrides", "message"), [
    (["callbacks=Prelude(['R1'])"], "Prelude leaves nothing to the phase G, whose terms are L1, Perceptual: name one"),
    (["callbacks=Prelude(['L1'], share=1)"], "share of Prelude must be between 0 and 1, got 1"),
    (["callbacks=Prelude('L1')"], "terms must be a list of str"),
    (["penalties=L1(), Perceptual(every=2)"], "Prelude leaves nothing to the phase G/2, whose terms are Perceptual"),
])
def test_a_prelude_that_leaves_nothing_is_one_line(overrides, message):
    with pytest.raises(ValueError, match=message):
        tiny_run("srgan", *overrides)
