"""Multilayer perceptrons: the first GAN (Goodfellow et al. 2014, arXiv:1406.2661), conditional as in
Mirza and Osindero 2014 (arXiv:1411.1784): the class stands beside the noise in G and beside the image in D.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass


class Generator(base.Generator):
    """z [N, Z] -> 3 hidden layers of width, 2 width, 4 width -> x [N, C, H, W]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #  px
        channels: int = 1,  #     1 or 3
        width: int = 256,  #      units of the first hidden layer
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.append = AppendClass(latent.classes)
        sizes = [latent.dim + self.append.size, width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for i, o in zip(sizes, sizes[1:]):
            layers += [nn.Linear(i, o), nn.BatchNorm1d(o), nn.LeakyReLU(0.2)]
        self.hidden = nn.Sequential(*layers)
        self.pixels = nn.Linear(sizes[-1], channels * resolution**2)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.pixels(self.hidden(w[:, 0]))
        return torch.tanh(x).reshape(-1, self.channels, self.resolution, self.resolution)


class Discriminator(base.Discriminator):
    """x [N, C, H, W] (and the class, one-hot) -> hidden layers of 4 width, 2 width, width -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #    px
        channels: int = 1,  #       1 or 3
        width: int = 256,  #        units of the last hidden layer, h
        dropout: float = 0.3,  #    in every hidden layer, as in the 2014 paper (there with maxout units)
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.classes = latent.classes
        sizes = [channels * resolution**2 + self.classes, 4 * width, 2 * width, width]
        layers: list[nn.Module] = []
        for i, o in zip(sizes, sizes[1:]):
            layers += [nn.Linear(i, o), nn.LeakyReLU(0.2), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.feature_dim = width
        self.head = base.Head(width)  # the class is already in h

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        x = x.flatten(1)
        if self.classes:
            x = torch.cat([x, F.one_hot(c, self.classes).to(x.dtype)], 1)
        return self.hidden(x)
