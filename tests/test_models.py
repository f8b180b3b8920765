"""Every family: shapes, seams, options, and errors."""

import copy

import pytest
import torch
import torch.nn.functional as F
from conftest import FAMILIES, tiny_generator

from gan.base import Head, Latent
from gan.layers import EqualHead, UpConv, halving_plan, smooth_down, smooth_up, up_block
from gan.models import family


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize(("resolution", "channels"), [(16, 1), (32, 3), (128, 1)])
@pytest.mark.parametrize("name", FAMILIES)
def test_shapes_at_every_size(name, resolution, channels, classes):
    latent = Latent(8, classes=classes)
    size = dict(resolution=resolution, channels=channels, width=4)
    G, D = family(name).Generator(latent, **size), family(name).Discriminator(latent, **size)
    z = latent.sample(5, generator=torch.Generator().manual_seed(0))
    c = torch.tensor([0, 1, 2, 0, 1]) if classes else None
    w = G.mapping(z, c)
    x = G.synthesis(w)
    assert w.shape[:2] == (5, G.num_ws) and x.shape == (5, channels, resolution, resolution)
    assert x.isfinite().all() and x.std() > 0
    assert torch.equal(x, G(z, c)) or G.training  # the seams make up the whole
    h = D.features(x, c)
    assert h.shape == (5, D.feature_dim) and D(x, c).shape == (5,)


@pytest.mark.parametrize("name", FAMILIES)
def test_class_changes_image_and_score(name):
    G = tiny_generator(name, classes=3)
    D = family(name).Discriminator(G.latent, resolution=16, channels=1, width=8).eval()
    z = torch.randn(1, 8).expand(3, -1)
    x = G(z, torch.arange(3))
    assert (x[0] - x[1]).abs().max() > 1e-3
    assert D(x[:1].expand(3, -1, -1, -1), torch.arange(3)).std() > 0


@pytest.mark.parametrize("name", FAMILIES)
def test_signature_is_the_config(name):
    G = tiny_generator(name, classes=3)
    again = family(name).Generator(**G.config)
    again.load_state_dict(G.state_dict())
    z = torch.randn(2, 8)
    assert torch.equal(again.eval()(z, torch.tensor([0, 2])), G(z, torch.tensor([0, 2])))


@pytest.mark.parametrize(("options", "message"), [
    (dict(resolution=48), "power of two from 16 to 1024, got 48; the nearest is 32"),
    (dict(resolution=8), "nearest is 16"),
    (dict(channels=4), "channels must be 1"),
    (dict(width=0), "width must be"),
    (dict(width=10**9), "width must be"),
])
@pytest.mark.parametrize("name", FAMILIES)
def test_bad_sizes_are_one_clear_line(name, options, message):
    with pytest.raises(ValueError, match=message):
        family(name).Generator(Latent(8), **{**dict(resolution=16, channels=1, width=4), **options})


def test_unknown_family_names_the_known_ones():
    with pytest.raises(ValueError, match="known: .*dcgan"):
        family("__init__")


def test_upconv_is_upsample_then_convolve():
    layer = UpConv(5, 7).double()
    x = torch.randn(2, 5, 6, 6, dtype=torch.double)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(layer(x), plain, rtol=0, atol=1e-14)


def test_kept_kernel_follows_the_weights():
    layer, x = UpConv(2, 3).eval().requires_grad_(False), torch.randn(1, 2, 4, 4)

    def check():
        with torch.no_grad():
            plain = F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1)
            torch.testing.assert_close(layer(x), plain)

    check()
    kept = layer._kept
    check()
    assert layer._kept is kept
    with torch.no_grad():
        layer.weight.lerp_(torch.ones_like(layer.weight), 0.5)  # as the average is updated
    check()
    layer.load_state_dict({"weight": torch.randn(3, 2, 3, 3), "bias": torch.ones(3)}, assign=True)
    check()
    check_copy = copy.deepcopy(layer)
    check_copy.weight.data.zero_()
    with torch.no_grad():
        torch.testing.assert_close(check_copy(x), torch.ones(1, 3, 8, 8))
    layer.train().requires_grad_()(x).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    optimiser = torch.optim.Adam(layer.parameters(), lr=1.0, fused=True)
    layer.eval()
    check()
    optimiser.step()  # which leaves the versions of the weights as they were
    check()


def test_smooth_resampling_against_its_filter():
    """Constants stay constant inside; an impulse becomes the filter; down is the transpose of up, up to the gain."""
    ones = torch.ones(1, 2, 8, 8)
    torch.testing.assert_close(smooth_up(ones)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 14, 14))
    torch.testing.assert_close(smooth_down(ones)[:, :, 1:-1, 1:-1], torch.ones(1, 2, 2, 2))
    impulse = torch.zeros(1, 1, 4, 4)
    impulse[0, 0, 1, 1] = 1
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    torch.testing.assert_close(smooth_up(impulse)[0, 0, 1:5, 1:5], torch.outer(taps, taps) / 16)
    a, b = torch.randn(1, 3, 4, 4), torch.randn(1, 3, 8, 8)
    torch.testing.assert_close((smooth_up(a) * b).sum(), 4 * (a * smooth_down(b)).sum())


def test_residual_net_without_normalisation_begins_as_the_identity():
    net = family("r3gan")
    block = net.Block(16, 8)
    x = torch.randn(2, 16, 8, 8)
    assert torch.equal(block(x), x)
    assert halving_plan(128, 96) == [96, 96, 96, 96, 48, 24] and halving_plan(16, 64) == [64, 64, 64]
    assert halving_plan(32, 128, 8) == [128, 128, 64, 32] and halving_plan(64, 32, 4) == [32, 16, 8, 8, 8]


def test_transposed_option_and_its_error():
    assert up_block(2, 3, "transposed", bias=False)(torch.zeros(1, 2, 4, 4)).shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match="nearest or transposed"):
        up_block(2, 3, "bilinear", bias=False)


def test_projection_head_against_its_equation():
    head = Head(4, classes=3)
    h, c = torch.randn(5, 4), torch.tensor([0, 1, 2, 1, 0])
    expected = h @ head.score.weight[0] + head.score.bias[0] + torch.einsum("nf,nf->n", head.embed.weight[c], h)
    torch.testing.assert_close(head(h, c), expected)


def test_head_under_equalised_rate_begins_with_logits_of_order_one_at_any_width():
    torch.manual_seed(0)
    for dim in (16, 256):
        head = EqualHead(dim)
        h = torch.randn(4096, dim)
        torch.testing.assert_close(head(h), h @ head.score.weight[0] / dim**0.5, rtol=1e-4, atol=1e-4)
        assert 0.7 < head(h).std() < 1.4


def test_attention_against_its_equations():
    layer = family("biggan").SelfAttention(8)
    torch.nn.init.constant_(layer.gain, 0.5)
    x = torch.randn(1, 8, 4, 4)
    query, key, value = (conv.weight[:, :, 0, 0] @ x[0].flatten(1) for conv in (layer.query, layer.key, layer.value))
    key, value = (F.max_pool2d(t.reshape(1, -1, 4, 4), 2).flatten(2)[0] for t in (key, value))  # after the projection
    read = value @ torch.softmax(query.t() @ key, 1).t()
    expected = x + 0.5 * (layer.out.weight[:, :, 0, 0] @ read).reshape(x.shape)
    torch.testing.assert_close(layer(x), expected)


def test_spectral_norm_bounds_every_layer():
    D = family("dcgan").Discriminator(Latent(8), resolution=32, channels=1, width=8, spectral=True)
    for _ in range(30):
        D(torch.randn(2, 1, 32, 32))
    layers = [m for m in D.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    assert not [m for m in D.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.05
