"""The discriminator of patches, and a latent beside a map: layers of the families that read pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan import base
from gan.layers.blocks import Norm, init_normal, norm_layer

__all__ = ["PatchDiscriminator", "beside"]

CLASS_PLANES = 8  # maps by which D is told the class


def beside(h: Tensor, w: Tensor) -> Tensor:
    """h [N, F, H, W] with w [N, 1, D] at every place: [N, F + D, H, W]."""
    return torch.cat([h, w[:, 0, :, None, None].to(h).expand(-1, -1, *h.shape[2:])], 1) if w.shape[2] else h


class PatchDiscriminator(base.Discriminator):
    """x beside y -> strided 4x4 convolutions, then two without a stride -> a score for each of P overlapping patches (Isola
    et al. 2016, arXiv:1611.07004, sec. 3.2.2 and app. 6.1.2).

    A patch has 16, 34 or 70 px, by one, two or three strides. h is the map before the scores, [N, F, S, S]. Without a
    ``source`` it judges x alone.
    """

    def __init__(
        self,
        latent: base.Latent,
        *,
        resolution: int = 256,  #              px
        channels: int = 3,
        width: int = 64,  #                    channels after the first convolution
        source: base.Source | None = None,  #  the picture that x was made from, which D is shown too
        patch_px: int = 0,  #                  16, 34, 70, or 0 = about half of the picture, at most 70
        norm: Norm = "instance",  #            of all maps but the first
    ):
        super().__init__(latent, resolution=resolution, channels=channels, width=width)
        strides = {16: 1, 34: 2, 70: 3, 0: min(max(resolution.bit_length() - 5, 1), 3)}.get(patch_px)
        if strides is None or resolution >> strides < 4:
            raise ValueError(f"patch_px must be 16, 34, 70 or 0 and leave 4 px at {resolution} px, got {patch_px}")
        self.scale = source.scale if source else 1
        self.embed = nn.Embedding(latent.classes, CLASS_PLANES) if latent.classes else None
        sizes = [channels + (source.channels if source else 0) + (CLASS_PLANES if latent.classes else 0),
                 *(width * min(2**k, 8) for k in range(strides + 1))]
        layers: list[nn.Module] = []
        for k, (i, o) in enumerate(zip(sizes, sizes[1:])):
            layers += [nn.Conv2d(i, o, 4, 2 if k < strides else 1, 1), norm_layer(norm if k else "none", o),
                       nn.LeakyReLU(0.2)]
        self.convs, self.feature_dim = nn.Sequential(*layers), sizes[-1]
        self.score = nn.Conv2d(sizes[-1], 1, 4, 1, 1)
        init_normal(self)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """-> h [N, F, S, S]."""
        seen = [x]
        if y is not None:
            seen.append(y if self.scale == 1 else F.interpolate(y, scale_factor=self.scale))
        if self.embed is not None:
            seen.append(self.embed(c)[:, :, None, None].expand(-1, -1, *x.shape[2:]))
        return self.convs(torch.cat(seen, 1))

    def head(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        """h -> logits [N, P]."""
        return self.score(h).flatten(1)
