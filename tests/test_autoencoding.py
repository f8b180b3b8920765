"""Variational autoencoders: the terms in closed form, the nets against float64, and where gradients go."""

import math

import numpy as np
import pytest
import torch
from runs import tiny_run
from torch.distributions import Normal, kl_divergence

from gan.base import Batch, Encoder, Latent
from gan.models import families, family
from train.game.augment import DiffAugment
from train.game.autoencoding import KL, FeatureReconstruction, JudgedReconstruction, Reconstruction, kl, log_likelihood
from train.game.step import Step

LEVELS = torch.arange(256) / 127.5 - 1
ENCODERS = [name for name in families() if hasattr(family(name), "Encoder")]


# The likelihood


@pytest.mark.parametrize("scale", [0.004, 0.05, 0.5, 3.0])
@pytest.mark.parametrize("likelihood", ["logistic", "gaussian"])
def test_the_256_levels_of_a_number_sum_to_one(likelihood, scale):
    """In the tails too, and where the mean lies beyond the last level."""
    x = LEVELS.reshape(256, 1, 1, 1)
    for mean in (-1.5, -1.0, -0.993, 0.0, 0.3001, 1.0):
        logs = log_likelihood(x, torch.full_like(x, mean), torch.full((1, 1, 1), math.log(scale)), likelihood)
        assert torch.logsumexp(logs.double(), 0).item() == pytest.approx(0, abs=1e-4), mean


@pytest.mark.parametrize("likelihood", ["logistic", "gaussian"])
def test_likelihood_against_float64(likelihood):
    """Two channels with scales of their own, levels of every kind, every mass; none is lost to a difference of sums."""
    rs = np.random.RandomState(0)
    levels = torch.from_numpy(rs.randint(0, 256, (5, 2, 4, 4)))
    levels[0, 0, 0] = torch.tensor([0, 255, 0, 255])
    x, mean = levels / 127.5 - 1, torch.from_numpy(rs.uniform(-1, 1, (5, 2, 4, 4))).float()
    log_scale = torch.tensor([0.06, 0.4]).log().reshape(2, 1, 1)
    centre, s = mean.double(), log_scale.double().exp()

    def log_mass(k, m, s):  # of level k, from the side on which the two sums are small
        low, high = -math.inf if k == 0 else (2 * k - 1) / 255 - 1, math.inf if k == 255 else (2 * k + 1) / 255 - 1
        low, high = (low - m) / s, (high - m) / s
        if low > 0:
            low, high = -high, -low
        if likelihood == "logistic":
            below = [1 / (1 + math.exp(-v)) if v > -700 else 0.0 for v in (low, high)]
        else:
            below = [math.erfc(-v / math.sqrt(2)) / 2 for v in (low, high)]
        return math.log(below[1] - below[0])

    got = log_likelihood(x, mean, log_scale, likelihood)
    for n in range(5):
        each = [log_mass(levels[n, c, i, j].item(), centre[n, c, i, j].item(), s[c, 0, 0].item())
                for c in range(2) for i in range(4) for j in range(4)]
        assert got[n].item() == pytest.approx(sum(each), rel=1e-5)
    far = log_likelihood(torch.ones(1, 1, 1, 1) * 0.5, -torch.ones(1, 1, 1, 1), torch.full((1, 1, 1), -6.0), likelihood)
    assert far.isfinite().all() and far < -500


def test_a_wide_gaussian_is_its_density_times_the_width_of_a_level():
    x, mean = torch.full((1, 1, 1, 1), 1 / 255), torch.full((1, 1, 1, 1), 0.2)
    expected = -((1 / 255 - 0.2) / 0.5) ** 2 / 2 - math.log(0.5 * math.sqrt(2 * math.pi)) + math.log(2 / 255)
    got = log_likelihood(x, mean, torch.full((1, 1, 1), math.log(0.5)), "gaussian")
    assert got.item() == pytest.approx(expected, abs=1e-4)


def test_kl_of_gaussians():
    mean, logvar = torch.randn(5, 3, dtype=torch.double), torch.randn(5, 3, dtype=torch.double)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(torch.zeros(3).double(), 1)).sum(1)
    torch.testing.assert_close(kl(mean, logvar), expected)
    assert kl(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


# The terms


def step_of(net, name="vae-gan", classes=0):
    run = tiny_run(name, *([f"latent.classes={classes}"] if classes else []))
    c = torch.arange(6) % classes if classes else None
    game, batch = run.game, Batch(torch.rand(6, 1, 16, 16) * 2 - 1, c)
    return Step(game.G, game.D, torch.randn(6, 64), batch, net=net, rng=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("classes", [0, 3])
def test_terms_read_the_code_and_its_picture(classes):
    s = step_of("G", classes=classes)
    mean, logvar = s.G.encoder(s.real, s.c)
    noise = torch.randn(6, 64, generator=torch.Generator().manual_seed(0))
    code = mean + (logvar / 2).exp() * noise
    torch.testing.assert_close(s.code, code)
    drawn = s.G(code, s.c)
    torch.testing.assert_close(Reconstruction()(s), -log_likelihood(s.real, drawn, s.G.encoder.log_scale, "logistic"))
    torch.testing.assert_close(KL()(s), kl(mean, logvar))
    distance = (s.D.features(s.real, s.c) - s.D.features(drawn, s.c)).square().sum(1) / 2
    torch.testing.assert_close(FeatureReconstruction()(s), distance, rtol=1e-3, atol=1e-3)
    judged = -torch.log(torch.sigmoid(s.D(drawn, s.c)))
    torch.testing.assert_close(JudgedReconstruction()(s), judged, rtol=1e-3, atol=1e-3)
    s.net = "D"
    judged = -torch.log(1 - torch.sigmoid(s.D(drawn, s.c)))
    torch.testing.assert_close(JudgedReconstruction()(s), judged, rtol=1e-3, atol=1e-3)


def test_augmentation_moves_no_picture_away_from_its_twin():
    s = step_of("G")
    plain = Step(s.G, s.D, s.z, Batch(s.real, None), net="G", rng=s.rng, augment=DiffAugment("translation"))
    plain.code = s.code
    torch.testing.assert_close(FeatureReconstruction()(plain), FeatureReconstruction()(s))
    assert not torch.equal(plain.real_features, s.real_features)  # what D is taught is moved


def moved(module, loss):
    """Whether a loss reaches any of a module's weights."""
    grads = torch.autograd.grad(loss.sum(), list(module.parameters()), allow_unused=True, retain_graph=True)
    return any(g is not None and g.abs().sum() > 0 for g in grads)


def test_each_loss_reaches_whom_it_shall():
    """Alg. 1 of Larsen et al.: the prior moves the encoder, D's features both, the adversary G alone."""
    s = step_of("G")
    encoder, first = s.G.encoder, s.G.first
    for term, of_encoder, of_G in ((KL(), True, False), (FeatureReconstruction(), True, True),
                                   (JudgedReconstruction(), False, True), (Reconstruction(), True, True)):
        loss = term(s)
        assert (moved(encoder, loss), moved(first, loss)) == (of_encoder, of_G), type(term).__name__
    s = step_of("D")
    loss = JudgedReconstruction()(s)
    assert moved(s.D, loss) and s.redrawn.grad_fn is None and s.code.grad_fn is None


def test_the_mean_and_the_spread_of_codes():
    s = step_of("D")
    s.posterior = (torch.full((6, 64), 3.0), torch.full((6, 64), 2 * math.log(0.1)))
    assert abs(s.code.mean() - 3) < 0.02 and 0.09 < s.code.std() < 0.11


def test_a_vae_learns_its_scale_and_has_no_adversary():
    run = tiny_run("vae", "ema_rampup=10")
    before = run.game.G.encoder.log_scale.item()
    run.advance()
    assert run.game.G.encoder.log_scale.item() != before and run.game.adversary is None
    assert tiny_run("vae-gan").game.adversary is not None
    average = run.game.G_ema.encoder.last.weight
    assert not torch.equal(average, run.game.G.encoder.last.weight), "averaged with G"


@pytest.mark.parametrize(("name", "overrides", "message"), [
    ("vae", ["e=none"], "Reconstruction needs an encoder: set e={}"),
    ("dcgan", ["penalties=KL()"], "KL needs an encoder"),
    ("sngan", ["e={}"], "the family resnet has no encoder"),
    ("vae", ["latent.categorical=[3]"], "an encoder finds Gaussian noise and nothing else"),
    ("vae", ["latent.prior=uniform"], "an encoder finds Gaussian noise"),
    ("vae", ["e.likelihood=laplace"], "e.likelihood must be one of logistic, gaussian, got 'laplace'"),
    ("vae", ["e.depth=3"], "unknown setting 'e.depth'; known for dcgan: e.channels, e.likelihood, e.resolution, e.width"),
    ("vae-gan", ["d.copies=2"], "FeatureReconstruction reads D's features of a picture.*leave these out"),
])
def test_what_does_not_suit_is_one_line(name, overrides, message):
    with pytest.raises(ValueError, match=message) as error:
        tiny_run(name, *overrides)
    assert "\n" not in str(error.value)


# The nets, in float64 and without torch


def conv(x, w, b, stride, pad):
    """x [I, H, W], w [O, I, K, K]."""
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (1, 2))[:, ::stride, ::stride]
    out = np.einsum("ihwkl,oikl->ohw", windows, w)
    return out if b is None else out + b[:, None, None]


def layer_norm(x, weight, bias):
    x = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return x * weight[:, None, None] + bias[:, None, None]


def numbers(module):
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def shaken(net):
    """No weight at its initial 0 or 1."""
    torch.manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return net.eval()


def test_encoder_against_its_equations():
    net = shaken(family("dcgan").Encoder(Latent(3, classes=2), resolution=16, channels=1, width=2))
    w, x, leaky = numbers(net), np.random.RandomState(0).uniform(-1, 1, (1, 16, 16)), lambda h: np.where(h > 0, h, 0.2 * h)
    h = leaky(conv(x, w["convs.0.weight"], w["convs.0.bias"], 2, 1))
    h = leaky(layer_norm(conv(h, w["convs.3.weight"], None, 2, 1), w["convs.4.weight"], w["convs.4.bias"]))
    h = np.concatenate([h.ravel(), w["append.embed.weight"][1]])
    out = w["last.weight"] @ h + w["last.bias"]
    mean, logvar = net(torch.from_numpy(x).float()[None], torch.tensor([1]))
    np.testing.assert_allclose(mean.detach()[0], out[:3], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logvar.detach()[0], out[3:], rtol=1e-4, atol=1e-5)


def test_generator_with_layer_norm_against_its_equations():
    net = shaken(family("dcgan").Generator(Latent(3), resolution=16, channels=1, width=2, norm="layer"))
    w, z = numbers(net), np.random.RandomState(0).randn(3)
    x = np.einsum("z,zohw->ohw", z, w["first.weight"])
    x = np.maximum(layer_norm(x, w["blocks.0.weight"], w["blocks.0.bias"]), 0)
    x = conv(x.repeat(2, 1).repeat(2, 2), w["blocks.2.weight"], None, 1, 1)
    x = np.maximum(layer_norm(x, w["blocks.3.weight"], w["blocks.3.bias"]), 0)
    x = np.tanh(conv(x.repeat(2, 1).repeat(2, 2), w["pixels.weight"], w["pixels.bias"], 1, 1))
    np.testing.assert_allclose(net(torch.from_numpy(z).float()[None]).detach()[0], x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize(("resolution", "channels"), [(16, 1), (32, 3), (128, 1)])
@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_at_every_size(name, resolution, channels, classes):
    latent = Latent(5, classes=classes)
    net = family(name).Encoder(latent, resolution=resolution, channels=channels, width=4)
    assert isinstance(net, Encoder) and (net.latent, net.resolution, net.channels) == (latent, resolution, channels)
    x, c = torch.randn(3, channels, resolution, resolution), torch.tensor([0, 1, 2]) if classes else None
    mean, logvar = net(x, c)
    assert mean.shape == logvar.shape == (3, 5) and mean.std() > 0
    alone = net(x[:1], None if c is None else c[:1])
    torch.testing.assert_close(alone[0], mean[:1])  # whatever is read beside it
    if classes:
        assert not torch.equal(net(x[:1].expand(2, -1, -1, -1), torch.tensor([0, 1]))[0][0], mean[1])
