"""train.game.discriminators: several of them, packs, and which norms leave samples apart."""

import pytest
import torch

from gan.base import Latent
from gan.layers import norm_layer
from train.features import EYES, load_features
from train.game import discriminators


def built(name="dcgan", **options):
    from gan.models import family

    options = {"resolution": 16, "channels": 1, "width": 4, **options}
    return discriminators.build(family(name).Discriminator, Latent(4), options, 12)


def test_copies_judge_their_part_of_a_batch_each():
    torch.manual_seed(0)
    D, x = built(norm="none", copies=3), torch.randn(12, 1, 16, 16)
    logits = D(x)
    assert logits.shape == (12,) and D.features(x).shape == (12, D.feature_dim)
    for k, net in enumerate(D.nets):
        torch.testing.assert_close(logits[4 * k : 4 * k + 4], net(x[4 * k : 4 * k + 4]))
    assert not torch.equal(D.nets[0](x), D.nets[1](x))  # from different initial weights


def test_spectral_norm_leaves_the_frozen_net_of_a_projected_one_alone():
    D = built(projected=True, spectral=True)
    expected = load_features(EYES)
    assert {name: torch.equal(p, dict(expected.named_parameters())[name]) for name, p in D.eyes.named_parameters()} == \
        dict.fromkeys(dict(expected.named_parameters()), True)
    learning = [name for name, p in D.named_parameters() if p.requires_grad and p.ndim == 4]
    assert learning and all(name.endswith("parametrizations.weight.original") for name in learning)


def test_a_pack_is_judged_as_one_picture():
    torch.manual_seed(0)
    D, x = built(norm="none", pack=3), torch.randn(12, 1, 16, 16)
    logits = D(x)
    assert logits.shape == (12,) and torch.equal(logits.reshape(4, 3), logits[::3, None].expand(4, 3))
    torch.testing.assert_close(logits[::3], D.D(x.reshape(4, 3, 16, 16)))
    changed = x.clone()
    changed[1] += 1  # one picture of the first pack
    assert (D(changed) != logits).tolist() == [True] * 3 + [False] * 9


@pytest.mark.parametrize(("kind", "apart"), [("batch", False), ("layer", True), ("none", True)])
def test_which_norms_leave_samples_apart(kind, apart):
    norm, x = norm_layer(kind, 4), torch.randn(6, 4, 5, 5)
    assert torch.allclose(norm(x)[:2], norm(x[:2]), atol=1e-6) == apart


def test_layer_norm_makes_every_sample_standard():
    y = norm_layer("layer", 4)(3 + 5 * torch.randn(6, 4, 8, 8))
    assert torch.allclose(y.mean((1, 2, 3)), torch.zeros(6), atol=1e-5)
    assert torch.allclose(y.std((1, 2, 3)), torch.ones(6), atol=5e-3)
