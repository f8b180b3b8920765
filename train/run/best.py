"""How good G is while it trains, by a metric, and the best average that it had."""

from __future__ import annotations

import copy
import json
import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from gan.base import Generator
from gan.files import parse_json, read_tensors, write_tensors
from train.data.images import Images
from train.data.part import part
from train.features import OWN, FeatureNet, load_features
from train.metrics.reading import fakes, features
from train.metrics.scores import frechet_distance, shares
from train.run.loop import Observer, Run
from train.run.observers import goes_on
from train.run.settle import settled

__all__ = ["BEST", "Best"]

log = logging.getLogger(__name__)

BEST = "best.safetensors"
MOST_MARKS = 10  #     of a run
APART_NIMG = 5000  #   at least from mark to mark: a mark costs about as much time as 200 images of training
MOST = 1000  #         pictures of each kind
FEWEST = 100  #        below, nothing can be said
POOR = 0.1  #          recall: of the reals nine in ten have no fake like them


class Best(Observer):
    """At up to ten evenly spaced moments: Frechet distance and recall of as many fakes of fixed seeds as there are reals, in
    the features ``own``. ``run.scores`` holds the last ones, for the log. G_ema of the least distance is kept in ``path``.

    ``reals`` are held-out pictures where there are any, else those that G is trained on; of fewer than a hundred, and of a
    G that reads pictures, nothing is said. Training draws nothing for it; when it looks depends on images seen, never on
    time.
    """

    def __init__(self, path: Path, reals: Images):
        rows = np.sort(np.random.RandomState(0).permutation(len(reals.pixels))[:MOST])
        self.path, self.reals = path, part(reals, rows)
        self.known = _known(path)  # of what is kept

    def on_start(self, run: Run) -> None:
        self.marks = min(MOST_MARKS, run.recipe.total_nimg // APART_NIMG) if self._can_tell(run) else 0
        self.every_nimg = run.recipe.total_nimg / self.marks if self.marks else float("inf")
        self.done = run.nimg // self.every_nimg
        if not run.nimg:
            self.path.unlink(missing_ok=True)  # of a run that was here before
            self.known = {}

    def _can_tell(self, run: Run) -> bool:
        return run.game.G.source is None and len(self.reals.pixels) >= FEWEST

    def after_round(self, run: Run) -> None:
        if run.nimg // self.every_nimg > self.done:
            self.done = run.nimg // self.every_nimg
            self._measure(run)

    @cached_property
    def _judge(self) -> tuple[FeatureNet, np.ndarray]:
        """The feature net, and what it sees in the reals [N, F]."""
        net = load_features(OWN)
        return net, features(net, self.reals.pixels[:])

    def _measure(self, run: Run) -> None:
        net, real = self._judge
        fake = features(net, fakes(settled(run.game.G_ema), len(real), self.reals))
        distance, recall = frechet_distance(real, fake), shares(real, fake).recall
        if not np.isfinite(distance):
            return
        run.scores = {"Frechet distance": float(f"{distance:.4g}"), "recall": float(f"{recall:.4g}")}
        if recall < POOR and self.done == self.marks // 2:  # the last mark at half of the budget or before
            log.warning("%.1f kimg, %.0f %% of the budget: recall is %.3g, so most kinds of pictures are not drawn yet. "
                        "It grows with time; where not: more of it (--minutes N, --kimg N), or start from a model (--from)",
                        run.nimg / 1000, 100 * run.nimg / run.recipe.total_nimg, recall)
        # Without an adversary what is minimised says how good G is, and falls to the end: the last average is the best.
        if run.game.adversary is not None and distance < self.known.get("frechet_distance", float("inf")):
            kept = {"nimg": run.nimg, "frechet_distance": distance}
            with goes_on("best average not kept"):
                write_tensors(self.path, run.game.G_ema.state_dict(), {"kept": json.dumps(kept)})
                self.known = kept

    def of(self, run: Run) -> tuple[Generator, dict[str, Any]]:
        """(G_ema to export, what training.json says of the choice): the best average of a finished run, and the last one
        of a run that nothing is known of, or that goes on. A file that does not fit, which may come from the Hub, is a
        warning and not the end of a whole training."""
        if not run.finished or not self.known or self.known["nimg"] == run.nimg:
            return run.game.G_ema, {}
        best = copy.deepcopy(run.game.G_ema)
        try:
            best.load_state_dict(read_tensors(self.path, best.state_dict()))
        except (OSError, ValueError) as error:
            log.warning("the best average cannot be used (%s: %s); the last one is exported", self.path, error)
            return run.game.G_ema, {}
        return best, {**self.known, "features": "own", "samples": len(self.reals.pixels), "against": self.reals.name}


def _known(path: Path) -> dict[str, float]:
    """What the file says of itself, {} where there is none that can be read."""
    try:
        with safe_open(path, framework="pt") as file:
            kept = parse_json((file.metadata() or {})["kept"])
        return {"nimg": int(kept["nimg"]), "frechet_distance": float(kept["frechet_distance"])}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return {}
