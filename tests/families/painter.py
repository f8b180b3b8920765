"""A family for tests only: G paints from a grey sketch of half the size, D judges patches of 8 x 8 px; and an encoder."""

import torch
import torch.nn.functional as F
from torch import nn

from gan import base
from gan.base import Latent, Source


class Generator(base.Generator):
    def __init__(self, latent: Latent, *, resolution: int, channels: int, width: int = 8, source: Source | None = None):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, source=source)
        self.first = nn.Conv2d(source.channels + latent.dim, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def synthesis(self, w, y=None):
        y = F.interpolate(y, size=self.resolution)
        noise = w[:, 0, :, None, None].expand(-1, -1, *y.shape[2:])
        return self.last(F.relu(self.norm(self.first(torch.cat([y, noise], 1)))))


class Discriminator(base.Discriminator):
    def __init__(self, latent: Latent, *, resolution: int, channels: int, width: int = 8, source: Source | None = None):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.net = nn.Sequential(nn.Conv2d(channels + source.channels, width, 8, 8), nn.LeakyReLU(0.2))
        self.score = nn.Linear(width, 1)

    def features(self, x, c=None, y=None):
        """[N, P, F]: a row a patch."""
        return self.net(torch.cat([x, F.interpolate(y, size=x.shape[2:])], 1)).flatten(2).transpose(1, 2)

    def head(self, h, c=None):
        return self.score(h)[..., 0]


class Encoder(base.Encoder):
    def __init__(self, latent: Latent, *, resolution: int, channels: int = 1, width: int = 8):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, likelihood="logistic")
        self.layer = nn.Linear(channels * resolution**2, 2 * latent.dim)

    def forward(self, x, c=None):
        return self.layer(x.flatten(1)).chunk(2, 1)
