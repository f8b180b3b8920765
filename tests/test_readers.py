"""Families that make a picture from a picture: shapes, seams, options, and their equations."""

import pytest
import torch
import torch.nn.functional as F
from conftest import READERS

from gan import hub
from gan.base import Inputs, Latent
from gan.degrade import Edges, Holes, Paired, Shrink, Unpaired, source_of, task_of
from gan.engine import draw, draw_inputs
from gan.latent import Draw
from gan.models import family
from train.game.discriminators import build

ONLY = {"gated": Holes(), "rrdb": Shrink(4), "cycle": Unpaired()}  # families that are made for one task
LATENT = {"rrdb": Latent(0), "cycle": Latent(0, classes=2)}  # and those that read no noise
SMALL = {"rrdb": {"blocks": 2, "growth": 4}}


def made(name, task=None, *, classes=0, noise=0, resolution=16, channels=3, **options):
    torch.manual_seed(0)
    source = source_of(task or ONLY.get(name, Paired()), channels)
    latent = LATENT.get(name, Latent(noise, classes=classes))
    options = {"width": 4, **SMALL.get(name, {}), **options}
    G = family(name).Generator(latent, resolution=resolution, channels=channels, source=source, **options)
    with torch.no_grad():
        for p in G.parameters():
            if p.ndim > 1:
                p.mul_(3)
    return G


def inputs_of(G, count=3):
    side = G.resolution // G.source.scale
    rng = torch.Generator().manual_seed(0)
    c = torch.arange(count) % G.latent.classes if G.latent.classes else None
    y = torch.rand(count, G.source.channels, side, side, generator=rng) * 2 - 1
    if task_of(G.source, G.channels) == Holes():
        y[:, -1:] = y[:, -1:].sign()
    return Inputs(G.latent.sample(count, generator=rng), c, y)


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize(("task", "resolution", "channels"), [
    (Edges(), 16, 1), (Shrink(4), 32, 3), (Holes(), 64, 3), (Paired(), 128, 1)])
@pytest.mark.parametrize("name", READERS)
def test_shapes_at_every_size(name, task, resolution, channels, classes):
    task = ONLY.get(name, task)
    G = made(name, task, resolution=resolution, channels=channels, classes=classes, noise=2)
    options = dict(resolution=resolution, channels=channels, width=4, source=G.source)
    D = build(family(name).Discriminator, G.latent, options, 3)
    z, c, y = inputs_of(G)
    w = G.mapping(z, c)
    x = G.synthesis(w, y)
    assert w.shape[:2] == (3, G.num_ws) and x.shape == (3, channels, resolution, resolution)
    assert x.isfinite().all() and x.std() > 0
    G.eval()
    assert torch.equal(G.synthesis(G.mapping(z, c), y), G(z, c, y))
    logits = D(x, c, y)
    assert logits.ndim <= 2 and len(logits) == 3 and torch.equal(logits, D.head(D.features(x, c, y), c))


@pytest.mark.parametrize("name", READERS)
def test_a_picture_is_a_function_of_weights_seed_and_y(name):
    """In evaluation nothing is drawn, and no picture depends on those beside it."""
    G = made(name, noise=2).eval()
    y = inputs_of(G, 9).y
    pixels = draw(G, [Draw(seed) for seed in range(9)], y)
    for k in (0, 8):
        assert (draw(G, [Draw(k)], y[k : k + 1])[0] == pixels[k]).all()
    assert pixels.std() > 0 and not (pixels[0] == pixels[1]).all()


@pytest.mark.parametrize("name", READERS)
def test_every_part_of_the_input_counts(name):
    G = made(name, noise=3).eval()
    z, c, y = inputs_of(G)
    x = G(z, c, y)
    other = G(z + 1, None if c is None else 1 - c, y)
    assert (G(z, c, -y) - x).abs().max() > 1e-3
    assert G.latent == Latent(0) or (other - x).abs().max() > 1e-4


@pytest.mark.parametrize("name", READERS)
def test_saved_and_loaded_it_is_the_same(name, tmp_path):
    G = made(name, noise=1).eval()
    hub.save(tmp_path / "m", G)
    loaded, inputs = hub.load(tmp_path / "m").G, inputs_of(G)
    assert loaded.config == G.config and (draw_inputs(loaded, inputs) == draw_inputs(G, inputs)).all()


@pytest.mark.parametrize("name", READERS)
def test_without_a_latent_there_is_no_noise_and_without_a_picture_nothing(name):
    G = made(name)
    assert G.latent.classes or G.mapping(torch.empty(2, 0)).shape == (2, 1, 0)
    side = 16 // G.source.scale
    with pytest.raises(ValueError, match=f"from a picture of {side} px: give it one"):
        draw(G.eval(), [Draw(0)])


@pytest.mark.parametrize("name", READERS)
def test_every_reader_can_be_exported(name):
    G = made(name).eval().requires_grad_(False)
    inputs = inputs_of(G, 2)
    program = torch.export.export(G, tuple(inputs))
    torch.testing.assert_close(program.module()(*inputs), G(*inputs))


# --- U-Net --------------------------------------------------------------------------------------------------------


def instance_norm(h, norm):
    """(h - mean) / std over each channel of each sample, written out."""
    mean = h.mean((2, 3), keepdim=True)
    std = ((h - mean) ** 2).mean((2, 3), keepdim=True).add(1e-5).sqrt()
    return (h - mean) / std * norm.weight[:, None, None] + norm.bias[:, None, None]


def test_unet_against_its_equations():
    """At 16 px: two maps on the way down, one skip."""
    G = made("unet", noise=2, norm="instance").double()
    (z, _, y), d, u = inputs_of(G), G.down, G.up
    y, z = y.double(), z.double()
    fine = F.conv2d(y, d[0].weight, d[0].bias, stride=2, padding=1)  # [4, 8, 8], no norm
    coarse = F.conv2d(torch.where(fine > 0, fine, 0.2 * fine), d[1].weight, d[1].bias, stride=2, padding=1)  # no norm
    planes = z[:, :, None, None].expand(-1, -1, 4, 4)
    doubled = torch.cat([coarse, planes], 1).clamp(min=0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    up = instance_norm(F.conv2d(doubled, u[0].weight, u[0].bias, padding=1), G.up_norms[0])
    both = torch.cat([up, fine], 1).clamp(min=0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(G(z, None, y), torch.tanh(F.conv2d(both, u[1].weight, u[1].bias, padding=1)))


def test_patch_discriminator_against_its_equations():
    G = made("unet")
    D = family("unet").Discriminator(Latent(0), resolution=16, channels=3, width=4, source=G.source).double()
    y = inputs_of(G).y.double()
    x = y.flip(0)
    first, _, _, second, norm, _ = D.convs
    h = F.conv2d(torch.cat([x, y], 1), first.weight, first.bias, stride=2, padding=1)
    h = F.conv2d(torch.where(h > 0, h, 0.2 * h), second.weight, second.bias, padding=1)
    h = instance_norm(h, norm)
    torch.testing.assert_close(D(x, None, y), F.conv2d(torch.where(h > 0, h, 0.2 * h), D.score.weight, D.score.bias,
                                                       padding=1).flatten(1))


@pytest.mark.parametrize(("resolution", "patch_px", "seen"), [
    (64, 16, 16), (64, 34, 34), (64, 0, 34), (256, 0, 70), (128, 0, 70), (32, 0, 16)])
def test_a_patch_is_as_large_as_its_name(resolution, patch_px, seen):
    D = family("unet").Discriminator(Latent(0), resolution=resolution, channels=1, width=2, patch_px=patch_px, norm="none")
    x = torch.randn(1, 1, resolution, resolution, requires_grad=True)
    logits = D(x)[0]
    side = int(len(logits) ** 0.5)
    logits[side * (side // 2) + side // 2].backward()
    rows, columns = (x.grad[0, 0].abs().sum(axis) > 0 for axis in (1, 0))
    assert rows.sum() == columns.sum() == seen


def test_dropout_belongs_to_training():
    G = made("unet", dropout=0.5, resolution=32)
    inputs = inputs_of(G)
    assert not torch.equal(G(*inputs), G(*inputs))
    G.eval()
    assert torch.equal(G(*inputs), G(*inputs))
    with pytest.raises(ValueError, match="dropout must be at least 0 and below 1, got 1"):
        made("unet", dropout=1.0)
    with pytest.raises(ValueError, match="patch_px must be 16, 34, 70 or 0 and leave 4 px at 16 px, got 70"):
        family("unet").Discriminator(Latent(0), resolution=16, channels=1, width=2, patch_px=70)


# --- gated convolutions -------------------------------------------------------------------------------------------


def gated_layer(h, layer, *, stride=1, dilation=1, up=False):
    if up:
        h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
    size = layer.conv.weight.shape[2]
    h = F.conv2d(h, layer.conv.weight, layer.conv.bias, stride=stride, padding=dilation * (size // 2), dilation=dilation)
    feature, gate = h[:, 1:], h[:, :1]
    return torch.where(feature > 0, feature, feature.exp() - 1) / (1 + (-gate).exp())


def test_gated_net_against_its_equations():
    G = made("gated", noise=2).double()
    z, _, y = (part if part is None else part.double() for part in inputs_of(G))
    h = gated_layer(y, G.down[0])
    h = gated_layer(gated_layer(h, G.down[1], stride=2), G.down[2])
    h = torch.cat([gated_layer(h, G.down[3], stride=2), z[:, :, None, None].expand(-1, -1, 4, 4)], 1)
    h = gated_layer(gated_layer(gated_layer(h, G.middle[0]), G.middle[1], dilation=2), G.middle[2])
    h = gated_layer(gated_layer(gated_layer(h, G.up[0], up=True), G.up[1]), G.up[2], up=True)
    filled = torch.tanh(F.conv2d(h, G.pixels.weight, G.pixels.bias, padding=1))
    torch.testing.assert_close(G(z, None, y), torch.where(y[:, 3:] > 0, filled, y[:, :3]))


def test_what_is_outside_of_a_hole_stays_bit_for_bit_and_inside_the_picture_does_not_count():
    G = made("gated", resolution=32).eval()
    x = torch.rand(2, 3, 32, 32) * 2 - 1
    hole = torch.zeros(2, 1, 32, 32)
    hole[:, :, 8:20, 5:30] = 1
    made_of_it = G(torch.empty(2, 0), None, Holes().given(x, hole))
    assert torch.equal(made_of_it * (1 - hole), x * (1 - hole))
    assert torch.equal(G(torch.empty(2, 0), None, Holes().given(x * (1 - 2 * hole), hole)), made_of_it)
    with pytest.raises(ValueError, match=r"reads a picture and its hole: Edges\(.* is none"):
        made("gated", Edges())


def test_a_gated_net_begins_with_maps_of_order_one():
    G = family("gated").Generator(Latent(0), resolution=64, channels=3, width=16, source=source_of(Holes(), 3))
    assert 0.3 < G.middle(G.down(inputs_of(G).y)).std() < 3


# --- dense blocks -------------------------------------------------------------------------------------------------


def leaky(h):
    return torch.where(h > 0, h, 0.2 * h)


def dense(x, block):
    parts = [x]
    for conv in block.convs:
        parts.append(F.conv2d(torch.cat(parts, 1), conv.weight, conv.bias, padding=1))
        parts[-1] = parts[-1] if conv is block.convs[-1] else leaky(parts[-1])
    return x + 0.2 * parts[-1]


def test_dense_blocks_against_their_equations():
    """Two blocks of three, four times as large; the enlarged picture comes on top."""
    torch.manual_seed(0)
    G = made("rrdb", growth=3, blocks=2).double()
    with torch.no_grad():
        G.pixels.weight.normal_()
    _, _, y = inputs_of(G)
    y, conv = y.double(), lambda h, layer: F.conv2d(h, layer.weight, layer.bias, padding=1)  # noqa: E731
    first = h = conv(y, G.first)
    for block in G.blocks:
        h = h + 0.2 * dense(dense(dense(h, block[0]), block[1]), block[2])
    h = first + conv(h, G.trunk)
    for up in G.ups:
        h = leaky(conv(h.repeat_interleave(2, 2).repeat_interleave(2, 3), up))
    large = F.interpolate(y, size=16, mode="bicubic")
    torch.testing.assert_close(G(torch.empty(3, 0), None, y), conv(leaky(conv(h, G.fine)), G.pixels) + large)


def test_discriminator_of_large_pictures_against_its_equations():
    D = family("rrdb").Discriminator(Latent(0), resolution=16, channels=3, width=2, source=source_of(Shrink(4), 3)).double()
    x = torch.randn(4, 3, 16, 16, dtype=torch.double)
    h, convs = x, [m for m in D.convs if isinstance(m, torch.nn.Conv2d)]
    for k, conv in enumerate(convs):
        h = F.conv2d(h, conv.weight, conv.bias, stride=1 + k % 2, padding=1)
        if k:
            norm = D.convs[3 * k + 1]
            mean, variance = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), keepdim=True, unbiased=False)
            h = (h - mean) / (variance + 1e-5).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]
        h = leaky(h)
    expected = h.flatten(1) @ D.head.score.weight[0] + D.head.score.bias
    torch.testing.assert_close(D(x), expected)
    assert [c.out_channels for c in convs] == [2, 2, 4, 4] and h.shape[2:] == (4, 4)


def test_super_resolution_begins_as_bicubic_enlargement():
    G = family("rrdb").Generator(Latent(0), resolution=64, channels=3, width=8, growth=4, blocks=1,
                                 source=source_of(Shrink(4), 3))
    y = torch.rand(2, 3, 16, 16) * 2 - 1
    assert torch.equal(G(torch.empty(2, 0), None, y), F.interpolate(y, size=64, mode="bicubic"))
    for task, noise in ((Holes(), 0), (Shrink(4), 3)):
        with pytest.raises(ValueError, match="from one of as many and nothing else"):
            family("rrdb").Generator(Latent(noise), resolution=64, channels=3, width=8, source=source_of(task, 3))


# --- two domains --------------------------------------------------------------------------------------------------


def convolved(h, conv, k, *, stride=1):
    """The convolution of domain k, alone."""
    h = F.pad(h, (conv.padding,) * 4, mode="reflect" if conv.reflect else "constant")
    return F.conv2d(h, conv.weight[k], conv.bias[k], stride=stride)


def standard(h):
    mean = h.mean((2, 3), keepdim=True)
    return (h - mean) / ((h - mean) ** 2).mean((2, 3), keepdim=True).add(1e-5).sqrt()


@torch.no_grad()
def test_each_domain_has_a_net_of_its_own_against_its_equations():
    G = made("cycle", blocks=1).double()
    for p in G.parameters():
        p.add_(0.1 * torch.randn_like(p))
    y, c = inputs_of(G, 4).y.double(), torch.tensor([1, 0, 0, 1])
    x = G(torch.empty(4, 0), c, y)
    for n, k in enumerate(c.tolist()):
        h = y[n : n + 1]
        for conv, stride in zip(G.down, (1, 2, 2)):
            h = standard(convolved(h, conv, k, stride=stride)).clamp(min=0)
        inside = standard(convolved(h, G.blocks[0].first, k)).clamp(min=0)
        h = h + standard(convolved(inside, G.blocks[0].second, k))
        for conv in G.up:
            h = standard(convolved(h.repeat_interleave(2, 2).repeat_interleave(2, 3), conv, k)).clamp(min=0)
        torch.testing.assert_close(x[n], torch.tanh(convolved(h, G.pixels, k))[0])


def test_a_net_learns_from_its_own_domain_only():
    G = made("cycle")
    D = family("cycle").Discriminator(G.latent, resolution=16, channels=3, width=4)
    inputs = inputs_of(G)._replace(c=torch.tensor([1, 1, 1]))
    D(G(*inputs), inputs.c).sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert not p.grad[0].any() and ("bias" in name or p.grad[1].any()), name  # instance norm takes biases away


def test_two_domains_are_needed():
    source = source_of(Unpaired(), 3)
    for latent in (Latent(0, classes=3), Latent(4, classes=2), Latent(0)):
        with pytest.raises(ValueError, match="needs two domains, no noise"):
            family("cycle").Generator(latent, resolution=16, channels=3, width=4, source=source)
