"""A family for tests only: points in the plane, as images [N, 2, 1, 1]."""

from torch import nn

from gan import base
from gan.base import Latent


class Generator(base.Generator):
    def __init__(self, latent: Latent):
        nn.Module.__init__(self)  # a picture of one pixel has no resolution that a net may have
        self.latent = latent
        self.net = nn.Sequential(nn.Linear(latent.dim, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))

    def synthesis(self, w, y=None):
        return self.net(w[:, 0])[:, :, None, None]


class Discriminator(base.Discriminator):
    def __init__(self, latent: Latent):
        nn.Module.__init__(self)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2))
        self.head = base.Head(128)

    def features(self, x, c=None, y=None):
        return self.net(x)
