"""The two nets of CycleGAN and its two discriminators (Zhu et al. 2017, arXiv:1703.10593, app. 7.2), at any power-of-two
resolution.

G holds a net for each of two domains, and the class c of the picture that it shall make says which of them works; so does D.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base

DOMAINS = 2


class DomainConv(nn.Module):
    """A convolution with weights for each domain, [N, I, H, W] -> [N, O, H', W']; ``c`` [N] says whose are used.

    Sample n is group n of one convolution, so that a batch of both domains takes no longer than of one.
    """

    def __init__(self, inputs: int, outputs: int, size: int, *, stride: int = 1, padding: int = 0, reflect: bool = False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(DOMAINS, outputs, inputs, size, size) * 0.02)
        self.bias = nn.Parameter(torch.zeros(DOMAINS, outputs))
        self.stride, self.padding, self.reflect = stride, padding, reflect

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        n, inputs = x.shape[:2]
        if self.reflect:
            x = F.pad(x, (self.padding,) * 4, mode="reflect")
        weight, bias = self.weight[c].flatten(0, 1), self.bias[c].flatten()
        x = F.conv2d(x.reshape(1, n * inputs, *x.shape[2:]), weight, bias, self.stride, 0 if self.reflect else self.padding,
                     groups=n)
        return x.reshape(n, -1, *x.shape[2:])


class Residual(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), 3x3 with reflected rims."""

    def __init__(self, width: int):
        super().__init__()
        self.first, self.second = (DomainConv(width, width, 3, padding=1, reflect=True) for _ in range(2))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        h = F.relu(F.instance_norm(self.first(x, c)))
        return x + F.instance_norm(self.second(h, c))


class Generator(base.Generator):
    """y -> 7x7, halved twice -> residual blocks -> doubled twice, 7x7, tanh -> x; instance norm everywhere. w [N, 1, 2] is
    the domain as a one-hot vector."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 128,  #  px
        channels: int = 3,  #      1 or 3
        width: int = 64,  #        channels at full resolution; twice at a half, four times at a quarter
        source: base.Source,  #    a picture of the other domain
        blocks: int = 0,  #        residual blocks; 0 = 6 up to 128 px and 9 above, as the paper
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, source=source)
        if latent != base.Latent(0, classes=DOMAINS) or source.channels != channels or source.scale != 1:
            raise ValueError(f"a cycle of two nets needs two domains, no noise, and pictures of one size: got {latent} and "
                             f"{source.made or 'another source'}")
        if not 0 <= blocks <= 64:
            raise ValueError(f"blocks must be from 0 to 64, got {blocks}")
        half, quarter = 2 * width, 4 * width
        self.down = nn.ModuleList([DomainConv(channels, width, 7, padding=3, reflect=True),
                                   DomainConv(width, half, 3, stride=2, padding=1),
                                   DomainConv(half, quarter, 3, stride=2, padding=1)])
        self.blocks = nn.ModuleList(Residual(quarter) for _ in range(blocks or (6 if resolution <= 128 else 9)))
        self.up = nn.ModuleList([DomainConv(quarter, half, 3, padding=1), DomainConv(half, width, 3, padding=1)])
        self.pixels = DomainConv(width, channels, 7, padding=3, reflect=True)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return F.one_hot(c, DOMAINS).float()[:, None]

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        c, h = w[:, 0].argmax(1), y
        for conv in self.down:
            h = F.relu(F.instance_norm(conv(h, c)))
        for block in self.blocks:
            h = block(h, c)
        for conv in self.up:  # upsample and convolve, where the paper has transposed convolutions
            h = F.relu(F.instance_norm(conv(F.interpolate(h, scale_factor=2), c)))
        return torch.tanh(self.pixels(h, c))


class Discriminator(base.Discriminator):
    """x of domain c -> a score for each of P patches of 16, 34 or 70 px, by the resolution; y is not read.

    h [N, F, S, S] is the map before the scores.
    """

    def __init__(self, latent: base.Latent, *, resolution: int = 128, channels: int = 3, width: int = 64):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        strides = min(max(resolution.bit_length() - 5, 1), 3)
        sizes = [channels, *(width * min(2**k, 8) for k in range(strides + 1))]
        self.convs = nn.ModuleList(DomainConv(i, o, 4, stride=2 if k < strides else 1, padding=1)
                                   for k, (i, o) in enumerate(zip(sizes, sizes[1:])))
        self.score = DomainConv(sizes[-1], 1, 4, padding=1)
        self.feature_dim = sizes[-1]

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        for k, conv in enumerate(self.convs):
            x = conv(x, c)
            x = F.leaky_relu(F.instance_norm(x) if k else x, 0.2)
        return x

    def head(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        return self.score(h, c).flatten(1)
