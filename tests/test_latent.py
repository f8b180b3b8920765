"""Seeds for ever, psi, what lies between two latents."""

import numpy as np
import pytest
import torch
from conftest import FAMILIES, tiny_generator

from gan.base import Generator, Inputs, Latent, Source
from gan.engine import draw
from gan.latent import Draw, latents, parse_seeds, slerp, to_w
from gan.models import family

EVERYTHING = Latent(3, classes=10, categorical=(4, 2), continuous=2)


def test_seed_stream_is_the_contract():
    rs = np.random.RandomState(42)
    noise = rs.randn(3)
    i, j = int(rs.random_sample() * 4), int(rs.random_sample() * 2)
    codes = [2 * rs.random_sample() - 1 for _ in range(2)]
    c = int(rs.random_sample() * 10)
    z, classes = latents(EVERYTHING, [Draw(42)])
    expected = np.concatenate([noise, np.eye(4)[i], np.eye(2)[j], codes]).astype(np.float32)
    assert np.array_equal(z[0].numpy(), expected) and classes.tolist() == [c]


def test_frozen_numbers():
    """Would change if NumPy or we ever broke the stream."""
    z, _ = latents(Latent(2), [Draw(0), Draw(2**32 - 1)])
    np.testing.assert_array_equal(z[0].numpy(), np.float32([1.764052345967664, 0.4001572083672233]))
    u, c = latents(Latent(2, classes=5, prior="uniform"), [Draw(7)])
    np.testing.assert_allclose(u[0].numpy(), [-0.8473834, 0.5598376], rtol=1e-6)
    assert c.tolist() == [2]
    on_sphere, _ = latents(Latent(2, prior="sphere"), [Draw(0)])
    np.testing.assert_allclose(on_sphere[0], np.sqrt(2) * z[0] / np.linalg.norm(z[0]), rtol=1e-6)


def test_training_draws_on_the_sphere_too():
    z = Latent(6, categorical=(3,), prior="sphere").sample(5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(z[:, :6].square().sum(1), torch.full((5,), 6.0))
    assert torch.equal(z[:, 6:].sum(1), torch.ones(5))


def test_override_leaves_the_noise_alone():
    z0, _ = latents(EVERYTHING, [Draw(5)])
    z1, c = latents(EVERYTHING, [Draw(5, label=3, codes=(1, 0, -0.5, 0.25))])
    assert torch.equal(z0[:, :3], z1[:, :3]) and c.tolist() == [3]
    assert z1[0, 3:].tolist() == [0, 1, 0, 0, 1, 0, -0.5, 0.25]


@pytest.mark.parametrize("code", [4, -1, 1.5, float("nan"), float("inf")])
def test_a_code_that_names_no_value_is_refused_and_not_rounded(code):
    with pytest.raises(ValueError, match=r"must be whole numbers under \(4, 2\)"):
        latents(EVERYTHING, [Draw(0, codes=(code, 0, 0, 0))])


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", True, None])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="a seed must be a whole number from 0 to 4294967295"):
        Draw(seed)


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("0-2,42", [0, 1, 2, 42]), (" 3 , 1 - 2", [3, 1, 2]),
                                           ("1 2  3", [1, 2, 3]), ("0\u20132; 7", [0, 1, 2, 7]), ("0-2,", [0, 1, 2])])
def test_parse_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "-1", "a", "1,,2", "1e3", "4294967296", "9-3", "0-4294967295", "1.5", "9" * 5000])
def test_parse_seeds_refuses(text):
    with pytest.raises(ValueError):
        parse_seeds(text)


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_do_not_depend_on_the_batch(name, classes):
    """The same seed, alone, in a full chunk, in an odd batch, at any place."""
    G = tiny_generator(name, classes=classes, resolution=32, channels=3)
    seeds = list(range(G.chunk_size * 2 + 3))
    together = draw(G, [Draw(s) for s in seeds])
    backwards = draw(G, [Draw(s) for s in reversed(seeds)])[::-1]
    assert np.array_equal(together, backwards)
    for s in (0, G.chunk_size - 1, G.chunk_size, seeds[-1]):
        assert np.array_equal(together[s], draw(G, [Draw(s)])[0])
    assert len({t.tobytes() for t in together}) == len(seeds)


def test_psi_one_is_exact_and_zero_leaves_class_and_codes():
    G = tiny_generator("dcgan", classes=3)
    z, c = latents(G.latent, [Draw(s, label=s % 3) for s in range(4)])
    assert torch.equal(to_w(G, z, c, torch.ones(4)), G.mapping(z, c))
    w = to_w(G, z, c, torch.zeros(4))[:, 0]
    assert torch.equal(w[:, :8], torch.zeros(4, 8)) and torch.equal(w[:, 8:], G.append.embed(c))


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_psi_goes_from_every_picture_to_one(name, classes):
    torch.manual_seed(0)
    G = family(name).Generator(Latent(8, classes=classes), resolution=16, channels=1, width=8).eval()
    for p in [*G.parameters(), *([] if G.w_mean is None else [G.w_mean])]:
        if p.ndim == 1 or p is G.w_mean:  # as if trained: where every bias is 0, a net that normalises sees no scale
            torch.nn.init.normal_(p, 0.0, 0.3)

    def pictures(psi, label=None):
        z, c = latents(G.latent, [Draw(seed, label=label) for seed in range(4)])
        with torch.no_grad():
            return G.synthesis(to_w(G, z, c, torch.full((4,), psi)))

    label = 1 if classes else None
    full, half, none = (pictures(psi, label) for psi in (1.0, 0.5, 0.0))
    apart = (full - full.roll(1, 0)).abs().mean()
    assert (full - half).abs().mean() > 0.1 * apart > 0
    torch.testing.assert_close(none, none[:1].expand_as(none))
    if classes:
        assert (pictures(0.0, 2) - none).abs().mean() > 0.1 * apart


def test_psi_draws_towards_the_mean_of_the_class():
    G = tiny_generator("dcgan", classes=3)
    G.w_mean = torch.randn(3, G.latent.dim + G.append.size)
    z, c = latents(G.latent, [Draw(s, label=s % 3) for s in range(4)])
    assert torch.equal(to_w(G, z, c, torch.ones(4)), G.mapping(z, c))
    torch.testing.assert_close(to_w(G, z, c, torch.zeros(4))[:, 0], G.w_mean[c])
    assert np.array_equal(draw(G, [Draw(0, psi=0)]), draw(G, [Draw(0, psi=0.0)]))


def test_slerp_keeps_the_norm_and_meets_its_ends():
    a, b = torch.randn(1, 64), torch.randn(1, 64)
    a, b = 8 * a / a.norm(), 8 * b / b.norm()
    t = torch.linspace(0, 1, 9)
    path = slerp(a.expand(9, -1), b.expand(9, -1), t)
    torch.testing.assert_close(path.norm(dim=1), torch.full((9,), 8.0))
    torch.testing.assert_close(path[[0, -1]], torch.cat([a, b]))
    torch.testing.assert_close(slerp(a, a, torch.tensor([0.5])), a)


def test_no_latent_is_for_generators_that_read_a_picture():
    with pytest.raises(ValueError, match="latent.noise is 0 and there is no source"):
        Generator(Latent(0), resolution=16, channels=1, width=8)
    G = Generator(Latent(0), resolution=16, channels=1, width=8, source=Source(3, scale=4))
    z, c = latents(G.latent, [Draw(1), Draw(2)])
    assert z.shape == (2, 0) and c is None and G.mapping(z).shape == (2, 1, 0)
    assert Inputs(z).rows(slice(1)).z.shape == (1, 0) and Inputs(z).to("cpu").y is None


@pytest.mark.parametrize("given", [dict(channels=0), dict(channels=17), dict(channels=3, scale=3), dict(channels=1.5)])
def test_a_source_has_a_size_that_a_picture_can_have(given):
    with pytest.raises(ValueError, match="of a Source must be"):
        Source(**given)
