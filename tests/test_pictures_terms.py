"""train.game.pictures: terms that compare what G makes with a picture."""

import torch
from steps import make_step

from train.features import EYES, load_features
from train.game.pictures import L1, Perceptual


def test_l1_is_the_mean_distance_to_the_target():
    step = make_step("G")
    loss = L1()(step)
    torch.testing.assert_close(loss, (step.real - step.fake).abs().sum((1, 2, 3)) / 16)
    loss.sum().backward()
    expected = step.z.T @ (torch.sign(step.fake - step.real).flatten(1) / 16)  # G is linear: d|x - zA| = z' sign
    torch.testing.assert_close(step.G.A.grad, expected)
    assert L1().weight == 100 and L1.nets == ("G",)


def test_perceptual_is_the_distance_of_what_the_frozen_net_sees():
    step, term = make_step("G"), Perceptual()
    term.build(step.G, step.D)
    eyes = load_features(EYES)
    with torch.no_grad():
        expected = sum((a - b).abs().mean((1, 2, 3)) for a, b in list(zip(eyes.maps(step.fake), eyes.maps(step.real)))[:3])
    loss = term(step)
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    assert step.G.A.grad.abs().sum() > 0 and not any(p.requires_grad for p in term.parameters())
