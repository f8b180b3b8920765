"""Phases, and the one training loop. What is special in a GAN lives in its recipe: nothing here knows any by name."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gan.base import Generator
from train.callbacks import Callback
from train.config import Recipe, at
from train.step import Step

__all__ = ["Diverged", "Phase", "Run", "Unhealthy"]


class Unhealthy(RuntimeError):
    """The run leads nowhere from here. ``slower`` says by what to multiply learning rates when it is tried again."""

    slower: dict[str, float] = {}


class Diverged(Unhealthy):
    """A loss is no longer a finite number."""

    slower = {"G": 0.5, "D": 0.5}


@dataclass
class Phase:
    """One kind of update: these losses, of this net, every so many steps, so often in a row."""

    net: str  #                       "G" or "D"
    losses: list  #                   an objective's side, and Terms
    optimiser: torch.optim.Optimizer
    values: Callable[[int, int], dict]  #  nimg, planned_nimg -> learning rate and the like
    every: int = 1
    repeats: int = 1

    @property
    def input_grad(self) -> bool:
        return any(getattr(loss, "input_grad", False) for loss in self.losses)


def build_phases(recipe: Recipe, G: nn.Module, D: nn.Module, terms: Sequence[nn.Module]) -> list[Phase]:
    """Terms grouped by (net, every), one optimiser a net; the objective leads the group of every step."""
    phases = []
    sides = (("D", D, recipe.loss.d, recipe.d_opt, recipe.d_steps), ("G", G, recipe.loss.g, recipe.g_opt, 1))
    for net, module, objective, opt, repeats in sides:
        mine = [t for t in terms if net in t.nets]
        lazy = sorted({t.every for t in mine if t.every > 1})
        params = [*module.parameters(), *(p for t in mine if t.nets[0] == net for p in t.parameters())]
        longest = max(lazy, default=0)
        optimiser, values = opt.build(params, longest), partial(opt.values, lazy=longest)
        phases.append(Phase(net, [objective, *(t for t in mine if t.every == 1)], optimiser, values, 1, repeats))
        phases += [Phase(net, [t for t in mine if t.every == k], optimiser, values, k, repeats) for k in lazy]
    return phases


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


class Run:
    """A recipe in training. ``nimg`` counts real images shown to D in its main phase: batch x d_steps a step.

    ``stream`` gives ``batch(n) -> (x [n, C, H, W], c [n] or None)`` and has an ``index`` that says where it is.
    Everything that decides the future of the run is in ``state()``: restoring it is bit-exact on the CPU.
    """

    def __init__(self, recipe: Recipe, stream: Any, *, seed: int = 0, device: str | torch.device = "cpu",
                 callbacks: Sequence[Callback] = ()):
        self.recipe, self.stream, self.seed, self.device = recipe, stream, seed, torch.device(device)
        torch.manual_seed(seed)  # initial weights, and layers that draw (dropout)
        self.rng = torch.Generator(self.device).manual_seed(seed)  # z, and terms that draw
        layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        G, D = recipe.nets()
        self.G: Generator = G.to(self.device, memory_format=layout)
        self.D = D.to(self.device, memory_format=layout)
        self.terms = nn.ModuleList(recipe.penalties)
        for term in self.terms:
            term.build(self.G, self.D)
        self.terms.to(self.device)
        self._check_terms()
        self.G_ema = copy.deepcopy(self.G).requires_grad_(False).eval()
        if recipe.mix is not None and self.G.num_ws == 1:
            raise ValueError(f"mix needs a generator that reads several latents, and {recipe.family} reads one")
        self.phases = build_phases(recipe, self.G, self.D, self.terms)
        self.callbacks: list[Callback] = [*recipe.callbacks, *callbacks]
        self.nimg = self.steps = 0
        self.planned_nimg = recipe.total_nimg  # the whole run, for schedules; a budget raised later prolongs their end
        self.seconds = 0.0  # spent in training, over all sessions
        self.losses: dict[str, Tensor] = {}  # the last of each phase
        self.vitals: dict[str, float] = {}  #   what a watch read last
        self.rollbacks, self.slower = 0, {"G": 1.0, "D": 1.0}
        self.stopping = False
        for callback in self.callbacks:
            callback.check(self)

    def _check_terms(self) -> None:
        tied = {"BatchNorm": any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in self.D.modules()),
                "d.pack": any(getattr(m, "ties_samples", False) for m in self.D.modules())}
        for term in self.terms:
            for what in (w for w, has in tied.items() if term.per_sample and has):
                way_out = "d.norm=layer, or d.spectral=true where the net has it" if what == "BatchNorm" else "leave it out"
                raise ValueError(f"{type(term).__name__} is a penalty per sample, but D has {what}, which ties the samples "
                                 f"of a batch together: {way_out}")

    @property
    def finished(self) -> bool:
        return self.nimg >= self.recipe.total_nimg

    def fit(self) -> None:
        """Trains until the recipe's budget is used, or ``stopping`` is set."""
        for callback in self.callbacks:
            callback.on_start(self)
        while not self.finished and not self.stopping:
            began = time.perf_counter()
            self.step()
            self.seconds += time.perf_counter() - began
            for callback in self.callbacks:
                callback.after_step(self)
        for callback in self.callbacks:
            callback.on_end(self)

    def step(self) -> None:
        """One update of every phase that is due, then of the average."""
        for callback in self.callbacks:
            callback.before_step(self)
        for phase in self.phases:
            if self.steps % phase.every == 0:
                for _ in range(phase.repeats):
                    self._update(phase)
        self._average()
        self.nimg += self.recipe.batch * self.recipe.d_steps
        self.steps += 1

    def _update(self, phase: Phase) -> None:
        recipe = self.recipe
        real, c = self.stream.batch(recipe.batch)
        layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        real = real.to(self.device, memory_format=layout, non_blocking=True)
        # Labels of a set that the recipe leaves unused never reach the nets.
        c = c.to(self.device, non_blocking=True) if c is not None and recipe.latent.classes else None
        for callback in self.callbacks:
            real, c = callback.on_batch(self, real, c)
        z = recipe.latent.sample(len(real), generator=self.rng)
        with frozen(self.D if phase.net == "G" else self.G):
            step = Step(self.G, self.D, z, c, real, net=phase.net, rng=self.rng, mix=recipe.mix,
                        augment=recipe.augment, input_grad=phase.input_grad)
            # One autocast context a phase: one that spans the optimiser's step would reuse stale weights.
            with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
                means = [f(step).mean() for f in phase.losses]
                weights = [at(getattr(f, "weight", 1.0), self.nimg, self.planned_nimg) for f in phase.losses]
                loss = phase.every * sum(weight * mean for weight, mean in zip(weights, means))
            self._check_finite(phase, means, loss)
            phase.optimiser.zero_grad(set_to_none=True)
            loss.backward()
        # Several processes would average the gradients of phase.optimiser's parameters here, before the step.
        for group in phase.optimiser.param_groups:
            group.update(phase.values(self.nimg, self.planned_nimg))
            group["lr"] *= self.slower[phase.net]
        phase.optimiser.step()
        self.losses[phase.net if phase.every == 1 else f"{phase.net}/{phase.every}"] = loss.detach()
        for callback in self.callbacks:
            callback.after_phase(self, phase, step)

    def _check_finite(self, phase: Phase, means: list[Tensor], loss: Tensor) -> None:
        if math.isfinite(loss.item()):
            return
        guilty = [type(f).__name__ if isinstance(f, nn.Module) else f"the {phase.net} loss"
                  for f, mean in zip(phase.losses, means) if not mean.isfinite()]
        raise Diverged(f"{' and '.join(guilty) or f'the sum of {phase.net} losses'} is not finite at step "
                       f"{self.steps + 1:,} ({self.nimg / 1000:.1f} kimg); try a lower learning rate "
                       f"(--set {phase.net.lower()}_opt.lr=1e-4)")

    @torch.no_grad()
    def _average(self) -> None:
        """G_ema <- G with half-life ema_kimg, shorter in the beginning; buffers are copied."""
        half_life = 1000 * at(self.recipe.ema_kimg, self.nimg, self.planned_nimg)
        half_life = min(half_life, max(self.nimg, 1) * self.recipe.ema_rampup)
        beta = 0.5 ** (self.recipe.batch * self.recipe.d_steps / max(half_life, 1e-8))
        torch._foreach_lerp_(list(self.G_ema.parameters()), list(self.G.parameters()), 1 - beta)
        for average, buffer in zip(self.G_ema.buffers(), self.G.buffers()):
            average.copy_(buffer)

    def try_again(self, rollbacks: int, slower: dict[str, float]) -> None:
        """After going back to an earlier state: other draws and slower nets, since the same steps would lead to the same
        place."""
        self.rollbacks, self.slower = rollbacks, slower
        self.rng.manual_seed(self.seed + rollbacks)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything: tensors by name, and what JSON can hold."""
        tensors: dict[str, Tensor] = {"rng.torch": torch.get_rng_state(), "rng.run": self.rng.get_state()}
        if self.device.type == "cuda":  # layers that draw there (dropout) use that device's own generator
            tensors["rng.cuda"] = torch.cuda.get_rng_state(self.device)
        for prefix, module in self._modules().items():
            tensors.update({f"{prefix}.{k}": v for k, v in module.state_dict().items()})
        for net, optimiser in self._optimisers().items():
            for i, slots in optimiser.state_dict()["state"].items():
                tensors.update({f"opt.{net}.{i}.{k}": v for k, v in slots.items()})
        callbacks = {type(c).__name__: s for c in self.callbacks if (s := c.state())}
        meta = dict(nimg=self.nimg, planned_nimg=self.planned_nimg, steps=self.steps, seconds=self.seconds,
                    rollbacks=self.rollbacks, slower=self.slower, stream=self.stream.index, callbacks=callbacks)
        return tensors, meta

    def restore(self, tensors: dict[str, Tensor], meta: dict[str, Any]) -> None:
        """The inverse of ``state``. Errors: ``ValueError`` where tensors are missing or left over."""
        for prefix, module in self._modules().items():
            module.load_state_dict(_under(tensors, f"{prefix}."))
        for net, optimiser in self._optimisers().items():
            state: dict[int, dict[str, Tensor]] = {}
            params = optimiser.param_groups[0]["params"]
            for name, tensor in _under(tensors, f"opt.{net}.").items():
                i, slot = name.split(".", 1)
                param = params[int(i)]
                if tensor.shape == param.shape:  # fused optimisers walk memory: moments must lie as their parameter does
                    tensor = torch.empty_like(param, dtype=tensor.dtype).copy_(tensor)
                state.setdefault(int(i), {})[slot] = tensor
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        torch.set_rng_state(tensors["rng.torch"])
        if "rng.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["rng.cuda"], self.device)
        self.rng.set_state(tensors["rng.run"])
        self.nimg, self.steps, self.seconds = meta["nimg"], meta["steps"], meta["seconds"]
        self.planned_nimg, self.rollbacks, self.slower = meta["planned_nimg"], meta["rollbacks"], meta["slower"]
        self.stream.index = meta["stream"]
        for callback in self.callbacks:
            callback.restore(meta["callbacks"].get(type(callback).__name__, {}))

    def _modules(self) -> dict[str, nn.Module]:
        return {"G": self.G, "D": self.D, "G_ema": self.G_ema, "terms": self.terms}

    def _optimisers(self) -> dict[str, torch.optim.Optimizer]:
        return {phase.net: phase.optimiser for phase in self.phases}


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
