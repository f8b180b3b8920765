"""train.game.penalties against closed forms."""

import math
from types import SimpleNamespace

import pytest
import torch
from steps import LinearD, LinearG, Logits, make_step
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gan.base import Latent
from train.game.penalties import (
    R1,
    R2,
    AuxiliaryClassifier,
    Drift,
    GradientPenalty,
    ModeSeeking,
    MutualInformation,
    Orthogonal,
)


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


def test_mode_seeking_needs_a_latent():
    G = LinearG()
    G.latent = Latent(0)
    with pytest.raises(ValueError, match="compares two latents"):
        ModeSeeking().build(G, LinearD())


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


def test_mode_seeking_of_a_linear_generator():
    """G(z) = zA, so that both distances are known; a G that ignores z meets the bound."""
    step = make_step("G")
    term = ModeSeeking(eps=0.01)
    loss = term(step)
    z = step.G.latent.sample(5, generator=torch.Generator().manual_seed(0))
    ratio = ((step.z - z) @ step.G.A).abs().mean(1) / (step.z - z).abs().mean(1)
    torch.testing.assert_close(loss, 1 / (ratio + 0.01))
    loss.mean().backward()
    assert step.G.A.grad.abs().sum() > 0
    step = make_step("G")
    with torch.no_grad():
        step.G.A.zero_()
    assert torch.allclose(term(step), torch.full((5,), 100.0))
