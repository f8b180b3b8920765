"""Who sees which pictures: one test set for everything, pictures to choose by, and the subsets that arms are trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from train.data.images import Images
from train.data.part import part

__all__ = ["ALL", "TAIL", "Split", "parse_size", "split"]

FEWEST = 10  #            pictures of a class: 2 to test on, 2 to choose by, and some to learn from
TEST_SHARE = 0.2  #       of each class, where no test set is given
MOST_TEST = 2000  #       pictures that are judged on, of all classes together
VALIDATION_SHARE = 0.2
MOST_VALIDATION = 50  #   pictures of a class to choose by
LONGEST, SHORTEST = 200, 10  # pictures of the first and the last class of the long tail
TAIL, ALL = "tail", "all"


@dataclass(frozen=True)
class Split:
    """``pool``, ``validation`` and ``test`` have no picture in common, not even a copy."""

    pool: Images
    validation: Images
    test: Images
    copies: int  #  pictures that were left out since one like them is in the test set
    again: int  #   and since one like them is among those to choose by

    @property
    def counts(self) -> np.ndarray:
        """Pictures of each class in the pool, [K]."""
        return np.bincount(self.pool.labels, minlength=self.pool.spec.classes)

    def wanted(self, size: str) -> np.ndarray:
        """Pictures of each class that a size asks for, [K]. Errors: ``ValueError`` where the pool has not so many."""
        have, names = self.counts, self.pool.spec.class_names
        if size == ALL:
            return have
        if size == TAIL:
            wanted = np.geomspace(LONGEST, SHORTEST, len(have)).round().astype(int)
        else:
            wanted = np.full(len(have), int(size))
        if (short := np.flatnonzero(have < wanted)).size:
            k = short[0]
            raise ValueError(f"{wanted[k]} pictures of {names[k]!r} are asked for, and {have[k]} can be learnt from")
        return wanted

    def subset(self, size: str, seed: int) -> Images:
        """What an arm is trained on, GAN included: that of a smaller size lies in that of a larger one of the same seed."""
        rows = []
        for k, count in enumerate(self.wanted(size)):
            own = np.flatnonzero(self.pool.labels == k)
            rows.append(own[np.random.RandomState([seed, k]).permutation(len(own))[:count]])
        return part(self.pool, np.sort(np.concatenate(rows)))

    def to_choose_by(self, size: str) -> Images:
        """As many pictures of each class as the arm learns from, as far as there are: nobody who has 20 to learn from has
        1,000 to choose by."""
        rows = [np.flatnonzero(self.validation.labels == k)[:count] for k, count in enumerate(self.wanted(size))]
        return part(self.validation, np.concatenate(rows))


def parse_size(text: str) -> str:
    """A size as the command line takes it. Errors: ``ValueError``."""
    if text in (TAIL, ALL) or text.isdecimal() and 5 <= int(text) <= 10**6:
        return text
    raise ValueError(f"a size is a number of pictures a class from 5 on, {TAIL!r} or {ALL!r}, got {text[:30]!r}")


def split(images: Images, test: Images | None = None) -> Split:
    """The split of a set, the same whenever it is asked for; ``test`` is a set of its own to judge on.

    Errors: ``ValueError`` of one line for pictures without labels, for a class of which there are too few, and for a test
    set with other classes or another shape.
    """
    for given in filter(None, (images, test)):
        if given.labels is None:
            raise ValueError(f"{given.name} has no labels: put the pictures of each class in a sub-folder of its own")
    spec = images.spec
    if test is not None and (spec.class_names, spec.channels, spec.resolution) != (
            test.spec.class_names, test.spec.channels, test.spec.resolution):
        raise ValueError(f"{test.name} has other classes or colours than {images.name}: {_shape(test)}, not "
                         f"{_shape(images)}")
    _check_counts(images, FEWEST, "a split needs")
    judged = _first_of_each(images if test is None else test, 0, lambda n: min(
        max(1, MOST_TEST // spec.classes), n if test is not None else round(TEST_SHARE * n)))
    kept_apart = part(images if test is None else test, judged)
    _check_counts(kept_apart, 1, "the test set needs")
    digests = np.array(_digests(images.pixels))
    rest = np.ones(len(digests), bool)
    if test is None:
        rest[judged] = False
    copies = rest & np.isin(digests, digests[judged] if test is None else _digests(test.pixels))
    rows = np.flatnonzero(rest & ~copies)
    left = part(images, rows)
    _check_counts(left, FEWEST // 2, "after copies of test pictures were left out, a split needs")
    chosen = _first_of_each(left, 1, lambda n: min(MOST_VALIDATION, max(1, round(VALIDATION_SHARE * n))))
    validation, others = part(left, chosen), np.setdiff1d(np.arange(len(left.pixels)), chosen)
    again = np.isin(digests[rows[others]], digests[rows[chosen]])
    pool = part(left, others[~again])
    _check_counts(pool, 1, "after copies of pictures to choose by were left out, a split needs")
    return Split(pool, validation, kept_apart, int(copies.sum()), int(again.sum()))


def _shape(images: Images) -> str:
    spec = images.spec
    return f"{spec.channels} channels at {spec.resolution} px, classes {', '.join(spec.class_names[:6])}"


def _check_counts(images: Images, least: int, who: str) -> None:
    counts = np.bincount(images.labels, minlength=images.spec.classes).tolist()
    fewest = min(counts)
    if fewest < least:
        raise ValueError(f"{images.name}: class {images.spec.class_names[counts.index(fewest)]!r} has {fewest} picture"
                         f"{'s' * (fewest != 1)}, and {who} at least {least} of each")


def _first_of_each(images: Images, purpose: int, count: Callable[[int], int]) -> np.ndarray:
    """Rows of ``count(n)`` pictures of each class of n, drawn at random, class after class."""
    rows = []
    for k in range(images.spec.classes):
        own = np.flatnonzero(images.labels == k)
        rows.append(own[np.random.RandomState([purpose, k]).permutation(len(own))[:count(len(own))]])
    return np.concatenate(rows)


def _digests(pixels: np.ndarray) -> list[str]:
    return [hashlib.blake2b(picture.tobytes(), digest_size=16).hexdigest() for picture in pixels]
