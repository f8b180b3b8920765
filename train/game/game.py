"""Game: two nets, the terms that learn with them, the phases in which they learn, and how far they have come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gan.base import Batch, Discriminator, Generator
from train.game.objectives import Objective
from train.game.optim import Adam, RMSprop, packed, unpack
from train.game.penalties import Term
from train.game.step import Augment, Mix, Step, itself
from train.schedule import at

__all__ = ["Game", "Phase", "frozen", "phases_of"]


@dataclass
class Phase:
    """One kind of update: these losses, of this net, every so many rounds, so often in a row."""

    net: str  #                       "G" or "D"
    losses: list[Callable[[Step], Tensor]]  # an objective's side, and Terms
    optimiser: torch.optim.Optimizer
    values: Callable[[int, int], dict[str, Any]]  # nimg, planned_nimg -> learning rate and the like
    every: int = 1
    repeats: int = 1
    only: tuple[str, ...] | None = None  # names of the terms that count at present, None = all losses do

    @property
    def name(self) -> str:
        return self.net if self.every == 1 else f"{self.net}/{self.every}"

    @property
    def params(self) -> list[nn.Parameter]:
        """What it trains."""
        return [p for group in self.optimiser.param_groups for p in group["params"]]

    @property
    def counting(self) -> list[Callable[[Step], Tensor]]:
        """The losses that count at present."""
        return [loss for loss in self.losses if self.only is None or type(loss).__name__ in self.only]

    @property
    def input_grad(self) -> bool:
        return any(isinstance(loss, Term) and loss.input_grad for loss in self.losses)

    def evaluate(self, step: Step, nimg: int, planned_nimg: int) -> tuple[Tensor, list[Tensor]]:
        """What is minimised, and the mean of each loss. Losses are [N], or [N, P] where D judges patches: since all samples
        have as many patches, the mean over all numbers is the mean over samples of the mean over their patches."""
        means = [loss(step).mean() for loss in self.counting]
        weights = [at(loss.weight, nimg, planned_nimg) if isinstance(loss, Term) else 1.0 for loss in self.counting]
        return self.every * sum(weight * mean for weight, mean in zip(weights, means)), means

    def learn(self, nimg: int, planned_nimg: int, *, slower: float = 1.0) -> None:
        """One step of the optimiser from the gradients that lie there, its learning rate multiplied by ``slower``.

        A lazy term may reach a part of the net only. What the main phase trains beside it gets gradients of zero, so that
        Adam's moments fade in every update alike, as in the authors' code of StyleGAN2.
        """
        for group in self.optimiser.param_groups:
            group.update(self.values(nimg, planned_nimg))
            group["lr"] *= slower
            for p in group["params"] if self.every > 1 else ():
                if p.grad is None and p in self.optimiser.state:
                    p.grad = torch.zeros_like(p)
        self.optimiser.step()


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """The net takes part without being trained; what was trainable is trainable again afterwards."""
    params = [p for p in net.parameters() if p.requires_grad]
    for p in params:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in params:
            p.requires_grad_(True)


def phases_of(loss: Objective | None, penalties: Iterable[Term], G: Generator, D: Discriminator, *, g_opt: Adam | RMSprop,
              d_opt: Adam | RMSprop, d_steps: int) -> list[Phase]:
    """Losses grouped by (net, every), one optimiser a net; the objective leads the group of every round. A net without
    losses gets neither a phase nor an optimiser. Errors: ``ValueError`` where no net has any."""
    phases = []
    sides = (("D", D, loss and loss.d, d_opt, d_steps), ("G", G, loss and loss.g, g_opt, 1))
    for net, module, objective, opt, repeats in sides:
        mine = [t for t in penalties if net in t.nets]
        params = [*module.parameters(), *(p for t in mine if t.nets[0] == net for p in t.parameters())]
        due: dict[int, list[Callable[[Step], Tensor]]] = {1: [objective]} if objective else {}
        for term in sorted(mine, key=lambda t: t.every):
            due.setdefault(term.every, []).append(term)
        if not due:
            continue
        updates = sum(1 / every for every in due) if 1 in due else 1.0
        optimiser, values = opt.build(params, updates), partial(opt.values, updates=updates)
        phases += [Phase(net, losses, optimiser, values, every, repeats) for every, losses in due.items()]
    if not phases:
        raise ValueError("this recipe has neither a loss nor penalties: nothing would be trained")
    return phases


@dataclass
class Game:
    """Everything that learns, and how far it has come. A round is one update of every phase that is due.

    What decides the future of the nets is in ``state``, beside what is drawn and shown: that is the run's.
    """

    G: Generator
    D: Discriminator
    G_ema: Generator
    terms: nn.ModuleList
    phases: list[Phase]
    family: str  #        of both nets, for messages
    loss: Objective | None
    mix: Mix | None
    augment: Augment | None
    pool: nn.Module | None  # a Pool of train.game.pictures
    nimg_per_round: int
    planned_nimg: int  #  the whole run, for schedules; a budget that is raised later prolongs their end
    nimg: int = 0  #      real images shown to D in its main phase
    rounds: int = 0
    resting: frozenset[str] = frozenset()  # nets that are not trained at present, which a dynamic may say
    mean_of_all: Callable[[Tensor], Tensor] = itself  # over the processes that play this game together

    @property
    def adversary(self) -> Discriminator | None:
        """D, None where nothing trains it."""
        return self.D if any(phase.net == "D" for phase in self.phases) else None

    def step(self, phase: Phase, z: Tensor, batch: Batch, rng: torch.Generator) -> Step:
        """What the phase's losses read of a batch."""
        return Step(self.G, self.D, z, batch, net=phase.net, rng=rng, mix=self.mix, augment=self.augment, pool=self.pool,
                    input_grad=phase.input_grad, mean_of_all=self.mean_of_all)

    @torch.no_grad()
    def average(self, half_life_nimg: float) -> None:
        """G_ema <- G as far as one round moves it; buffers are copied."""
        beta = 0.5 ** (self.nimg_per_round / max(half_life_nimg, 1e-8))
        torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), 1 - beta)
        for average, buffer in zip(self.G_ema.buffers(), self.G.buffers()):
            average.copy_(buffer)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors by name, and what JSON can hold."""
        tensors: dict[str, Tensor] = {}
        for prefix, module in self._modules().items():
            tensors.update({f"{prefix}.{k}": v for k, v in module.state_dict().items()})
        for net, optimiser in self._optimisers().items():
            tensors.update({f"opt.{net}.{k}": v for k, v in packed(optimiser).items()})
        rested = [net for net, optimiser in self._optimisers().items() if not optimiser.state]
        return tensors, dict(nimg=self.nimg, planned_nimg=self.planned_nimg, steps=self.rounds, rested=rested)

    def restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """The inverse of ``state``; what else the two hold is left alone."""
        for prefix, module in self._modules().items():
            module.load_state_dict(_under(tensors, f"{prefix}."))
        for net, optimiser in self._optimisers().items():
            found = _under(tensors, f"opt.{net}.")
            if meta["steps"] and not found and net not in meta.get("rested", ()):
                raise KeyError(f"opt.{net}")
            unpack(optimiser, found)
        self.nimg, self.planned_nimg, self.rounds = meta["nimg"], meta["planned_nimg"], meta["steps"]

    def _modules(self) -> dict[str, nn.Module]:
        nets = {"G": self.G, "D": self.D, "G_ema": self.G_ema, "terms": self.terms}
        return nets if self.pool is None else {**nets, "pool": self.pool}

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {phase.net: phase.optimiser for phase in self.phases}


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
