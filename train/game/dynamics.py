"""Dynamics: what moves a knob of the game over time, or holds a part of it still. They are part of the recipe, and so of the
algorithm."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from gan.base import Batch
from gan.spec import Recorded, write
from train.game.game import Game, Phase
from train.game.penalties import Term
from train.game.step import Step

__all__ = ["AdaptiveAugment", "ClipWeights", "Dynamics", "FreezeD", "Grow", "Prelude", "WarmUp"]
RECIPE_NAMES = ("AdaptiveAugment", "ClipWeights", "FreezeD", "Grow", "Prelude", "WarmUp")


class Dynamics(Recorded):
    """Does nothing at every moment of a game; subclasses override the moments they need. It never computes a loss."""

    def check(self, game: Game) -> None:
        """Errors: ``ValueError`` where the game has no place for it. Called once, when the game is built, which may be in
        shapes without memory."""

    def on_start(self, game: Game) -> None:
        """Before the first round of a session, after a resume."""

    def before_round(self, game: Game) -> None: ...

    def on_batch(self, game: Game, batch: Batch) -> Batch:
        """May replace what a phase is shown."""
        return batch

    def after_phase(self, game: Game, phase: Phase, step: Step) -> None: ...

    def after_round(self, game: Game) -> None: ...

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold of it, as JSON."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """``state`` as ``state()`` gave it; {} where the checkpoint has none."""


class ClipWeights(Dynamics):
    """Keeps D Lipschitz by clamping its weights after every update (Arjovsky et al. 2017, arXiv:1701.07875, alg. 1)."""

    def __init__(self, bound: float = 0.01):
        if bound <= 0:
            raise ValueError(f"bound must be above 0, got {bound}")
        self.bound = bound

    @torch.no_grad()
    def after_phase(self, game: Game, phase: Phase, step: Step) -> None:
        if phase.net == "D":
            for p in filter(lambda p: p.requires_grad, game.D.parameters()):  # what is frozen stays as it is
                p.clamp_(-self.bound, self.bound)


class Grow(Dynamics):
    """Progressive growing (Karras et al. 2018, arXiv:1710.10196, sec. 2): from 4 px up, ``kimg`` thousand images to fade a
    level in and as many to hold it; without ``kimg`` a fade and a hold are alike in length and fill the run: the first level
    is held for one of them, the last for two. Reals are brought to the current resolution, and fade with the nets.
    """

    def __init__(self, kimg: float | None = None):
        if kimg is not None and kimg <= 0:
            raise ValueError(f"kimg must be above 0, got {kimg}")
        self.kimg = kimg

    def check(self, game: Game) -> None:
        if game.G.levels == 1:
            raise ValueError(f"Grow needs nets that can grow, which {game.family} cannot")

    def at(self, nimg: int, planned_nimg: int, levels: int) -> tuple[int, float]:
        """(level, alpha) after nimg images of planned_nimg: level 0 is held, every other fades in and is held."""
        stage = planned_nimg / (2 * levels) if self.kimg is None else 1000 * self.kimg
        level, since = divmod(nimg / stage + 1, 2)  # in units of a fade and a hold
        return (int(level), min(since, 1.0)) if 0 < level < levels else (0 if level <= 0 else levels - 1, 1.0)

    def before_round(self, game: Game) -> None:
        level, alpha = self.at(game.nimg, game.planned_nimg, game.G.levels)
        for net in (game.G, game.D, game.G_ema):
            net.grow(level, alpha)

    def on_batch(self, game: Game, batch: Batch) -> Batch:
        level, alpha = self.at(game.nimg, game.planned_nimg, game.G.levels)
        real = F.adaptive_avg_pool2d(batch.x, 4 << level)
        if alpha < 1:
            real = torch.lerp(F.interpolate(F.avg_pool2d(real, 2), scale_factor=2), real, alpha)
        return batch._replace(x=real)


class AdaptiveAugment(Dynamics):
    """Moves the probability of the recipe's augmentation so that D stays as sure of the reals as ``target`` says (Karras et
    al. 2020, arXiv:2006.06676, sec. 3): r = mean sign of D(real), counted from the border between real and fake: 0 while D
    cannot tell, 1 when it knows them by heart.
    Every ``every`` rounds p moves up or down by one step, so large that it would take ``kimg`` thousand images from 0 to 1.
    """

    def __init__(self, target: float = 0.6, *, every: int = 4, kimg: float = 500.0):
        if not 0 < target < 1 or every < 1 or kimg <= 0:
            raise ValueError(f"target must be between 0 and 1, every and kimg above 0, got {target}, {every} and {kimg}")
        self.target, self.every, self.kimg = target, every, kimg
        self.signs: list[torch.Tensor] = []  # of the rounds since the last move, read together: reading waits for the device
        self.p: float | None = None

    def check(self, game: Game) -> None:
        if game.augment is None:
            raise ValueError('AdaptiveAugment needs an augmentation to adapt: --set "augment=DiffAugment(p=0)"')
        if game.loss is None or game.loss.border is None:
            raise ValueError(f"AdaptiveAugment reads the signs of D's logits, which mean nothing under {write(game.loss)}")

    def on_start(self, game: Game) -> None:
        if self.p is not None:
            game.augment.p = self.p

    def after_phase(self, game: Game, phase: Phase, step: Step) -> None:
        if phase.net == "D" and phase.every == 1:
            self.signs.append(step.mean_of_all((step.real_logits.detach() - game.loss.border).sign().mean()))

    def after_round(self, game: Game) -> None:
        if game.rounds % self.every == 0 and self.signs:
            direction = math.copysign(1, sum(map(float, self.signs)) / len(self.signs) - self.target)
            by = direction * self.every * game.nimg_per_round / (1000 * self.kimg)
            game.augment.p = self.p = min(max(game.augment.p + by, 0.0), 1.0)
            self.signs = []

    def state(self) -> dict[str, Any]:
        return {"p": self.p, "signs": [float(sign) for sign in self.signs]}

    def restore(self, state: dict[str, Any]) -> None:
        self.p, self.signs = state.get("p"), [torch.tensor(sign) for sign in state.get("signs", [])]


class WarmUp(Dynamics):
    """D learns alone for the first ``kimg`` thousand images, and G and its average rest: for runs that start from a trained
    G (``--from``) whose D is new, and might teach it to forget. No recipe has it: where it was measured
    (benchmarks/README.md, "Starting from another model") it only cost time."""

    def __init__(self, kimg: float = 0.5):
        if not 0 < kimg < math.inf:
            raise ValueError(f"kimg of WarmUp must be a number above 0, got {kimg}")
        self.kimg = kimg

    def before_round(self, game: Game) -> None:
        game.resting = frozenset("G" if game.nimg < 1000 * self.kimg else "")


class Prelude(Dynamics):
    """For the first ``share`` of a run G learns from the terms of these names alone, and D waits: an adversary that meets a
    G which already draws the coarse half of a picture teaches it details, and nothing else (Ledig et al. 2017,
    arXiv:1609.04802, sec. 3.2; Wang et al. 2018, arXiv:1809.00219, sec. 4.1)."""

    def __init__(self, terms: tuple[str, ...], *, share: float = 0.5):
        if not 0 < share < 1:
            raise ValueError(f"share of Prelude must be between 0 and 1, got {share}")
        self.terms, self.share = tuple(terms), share

    def check(self, game: Game) -> None:
        for phase in (phase for phase in game.phases if phase.net == "G"):
            known = [type(loss).__name__ for loss in phase.losses if isinstance(loss, Term)]
            if not set(self.terms) & set(known):
                raise ValueError(f"Prelude leaves nothing to the phase {phase.name}, whose terms are "
                                 f"{', '.join(known) or 'none'}: name one of them")

    def before_round(self, game: Game) -> None:
        alone = game.nimg < self.share * game.planned_nimg
        game.resting = frozenset("D" if alone else "")
        for phase in game.phases:
            phase.only = self.terms if alone and phase.net == "G" else None


class FreezeD(Dynamics):
    """The first layers of D keep what they know: those that read maps of more than ``px`` are not trained (Mo, Cho and Shin
    2020, arXiv:2002.10964, who count layers where this counts their resolution, which every family has). For runs that start
    from a trained D (``--from``), on few pictures.
    """

    def __init__(self, px: int = 16):
        if px < 1:
            raise ValueError(f"px of FreezeD must be at least 1, got {px}")
        self.px = px

    @torch.no_grad()
    def check(self, game: Game) -> None:
        G, D, first = game.G, game.D, []

        def seen(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs and isinstance(inputs[0], torch.Tensor) and inputs[0].ndim == 4 and inputs[0].shape[-1] > self.px:
                first.append(module)

        hooks = [module.register_forward_pre_hook(seen) for module in D.modules()]
        n, device = game.nimg_per_round, next(D.parameters()).device
        pictures = [torch.zeros(n, channels, G.resolution // scale, G.resolution // scale, device=device)
                    for channels, scale in ((G.channels, 1), *([(G.source.channels, G.source.scale)] if G.source else ()))]
        c = torch.zeros(n, dtype=torch.long, device=device) if G.latent.classes else None
        try:
            D.eval().features(pictures[0], c, *pictures[1:])  # in evaluation no statistics move
        finally:
            D.train()
            for hook in hooks:
                hook.remove()
        params = [p for m in first for p in (*m.parameters(recurse=False), *_parametrised(m)) if p.requires_grad]
        if not params:
            raise ValueError(f"FreezeD finds no layer of this D that reads maps of more than {self.px} px")
        for p in params:
            p.requires_grad_(False)


def _parametrised(module: nn.Module) -> list[nn.Parameter]:
    """What spectral norm keeps a module's weights in."""
    return list(module.parametrizations.parameters()) if hasattr(module, "parametrizations") else []
