"""``--dashboard``: a run to watch in the browser while it goes on, by way of Trackio, which keeps it on this machine."""

from __future__ import annotations

import importlib
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from PIL import Image

from train.game.step import itself
from train.recipe import Recipe
from train.run.loop import Observer, Run
from train.run.watch import ALIKE, CERTAIN

__all__ = ["Dashboard", "trackio"]

PROJECT = "gan-gallery"
EVERY_NIMG = 1000


def trackio() -> ModuleType:
    """The package. Errors: ``ValueError`` where it is not installed."""
    try:
        return importlib.import_module("trackio")
    except ImportError:
        raise ValueError("--dashboard needs a package that is not installed: pip install 'trackio>=0.43,<1'") from None


class Dashboard(Observer):
    """Every thousand images: losses, what the watch and the metrics read, p of an adaptive augmentation and the speed; each
    new sheet of ``snapshots``; and at the start, in words, what they all mean."""

    def __init__(self, name: str, snapshots: Path):
        self.name, self.snapshots, self.trackio = name, snapshots, trackio()

    def on_start(self, run: Run) -> None:
        self.logged_nimg, self.shown = run.nimg, ""
        with redirect_stdout(io.StringIO()):  # it tells at length what one line can
            self.board = self.trackio.init(PROJECT, name=self.name, config=run.recipe.to_json(), embed=False,
                                           resume="allow" if run.nimg else "never", auto_log_gpu=False, auto_log_cpu=False)
        print(f"dashboard: trackio show --project {PROJECT}, in another terminal, shows {self.board.name}; samples are "
              "under Media & Tables, what the curves mean under Alerts & Reports", file=sys.stderr)
        self.board.log({"what the curves mean": self.trackio.Markdown(meanings(run.recipe))}, step=run.nimg)
        self.after_round(run)

    def after_round(self, run: Run) -> None:
        found: dict[str, object] = {}
        if run.nimg - self.logged_nimg >= EVERY_NIMG:
            self.logged_nimg, found = run.nimg, numbers(run)
        sheets = sorted(self.snapshots.glob("*.webp"))
        if sheets and sheets[-1].name > self.shown:
            self.shown = sheets[-1].name
            with Image.open(sheets[-1]) as sheet:
                caption = f"{int(sheets[-1].stem) / 1000:g} kimg"
                found["samples"] = self.trackio.Image(sheet.convert("RGB"), caption=caption)
        if found:
            self.board.log(found, step=run.nimg)

    def on_end(self, run: Run) -> None:
        self.after_round(run)
        with redirect_stdout(io.StringIO()):
            self.trackio.finish()


def numbers(run: Run) -> dict[str, float]:
    """What is drawn as curves: name -> number; what stands before the slash is the group."""
    found = {f"losses/{name}": loss.item() for name, loss in run.losses.items()}
    found |= {f"quality/{name}": value for name, value in run.scores.items()}
    found |= {f"health/{name}": value for name, value in run.vitals.items()}
    found |= {f"speed/{name.replace('/s', ' a second')}": value for name, value in run.speed.items()}
    augment = run.game.augment
    return found if augment is None else found | {"health/p of the augmentation": augment.p}


def meanings(recipe: Recipe) -> str:
    """The curves of this recipe in words, as Markdown."""
    lines = ["**step** counts the real images that D has seen."]
    if recipe.loss is not None:
        guess = torch.full((2,), recipe.loss.border or 0.0)
        blind = SimpleNamespace(real_logits=guess, fake_logits=guess, mean_of_all=itself)
        d, g = (side(blind).mean().item() for side in (recipe.loss.d, recipe.loss.g))
        lines += [
            f"**losses/D** is what D minimises (`{recipe.loss.constant_name}`): {d:.3g} where it can only guess; the "
            f"further below, the better it tells real pictures and fakes apart"
            f"{', and the less G learns' * recipe.loss.saturates}.",
            f"**losses/G** is what G minimises: {g:.3g} where D can only guess. The two are measured against each other, so "
            "neither says how good the pictures are, and neither has to fall."]
    if recipe.penalties:
        lines.append(f"{', '.join(type(term).__name__ for term in recipe.penalties)}: added to the losses, which are "
                     "higher by as much; D/16 is what is added in every 16th round only.")
    lines += [
        "**quality/Frechet distance** (less is better) and **recall** (more is) do say how good the pictures are. They are "
        "read up to ten times in a run.",
        f"**health/diversity**: how unlike each other fakes are, in parts of what reals are. About 1 is well; under "
        f"{ALIKE:g} G draws a few pictures only, whatever it is given.",
        f"**health/accuracy**: the share of pictures that D tells right. 0.5 is a guess; above {CERTAIN:g} G learns little."]
    if recipe.augment is not None:
        lines.append("**health/p of the augmentation**: how often pictures are changed before D sees them, so that it does "
                     "not learn them by heart.")
    lines.append("**samples**: the same seeds every time, drawn by the average of G.")
    return "\n".join(f"- {line}" for line in lines)
