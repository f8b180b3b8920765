"""train.game.pictures: terms that compare pictures, and the pool of older ones."""

from types import SimpleNamespace

import pytest
import torch
from conftest import tiny_images
from runs import IDENTITY, assert_same, tiny_run
from steps import LinearD, LinearG, make_step
from torch import nn

from gan.base import Batch, Latent, Source
from train.features import EYES, load_features
from train.game.pictures import L1, Cycle, Identity, Perceptual, Pool
from train.game.step import Step
from train.run.checkpoint import load_checkpoint, save_checkpoint


def test_l1_is_the_mean_distance_to_the_target():
    step = make_step("G")
    loss = L1()(step)
    torch.testing.assert_close(loss, (step.real - step.fake).abs().sum((1, 2, 3)) / 16)
    loss.sum().backward()
    expected = step.z.T @ (torch.sign(step.fake - step.real).flatten(1) / 16)  # G is linear: d|x - zA| = z' sign
    torch.testing.assert_close(step.G.A.grad, expected)
    assert L1().weight == 100 and L1.nets == ("G",)


def test_perceptual_is_the_distance_of_what_the_frozen_net_sees():
    step, term = make_step("G"), Perceptual()
    term.build(step.G, step.D)
    eyes = load_features(EYES)
    with torch.no_grad():
        expected = sum((a - b).abs().mean((1, 2, 3)) for a, b in list(zip(eyes.maps(step.fake), eyes.maps(step.real)))[:3])
    loss = term(step)
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    assert step.G.A.grad.abs().sum() > 0 and not any(p.requires_grad for p in term.parameters())


class Scales(nn.Module):
    """G(y) = a_c y: there and back again is a_0 a_1 y."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor([2.0, 3.0]))

    def mapping(self, z, c=None):
        return self.a[c][:, None, None]

    def synthesis(self, w, y=None):
        return w[..., None] * y

    def forward(self, z, c=None, y=None):
        return self.synthesis(self.mapping(z, c), y)


def two_way_step(net="G", **options):
    torch.manual_seed(0)
    x, y, c = torch.randn(3, 1, 4, 4), torch.randn(3, 1, 4, 4), torch.tensor([0, 1, 0])
    rng = torch.Generator().manual_seed(0)
    return Step(Scales(), LinearD(), torch.empty(3, 0), Batch(x, c, y), net=net, rng=rng, **options)


def test_cycle_and_identity_of_nets_that_scale():
    step = two_way_step()
    cycle = Cycle()(step)
    torch.testing.assert_close(cycle, 5 * step.y.abs().mean((1, 2, 3)))  # |y - 6 y|
    torch.testing.assert_close(Identity()(step), torch.tensor([1.0, 2.0, 1.0]) * step.real.abs().mean((1, 2, 3)))
    cycle.sum().backward()
    size = step.y.abs().mean((1, 2, 3)).sum()
    torch.testing.assert_close(step.G.a.grad, torch.stack([3 * size, 2 * size]))  # both nets learn: d(a b - 1) = b da + a db
    assert (Cycle().weight, Identity().weight) == (10, 5)


def test_terms_of_two_domains_need_them():
    G = LinearG()
    G.latent, G.channels = Latent(0, classes=2), 1
    for source in (None, Source(3), Source(1, 2)):
        G.source = source
        with pytest.raises(ValueError, match="goes both ways between two domains"):
            Cycle().build(G, LinearD())
    G.source = Source(1)
    Cycle().build(G, LinearD())


def pool_of(size, classes=0, side=1):
    pool = Pool(size)
    pool.build(SimpleNamespace(latent=Latent(1, classes=classes), channels=1, resolution=side))
    return pool


def shown(pool, numbers, c=None, rng=None):
    x = torch.tensor(numbers, dtype=torch.float)[:, None, None, None]
    return pool(x, c, rng or torch.Generator().manual_seed(0)).flatten().tolist()


def test_a_pool_fills_first_and_then_gives_back_by_a_coin_what_it_replaces():
    """Against the algorithm written out, number by number."""
    pool, rng = pool_of(4), torch.Generator().manual_seed(3)
    kept, came_back = [], 0
    for start in range(0, 400, 5):
        numbers = list(range(start, start + 5))
        state = rng.get_state()
        out = shown(pool, numbers, rng=rng)
        again = torch.Generator()
        again.set_state(state)
        coins, places = torch.rand(5, 1, generator=again) < 0.5, torch.randint(4, (5, 1), generator=again)
        for number, coin, place, seen in zip(numbers, coins, places, out):
            if len(kept) < 4:
                kept.append(number)
                assert seen == number
            elif coin:
                assert seen == kept[place]
                kept[place], came_back = number, came_back + 1
            else:
                assert seen == number
    assert sorted(pool.pictures.flatten().tolist()) == sorted(kept) and 150 < came_back < 250


def test_every_class_has_its_own_pool():
    pool, rng = pool_of(3, classes=2), torch.Generator().manual_seed(0)
    for k in range(50):
        c = torch.randint(2, (4,), generator=rng)
        out = shown(pool, (1000 * c + 4 * k + torch.arange(4)).tolist(), c, rng)
        assert [number >= 1000 for number in out] == (c == 1).tolist()
    assert pool.filled.tolist() == [3, 3]


def test_only_d_is_shown_older_pictures():
    pool = pool_of(1, classes=2, side=4)
    pool.filled.fill_(1)
    pool.pictures.fill_(7.0)
    fake = two_way_step("D", pool=pool, input_grad=True).fake
    assert any((one == 7).all() for one in fake) and fake.requires_grad and fake.is_leaf
    pool.pictures.fill_(7.0)
    assert not (two_way_step("G", pool=pool).fake == 7).any() and (pool.pictures == 7).all()
    with pytest.raises(ValueError, match="size of a Pool must be from 1"):
        Pool(0)


def test_the_pool_is_in_the_checkpoint_bit_for_bit(tmp_path):
    """Long enough that it is full and gives back: 2 pictures a class, 4 a round."""
    options = dict(images=tiny_images(classes=2, channels=3))
    straight, resumed = (tiny_run("cyclegan", "pool=Pool(2)", **options) for _ in range(2))
    for _ in range(5):
        straight.advance()
    pool = straight.game.pool
    assert pool.filled.tolist() == [2, 2] and pool.pictures.std() > 0
    save_checkpoint(tmp_path / "c.safetensors", straight.state(), IDENTITY)
    resumed.restore(*load_checkpoint(tmp_path / "c.safetensors", IDENTITY))
    assert torch.equal(resumed.game.pool.pictures, pool.pictures)
    for run in (straight, resumed):
        for _ in range(3):
            run.advance()
    assert_same(straight, resumed)
    assert any(name.startswith("pool.") for name in straight.state()[0])
