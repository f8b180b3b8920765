"""The cells of the experiment, run one after another and kept as they are finished: the same command goes on after a kill.

A group is a size and a seed: one subset, one GAN, and every arm. A cell is one training of a classifier, or of the GAN, in a
file of its own; what a group needs is read from its cells, whoever wrote them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from gan.files import read_json, sweep, write_json, write_tensors
from train.data.images import Images
from train.data.mirror import FEWEST, ONE_WAY, strange_mirror_images
from train.evidence.diet import CLASSIC, Diet, Fakes, feeder
from train.evidence.fakes import FromModel, FromRecipe, drawn
from train.evidence.judged import cross_entropy, right_by_class, trained
from train.evidence.split import Split
from train.features import OWN, load_features
from train.metrics.reading import features
from train.metrics.scores import memorised

__all__ = ["ARMS", "Cell", "Experiment", "Group", "Missing", "arms_of", "check_same"]

VERSION = 3  # raise it when the same command would fill a cell with other numbers
RATIOS = (0.25, 1.0, 4.0)
PSI = 0.7
FEWEST_FAKES, MOST_FAKES = 200, 4000  # of a class; of all together, from a GAN of a subset
COMPARED, AMONG = 300, 5000  # fakes whose nearest training picture is looked for, and among how many at most
ARMS = ("nothing", "oversampling", "mixup", "classic", "gan", "classic + gan", "fakes alone")
Say = Callable[[str, float], None]  # (what is being done, how far it is: 0 to 1)


class Missing(Exception):
    """A cell that is not there yet."""


@dataclass(frozen=True)
class Cell:
    """What one classifier made of the pictures to choose by, and got right of each class of the test set."""

    name: str
    validation: float  #   cross-entropy: of two that read every picture rightly, the surer one is the better
    test: list[float]
    fakes: list[float]  #  of the generator's pictures, [] for a classifier that was fed some
    sure: str = ""  #      bits in hex: which fakes it reads as their label, of psi 1 and of PSI


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a cell, and where cells lie."""

    split: Split
    source: FromRecipe | FromModel
    steps: int
    out: Path

    @property
    def identity(self) -> dict[str, str]:
        """What a folder of cells is of; sizes and seeds may be added to it."""
        return {**self.source.identity, "pictures": self.split.pool.fingerprint, "test": self.split.test.fingerprint,
                "steps": str(self.steps), "version": str(VERSION)}

    @cached_property
    def strange(self) -> float:
        return strange_mirror_images(self.split.pool.pixels)

    @property
    def mirror(self) -> bool:
        """Whether classic augmentation may swap left and right."""
        return len(self.split.pool.pixels) >= FEWEST and self.strange < ONE_WAY

    def group(self, size: str, seed: int) -> Group:
        return Group(self, size, seed)


class Group:
    """One subset with its GAN and its arms."""

    def __init__(self, experiment: Experiment, size: str, seed: int):
        self.of, self.size, self.seed = experiment, size, seed
        self.folder = experiment.out / "cells" / f"{size}-{seed}"
        counts = experiment.split.wanted(size)
        self.unequal = bool(counts.min() < counts.max())
        self.most = int(counts.max())

    @cached_property
    def images(self) -> Images:
        return self.of.split.subset(self.size, self.seed)

    @cached_property
    def to_choose_by(self) -> Images:
        return self.of.split.to_choose_by(self.size)

    def path(self, name: str, ending: str = ".json") -> Path:
        return self.folder / (re.sub(r"[^a-z0-9.]+", "-", name) + ending)

    def read(self, diet: Diet) -> Cell:
        """Errors: ``Missing``."""
        return Cell(**self._note(diet.name))

    def memorised(self) -> float:
        """Errors: ``Missing``."""
        return self._note("memorised")["share"]

    def _note(self, name: str) -> dict[str, Any]:
        path = self.path(name)
        if not path.is_file():
            raise Missing(name)
        return read_json(path)

    def run(self, say: Say) -> None:
        """Fills the cells that are not there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        sweep(self.folder, older_s=0)
        self._draw(say)

        def judge(diet: Diet) -> Cell:
            try:
                return self.read(diet)
            except Missing:
                say(diet.name, 0.0)
                self._judge(diet)
                return self.read(diet)

        arms_of(self, judge)
        if not self.path("memorised").is_file():
            say("memorisation", 0.0)
            self._compare()

    def _draw(self, say: Say) -> None:
        path = self.path("fakes", ".safetensors")
        if path.is_file():
            return
        say("GAN", 0.0)
        G = self.of.source.generator(self.images, self.seed, self.of.strange, lambda done: say("GAN", done))
        classes = self.images.spec.classes
        each = max(FEWEST_FAKES, min(int(max(RATIOS)) * self.most, self.of.source.plenty * MOST_FAKES // classes))
        say("drawing", 1.0)
        first = self.of.source.first_seed(self.seed)
        (plain, labels), (near, _) = (drawn(G, each, psi, first) for psi in (1.0, PSI))
        write_tensors(path, {"plain": torch.from_numpy(plain), "near": torch.from_numpy(near),
                             "labels": torch.from_numpy(labels)})

    @cached_property
    def _pictures(self) -> dict[str, np.ndarray]:
        return {name: t.numpy() for name, t in load_file(self.path("fakes", ".safetensors")).items()}

    def _fakes(self, diet: Diet) -> Fakes | None:
        if not diet.ratio and diet.reals:
            return None
        labels = self._pictures["labels"]
        sure = np.ones(len(labels), bool)
        if diet.sure:  # as the tuned classifier of the reals reads them
            bits = np.frombuffer(bytes.fromhex(_tuned_classic(self, self.read).sure), np.uint8)
            sure = np.unpackbits(bits)[: 2 * len(labels)].reshape(2, -1)[int(diet.psi != 1)].astype(bool)
        return Fakes(self._pictures["plain" if diet.psi == 1 else "near"], labels, sure)

    def _judge(self, diet: Diet) -> None:
        images, steps = self.images, self.of.steps
        fakes = self._fakes(diet)
        feed = feeder(diet, images, fakes, seed=self.seed, steps=steps, mirror=self.of.mirror)
        net = trained(images, feed, steps, self.seed)
        classes = images.spec.classes
        validation, test = self.to_choose_by, self.of.split.test
        chosen_by = cross_entropy(features(net, validation.pixels), validation.labels)
        right = right_by_class(features(net, test.pixels).argmax(1), test.labels, classes)
        read, sure = [], ""
        if fakes is None:
            labels = self._pictures["labels"]
            plain, near = (features(net, self._pictures[name]).argmax(1) for name in ("plain", "near"))
            read = right_by_class(plain, labels, classes)
            sure = np.packbits(np.concatenate([plain == labels, near == labels])).tobytes().hex()
        write_json(self.path(diet.name), asdict(Cell(diet.name, chosen_by, right, read, sure)), indent=None)

    def _compare(self) -> None:
        net, pictures = load_features(OWN), self._pictures["plain"]
        rs = np.random.RandomState(self.seed)
        some, among = (np.asarray(pixels)[rs.permutation(len(pixels))[:most]] for pixels, most in (
            (pictures, COMPARED), (self.images.pixels, AMONG)))
        of = [features(net, pixels) for pixels in (some, among, np.asarray(self.to_choose_by.pixels))]
        write_json(self.path("memorised"), {"share": memorised(of[0], of[1], of[2])})


def _best(diets: Sequence[Diet], judge: Callable[[Diet], Cell]) -> Diet:
    """The one with the least cross-entropy on the pictures to choose by; of equals the first."""
    return min(diets, key=lambda diet: judge(diet).validation)


def _classic(group: Group) -> list[Diet]:
    return [Diet(classic=name, balanced=balanced) for balanced in (False, True)[: 1 + group.unequal] for name in CLASSIC]


def _tuned_classic(group: Group, judge: Callable[[Diet], Cell]) -> Cell:
    return judge(_best(_classic(group), judge))


def _with_fakes(classic: str, judge: Callable[[Diet], Cell]) -> Cell:
    """The best ratio, and with it the best of: all pictures, those that are read rightly, those nearer the middle."""
    best = _best([Diet(ratio=ratio, classic=classic) for ratio in RATIOS], judge)
    return judge(_best([best, replace(best, sure=True), replace(best, psi=PSI)], judge))


def arms_of(group: Group, judge: Callable[[Diet], Cell]) -> dict[str, Cell]:
    """Every arm of a group, tuned on the pictures to choose by. ``judge`` reads a cell, or runs it."""
    found = {"nothing": judge(Diet())}
    if group.unequal:
        found["oversampling"] = judge(Diet(balanced=True))
    found["mixup"] = judge(Diet(mixup=True, balanced=group.unequal))
    found["classic"] = _tuned_classic(group, judge)
    strength = _best(_classic(group), judge).classic
    found["gan"] = _with_fakes("", judge)
    found["classic + gan"] = _with_fakes(strength, judge)
    found["fakes alone"] = judge(Diet(reals=False))
    return found


def check_same(experiment: Experiment) -> None:
    """Writes down what a new folder is of. Errors: ``ValueError`` for a folder that is of another experiment."""
    path, now = experiment.out / "experiment.json", experiment.identity
    if path.is_file():
        was = read_json(path)
        if lines := [f"{key} was {was.get(key, 'not there')[:80]} and is {now.get(key, 'not there')[:80]}"
                     for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key)]:
            raise ValueError(f"{experiment.out} holds another experiment: {'; '.join(lines)}; choose another --out")
    else:
        experiment.out.mkdir(parents=True, exist_ok=True)
        write_json(path, now)
