"""Objectives and penalties against closed forms."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan import base
from gan.base import Batch, Latent
from train.game.objectives import hinge, least_squares, nonsaturating, relativistic, wasserstein
from train.game.penalties import R1, R2, AuxiliaryClassifier, Drift, GradientPenalty, MutualInformation, Orthogonal
from train.game.step import Step


class LinearD(base.Discriminator):
    """D(x) = a . x: the gradient for every sample is a."""

    def __init__(self):
        nn.Module.__init__(self)
        self.a = nn.Parameter(torch.randn(1, 4, 4))

    def features(self, x, c=None, y=None):
        return x

    def head(self, h, c=None):
        return (h * self.a).sum((1, 2, 3))


class LinearG(base.Generator):
    def __init__(self):
        nn.Module.__init__(self)
        self.latent, self.A = Latent(3), nn.Parameter(torch.randn(3, 16))

    def synthesis(self, w, y=None):
        return (w[:, 0] @ self.A).reshape(-1, 1, 4, 4)


def make_step(net, **kwargs):
    torch.manual_seed(0)
    return Step(LinearG(), LinearD(), torch.randn(5, 3), Batch(torch.randn(5, 1, 4, 4), None), net=net,
                rng=torch.Generator().manual_seed(0), **kwargs)


def softplus(x):
    return math.log(1 + math.exp(x))


class Logits:
    real_logits = torch.tensor([0.0, 2.0])
    fake_logits = torch.tensor([1.0, -3.0])


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
])
def test_objectives_at_known_logits(objective, d, g):
    torch.testing.assert_close(objective.d(Logits), torch.tensor(d).float())
    torch.testing.assert_close(objective.g(Logits), torch.tensor(g).float())


def test_r2_and_gradient_penalty_of_a_linear_d():
    s = make_step("D", input_grad=True)
    square = s.D.a.detach().square().sum()
    torch.testing.assert_close(R2()(s), square.expand(5) / 2, rtol=1e-5, atol=0)
    torch.testing.assert_close(GradientPenalty()(make_step("D")), (square.sqrt() - 1).square().expand(5), rtol=1e-4, atol=0)
    assert GradientPenalty().weight == 10


def test_r1_of_a_linear_d():
    s = make_step("D", input_grad=True)
    expected = s.D.a.square().sum().expand(5) / 2
    torch.testing.assert_close(R1()(s), expected, rtol=1e-5, atol=0)
    (gradient,) = torch.autograd.grad(R1()(s).mean(), s.D.a)  # |a|^2 / 2 has gradient a
    torch.testing.assert_close(gradient, s.D.a.detach(), rtol=1e-5, atol=0)


def test_drift_is_the_square_of_the_score():
    torch.testing.assert_close(Drift()(Logits), torch.tensor([0.0, 4.0]))


def test_orthogonal_is_the_square_of_the_cosines_of_the_filters():
    layer = nn.Linear(2, 3, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0], [0, 2], [3, 4]])  # inner products 0, 3, 8, each counted twice
    step = SimpleNamespace(G=nn.ModuleList([layer, nn.Embedding(3, 2)]), z=torch.zeros(5, 1))
    torch.testing.assert_close(Orthogonal()(step), torch.full((5,), 2 * (0.0 + 9 + 64)))
    spectral_norm(layer)  # the weight before it is what is kept orthogonal
    torch.testing.assert_close(Orthogonal()(step), torch.full((5,), 2 * (0.0 + 9 + 64)))


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


@pytest.mark.parametrize("every", [0, -1])
def test_every_must_be_positive(every):
    with pytest.raises(ValueError, match="at least 1"):
        R1(every=every)


class Codes:
    """A step with known features: Q and the classifier are set by hand below."""

    net = "D"
    z = torch.tensor([[9.0, 0, 1, 0, 0.5], [9.0, 1, 0, 0, -1.0]])
    c = torch.tensor([2, 0])
    fake_features = torch.zeros(2, 4)
    real_features = torch.zeros(2, 4)


def test_mutual_information_at_known_output():
    G, D = LinearG(), LinearD()
    G.latent, D.feature_dim = Latent(1, categorical=(3,), continuous=1), 4
    term = MutualInformation(continuous=0.1, hidden=2)
    term.build(G, D)
    bias = torch.tensor([1.0, 2.0, 3.0, 0.25])
    term.Q[-1].weight.data.zero_()
    term.Q[-1].bias.data.copy_(bias)
    expected = [-math.log(math.exp(bias[k]) / bias[:3].exp().sum()) + 0.1 * (0.25 - v) ** 2 / 2
                for k, v in ((1, 0.5), (0, -1))]
    torch.testing.assert_close(term(Codes), torch.tensor(expected))
    with pytest.raises(ValueError, match="needs codes"):
        term.build(LinearG(), D)


def test_auxiliary_classifier_at_known_output():
    G, D = LinearG(), LinearD()
    G.latent, D.feature_dim = Latent(1, classes=3), 4
    term = AuxiliaryClassifier()
    term.build(G, D)
    term.classifier.weight.data.zero_()
    term.classifier.bias.data.copy_(torch.tensor([0.0, 0.0, math.log(2)]))
    once = torch.tensor([math.log(2), math.log(4)])  # classes 2 and 0 have probability 2/4 and 1/4
    torch.testing.assert_close(term(Codes), 2 * once)
    Codes.net = "G"
    torch.testing.assert_close(term(Codes), once)
    with pytest.raises(ValueError, match="needs classes"):
        term.build(LinearG(), D)
