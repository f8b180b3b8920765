"""A step of linear nets, whose gradients are known."""

import torch
from torch import nn

from gan import base
from gan.base import Batch, Latent
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


class Logits:
    real_logits = torch.tensor([0.0, 2.0])
    fake_logits = torch.tensor([1.0, -3.0])
    mean_of_all = staticmethod(lambda t: t)
