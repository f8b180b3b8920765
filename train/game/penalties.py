"""Penalties: terms that are added to the losses of G or D.

Each takes a ``Step`` and returns one loss per sample, [N]. A term never samples reals, zeroes, backpropagates or steps.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from gan.base import Discriminator, Generator
from gan.models import family_of
from gan.spec import Recorded
from train.game.step import Step
from train.schedule import Number, check_range

__all__ = ["AuxiliaryClassifier", "Drift", "GradientPenalty", "ModeSeeking", "MutualInformation", "Orthogonal",
           "PathLength", "R1", "R2", "Redrawing", "Term"]
RECIPE_NAMES = ("R1", "R2", "GradientPenalty", "Drift", "MutualInformation", "Orthogonal", "PathLength", "ModeSeeking",
                "AuxiliaryClassifier", "Redrawing")


class Term(Recorded, nn.Module):
    """A penalty: ``weight * mean(term(step))`` is added to the losses of ``nets``, every ``every`` steps, times ``every``.

    It is a Module, so that its own parameters are optimised with the net's and its buffers are saved, by construction.
    """

    nets: tuple[str, ...] = ("D",)  # whose losses it joins; its own parameters are optimised with the first
    input_grad = False  #     reads gradients with respect to the images: reals and fakes become leaves
    per_sample = False  #     reads D one sample at a time, which BatchNorm in D would tie together
    reads_back = False  #     reads from a fake what it was made of, so that D is to see that one

    def __init__(self, weight: Number = 1.0, *, every: int = 1):
        super().__init__()
        if every < 1:
            raise ValueError(f"every must be at least 1, got {every}")
        check_range(f"the weight of {type(self).__name__}", weight)
        self.weight, self.every = weight, every

    def build(self, G: Generator, D: Discriminator) -> None:
        """Creates modules and buffers whose sizes depend on the nets."""

    def forward(self, s: Step) -> Tensor:
        raise TypeError(f"{type(self).__name__} has no forward")


def require_shared_features(term: Term, D: nn.Module) -> None:
    """Errors: ``ValueError`` where D's features do not mean the same for every picture."""
    if not D.shared_features:
        raise ValueError(f"{type(term).__name__} reads D's features of a picture, and with d.copies or d.pack there is no "
                         f"one set of them: leave these out")


def _at_least_float32(x: Tensor) -> Tensor:
    """Squares of gradients are never summed in half precision."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def squared_gradient_norm(out: Tensor, x: Tensor) -> Tensor:
    """|d out_n / d x_n|^2 per sample, [N]; keeps the graph so that it can be minimised. x [N, ...]; out [N], or [N, P] where
    D judges patches: the score of a sample is then the mean over its patches."""
    scores = out if out.ndim == 1 else out.flatten(1).mean(1)
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return _at_least_float32(gradient).flatten(1).square().sum(1)


class R1(Term):
    """|grad D(real)|^2 / 2 (Mescheder et al. 2018, arXiv:1801.04406, eq. 9); weight is their gamma."""

    input_grad = per_sample = True

    def forward(self, s: Step) -> Tensor:
        return squared_gradient_norm(s.real_logits, s.real) / 2


class R2(Term):
    """|grad D(fake)|^2 / 2, the same on fakes (Mescheder et al. 2018, arXiv:1801.04406, eq. 10)."""

    input_grad = per_sample = True

    def forward(self, s: Step) -> Tensor:
        return squared_gradient_norm(s.fake_logits, s.fake) / 2


class GradientPenalty(Term):
    """(|grad D(x)| - 1)^2 at random points between reals and fakes (Gulrajani et al. 2017, arXiv:1704.00028, eq. 3)."""

    per_sample = True

    def __init__(self, weight: Number = 10.0, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        t = torch.rand(len(s.real), 1, 1, 1, generator=s.rng, device=s.real.device)
        x = torch.lerp(s.real.detach(), s.fake.detach().to(s.real.dtype), t).requires_grad_()
        norm = squared_gradient_norm(s.D(s.augment(x), s.c, s.y).float(), x).add(1e-12).sqrt()
        return (norm - 1).square()


class Drift(Term):
    """D(real)^2, lightly, so that a critic's scores do not wander off (Karras et al. 2018, arXiv:1710.10196, app. A.1)."""

    def __init__(self, weight: Number = 1e-3, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        return s.real_logits.square()


class MutualInformation(Term):
    """InfoGAN's lower bound on I(codes; G(z)), negated (Chen et al. 2016, arXiv:1606.03657, eq. 5).

    Q reads the codes back from D's features through one hidden layer (app. C.1). Categorical codes: cross-entropy.
    Continuous ones: a Gaussian of variance 1, hence half the squared error. Q shares D's layers and learns with them.

    ``continuous`` is the weight of the continuous codes. The paper asks for a smaller one than for categorical codes
    (sec. 6) and names none; the authors' code has 1. It is 0.1 here: so the shipped model was trained and measured.
    """

    nets = ("D", "G")
    reads_back = True

    def __init__(self, weight: Number = 1.0, *, continuous: float = 0.1, hidden: int = 128, every: int = 1):
        super().__init__(weight, every=every)
        check_range("continuous", continuous)
        check_range("hidden", hidden, 1)
        self.continuous, self.hidden = continuous, hidden

    def build(self, G: Generator, D: Discriminator) -> None:
        self.latent = G.latent
        codes = sum(self.latent.categorical) + self.latent.continuous
        if not codes:
            raise ValueError("MutualInformation needs codes to read back: set latent.categorical or latent.continuous")
        require_shared_features(self, D)
        self.Q = nn.Sequential(nn.Linear(D.feature_dim, self.hidden), nn.LeakyReLU(0.1), nn.Linear(self.hidden, codes))

    def forward(self, s: Step) -> Tensor:
        categorical, continuous = self.latent.codes(s.z)
        *logits, mean = self.Q(s.fake_features).float().split([*self.latent.categorical, self.latent.continuous], 1)
        categories = sum(F.cross_entropy(q, k, reduction="none") for q, k in zip(logits, categorical))
        return categories + self.continuous * (mean - continuous).square().sum(1) / 2


class PathLength(Term):
    """(|J^T y| - a)^2, J = dG/dw, y ~ N(0, 1), a the running mean (Karras et al. 2020, arXiv:1912.04958, eq. 4): steps of
    one length in w move the picture by one length. Evaluated on a ``shrink``-th of the batch (app. B).
    """

    nets = ("G",)

    def __init__(self, weight: Number = 2.0, *, every: int = 4, decay: float = 0.01, shrink: int = 2):
        super().__init__(weight, every=every)
        if not 0 < decay <= 1 or shrink < 1:
            raise ValueError(f"decay must be above 0 and at most 1, and shrink at least 1, got {decay} and {shrink}")
        self.decay, self.shrink = decay, shrink
        self.register_buffer("mean", torch.zeros(()))

    def build(self, G: Generator, D: Discriminator) -> None:
        if G.w_mean is None:
            raise ValueError(f"PathLength needs a learned mapping from z to w, and {family_of(G)} has none")

    def forward(self, s: Step) -> Tensor:
        n = max(len(s.z) // self.shrink, 1)
        w = s.G.mapping(s.z[:n], None if s.c is None else s.c[:n])
        x = s.G.synthesis(w, None if s.y is None else s.y[:n])
        y = torch.randn(x.shape, generator=s.rng, device=x.device) / math.sqrt(x.shape[2] * x.shape[3])
        (gradient,) = torch.autograd.grad((x * y).sum(), w, create_graph=True)  # [n, L, D]
        length = _at_least_float32(gradient).square().sum(2).mean(1).sqrt()
        mean = self.mean.lerp(s.mean_of_all(length.mean()), self.decay)  # part of the graph, as in the authors' code
        self.mean.copy_(mean.detach())
        return (length - mean).square()


class Orthogonal(Term):
    """|W W^T * (1 - I)|^2 over G's weights (Brock et al. 2018, arXiv:1809.11096, eq. 3): filters apart from each other, of
    any length. Class embeddings are left out. Under spectral norm W is the weight before it, as in the authors' code.
    """

    nets = ("G",)

    def __init__(self, weight: Number = 1e-4, *, every: int = 1):
        super().__init__(weight, every=every)

    def forward(self, s: Step) -> Tensor:
        total = s.z.new_zeros(())
        for module in s.G.modules():
            raw = is_parametrized(module, "weight")
            weight = module.parametrizations.weight.original if raw else getattr(module, "weight", None)
            if isinstance(weight, Tensor) and weight.ndim > 1 and not isinstance(module, nn.Embedding):
                gram = weight.flatten(1) @ weight.flatten(1).t()
                total = total + (gram - torch.diag(gram.diag())).square().sum()
        return total.expand(len(s.z))


class ModeSeeking(Term):
    """|z1 - z2| / |G(z1) - G(z2)|, the inverse of MSGAN's ratio (Mao et al. 2019, arXiv:1903.05628, eq. 4), mean absolute
    differences: two latents of one class must not give one picture. ``eps`` bounds the loss, at 1 / eps, while they do.
    """

    nets = ("G",)

    def __init__(self, weight: Number = 1.0, *, eps: float = 0.01, every: int = 1):
        super().__init__(weight, every=every)
        if eps <= 0:
            raise ValueError(f"eps must be above 0, got {eps}")
        self.eps = eps

    def build(self, G: Generator, D: Discriminator) -> None:
        if not G.latent.dim:
            raise ValueError("ModeSeeking compares two latents of one sample, and latent.noise is 0")

    def forward(self, s: Step) -> Tensor:
        z = s.G.latent.sample(len(s.z), generator=s.rng)
        other = s.G(z, s.c, s.y)
        pictures = _at_least_float32(s.fake - other).abs().flatten(1).mean(1)
        latents = (s.z - z).abs().mean(1)
        return 1 / (pictures / latents + self.eps)


class AuxiliaryClassifier(Term):
    """AC-GAN's second output (Odena, Olah and Shlens 2016, arXiv:1610.09585, eq. 3): D names the class of reals and
    fakes, and G learns to have its class named. The classifier reads D's features and learns with D.
    """

    nets = ("D", "G")

    def build(self, G: Generator, D: Discriminator) -> None:
        if not G.latent.classes:
            raise ValueError("AuxiliaryClassifier needs classes: use a conditional recipe on labelled data")
        require_shared_features(self, D)
        self.classifier = nn.Linear(D.feature_dim, G.latent.classes)

    def forward(self, s: Step) -> Tensor:
        fake = F.cross_entropy(self.classifier(s.fake_features).float(), s.c, reduction="none")
        if s.net == "G":
            return fake
        return fake + F.cross_entropy(self.classifier(s.real_features).float(), s.c, reduction="none")


class Redrawing(Term):
    """D must keep enough of a real for it to be drawn again (Liu et al. 2021, arXiv:2101.04775, sec. 3.2): a small decoder
    reads D's 4x4 map, and is trained with D. There a perceptual distance, here |difference| at half the side.
    """

    def build(self, G: Generator, D: Discriminator) -> None:
        require_shared_features(self, D)
        if D.feature_dim % 16:
            raise ValueError("Redrawing reads D's features as a 4x4 map, and those of this D are none")
        sizes, layers = [D.feature_dim // 16, 64, 32, 16], []
        self.side = min(G.resolution // 2, 32)
        for i, o in zip(sizes, sizes[1 : self.side.bit_length() - 2]):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(i, o, 3, 1, 1), nn.LeakyReLU(0.2)]
        self.decoder = nn.Sequential(*layers, nn.Conv2d(o, G.channels, 3, 1, 1))

    def forward(self, s: Step) -> Tensor:
        picture = self.decoder(s.real_features.unflatten(1, (-1, 4, 4))).float()
        return (picture - F.adaptive_avg_pool2d(s.shown, self.side)).abs().mean((1, 2, 3))
