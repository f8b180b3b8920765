"""BigGAN (Brock, Donahue and Simonyan 2018, arXiv:1809.11096): every residual block sees the class and a part of z.

Mapping cuts z into one chunk for each block and one for the first layer, and joins the shared class embedding to each
(app. B): that is w, with L = blocks + 1. In the authors' code the first layer reads its chunk of z without the class; here
it reads both, so that w has one form in all its rows, and the class may shape the 4x4 start. Weights in use have it so.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import ConditionalBatchNorm, ResDown, ResUp, UpConv, spectral_normalise


def plan(resolution: int, width: int) -> list[int]:
    """Channels at 4, 8, ... resolution px: ``width`` at the last, doubling towards 4 px, at most 4 width (at 32 px the
    paper's code keeps one width throughout)."""
    stages = resolution.bit_length() - 2
    return [width * (1 if resolution <= 32 else min(2 ** max(0, k - 1), 4)) for k in range(stages - 1, -1, -1)]


class SelfAttention(nn.Module):
    """x + gain * what every place reads from all places (Zhang et al. 2018, arXiv:1805.08318, sec. 3). [N, C, H, W]."""

    def __init__(self, channels: int):
        super().__init__()
        inner = max(channels // 8, 1)
        self.query, self.key = nn.Conv2d(channels, inner, 1, bias=False), nn.Conv2d(channels, inner, 1, bias=False)
        self.value = nn.Conv2d(channels, max(channels // 2, 1), 1, bias=False)
        self.out = nn.Conv2d(max(channels // 2, 1), channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        places = lambda t: t.flatten(2).transpose(1, 2)  # noqa: E731  [N, HW, C]
        key, value = F.max_pool2d(self.key(x), 2), F.max_pool2d(self.value(x), 2)  # pooled as in BigGAN's code
        attention = torch.softmax(places(self.query(x)) @ key.flatten(2), 2)  # [N, HW, HW / 4]
        read = (attention @ places(value)).transpose(1, 2).reshape(len(x), -1, *x.shape[2:])
        return x + self.gain * self.out(read)


class Generator(base.Generator):
    """z, c -> w [N, L, D] -> linear to 4x4 -> up-blocks with attention at 16 px -> norm, ReLU, 3x3, tanh -> x."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #   px
        channels: int = 3,  #      1 or 3
        width: int = 64,  #        channels at the last block
        embed: int = 64,  #        size of the class embedding that all blocks share (paper: 128)
        spectral: bool = True,  #  spectral norm in every layer; an exported model has it baked in
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = plan(resolution, width)
        self.num_ws = len(sizes)
        if latent.dim < self.num_ws:
            raise ValueError(f"z must have at least one dimension for each of the {self.num_ws} chunks, got {latent.dim}")
        self.chunk = -(-latent.dim // self.num_ws)  # the last chunk may be padded with zeros
        self.embed = nn.Embedding(latent.classes, embed) if latent.classes else None
        condition = self.chunk + (embed if latent.classes else 0)
        self.first = nn.Linear(condition, sizes[0] * 16)
        self.size = sizes[0]
        self.blocks = nn.ModuleList(ResUp(i, o, condition) for i, o in zip(sizes, sizes[1:]))
        self.attention = SelfAttention(sizes[2])  # at 16 px
        self.norm = ConditionalBatchNorm(sizes[-1], 0)
        self.pixels = nn.Conv2d(sizes[-1], channels, 3, 1, 1)
        _orthogonal(self)
        if spectral:
            spectral_normalise(self, skip=(nn.Embedding,))

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        chunks = F.pad(z, (0, self.num_ws * self.chunk - z.shape[1])).reshape(len(z), self.num_ws, self.chunk)
        if self.embed is None:
            return chunks
        return torch.cat([chunks, self.embed(c)[:, None].expand(-1, self.num_ws, -1)], 2)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.first(w[:, 0]).reshape(-1, self.size, 4, 4)
        for k, block in enumerate(self.blocks):
            x = block(x, w[:, k + 1])
            if k == 1:
                x = self.attention(x)
        return torch.tanh(self.pixels(F.relu(self.norm(x, w[:, 0]))))


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> down to 4x4, attention at 16 px -> ReLU, sum over places -> h [N, F] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 32,  #   px
        channels: int = 3,  #      1 or 3
        width: int = 64,  #        channels at the first block
        spectral: bool = True,  #  spectral norm in every layer
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = plan(resolution, width)[::-1]
        self.pixels = nn.Conv2d(channels, sizes[0], 3, 1, 1)
        self.blocks = nn.ModuleList(ResDown(i, o, down=True) for i, o in zip(sizes, sizes[1:]))
        self.last = ResDown(sizes[-1], sizes[-1], down=False)
        self.attention = SelfAttention(sizes[-3])
        self.feature_dim = sizes[-1]
        self.head = base.Head(self.feature_dim, latent.classes)
        _orthogonal(self)
        if spectral:
            spectral_normalise(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        h = self.pixels(x)
        for block in self.blocks:
            if h.shape[-1] == 16:
                h = self.attention(h)
            h = block(h)
        return F.relu(self.last(h)).sum((2, 3))


def _orthogonal(net: nn.Module) -> None:
    """Orthogonal initialisation (Saxe et al. 2013, arXiv:1312.6120), which the paper's sec. 3 uses throughout."""
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, UpConv, nn.Linear, nn.Embedding)):
            nn.init.orthogonal_(module.weight)
