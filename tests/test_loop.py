"""train.run.loop and train.game.game: what a round is, and who learns in it."""

import pytest
import torch
from conftest import tiny_images
from runs import tiny_run

from train.run.health import Diverged


def test_each_phase_trains_its_own_net_only():
    run = tiny_run("dcgan")
    g0, d0 = ([p.clone() for p in net.parameters()] for net in (run.game.G, run.game.D))
    run._update(run.game.phases[0])
    assert all(torch.equal(a, b) for a, b in zip(g0, run.game.G.parameters()))
    d1 = [p.clone() for p in run.game.D.parameters()]
    assert not all(torch.equal(a, b) for a, b in zip(d0, d1))
    run._update(run.game.phases[1])
    assert all(torch.equal(a, b) for a, b in zip(d1, run.game.D.parameters()))
    assert all(p.requires_grad for p in [*run.game.G.parameters(), *run.game.D.parameters()])


def test_nimg_counts_images_shown_to_d():
    run = tiny_run("dcgan", "d_steps=3")
    run.advance()
    assert (run.nimg, run.stream.index) == (12, 16)


def test_lazy_term_is_due_when_it_is_due_and_weighs_as_much():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10, every=3)")
    assert [(p.net, p.every, len(p.losses)) for p in run.game.phases] == [("D", 1, 1), ("D", 3, 1), ("G", 1, 1)]
    seen = []
    for _ in range(6):
        run.losses.clear()
        run.advance()
        seen.append("D/3" in run.losses)
    assert seen == [True, False, False] * 2
    assert run.game.phases[0].optimiser is run.game.phases[1].optimiser


def test_lazy_term_is_as_frequent_as_d():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10, every=3)", "d_steps=5")
    assert [(p.net, p.every, p.repeats) for p in run.game.phases] == [("D", 1, 5), ("D", 3, 5), ("G", 1, 1)]


def test_a_lazy_term_fades_the_moments_of_what_it_does_not_reach():
    """R1 has no gradient with respect to the last bias: it is zero, and Adam counts the update."""
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10, every=2)")
    run.advance()
    bias = run.game.D.head.score.bias
    optimiser = run.game.phases[0].optimiser
    assert {float(state["step"]) for state in optimiser.state.values()} == {2.0} and bias in optimiser.state


def test_a_net_that_has_not_grown_is_left_alone_by_lazy_terms():
    run = tiny_run("progan", "penalties=GradientPenalty(10, every=2)", kimg=100)
    run.advance()
    trained = len(run.game.phases[0].optimiser.state)
    assert 0 < trained < len(list(run.game.D.parameters()))


def test_two_lazy_terms_on_a_net_shorten_adam_by_the_sum_of_their_shares():
    """Updates a round: 1 + 1/2 + 1/4. Two terms with one interval share theirs."""
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(1, every=2), R2(1, every=4), Drift(every=4)")
    run.advance()
    group, asked = run.game.phases[0].optimiser.param_groups[0], run.recipe.d_opt
    assert group["lr"] == pytest.approx(asked.lr * 4 / 7)
    assert group["betas"] == pytest.approx((asked.betas[0] ** (4 / 7), asked.betas[1] ** (4 / 7)))


def test_d_and_q_learn_the_codes_together():
    """Chen et al. 2016: Q shares all layers of D but the last."""
    run = tiny_run("infogan", "d_opt.lr=0.1")
    phase = run.game.phases[0]
    phase.losses = phase.losses[1:]  # the codes alone
    trunk = [p.clone() for p in run.game.D.parameters()]
    run._update(phase)
    moved = [not torch.equal(a, b) for a, b in zip(trunk, run.game.D.parameters())]
    assert phase.net == "D" and any(moved)


def test_parameters_of_a_term_have_one_owner():
    """InfoGAN's Q and the classifier of AC-GAN learn with D, though G's loss reads them too."""
    for name in ("infogan", "acgan"):
        run = tiny_run(name)
        mine = {id(p) for p in run.game.terms.parameters()}
        owned = {phase.net for phase in run.game.phases for group in phase.optimiser.param_groups
                 if mine & {id(p) for p in group["params"]}}
        assert mine and owned == {"D"}
        before = [p.clone() for p in run.game.terms.parameters()]
        run.advance()
        assert not any(torch.equal(a, b) for a, b in zip(before, run.game.terms.parameters()))


def test_average_has_the_half_life_it_says():
    run = tiny_run("dcgan", "ema_kimg=0.016", "ema_rampup=1e9")
    p, q = next(run.game.G.parameters()), next(run.game.G_ema.parameters())
    before, target = q.clone(), torch.ones_like(p)
    p.data.copy_(target)
    for _ in range(4):  # 4 steps of 4 images = one half-life
        run._average()
    torch.testing.assert_close(q, (before + target) / 2)


def test_learning_rate_follows_its_schedule():
    run = tiny_run("dcgan", "g_opt.lr=Schedule(1e-3, 0, 0.008)")
    rates = []
    for _ in range(3):
        run.advance()
        rates.append(run.game.phases[-1].optimiser.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 5e-4, 0])


def test_unused_labels_never_reach_the_nets():
    run = tiny_run("dcgan", images=tiny_images(classes=3))
    run.advance()
    assert run.game.G.latent.classes == 0


def test_diverging_run_says_where(tmp_path):
    run = tiny_run("dcgan")
    run.advance()
    run.game.D.head.score.weight.data.fill_(float("nan"))
    with pytest.raises(Diverged, match=r"the D loss is not finite in round 2 \(0.0 kimg\); try a lower learning rate"):
        run.advance()


def test_diverging_penalty_is_named():
    run = tiny_run("dcgan", "d.spectral=true", "penalties=R1(10)")
    run.game.terms[0].forward = lambda step: step.real_logits * float("inf")
    with pytest.raises(Diverged, match=r"R1 is not finite in round 1"):
        run.advance()
