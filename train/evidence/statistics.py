"""Intervals of paired differences, and the verdict that follows from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["CONFIDENCE", "Interval", "Verdict", "interval", "verdict"]

CONFIDENCE = 0.95
WORTH = 0.005  #  a gain of less than half a point is not worth a generator
TEACHES = 0.5  #  of what real pictures teach: what teaches less alone carries its labels badly
POINTS = 100


@dataclass(frozen=True)
class Interval:
    """A mean over seeds, and where it lies with ``CONFIDENCE``; no ends where one seed is all there is."""

    mean: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """In points: ``1.3 (0.2 to 2.4)``."""
        points = lambda share: f"{round(POINTS * share, 1) + 0.0:.1f}"  # noqa: E731, and no -0.0
        ends = "one seed" if self.low is None else f"{points(self.low)} to {points(self.high)}"
        return f"{points(self.mean)} ({ends})"


def interval(values: Sequence[float]) -> Interval:
    """Student's interval of the mean of n values: mean -+ t(n - 1) s / sqrt(n). Of differences between two arms of equal
    seeds it is that of the paired t test."""
    from scipy import stats  # half a second, which only whoever asks for an interval shall wait

    n, mean = len(values), math.fsum(values) / len(values)
    if n < 2:
        return Interval(mean, None, None)
    error = float(stats.sem(values))
    if error == 0:  # scipy has no interval for a width of 0
        return Interval(mean, mean, mean)
    low, high = stats.t.interval(CONFIDENCE, n - 1, loc=mean, scale=error)
    return Interval(mean, float(low), float(high))


@dataclass(frozen=True)
class Verdict:
    """``word`` is "use", "do not use" or "undecided"; ``reason`` one sentence."""

    word: str
    reason: str


def verdict(gains: Mapping[str, Interval], taught: Mapping[str, float]) -> Verdict:
    """Whether a generator's pictures are worth using.

    Both by regime, in words. ``gains``: the balanced accuracy of classic augmentation with the pictures, less that of
    classic augmentation alone, both tuned. ``taught``: what the pictures teach alone in parts of what real ones do, 0 =
    chance.
    """
    if not gains:
        return Verdict("undecided", "nothing was run to the end")
    gains = {name: gain for name, gain in gains.items() if gain.low is not None}
    if not gains:
        return Verdict("undecided", "one seed has no interval: run at least two, better five")
    helps = [name for name, gain in gains.items() if gain.low > 0]
    harms = [name for name, gain in gains.items() if gain.high < 0]
    told = lambda names: "; ".join(f"{name}: {gains[name]} points" for name in names)  # noqa: E731
    of = f"in {{}} of {len(gains)} regimes, {CONFIDENCE:.0%} intervals"
    if helps and harms:
        return Verdict("undecided", f"beside tuned classic augmentation they help with some sizes and harm with others "
                                    f"({told(helps + harms)})")
    if helps:
        return Verdict("use", f"beside tuned classic augmentation they help {of.format(len(helps))} ({told(helps)})")
    if harms:
        return Verdict("do not use", f"beside tuned classic augmentation they harm {of.format(len(harms))} ({told(harms)})")
    if taught and max(taught.values()) < TEACHES:
        return Verdict("do not use", f"no gain was seen, and alone they teach at most {max(0, max(taught.values())):.0%} of "
                                     f"what the real ones teach")
    best = max(gains, key=lambda name: gains[name].high)
    if gains[best].high < WORTH:
        return Verdict("do not use", f"the most that they may bring beside tuned classic augmentation is under half a point "
                                     f"({told([best])})")
    return Verdict("undecided", f"beside tuned classic augmentation no gain and no harm is sure (the most is possible with "
                                f"{told([best])})")
