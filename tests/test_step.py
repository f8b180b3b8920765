"""train.game.step: what is computed, and what is not."""

import torch
from steps import make_step

from train.game.objectives import nonsaturating


def test_a_step_computes_only_what_is_read():
    s = make_step("G")
    nonsaturating.g(s)
    assert "real_logits" not in s.__dict__ and "fake" in s.__dict__
    assert s.fake_logits is s.fake_logits


def test_d_never_builds_a_graph_through_g():
    s = make_step("D")
    assert s.fake.grad_fn is None and not s.fake.requires_grad
    assert make_step("G").fake.grad_fn is not None
    assert make_step("D", input_grad=True).fake.is_leaf


def test_mix_and_augment_have_their_slots():
    s = make_step("G", mix=lambda step, w: w * 0, augment=lambda x, rng: x + 1)
    assert s.fake.abs().max() == 0
    torch.testing.assert_close(s.fake_logits, s.D.a.sum().expand(5))
