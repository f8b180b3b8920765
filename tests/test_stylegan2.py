"""StyleGAN2 against its equations: an evaluation of its own, in float64, one kernel a sample."""

import math

import pytest
import torch
import torch.nn.functional as F
from conftest import tiny_generator

from gan.base import Batch, Latent
from gan.layers import minibatch_std
from gan.models import family
from train.game.augment import StyleMixing
from train.game.penalties import PathLength
from train.game.step import Step
from train.run.settle import settled

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.double) / 8


def make(classes=0, resolution=32, **kwargs):
    torch.manual_seed(0)
    latent = Latent(6, classes=classes)
    G = family("stylegan2").Generator(latent, resolution=resolution, channels=3, width=16, w_dim=8, **kwargs)
    for name, p in G.named_parameters():
        if name.endswith(("strength", "bias")):
            p.data.add_(0.3 * torch.randn_like(p))
    return G.eval()


def blur(x, gain):
    """x [C, H, W], already padded: the separable filter, every output by its definition."""
    kernel = torch.outer(TAPS, TAPS) * gain
    return F.conv2d(x[:, None], kernel[None, None])[:, 0]


def zeros_between(x):
    y = x.new_zeros(x.shape[0], 2 * x.shape[1] - 1, 2 * x.shape[2] - 1)
    y[:, ::2, ::2] = x
    return y


def convolve(layer, x, w):
    """Eq. 1 and 3 for one sample: x [I, H, W], w [D]."""
    style = layer.style.weight @ w / math.sqrt(len(w)) + layer.style.bias
    kernel = layer.weight * layer.gain * style[None, :, None, None]
    if layer.demodulate:
        kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    if not layer.up:
        return F.conv2d(x[None], kernel, padding=kernel.shape[-1] // 2)[0]
    full = F.conv2d(F.pad(zeros_between(x), (2, 2, 2, 2))[None], kernel)[0]
    return blur(F.pad(full, (1, 1, 1, 1)), 4)


def equations(G, z, c=None):
    """The whole generator, one sample at a time."""
    pictures = []
    for k in range(len(z)):
        unit = lambda v: v / (v.square().mean() + 1e-8).sqrt()  # noqa: E731
        h = unit(z[k])
        if c is not None:
            h = torch.cat([h, unit(G.to_w.embed.weight[c[k]])])
        for layer in G.to_w.layers:
            h = F.leaky_relu(layer.weight @ h * 0.01 / math.sqrt(len(h)) + layer.bias * 0.01, 0.2) * math.sqrt(2)
        x, picture = G.constant[0], None
        for i, layer in enumerate(G.layers):
            x = convolve(layer.conv, x, h) + layer.strength * layer.noise[0] + layer.bias[:, None, None]
            x = F.leaky_relu(x, 0.2) * math.sqrt(2)
            if i % 2 == 0:
                to_rgb = G.pictures[i // 2]
                y = convolve(to_rgb.conv, x, h) + to_rgb.bias[:, None, None]
                picture = y if picture is None else y + blur(F.pad(zeros_between(picture), (2, 2, 2, 2)), 4)
        pictures.append(picture)
    return torch.stack(pictures)


@pytest.mark.parametrize("classes", [0, 3])
def test_generator_against_its_equations(classes):
    G = make(classes)
    z, c = torch.randn(3, 6), torch.tensor([0, 2, 1]) if classes else None
    with torch.no_grad():
        fast = G(z, c)
        slow = equations(G.double(), z.double(), c)
    assert slow.std() > 0.1
    torch.testing.assert_close(fast.double(), slow, rtol=0, atol=1e-4)


def test_mean_of_w_is_measured_for_every_class():
    G = make(classes=3)
    measured = settled(G)
    assert G.w_mean.abs().max() == 0
    z = torch.randn(20_000, 6)
    for k in range(3):
        mean = G.mapping(z, torch.full((20_000,), k))[:, 0].mean(0)
        torch.testing.assert_close(measured.w_mean[k], mean, atol=0.1 * mean.abs().max().item(), rtol=0)


def test_noise_is_drawn_in_training_and_kept_in_use():
    G, z = make(), torch.randn(1, 6)
    assert torch.equal(G(z), G(z))
    G.train()
    assert not torch.equal(G(z), G(z))


def step_of(G, **kwargs):
    z = torch.randn(64, 6)
    real = torch.zeros(64, 3, G.resolution, G.resolution)
    return Step(G, None, z, Batch(real, None), net="G", rng=torch.Generator().manual_seed(3), **kwargs)


def test_style_mixing_changes_a_tail_of_layers():
    G = make()
    step = step_of(G)
    w = G.mapping(step.z)
    mixed = StyleMixing(0.5)(step, w)
    changed = (mixed != w).any(2)  # [N, L]
    assert not changed[:, 0].any() and 0.3 < changed[:, -1].float().mean() < 0.7
    assert (changed.int().diff(dim=1) >= 0).all()  # once it has changed, it stays so
    assert torch.equal(StyleMixing(0.0)(step, w), w)
    with pytest.raises(ValueError, match="prob must be"):
        StyleMixing(2)


class Linear:
    """x = w A: the length of J^T y is that of A y."""

    def __init__(self):
        self.A, self.latent, self.resolution = torch.randn(6, 48, dtype=torch.double), Latent(6), 4

    def mapping(self, z, c=None):
        return z.double()[:, None].requires_grad_()

    def synthesis(self, w, y=None):
        return (w[:, 0] @ self.A).reshape(-1, 3, 4, 4)


def test_path_length_of_a_linear_generator():
    G, term = Linear(), PathLength(decay=0.25, shrink=2).double()
    penalty = term(step_of(G))
    y = torch.randn(32, 3, 4, 4, generator=torch.Generator().manual_seed(3)).double() / 4
    length = (y.reshape(32, 48) @ G.A.t()).norm(dim=1)
    mean = 0.25 * length.mean()
    torch.testing.assert_close(penalty, (length - mean).square(), rtol=1e-5, atol=0)
    torch.testing.assert_close(term.mean, mean)


def test_path_length_is_differentiated_through_its_mean():
    """One sample, and a mean that is half of its length l: the penalty is l^2 / 4, of degree 2 in A. With a mean that is
    taken as given, the gradient would be twice as long."""
    G, term = Linear(), PathLength(decay=0.5, shrink=64).double()
    G.A.requires_grad_()
    penalty = term(step_of(G)).sum()
    (gradient,) = torch.autograd.grad(penalty, G.A)
    torch.testing.assert_close((gradient * G.A).sum(), 2 * penalty)


def test_minibatch_standard_deviation():
    x = torch.randn(8, 3, 4, 4)
    y = minibatch_std(x, 4)
    groups = x.reshape(4, 2, 3, 4, 4)  # samples k and k + 2 are in one group
    for k in range(8):
        expected = (groups[:, k % 2].var(0, unbiased=False) + 1e-8).sqrt().mean()
        torch.testing.assert_close(y[k, 3], expected.expand(4, 4))
    assert torch.equal(y[:, :3], x)
    assert minibatch_std(x[:7], 4).shape == (7, 4, 4, 4)  # 7 has no divisor from 2 to 4: each is its own group


def test_the_benchmark_compares_like_with_like():
    """A kernel for each sample, which benchmarks/modulation.py times, draws the same pictures."""
    from benchmarks.modulation import per_sample

    G = tiny_generator("stylegan2").eval()
    z = torch.randn(3, 8)
    expected = G(z)
    torch.testing.assert_close(per_sample(G)(z), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["stylegan", "stylegan2"])
@pytest.mark.parametrize("layers", [0, 33, 16384])
def test_a_mapping_of_any_depth_would_take_minutes_to_build(name, layers):
    with pytest.raises(ValueError, match="mapping_layers must be from 1 to 32"):
        family(name).Generator(Latent(8), resolution=16, channels=1, width=8, mapping_layers=layers)
