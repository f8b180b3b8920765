"""train.game.objectives against closed forms."""

import math

import pytest
import torch
from steps import Logits

from train.game.objectives import (
    hinge,
    least_squares,
    nonsaturating,
    relativistic,
    relativistic_average,
    wasserstein,
)


def softplus(x):
    return math.log(1 + math.exp(x))


def test_nonsaturating_against_log_sigmoid():
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    d = [-math.log(sigmoid(r)) - math.log(1 - sigmoid(f)) for r, f in ((0, 1), (2, -3))]
    g = [-math.log(sigmoid(f)) for f in (1, -3)]
    torch.testing.assert_close(nonsaturating.d(Logits), torch.tensor(d))
    torch.testing.assert_close(nonsaturating.g(Logits), torch.tensor(g))


@pytest.mark.parametrize(("objective", "d", "g"), [
    (hinge, [1 - 0 + 1 + 1, 0 + 0], [-1, 3]),
    (wasserstein, [1 - 0, -3 - 2], [-1, 3]),
    (least_squares, [(1 + 1) / 2, (1 + 9) / 2], [0, 16 / 2]),
    (relativistic, [softplus(1), softplus(-5)], [softplus(-1), softplus(5)]),
    (relativistic_average, [softplus(-1 - 0) + softplus(1 - 1), softplus(-1 - 2) + softplus(-3 - 1)],  # means -1 and 1
     [softplus(0 + 1) + softplus(1 - 1), softplus(2 + 1) + softplus(1 + 3)]),
])
def test_objectives_at_known_logits(objective, d, g):
    torch.testing.assert_close(objective.d(Logits), torch.tensor(d).float())
    torch.testing.assert_close(objective.g(Logits), torch.tensor(g).float())
