"""Every family: shapes, seams, options, and errors."""

import pytest
import torch
import torch.nn.functional as F
from conftest import FAMILIES, tiny_generator

from gan.base import Head, Latent
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw, latents
from gan.layers import EqualHead, UpConv, halving_plan, prepare, smooth_down, smooth_up, up_block
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
    G.eval()  # else some families draw noise of their own
    assert torch.equal(G.synthesis(G.mapping(z, c)), G(z, c))  # the seams make up the whole
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


def upconv_by_definition(layer, x):
    return F.conv2d(F.interpolate(x, scale_factor=2), layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_upconv_has_the_gradients_of_its_definition(layout):
    layer = UpConv(5, 7).double().to(memory_format=layout)
    x = torch.randn(2, 5, 6, 6, dtype=torch.double, requires_grad=True)
    inputs = x, layer.weight, layer.bias

    def gradients(function):
        first = torch.autograd.grad(function(x).sin().sum(), inputs, create_graph=True)
        return *first, *torch.autograd.grad(sum((g * g).sum() for g in first), inputs)

    for mine, expected in zip(gradients(layer), gradients(lambda x: upconv_by_definition(layer, x))):
        torch.testing.assert_close(mine, expected, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_a_kernel_prepared_for_drawing_is_forgotten_where_weights_change():
    layer, x = UpConv(2, 3).eval().requires_grad_(False), torch.randn(1, 2, 4, 4)
    before = layer(x)
    prepare(layer)
    assert layer.kernel is not None and torch.equal(layer(x), before) and "kernel" not in layer.state_dict()
    layer.load_state_dict({"weight": torch.randn(3, 2, 3, 3), "bias": torch.ones(3)}, assign=True)
    torch.testing.assert_close(layer(x), upconv_by_definition(layer, x))
    prepare(layer)
    assert layer.train().kernel is None


def test_a_kernel_prepared_for_drawing_hides_no_weight_that_learns():
    layer, x = UpConv(2, 3).eval().requires_grad_(False), torch.randn(1, 2, 4, 4)
    prepare(layer)
    layer.requires_grad_()
    optimiser = torch.optim.Adam(layer.parameters(), lr=1.0, fused=True)  # it leaves the versions of weights as they are
    layer(x).sum().backward()
    optimiser.step()
    torch.testing.assert_close(layer(x), upconv_by_definition(layer, x))


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_pass_through_a_generator_that_has_drawn(name):
    """Nothing that a draw made in inference mode is kept."""
    G = tiny_generator(name).requires_grad_(False)
    for _ in range(2):
        draw(G, [Draw(0)])
        z = torch.randn(2, 8, requires_grad=True)
        G(z).sum().backward()
        assert z.grad.abs().sum() > 0
        prepare(G)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_exported(name, classes):
    G = tiny_generator(name, classes=classes).requires_grad_(False)
    z, c = latents(G.latent, [Draw(0), Draw(1)])
    before = to_uint8(G(z, c))
    prepare(G)
    program = torch.export.export(G, (z,) if c is None else (z, c))
    assert (to_uint8(program.module()(*((z,) if c is None else (z, c)))) == before).all() and before.std() > 0


def test_a_net_that_has_not_grown_whole_is_exported_as_it_is():
    G = tiny_generator("progan", resolution=32).requires_grad_(False)
    G.grow(2, 0.5)
    z = torch.randn(2, 8)
    half_faded = G(z)
    prepare(G)
    torch.testing.assert_close(torch.export.export(G, (z,)).module()(z), half_faded)
    G.grow(3, 1.0)
    assert not torch.allclose(G(z), half_faded)


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


def test_residual_nets_start_as_in_the_papers_codes():
    """Variance 2 / (fan in + fan out), twice that on the main path of a block; uniform, so bounded by sqrt(3 variance)."""
    net = family("resnet")
    D, G = (cls(Latent(128), resolution=32, channels=3, width=64) for cls in (net.Discriminator, net.Generator))
    layers = [(D.blocks[0].conv1, 4, 3 * 9 + 64 * 9), (D.blocks[0].shortcut, 2, 3 + 64), (D.blocks[1].conv2, 4, 2 * 64 * 9),
              (D.head.score, 2, 64 + 1), (G.first, 2, 128 + 64 * 16), (G.blocks[0].up, 4, 2 * 64 * 9),
              (G.blocks[0].shortcut, 2, 2 * 64), (G.pixels, 2, 64 * 9 + 3 * 9)]
    for layer, numerator, fans in layers:
        bound = (3 * numerator / fans) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound and not layer.bias.any()
