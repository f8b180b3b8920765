"""DCGAN (Radford, Metz and Chintala 2015, arXiv:1511.06434) at any power-of-two resolution.

All nets are all-convolutional: G doubles the resolution from 4 px, D and the encoder halve it down to 4 px. Conditional: the
class embedding beside the noise in G and the features in the encoder, the projection head in D (Miyato and Koyama 2018,
arXiv:1802.05637).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers import AppendClass, Norm, Upsampling, init_normal, minibatch_std, norm_layer, spectral_normalise, up_block


def plan(resolution: int, width: int) -> list[int]:
    """Channels at 4, 8, ... resolution / 2 px: ``width`` at the last, doubling towards 4 px, at most 8 width."""
    stages = resolution.bit_length() - 3
    return [width * min(2**k, 8) for k in range(stages - 1, -1, -1)]


class Generator(base.Generator):
    """w [N, 1, D] -> 4x4 -> ... -> x [N, C, H, W]; norm and ReLU after every layer but the last (Radford, sec. 3)."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #            px
        channels: int = 3,  #               1 or 3
        width: int = 64,  #                 channels at resolution / 2
        up: Upsampling = "nearest",  #      nearest = upsample and convolve; transposed = as Radford
        norm: Norm = "batch",  #            layer = each picture by itself
        embed: int = 64,  #                 numbers a class, of which the first layer has as many columns
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        self.append = AppendClass(latent.classes, embed)
        sizes = plan(resolution, width)
        self.first = nn.ConvTranspose2d(latent.dim + self.append.size, sizes[0], 4, bias=False)  # 1 px -> 4 px
        blocks: list[nn.Module] = [norm_layer(norm, sizes[0]), nn.ReLU()]
        for i, o in zip(sizes, sizes[1:]):
            blocks += [up_block(i, o, up, bias=False), norm_layer(norm, o), nn.ReLU()]
        self.blocks = nn.Sequential(*blocks)
        self.pixels = up_block(sizes[-1], channels, up, bias=True)
        init_normal(self)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return self.append(z, c)

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        x = self.first(w[:, 0, :, None, None])  # [N, sizes[0], 4, 4]
        return torch.tanh(self.pixels(self.blocks(x)))

    def compact(self) -> Generator:
        classes, values = self.latent.classes, self.state_dict()
        if not 0 < classes < self.append.size:
            return self
        noise, embedded = values["first.weight"].split([self.latent.dim, self.append.size])
        of_class = torch.einsum("ke,eohw->kohw", values["append.embed.weight"], embedded)
        one_hot = torch.eye(classes, device=of_class.device)
        values |= {"first.weight": torch.cat([noise, of_class]), "append.embed.weight": one_hot}
        short = self.rebuilt(values, embed=classes)
        return short.requires_grad_(False).train(self.training)

    def expanded(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        embed, first = values.get("append.embed.weight"), values.get("first.weight")
        missing = 0 if embed is None or first is None else self.append.size - embed.shape[1]
        if missing <= 0:
            return values
        nothing = first.new_zeros(missing, *first.shape[1:])
        return {**values, "append.embed.weight": F.pad(embed, (0, missing)), "first.weight": torch.cat([first, nothing])}


def _halvings(sizes: list[int], norm: Norm) -> nn.Sequential:
    """Strided 4x4 convolutions, each followed by its norm, but for the first (Radford, sec. 3), and by a leaky ReLU."""
    layers: list[nn.Module] = []
    for k, (i, o) in enumerate(zip(sizes, sizes[1:])):
        kind = norm if k else "none"
        layers += [nn.Conv2d(i, o, 4, 2, 1, bias=kind == "none"), norm_layer(kind, o), nn.LeakyReLU(0.2, inplace=True)]
    return nn.Sequential(*layers)


class Discriminator(base.Discriminator):
    """x [N, C, H, W] -> strided 4x4 convolutions down to 4x4 -> h [N, F] -> logits [N]."""

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #       px
        channels: int = 3,  #          1 or 3
        width: int = 64,  #            channels at resolution / 2
        spectral: bool = False,  #     spectral norm in every layer
        norm: Literal["auto", "batch", "layer", "none"] = "auto",  # auto = batch, or none under spectral norm
        group: int = 0,  #             samples that share a standard deviation at 4 px (ProGAN's), 0 = without it
        projection: bool = True,  #    with classes: the head is told the class
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        sizes = [channels, *reversed(plan(resolution, width))]
        if norm == "auto":
            norm = "none" if spectral else "batch"
        self.convs, self.group = _halvings(sizes, norm), group
        self.feature_dim = (sizes[-1] + (group > 0)) * 16
        self.head = base.Head(self.feature_dim, latent.classes if projection else 0)
        init_normal(self)
        if spectral:
            spectral_normalise(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        h = self.convs(x)
        return (minibatch_std(h, self.group) if self.group else h).flatten(1)


class Encoder(base.Encoder):
    """x [N, C, H, W] -> strided 4x4 convolutions down to 4x4, layer norm after all but the first -> linear -> mean, logvar.

    Layer norm, since a picture must be found at the same place whatever is read beside it.
    """

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 64,  #  px
        channels: int = 3,  #     1 or 3
        width: int = 64,  #       channels at resolution / 2
        likelihood: base.Likelihood = "logistic",
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width, likelihood=likelihood)
        sizes = [channels, *reversed(plan(resolution, width))]
        self.convs, self.append = _halvings(sizes, "layer"), AppendClass(latent.classes)
        self.last = nn.Linear(sizes[-1] * 16 + self.append.size, 2 * latent.noise)
        init_normal(self)

    def forward(self, x: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = self.append(self.convs(x).flatten(1), c)[:, 0]
        mean, logvar = self.last(h).chunk(2, 1)
        return mean, logvar
