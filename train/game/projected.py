"""The projected discriminator (Sauer et al. 2021, arXiv:2111.01007): small nets that judge what a frozen net sees."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan import base
from train.features import EYES, load_features

COARSEST = 4  # px, where every small net ends


class Small(nn.Module):
    """Judges one scale: x [N, I, S, S] -> strided convolutions under spectral norm down to 4 px -> [N, O, 4, 4].

    Normalised over each sample, not over the batch as there: reals and fakes come in batches of their own, and in small ones
    their means would be taken away, by which frozen maps tell them apart.
    """

    def __init__(self, inputs: int, side: int, width: int):
        super().__init__()
        layers: list[nn.Module] = []
        downs = max(0, (side // COARSEST).bit_length() - 1)
        for k in range(max(1, downs)):
            kernel, stride = (4, 2) if downs else (3, 1)
            outputs = 2 * width if k == max(1, downs) - 1 else width * min(2**k, 2)
            conv = nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=False)
            layers += [spectral_norm(conv), nn.GroupNorm(1, outputs), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Heads(nn.Module):
    """h [N, S F 16] of S scales -> logits [N, 16 S]: a linear score a place, and with classes the projection of what is
    there on the class embedding of that scale (Miyato and Koyama 2018, arXiv:1802.05637, eq. 3)."""

    def __init__(self, scales: int, dim: int, classes: int):
        super().__init__()
        self.scales, self.dim = scales, dim
        self.score = nn.Parameter(torch.randn(scales, dim) / dim**0.5)
        self.embed = nn.Embedding(classes, scales * dim) if classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, 0.0, dim**-0.5)

    def forward(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        weight = self.score[None]
        if self.embed is not None:
            weight = weight + self.embed(c).unflatten(1, (self.scales, self.dim))
        h = h.unflatten(1, (self.scales, self.dim, COARSEST**2))
        return (weight[..., None] * h).sum(2).flatten(1)


class Projected(base.Discriminator):
    """x [N, C, H, W] -> frozen maps at four scales -> mixed at random over channels and scales -> one small net a scale ->
    h [N, F] -> logits [N, P], P places of every scale. The mixing (sec. 3.2: 1x1 convolutions across channels, 3x3 and
    bilinear upsampling across scales) is drawn once and never trained, so that no scale is left unread."""

    def __init__(self, latent: base.Latent, *, resolution: int, channels: int, width: int = 64):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.eyes = load_features(EYES)
        sizes = [min(2 * w, 128) for w in self.eyes.widths]
        self.across_channels = nn.ModuleList(nn.Conv2d(i, o, 1, bias=False) for i, o in zip(self.eyes.widths, sizes))
        self.across_scales = nn.ModuleList(nn.Conv2d(i, o, 3, 1, 1, bias=False) for i, o in zip(sizes[1:], sizes))
        for conv in (*self.across_channels, *self.across_scales):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        self.across_channels.requires_grad_(False)
        self.across_scales.requires_grad_(False)
        sides = [max(resolution, 64) >> k for k in range(1, len(sizes) + 1)]
        self.nets = nn.ModuleList(Small(size, side, width) for size, side in zip(sizes, sides))
        self.feature_dim = len(sizes) * 2 * width * COARSEST**2
        self.head = Heads(len(sizes), 2 * width, latent.classes)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        maps = [mix(m) for mix, m in zip(self.across_channels, self.eyes.maps(x))]
        for k in range(len(maps) - 2, -1, -1):  # from coarse to fine
            coarse = self.across_scales[k](maps[k + 1])
            maps[k] = maps[k] + F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
        return torch.cat([net(m).flatten(1) for net, m in zip(self.nets, maps)], 1)
