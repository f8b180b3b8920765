"""What the cells say together: accuracies and differences with their intervals, by regime and by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from train.evidence.experiment import ARMS, Cell, Experiment, Missing, arms_of
from train.evidence.split import ALL, LONGEST, SHORTEST, TAIL
from train.evidence.statistics import Interval, Verdict, interval, verdict

__all__ = ["Regime", "Summary", "summary", "title"]


@dataclass(frozen=True)
class Regime:
    """One size over its seeds."""

    size: str
    counts: tuple[int, ...]  #             real pictures of each class
    seeds: tuple[int, ...]
    accuracy: dict[str, Interval]  #       arm -> balanced accuracy on the test set
    against_nothing: dict[str, Interval]
    against_classic: dict[str, Interval]  # paired differences, of the same seeds
    by_class: list[Interval]  #            of classic + gan against classic
    chosen: dict[str, list[str]]  #        arm -> what was chosen, seed by seed
    reads_fakes: Interval  #               of the generator's pictures, what the classifier of the reals gets right
    memorised: Interval
    taught: float  #                       by fakes alone, in parts of what the reals teach


@dataclass(frozen=True)
class Summary:
    regimes: list[Regime]
    not_run: dict[str, str]  # title of a regime -> why, or what of it is missing
    verdict: Verdict


def title(size: str) -> str:
    """A regime in words."""
    return {TAIL: f"long tail, {LONGEST} to {SHORTEST} a class", ALL: "all pictures"}.get(size, f"{size} a class")


def summary(experiment: Experiment, sizes: Sequence[str], seeds: Sequence[int]) -> Summary:
    """Of what is there now; what is not is said."""
    regimes, not_run = [], {}
    for size in sizes:
        try:
            experiment.split.wanted(size)
        except ValueError as error:
            not_run[title(size)] = str(error)
            continue
        groups, missing = {}, []
        for seed in seeds:
            group = experiment.group(size, seed)
            try:
                groups[seed] = (arms_of(group, group.read), group.memorised())
            except Missing:
                missing.append(seed)
        if missing:
            not_run[title(size)] = f"seed{'s' * (len(missing) > 1)} {', '.join(map(str, missing))} not run"
        if groups:
            regimes.append(_regime(experiment, size, groups))
    gains = {title(r.size): r.against_classic["classic + gan"] for r in regimes}
    return Summary(regimes, not_run, verdict(gains, {title(r.size): r.taught for r in regimes}))


def _regime(experiment: Experiment, size: str, groups: dict[int, tuple[dict[str, Cell], float]]) -> Regime:
    found = [arms for arms, _ in groups.values()]
    test = {arm: np.array([cells[arm].test for cells in found]) for arm in ARMS if arm in found[0]}  # [seeds, K]
    mean = {arm: values.mean(1) for arm, values in test.items()}
    gains = (test["classic + gan"] - test["classic"]).T
    chance = 1 / len(gains)
    real, fake = mean["nothing"].mean(), mean["fakes alone"].mean()
    return Regime(
        size, tuple(int(n) for n in experiment.split.wanted(size)), tuple(groups),
        {arm: interval(values) for arm, values in mean.items()},
        {arm: interval(values - mean["nothing"]) for arm, values in mean.items() if arm != "nothing"},
        {arm: interval(values - mean["classic"]) for arm, values in mean.items() if arm != "classic"},
        [interval(values) for values in gains],
        {arm: [cells[arm].name for cells in found] for arm in test},
        interval([float(np.mean(cells["nothing"].fakes)) for cells in found]),
        interval([share for _, share in groups.values()]),
        float((fake - chance) / (real - chance)) if real > chance else 0.0)
