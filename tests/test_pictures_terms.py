"""train.game.pictures: terms that compare what G makes with a picture."""

import torch
from steps import make_step

from train.game.pictures import L1


def test_l1_is_the_mean_distance_to_the_target():
    step = make_step("G")
    loss = L1()(step)
    torch.testing.assert_close(loss, (step.real - step.fake).abs().sum((1, 2, 3)) / 16)
    loss.sum().backward()
    expected = step.z.T @ (torch.sign(step.fake - step.real).flatten(1) / 16)  # G is linear: d|x - zA| = z' sign
    torch.testing.assert_close(step.G.A.grad, expected)
    assert L1().weight == 100 and L1.nets == ("G",)
