"""Step: one batch as one phase sees it, evaluated on demand; and what a recipe may put between its nets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from gan.base import Batch, Discriminator, Generator
from gan.spec import Recorded

__all__ = ["Augment", "Mix", "Step", "itself"]


def itself(t: Tensor) -> Tensor:
    """The mean over all processes where there is one."""
    return t


class Mix(Recorded):
    """A transform of w before synthesis: a recipe's slot ``mix``."""

    def __call__(self, step: Step, w: Tensor) -> Tensor:
        """w [N, L, D] -> [N, L, D]. What it draws, it draws from ``step.rng``."""
        raise NotImplementedError


class Augment(Recorded):
    """A differentiable transform of what D sees, reals and fakes alike: a recipe's slot ``augment``.

    ``p`` is the probability of each change, from 0 to 1, which a dynamic may move.
    """

    p: float

    def __call__(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """x [N, C, H, W] -> the same shape. What it draws, it draws from ``rng``."""
        raise NotImplementedError


Pool = Callable[[Tensor, Tensor | None, torch.Generator], Tensor]  # fakes, c, rng -> what D is shown: see game.pictures


class Step:
    """Holds one batch (z, c, y, real) and computes the rest on first use, once, so that a loss pays only for what it reads.

    ``net`` is the net that is trained with it: where that is D, no graph is built through G. ``input_grad`` makes reals and
    fakes leaves, for penalties on D's gradient with respect to them. ``mean_of_all`` gives the mean of a tensor over all
    processes that train on parts of this batch; gradients flow through it. Shapes as in ``gan.base``.
    """

    def __init__(
        self,
        G: Generator,
        D: Discriminator,
        z: Tensor,
        batch: Batch,
        *,
        net: str,  #                    "G" or "D"
        rng: torch.Generator,  #        for terms that draw
        mix: Mix | None = None,
        augment: Augment | None = None,
        pool: Pool | None = None,
        input_grad: bool = False,
        mean_of_all: Callable[[Tensor], Tensor] = itself,
    ):
        self.G, self.D, self.z, self.c, self.y, self.net, self.rng = G, D, z, batch.c, batch.y, net, rng
        self.mix, self._augment, self.pool, self.input_grad, self.mean_of_all = mix, augment, pool, input_grad, mean_of_all
        self.real = batch.x.detach().requires_grad_(input_grad)

    def augment(self, x: Tensor) -> Tensor:
        """What D sees of x [N, C, H, W]."""
        return x if self._augment is None else self._augment(x, self.rng)

    @cached_property
    def w(self) -> Tensor:
        """[N, L, D], after mixing."""
        with torch.set_grad_enabled(self.net == "G"):
            w = self.G.mapping(self.z, self.c)
            return self.mix(self, w) if self.mix else w

    @cached_property
    def fake(self) -> Tensor:
        """[N, C, H, W]; where D learns, some may be older ones out of the pool."""
        with torch.set_grad_enabled(self.net == "G"):
            x = self.G.synthesis(self.w, self.y)
        if self.net == "G":
            return x
        x = x.detach() if self.pool is None else self.pool(x.detach(), self.c, self.rng)
        return x.requires_grad_(self.input_grad)

    @cached_property
    def fake_features(self) -> Tensor:
        """[N, F]."""
        return self.D.features(self.augment(self.fake), self.c, self.y)

    @cached_property
    def fake_logits(self) -> Tensor:
        """[N] or [N, P], float32: losses are never summed in half precision."""
        return self.D.head(self.fake_features, self.c).float()

    @cached_property
    def shown(self) -> Tensor:
        """The reals as D sees them, [N, C, H, W]."""
        return self.augment(self.real)

    @cached_property
    def real_features(self) -> Tensor:
        """[N, F]."""
        return self.D.features(self.shown, self.c, self.y)

    @cached_property
    def plain_features(self) -> Tensor:
        """Of the reals as they are, [N, F]: pictures of one motif are compared before augmentation moves each elsewhere."""
        return self.real_features if self._augment is None else self.D.features(self.real, self.c, self.y)

    @cached_property
    def real_logits(self) -> Tensor:
        """[N] or [N, P], float32."""
        return self.D.head(self.real_features, self.c).float()

    # What a recipe with an encoder reads beside: the real pictures, found in the latent space and drawn again.

    @cached_property
    def posterior(self) -> tuple[Tensor, Tensor]:
        """mean and logvar of q(z | real), [N, Z] each, float32."""
        with torch.set_grad_enabled(self.net == "G"):
            mean, logvar = self.G.encoder(self.real, self.c)
        return mean.float(), logvar.float()

    @cached_property
    def code(self) -> Tensor:
        """A draw from q(z | real), [N, Z], through which gradients pass (Kingma and Welling 2013, arXiv:1312.6114, sec.
        2.4)."""
        mean, logvar = self.posterior
        noise = torch.randn(mean.shape, generator=self.rng, device=mean.device)
        return mean + torch.exp(logvar / 2) * noise

    @cached_property
    def redrawn(self) -> Tensor:
        """The reals as G draws them from their codes, [N, C, H, W]."""
        return self.draw(self.code)

    def draw(self, z: Tensor) -> Tensor:
        """G's pictures of z, [N, C, H, W], with the classes of the batch."""
        with torch.set_grad_enabled(self.net == "G"):
            return self.G(z, self.c, self.y)
