"""The one training loop. What is special in a GAN lives in its recipe: nothing here knows any by name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gan.base import Batch, Inputs
from gan.latent import Draw, latents
from train.data.stream import Stream
from train.game.game import Phase, frozen
from train.game.step import Step
from train.recipe import Recipe
from train.run.build import build_game, in_bfloat16
from train.run.draws import generator, restore_states, seed_round, states
from train.run.health import Unhealthy, Update, check_finite
from train.run.world import World
from train.schedule import at
from train.seeds import derived

__all__ = ["Observer", "Run"]


class Observer:
    """Reads a run at the moments that a subclass overrides, and changes nothing in it: a run without observers is the same
    run bit for bit."""

    def on_start(self, run: Run) -> None:
        """Before the first round of a session, after a resume."""

    def after_phase(self, run: Run, phase: Phase, step: Step) -> None: ...

    def after_round(self, run: Run) -> None: ...

    def on_end(self, run: Run) -> None:
        """After the last round of a session: the budget is used, or the user interrupts."""

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold of it, as JSON."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """``state`` as ``state()`` gave it; {} where the checkpoint has none."""


class Run:
    """A recipe in training. The recipe stays as it is: the run works on a fresh copy. In a world of several processes each
    trains on its rows of every batch, and observers are for the first.

    Everything that decides the future of the run is in ``state()``: restoring it is bit-exact on the CPU.
    """

    def __init__(self, recipe: Recipe, stream: Stream, *, seed: int = 0, device: str | torch.device = "cpu",
                 observers: Sequence[Observer] = (), world: World | None = None):
        self.recipe, self.stream, self.seed, self.device = recipe.fresh(), stream, seed, torch.device(device)
        self.world = world or World()
        self.rows = self.world.share_of(self.recipe.batch)
        self.half = in_bfloat16(self.recipe, self.device)
        self.rng = generator(seed, self.device)  # for z, which all processes draw alike
        self.own = self.rng if self.world.size == 1 else torch.Generator(self.device)  # for terms and transforms
        self.game = build_game(self.recipe, self.device)
        self.game.mean_of_all = self.world.mean
        self.dynamics, self.observers = self.recipe.callbacks, list(observers)
        self.seconds = 0.0  # spent in training, over all sessions
        self.losses: dict[str, Tensor] = {}  # the last of each phase
        self.vitals: dict[str, float] = {}  #   what a watch read last
        self.scores: dict[str, float] = {}  #   what a metric read last
        self.speed: dict[str, float] = {}  #    how fast it was last
        self.rollbacks, self.slower = 0, {"G": 1.0, "D": 1.0}
        self.stopping = False

    @property
    def nimg(self) -> int:
        return self.game.nimg

    @property
    def finished(self) -> bool:
        return self.game.nimg >= self.recipe.total_nimg

    def fixed_inputs(self, count: int) -> Inputs:
        """What seeds 0, 1, ... draw from, the same at every moment. Where G reads pictures they are the stream's
        to show, with their classes, and there may be fewer."""
        y = None
        if self.game.G.source is not None:
            _, classes, y = self.stream.shown(count)
            count = len(y)
        z, c = latents(self.recipe.latent, [Draw(seed) for seed in range(count)])
        return Inputs(z, c if y is None or c is None else classes, y).to(self.device)

    def fit(self) -> None:
        """Trains until the recipe's budget is used, or ``stopping`` is set."""
        for dynamics in self.dynamics:
            dynamics.on_start(self.game)
        for observer in self.observers:
            observer.on_start(self)
        trouble = None
        while not self.world.any(self.finished or self.stopping or trouble is not None):
            began = time.perf_counter()
            self.advance()
            self.seconds += time.perf_counter() - began
            try:
                for observer in self.observers:
                    observer.after_round(self)
            except Unhealthy as error:  # all processes must hear of it
                trouble = error
        if trouble := self.world.share(trouble):
            raise trouble
        for observer in self.observers:
            observer.on_end(self)

    def advance(self) -> None:
        """One round: an update of every phase that is due, then of the average."""
        game, world = self.game, self.world
        if world.size > 1:
            seed_round(self.own, self.seed, f"process {world.rank}, round {game.rounds}, attempt {self.rollbacks}")
        for dynamics in self.dynamics:
            dynamics.before_round(game)
        check_finite(game, [self._update(phase) for phase in game.phases
                            if game.rounds % phase.every == 0 and phase.net not in game.resting
                            for _ in range(phase.repeats)])
        if "G" not in game.resting:
            self._average()
        game.nimg += game.nimg_per_round
        game.rounds += 1
        for dynamics in self.dynamics:
            dynamics.after_round(game)

    def _update(self, phase: Phase) -> Update:
        game, batch = self.game, self._batch()
        z = self.recipe.latent.sample(self.recipe.batch, generator=self.rng).split(self.rows)[self.world.rank]
        with frozen(game.D if phase.net == "G" else game.G):
            step = game.step(phase, z, batch, self.own)
            # One autocast context a phase: one that spans the optimiser's step would reuse stale weights.
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                loss, means = phase.evaluate(step, game.nimg, game.planned_nimg)
            phase.optimiser.zero_grad(set_to_none=True)
            loss.backward()
        loss, *means = self.world.mean_(phase.params, torch.stack([loss.detach(), *(m.detach() for m in means)]))
        phase.learn(game.nimg, game.planned_nimg, slower=self.slower[phase.net])
        self.losses[phase.name] = loss
        for dynamics in self.dynamics:
            dynamics.after_phase(game, phase, step)
        for observer in self.observers:
            observer.after_phase(self, phase, step)
        return Update(phase, loss, means)

    def _batch(self) -> Batch:
        """The next batch as the nets read it."""
        x, c, y = self.stream.batch(self.rows, self.world.rank, self.world.size)
        layout = torch.channels_last if self.recipe.channels_last else torch.contiguous_format
        later = self.device.type == "cuda"  # MPS reads what was let go by then: pytorch/pytorch#189690
        x, y = (None if p is None else p.to(self.device, memory_format=layout, non_blocking=later) for p in (x, y))
        # Labels of a set that the recipe leaves unused never reach the nets.
        c = c.to(self.device, non_blocking=later) if c is not None and self.recipe.latent.classes else None
        batch = Batch(x, c, y)
        for dynamics in self.dynamics:
            batch = dynamics.on_batch(self.game, batch)
        return batch

    def _average(self) -> None:
        """Moves G_ema, with a half-life of ema_kimg, or of a share of what was seen while that is less."""
        half_life = 1000 * at(self.recipe.ema_kimg, self.nimg, self.game.planned_nimg)
        self.game.average(min(half_life, max(self.nimg, 1) * self.recipe.ema_rampup))

    def try_again(self, rollbacks: int, slower: dict[str, float]) -> None:
        """After going back to an earlier state: other draws and slower nets, since the same rounds would lead to the same
        place."""
        self.rollbacks, self.slower = rollbacks, slower
        self.rng.manual_seed(derived(self.seed, f"latents of attempt {rollbacks}"))

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything: tensors by name, and what JSON can hold."""
        tensors, meta = self.game.state()
        parts = {type(c).__name__: state for c in (*self.dynamics, *self.observers) if (state := c.state())}
        return tensors | states(self.rng), meta | dict(
            seconds=self.seconds, rollbacks=self.rollbacks, slower=self.slower, stream=self.stream.index, callbacks=parts,
            processes=self.world.size)

    def restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """The inverse of ``state``. Errors: ``ValueError`` where something is missing or does not fit."""
        try:
            self._restore(tensors, meta)
        except (RuntimeError, KeyError, IndexError) as error:  # torch's have a line for every tensor
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"the checkpoint does not fit this run ({reason}); remove it to start anew") from None

    def _restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        self.game.restore(tensors, meta)
        restore_states(self.rng, tensors, otherwise=derived(self.seed, f"latents after {self.nimg} images"))
        self.world.says_if_it_was(meta.get("processes", 1))
        self.seconds, self.rollbacks, self.slower = meta["seconds"], meta["rollbacks"], meta["slower"]
        self.stream.index = meta["stream"]
        for part in (*self.dynamics, *self.observers):
            part.restore(meta["callbacks"].get(type(part).__name__, {}))
