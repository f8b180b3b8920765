"""The two seams that every GAN here is cut at, and the legend of names and shapes for the whole project.

    G = synthesis o mapping      z, c --mapping--> w;  w, y --synthesis--> x
    D = head o features          x, c, y --features--> h;  h, c --head--> logits

===========  ================  =======================================================================
name         shape             meaning
===========  ================  =======================================================================
``z``        [N, Z]            latent: [noise | one-hot categorical codes | continuous codes]
``c``        [N] int64         class index, or None where the model has no classes
``w``        [N, L, D]         what synthesis reads: L latents of size D (L = 1 where mapping is the identity)
``y``        [N, Cy, H/s, W/s] the picture that G reads, float32 in [-1, 1], or None where it reads none (see ``Source``)
``x``        [N, C, H, W]      images, float32 in [-1, 1]; H = W = resolution
``h``        [N, F]            the features that D's head reads
mean, logvar [N, Z] each       where z lies, seen from x: the encoder of a model that has one
``*_logits`` [N] or [N, P]     positive = real; P where D judges patches
===========  ================  =======================================================================

The nets are called ``G``, ``D`` and ``G_ema`` (the moving average of G, which is what users get). Argument order is
``(real, fake)``, ``(z, c)``, ``(x, c)``; options are keyword-only. Units stand in names: ``_nimg`` images, ``_kimg``
thousands of real images shown to D, ``_s`` seconds, ``_px`` pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.spec import Recorded, fits

__all__ = ["Batch", "Discriminator", "Encoder", "Generator", "Head", "Inputs", "Latent", "Source", "check_shape"]

Prior = Literal["normal", "uniform", "sphere"]
Likelihood = Literal["logistic", "gaussian"]
RESOLUTIONS = tuple(2**k for k in range(4, 11))  # 16 ... 1024 px


def check_shape(resolution: int, channels: int, width: int) -> None:
    """Raises ``ValueError`` unless the three arguments that every net takes are usable."""
    if resolution not in RESOLUTIONS:
        nearest = min(RESOLUTIONS, key=lambda r: abs(r - resolution))
        raise ValueError(f"resolution must be a power of two from 16 to 1024, got {resolution}; the nearest is {nearest}")
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels}")
    if not 1 <= width <= 1024:
        raise ValueError(f"width must be from 1 to 1024, got {width}")


@dataclass(frozen=True)
class Latent:
    """What z means. ``z = [noise | one-hot categorical codes | continuous codes]``, shape [N, dim]."""

    noise: int  #                              unstructured dimensions; 0 where G reads a picture and nothing else
    classes: int = 0  #                        0 = unconditional; else c is an int64 in [0, classes)
    categorical: tuple[int, ...] = ()  #       sizes of the categorical codes (InfoGAN, arXiv:1606.03657)
    continuous: int = 0  #                     number of continuous codes, each in [-1, 1]
    prior: Prior = "normal"  #                 noise ~ N(0, 1), U(-1, 1), or on the sphere of radius sqrt(noise)

    def __post_init__(self):
        object.__setattr__(self, "categorical", tuple(self.categorical))
        counts = (self.noise, self.classes, self.continuous, *self.categorical)
        if not all(fits(n, int) and 0 <= n <= 16384 for n in counts):
            raise ValueError(f"every size of a Latent must be an integer from 0 to 16384, got {self}")
        if self.categorical and min(self.categorical) < 2:
            raise ValueError(f"a categorical code has 2 values or more, got {self.categorical}")
        if self.prior not in get_args(Prior):
            raise ValueError(f"prior must be {', '.join(get_args(Prior))}, got {self.prior!r}")
        if self.dim > 16384:
            raise ValueError(f"z must have at most 16384 dimensions, got {self.dim}")

    @property
    def dim(self) -> int:
        """Z, the length of one z."""
        return self.noise + sum(self.categorical) + self.continuous

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """n draws for training, z [n, Z] on the generator's device. Seeds of users go through ``gan.latent`` instead."""
        device = generator.device
        uniform = lambda k: torch.rand(n, k, generator=generator, device=device) * 2 - 1  # noqa: E731
        noise = uniform(self.noise) if self.prior == "uniform" else torch.randn(
            n, self.noise, generator=generator, device=device)
        if self.prior == "sphere":
            noise = F.normalize(noise) * math.sqrt(self.noise)
        codes = [F.one_hot(torch.randint(k, (n,), generator=generator, device=device), k).float()
                 for k in self.categorical]
        return torch.cat([noise, *codes, uniform(self.continuous)], 1)

    def codes(self, z: Tensor) -> tuple[list[Tensor], Tensor]:
        """The codes inside z: a list of categorical indices [N], one a code, and the continuous ones [N, continuous]."""
        *categorical, continuous = z[:, self.noise :].split([*self.categorical, self.continuous], 1)
        return [one_hot.argmax(1) for one_hot in categorical], continuous


@dataclass(frozen=True)
class Source:
    """The picture that a generator reads: y [N, channels, resolution / scale, resolution / scale] in [-1, 1]."""

    channels: int
    scale: int = 1  #  a power of two: 4 where G makes a picture four times as large
    made: str = ""  #  the task, as ``gan.degrade`` writes it: what y is made of, and so what a visitor gives

    def __post_init__(self):
        if not fits(self.channels, int) or not 1 <= self.channels <= 16:
            raise ValueError(f"channels of a Source must be from 1 to 16, got {self.channels}")
        if self.scale not in (1, 2, 4, 8, 16):
            raise ValueError(f"scale of a Source must be 1, 2, 4, 8 or 16, got {self.scale}")
        if len(self.made) > 200:
            raise ValueError(f"what a Source is made of has at most 200 characters, got {len(self.made):,}")


class Batch(NamedTuple):
    """What the stream of training pictures gives."""

    x: Tensor  #         [N, C, H, W]
    c: Tensor | None  #  [N], None where the data has no classes
    y: Tensor | None = None  # the picture that G shall turn into x, None where it reads none


class Inputs(NamedTuple):
    """Everything that G reads."""

    z: Tensor  #               [N, Z]
    c: Tensor | None = None  # [N]
    y: Tensor | None = None  # [N, Cy, H/s, W/s]

    def to(self, device: torch.device | str) -> Inputs:
        return Inputs(*(None if part is None else part.to(device) for part in self))

    def rows(self, rows: slice) -> Inputs:
        """Some of the samples."""
        return Inputs(*(None if part is None else part[rows] for part in self))


class Generator(Recorded, nn.Module):
    """G = synthesis o mapping. A family overrides ``synthesis`` and, where it has one, ``mapping``.

    ``w_mean`` is the buffer [max(classes, 1), D] that truncation draws towards, where mapping is learned; None says
    that mapping is the identity on the noise, so that truncation scales the noise itself.

    A family that reads pictures takes a ``source`` in its constructor too, and passes it on.
    """

    num_ws = 1  #  L
    levels = 1  #  resolutions that the net grows through, 1 = it does not grow
    chunk_size = 8  #  rows that it draws at a time: pixels depend on it (see ``gan.cost``)
    w_mean: Tensor | None

    def __init__(self, latent: Latent, *, resolution: int, channels: int, width: int, source: Source | None = None):
        super().__init__()
        check_shape(resolution, channels, width)
        if not latent.dim and source is None:
            raise ValueError("a generator reads a latent, a picture or both: latent.noise is 0 and there is no source")
        self.latent, self.resolution, self.channels, self.source = latent, resolution, channels, source
        self.register_module("encoder", None)  # in training, where the recipe has one; a model keeps it beside G
        self.register_buffer("w_mean", None)

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """z [N, Z], c [N] -> w [N, L, D]."""
        return z[:, None]

    def synthesis(self, w: Tensor, y: Tensor | None = None) -> Tensor:
        """w [N, L, D], y -> x [N, C, H, W]; what a net without tanh puts beyond [-1, 1] is cut when it becomes a picture."""
        raise TypeError(f"{type(self).__module__} has no synthesis")

    def forward(self, z: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        return self.synthesis(self.mapping(z, c), y)

    def rebuilt(self, values: Mapping[str, Tensor], **options: Any) -> Generator:
        """A net like this one but for these options, of these tensors. Nothing is initialised, so that nothing is drawn from
        torch's own generator."""
        with torch.device("meta"):
            net = type(self)(**{**self.config, **options})
        net.load_state_dict(values, assign=True)
        return net

    def compact(self) -> Generator:
        """The same function in fewer numbers, for a file; itself, where nothing is saved."""
        return self

    def expanded(self, values: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors of a net like this one that ``compact`` may have shortened, in the shapes that they have here."""
        return values

    def grow(self, level: int, alpha: float) -> None:
        """Draws at ``level`` (0 = the coarsest), the newest level faded in by ``alpha``. Only where ``levels`` > 1."""
        raise TypeError(f"{type(self).__module__} does not grow")


class Discriminator(Recorded, nn.Module):
    """D = head o features. ``feature_dim`` is F, the length of h. Also called critic where its output is no logit.

    ``channels`` may be any number here: a pack of pictures is one of more channels (Lin et al. 2017, arXiv:1712.04086).
    """

    feature_dim: int
    head: nn.Module
    shared_features = True  # h means the same for every sample
    ties_samples = False  #   the score of a sample depends on the others, by more than the statistics of a batch

    def __init__(self, latent: Latent, *, resolution: int, channels: int, width: int):
        super().__init__()
        check_shape(resolution, 1, width)

    def features(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """x [N, C, H, W], c [N], y -> h [N, F]."""
        raise TypeError(f"{type(self).__module__} has no features")

    def forward(self, x: Tensor, c: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        return self.head(self.features(x, c, y), c)

    def grow(self, level: int, alpha: float) -> None:
        """Judges pictures of ``level`` (0 = the coarsest), the newest level faded in by ``alpha``."""
        raise TypeError(f"{type(self).__module__} does not grow")


class Encoder(Recorded, nn.Module):
    """What a variational autoencoder has beside G (Kingma and Welling 2013, arXiv:1312.6114): q(z | x), a Gaussian for each
    picture, and the spread of p(x | z), a distribution of each number of a picture around the one that G draws.

    ``likelihood`` names the kind of p(x | z); its scale, exp(``log_scale``) in units of x, is learned, one a channel.
    """

    def __init__(self, latent: Latent, *, resolution: int, channels: int, width: int, likelihood: Likelihood):
        super().__init__()
        check_shape(resolution, channels, width)
        if latent.dim != latent.noise or latent.prior != "normal" or not latent.noise:
            raise ValueError(f"an encoder finds Gaussian noise and nothing else: latent must have noise, no codes and the "
                             f"prior normal, got {latent}")
        self.latent, self.resolution, self.channels, self.likelihood = latent, resolution, channels, likelihood
        self.log_scale = nn.Parameter(torch.full((channels, 1, 1), -2.0))  # 0.14: an eighth of the way from grey to white

    def forward(self, x: Tensor, c: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x [N, C, H, W], c [N] -> mean [N, Z] and logvar [N, Z] of q(z | x)."""
        raise TypeError(f"{type(self).__module__} has no encoder")


class Head(nn.Module):
    """h [N, F] -> logits [N]: a linear score plus, with classes, the projection of h on the class embedding.

    Source: Miyato and Koyama 2018, arXiv:1802.05637, eq. 3.
    """

    def __init__(self, dim: int, classes: int = 0):
        super().__init__()
        self.score = nn.Linear(dim, 1)
        self.embed = nn.Embedding(classes, dim) if classes else None
        if self.embed is not None:  # PyTorch's N(0, 1) would open the game with logits of order sqrt(dim)
            nn.init.normal_(self.embed.weight, 0.0, 0.02)

    def forward(self, h: Tensor, c: Tensor | None = None) -> Tensor:
        logits = self.score(h)[:, 0]
        return logits if self.embed is None else logits + (self.embed(c) * h).sum(1)
