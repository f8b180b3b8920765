"""The collapse watch: is the run still alive? It reads, warns in plain words, keeps the evidence, and can call a halt."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gan.base import Generator, Inputs
from gan.image import contact_sheet, to_pil, to_uint8
from gan.spec import write
from train.game.game import Phase
from train.game.penalties import R1, R2, ModeSeeking
from train.game.step import Step
from train.run.build import build_game, without_memory
from train.run.checkpoint import save_checkpoint
from train.run.health import Unhealthy
from train.run.loop import Observer, Run
from train.run.observers import goes_on
from train.settings import as_option, overridden

__all__ = ["ON_COLLAPSE", "CollapseWatch", "Collapsed", "OnCollapse", "nearest_distance"]

OnCollapse = Literal["warn", "rollback", "stop"]
ON_COLLAPSE = get_args(OnCollapse)
EVERY_NIMG = 1000
LEARNED_NIMG = 10_000  #  times d_steps, and a twentieth of the run: before, G may still draw anything
PATIENCE = 3  #           checks in a row before a word is said
ALIKE = 0.2  #            of the reals' diversity: healthy runs were seen at 0.5 to 1.1, one picture for all at 0.1 to 0.2
WELL = 0.4  #             above, a state is worth going back to: one that is about to collapse is not
CERTAIN = 0.995  #        D's accuracy: above, G has next to nothing to learn from
EXPLODED = 1000.0  #      times the usual gradient norm

log = logging.getLogger(__name__)


class Collapsed(Unhealthy):
    """G draws the same few pictures whatever its latent."""

    slower = {"G": 0.25}  # it ran away from a D that could not follow


def nearest_distance(x: Tensor) -> float:
    """The mean distance of a picture to the nearest other one, root mean square over its numbers. x [N, C, H, W].

    It falls to 0 where G collapses to one picture, to a few, or to one a class: mean distances see the first only.
    """
    flat = x.detach().float().flatten(1)
    distances = torch.cdist(flat, flat) / math.sqrt(flat.shape[1])
    return distances.fill_diagonal_(math.inf).amin(1).mean().item()


class CollapseWatch(Observer):
    """Every thousand images: diversity of a fixed batch of latents in parts of that of as many reals, D's accuracy, gradient
    norms. ``run.vitals`` holds them, for the log. What stays wrong for three checks is said once, with a way out.

    ``folder`` gets the evidence: ``collapse.jsonl`` and a sheet of the batch. With ``on_collapse`` at "rollback" or "stop" a
    copy of the last healthy state is kept in ``good``, and a collapse raises ``Collapsed``. Training draws nothing for it.
    """

    def __init__(self, folder: Path, *, on_collapse: OnCollapse = "warn", good: Path | None = None,
                 identity: dict[str, str] | None = None, every_s: float = 60.0):
        self.folder, self.on_collapse, self.good = folder, on_collapse, good
        self.identity, self.every_s = identity or {}, every_s
        self.checked_nimg = 0
        self.strikes: dict[str, int] = {}
        self.norms: dict[str, list[float]] = {}
        self.accuracy: list[float] = []
        self.real: Tensor | None = None

    def on_start(self, run: Run) -> None:
        self.checked_nimg, self.saved_s, self.strikes = run.nimg, -math.inf, {}
        latent, count = run.recipe.latent, min(run.rows, 64)
        self.inputs = run.fixed_inputs(count)
        if latent.classes and self.inputs.y is None:  # several latents of each class: one picture a class is seen too
            self.inputs = self.inputs._replace(c=torch.arange(count, device=run.device) // 4 % latent.classes)

    def after_phase(self, run: Run, phase: Phase, step: Step) -> None:
        if phase.every > 1 or run.nimg + run.game.nimg_per_round - self.checked_nimg < EVERY_NIMG:
            return
        self.real = step.real.detach()[: len(self.inputs.z)]
        if phase.net == "D" and run.recipe.loss is not None:
            self.accuracy.append(_accuracy(step, run.recipe.loss.border))
        grads = [p.grad for p in phase.params if p.grad is not None]
        self.norms.setdefault(phase.net, []).append(nn.utils.get_total_norm(grads).item())

    def after_round(self, run: Run) -> None:
        if run.nimg - self.checked_nimg < EVERY_NIMG or self.real is None:
            return
        self.checked_nimg = run.nimg
        fakes = _draw(run.game.G, self.inputs)
        diversity = nearest_distance(fakes) / max(nearest_distance(self.real), 1e-8)
        accuracy = sum(self.accuracy) / len(self.accuracy) if self.accuracy else math.nan  # without an adversary
        self.accuracy = []
        norms = {f"{net} gradient": values[-1] for net, values in self.norms.items()}
        vitals = dict(diversity=diversity, accuracy=accuracy, **norms)  # of a single picture there is no diversity
        run.vitals = {k: float(f"{v:.4g}") for k, v in vitals.items() if math.isfinite(v)}
        learning = run.nimg >= max(LEARNED_NIMG * run.recipe.d_steps, 0.05 * run.game.planned_nimg)
        if self._lasts("alike", learning and diversity < ALIKE):
            self._collapsed(run, fakes, diversity)
        if self._lasts("certain", learning and accuracy > CERTAIN and run.recipe.loss.saturates):
            self._say(run, f"D tells reals and fakes apart ({accuracy:.1%} right), so G learns little: hold D back with "
                           f"--set d.spectral=true, where the net has it, a penalty, or a lower d_opt.lr")
        for net, values in self.norms.items():
            usual = sorted(values)[len(values) // 2]
            if self._lasts(net, learning and values[-1] > EXPLODED * usual):
                self._say(run, f"the gradients of {net} are {values[-1] / usual:,.0f} times as long as usual: a lower "
                               f"{net.lower()}_opt.lr keeps them in hand")
        sick = [what for what, strikes in self.strikes.items() if strikes and what != "certain"]
        if diversity >= WELL and not sick:  # a D that is sure is no reason to go back further
            self._keep(run)

    def _lasts(self, what: str, wrong: bool) -> bool:
        """True once, when it has been wrong for so many checks in a row."""
        self.strikes[what] = self.strikes.get(what, 0) + 1 if wrong else 0
        return self.strikes[what] == PATIENCE

    def _collapsed(self, run: Run, fakes: Tensor, diversity: float) -> None:
        text = (f"G has collapsed: {len(fakes)} latents give pictures only {diversity:.1%} as different from each other as "
                f"reals are; ways out: {', '.join(_ways_out(run))}")
        sheet = self._say(run, text, fakes)
        if self.on_collapse != "warn":
            raise Collapsed(f"{text} (evidence: {sheet})")

    def _say(self, run: Run, text: str, fakes: Tensor | None = None) -> Path:
        """Warns, and writes the evidence down."""
        log.warning("%.1f kimg: %s", run.nimg / 1000, text)
        attempt = f"-{run.rollbacks + 1}" if run.rollbacks else ""  # may collapse at the same moment again
        sheet = self.folder / f"{run.nimg:09d}{attempt}.png"
        with goes_on("evidence not saved"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / "collapse.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps(dict(nimg=run.nimg, warning=text, **run.vitals)) + "\n")
            if fakes is not None:
                to_pil(contact_sheet(to_uint8(fakes))).save(sheet)
        return sheet

    def _keep(self, run: Run) -> None:
        if self.on_collapse != "warn" and self.good and run.seconds - self.saved_s >= self.every_s:
            self.saved_s = run.seconds
            with goes_on("last good state not saved, the one before stays"):
                save_checkpoint(self.good, run.state(), self.identity)

    def state(self) -> dict[str, Any]:
        return {"norms": {net: values[-1000:] for net, values in self.norms.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        self.norms = {net: list(values) for net, values in state.get("norms", {}).items()}


def _ways_out(run: Run) -> list[str]:
    """Against a collapse, as ``--set`` writes it, what suits the recipe; what it has already stays."""
    recipe = run.recipe
    weak = [type(t).__name__ for t in recipe.penalties if isinstance(t, (R1, R2, ModeSeeking))]
    settings = [] if "ModeSeeking" in weak else [f"penalties={', '.join(map(write, (*recipe.penalties, ModeSeeking())))}"]
    settings.append(f"d.pack={2 * recipe.d.get('pack', 1)}")
    if recipe.augment is None:
        settings.append("augment=DiffAugment()")
    weights = [f"a larger weight of {' and '.join(weak)}"] if weak else []
    return [*weights, *(as_option(setting) for setting in settings if _suits(run, setting)), "a lower g_opt.lr"]


def _suits(run: Run, setting: str) -> bool:
    """Whether a run would begin with it: built beside this one, without memory and without a trace in the random numbers."""
    with without_memory(run.device):
        try:
            build_game(overridden(run.recipe.fresh(), [setting]))
        except ValueError:
            return False
    return True


@torch.no_grad()
def _draw(G: Generator, inputs: Inputs) -> Tensor:
    """Pictures of G as it is, with its running statistics; nothing in it changes."""
    training = G.training
    G.eval()
    try:
        return G(*inputs)
    finally:
        G.train(training)


def _accuracy(step: Step, border: float | None) -> float:
    """Share of pictures, or where there is no border of pairs, that D tells right."""
    real, fake = step.real_logits.detach(), step.fake_logits.detach()
    if border is not None:
        return (torch.cat([real > border, fake < border]).float().mean()).item()
    return (real[:, None] > fake[None]).float().mean().item()
