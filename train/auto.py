"""What is trained where no recipe is named: a table of rules, read from the top; of each group the first that holds counts.

Every rule says why, and where that was measured. What the rules resolve to is an ordinary recipe with ordinary settings: the
run, its card and the command that repeats it know nothing of this file.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from textwrap import shorten

import torch

from gan import hub
from gan.engine import device_name
from gan.gallery import entries
from gan.hub.contents import DISCRIMINATOR
from train.asked import AUTO, NOTHING, Asked, as_before, as_the_origin, command, resolved
from train.data.images import Images
from train.data.mirror import FEWEST, ONE_WAY, strange_mirror_images
from train.data.spec import DataSpec
from train.game.dynamics import WarmUp
from train.recipe import Recipe
from train.recipes import find
from train.run.adapt import ENCODER
from train.run.budget import check_trainable, free_bytes, images_per_s, kimg_in, taken_bytes
from train.run.origin import Origin, findable, is_of, read_origin
from train.run.world import World

__all__ = ["RULES", "Facts", "Plan", "Rule", "chosen", "filled_in", "planned"]

DEFAULT_MINUTES = 30.0  # where neither recipe nor budget is named
SMALLEST_BATCH = 4  #     to which a batch is halved where memory is short
BATCH_FROM = 16  #        of a run on a CPU that starts from another model
BLURS_KIMG = 10.0  #      cats at 64 px after 3 and 8 kimg were smears, flowers after 22 blurs
FEW = 5000  #             pictures that a model of others helps with
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Facts:
    """What the rules may ask for."""

    count: int  #         pictures
    resolution: int  #    px
    channels: int
    classes: int
    strange: float  #     share of pictures that look stranger in the mirror
    gpu: bool
    start: str = ""  #    a model of the gallery whose nets, D too, these pictures can go on from; "" = there is none

    @property
    def few(self) -> bool:
        """So few that a model of other pictures helps."""
        return self.count < FEW

    @property
    def small_and_grey(self) -> bool:
        """Digits, letters, signs."""
        return self.channels == 1 and self.resolution <= 32


@dataclass(frozen=True)
class Rule:
    """One line of the table."""

    group: str
    holds: Callable[[Facts], bool]
    recipe: str = ""  #                  a name, in the first group only
    settings: tuple[str, ...] = ()
    why: str = ""
    measured: str = NOT_MEASURED
    starts: bool = False  #              from Facts.start, and what trained that model takes the recipe's place


MNIST, FLOWERS = "benchmarks/results/mnist.md", "benchmarks/results/photos-flowers128-4.md"
STARTING = "benchmarks/README.md, Starting from another model"
RULES = (
    Rule("recipe", lambda f: f.small_and_grey and f.classes > 1, "cgan", why="a small DCGAN that is told the class: of all "
         "recipes that need no second setting the nearest to real digits in 15 minutes", measured=MNIST),
    Rule("recipe", lambda f: f.small_and_grey, "gan", why="perceptrons: without labels the nearest to real digits in 30 "
         "minutes, since they see ten times the pictures that convolutions see", measured=MNIST),
    Rule("recipe", lambda f: f.classes > 1, "cvae-gan", why="told the class, with an encoder: in equal minutes its flowers "
         "are nearer to real ones (mean of two seeds), and more unlike each other, than a wider GAN's", measured=FLOWERS),
    Rule("recipe", lambda f: True, "dcgan", ("d.norm=none", "d.group=4", "penalties=R1(0.1, every=8)"),
         "DCGAN's nets, with R1 in the place of norms in D, which sees how unlike each other four pictures are: on cats, in "
         "equal minutes, at two thirds of the distance with spectral norm", "benchmarks/results/photos-cats64-30.md"),

    Rule("size", lambda f: f.small_and_grey, why="as the recipe has it", measured=MNIST),
    Rule("size", lambda f: f.gpu, settings=("batch=64",), why="a GPU is idle under smaller batches"),
    Rule("size", lambda f: f.classes > 1, settings=("g.width=32", "d.width=32", "e.width=16"),
         why="with little compute the number of G's steps decides: narrow nets", measured=FLOWERS),
    Rule("size", lambda f: True, settings=("g.width=48", "d.width=32", "batch=16", "d_opt.lr=4e-4"),
         why="with little compute the number of G's steps decides: narrow nets, small batches, and a faster D (two time "
             "scales, Heusel et al. 2017, arXiv:1706.08500)"),

    Rule("mirror", lambda f: f.count < FEWEST, settings=("flip=false",),
         why=f"under {FEWEST} pictures do not show whether left and right may be swapped"),
    Rule("mirror", lambda f: f.strange >= ONE_WAY, settings=("flip=false",),
         why="these pictures face one way, as letters do", measured="train/data/mirror.py"),
    Rule("mirror", lambda f: True, settings=("flip=true",), why="mirror images are as usual here as pictures",
         measured="train/data/mirror.py"),

    Rule("augment", lambda f: f.small_and_grey and f.count >= 5000, why="on digits it costs more than it gives in short "
         "runs", measured="benchmarks/results/stacked-mnist.md"),
    Rule("augment", lambda f: f.count < 1000, settings=("augment=DiffAugment()",),
         why="so few pictures D would know by heart: colour, translation and cutout, of reals and fakes alike"),
    Rule("augment", lambda f: f.count < 20_000, settings=("augment=DiffAugment('translation')",),
         why="D must not know the pictures by heart, and colours stay what they are"),
    Rule("augment", lambda f: True, why="there are pictures enough"),

    Rule("start", lambda f: f.few and bool(f.start), starts=True, why="a model that can draw already: what is trained "
         "from it is nearer to 100 or 500 pictures after a third of the images, to 4,000 after as many", measured=STARTING),
    Rule("start", lambda f: f.few, why="of the gallery no model with its D is of this size and fits what was set"),
    Rule("start", lambda f: True, why="there are pictures enough"),
)


def chosen(facts: Facts) -> list[Rule]:
    """The rules that count, one a group."""
    first: dict[str, Rule] = {}
    for rule in RULES:
        if rule.group not in first and rule.holds(facts):
            first[rule.group] = rule
    return list(first.values())


@dataclass(frozen=True)
class Plan:
    """What was asked, with everything that was left open filled in."""

    asked: Asked
    recipe: Recipe
    origin: Origin | None
    started_from: dict[str, str]  # for a run's identity: "from" and "from_licence", {} where it starts from nothing


def planned(asked: Asked, images: Images, device: torch.device, before: Mapping[str, str] | None,
            world: World, *, origin: Origin | None = None) -> Plan:
    """The plan of a training. ``before`` is the identity of the run that goes on, None where one begins; ``origin`` what
    --from names, where it was read already. What a run started from is in its checkpoint: one that goes on asks for its name
    only. Errors: ``ValueError``, ``FileNotFoundError`` of one line.
    """
    spec, unnamed = images.spec, asked.recipe == AUTO
    if before is not None and asked.resume:
        was = before.get("from", "")
        if asked.origin is not None and not (is_of(was, asked.origin) if was else asked.origin == NOTHING):
            raise ValueError(f"{asked.out} belongs to another run; from: {was or 'absent'} in the run, {asked.origin} asked")
        if unnamed or was and find(asked.recipe).name == before.get("recipe"):
            asked, recipe = as_before(asked, before, spec)
            return Plan(asked, recipe, None, {key: before[key] for key in ("from", "from_licence") if key in before})
    if origin is None and asked.origin not in (None, NOTHING):
        origin = read_origin(asked.origin)
    if not unnamed:
        recipe = resolved(asked, spec, origin, None if before is None else float(before["kimg"]))
    else:
        facts = _facts(images, device)
        start = _head_start(asked, images) if asked.origin is None and facts.few else None
        facts = replace(facts, start=start.id if start else "")
        if any(rule.starts for rule in chosen(facts)):
            origin = start
        asked, rules = filled_in(asked, facts, spec, origin)
        _say(facts, rules, images, device)
        asked, recipe = _within_memory(asked, resolved(asked, spec, origin), images, device, world)
    if origin is not None:
        _say_origin(recipe, images, origin)
    if unnamed:
        asked, recipe = _within_time(asked, recipe, images, device, world, anew=origin is None)
        again = findable(origin.identity) if origin is not None else None
        same = command(asked, recipe, asked.data, str(asked.out), again, world.size)
        print(f"auto: the same without auto: {same}", file=sys.stderr)
    started = {} if origin is None else {"from": origin.identity, "from_licence": origin.licence}
    return Plan(asked, recipe, origin, started)


def filled_in(asked: Asked, facts: Facts, spec: DataSpec, origin: Origin | None) -> tuple[Asked, list[Rule]]:
    """What was asked, with a recipe and its settings, the table's or those of ``origin``, in the place of none; and the
    rules that they come from, that of the recipe first. Errors: ``ValueError``."""
    rules = chosen(facts) if origin is None else _beside(origin, facts, chosen(facts))
    settings = [text for rule in rules for text in rule.settings]
    if origin is None:
        return asked.with_settings(rules[0].recipe, settings), rules
    asked = as_the_origin(asked, spec, origin, tuple(settings))
    return asked, [Rule("recipe", lambda f: True, asked.recipe, why=f"as {origin.id} was trained"), *rules]


def _beside(origin: Origin, facts: Facts, rules: list[Rule]) -> list[Rule]:
    """What these pictures and this machine change in how a model was trained that is gone on from."""
    kept = [rule for rule in rules if rule.group == "mirror" or rule.starts]
    if facts.gpu or facts.small_and_grey or origin.recipe.batch <= BATCH_FROM:
        return kept
    small = Rule("size", lambda f: True, settings=(f"batch={BATCH_FROM}",), why="without a GPU the number of G's steps "
                 "decides, and small batches have more", measured=STARTING)
    return [*kept, small]


def _facts(images: Images, device: torch.device) -> Facts:
    spec, strange = images.spec, strange_mirror_images((images.sample or images).pixels)
    return Facts(spec.count, spec.resolution, spec.channels, spec.classes, strange, device.type != "cpu")


def _say(facts: Facts, rules: list[Rule], images: Images, device: torch.device) -> None:
    kind = f"{'grey' if facts.channels == 1 else 'RGB'} pictures, {facts.resolution} px"
    names = shorten(", ".join(images.spec.class_names), 100, placeholder=" …")
    classes = f"{facts.classes} classes ({names})" if facts.classes > 1 else "no classes"
    free = free_bytes(device) / 1e9
    lines = [f"data     {images.name}: {facts.count:,} {kind}, {classes}; {facts.strange:.0%} of them look stranger in the "
             f"mirror (50 % = it makes no difference)",
             f"machine  {device_name(device)}, {os.cpu_count()} cores" + (f", {free:.1f} GB free" if free < 1e6 else "")]
    for rule in rules:
        what = " ".join(filter(None, [facts.start if rule.starts else rule.recipe, *rule.settings])) or "nothing"
        lines.append(f"{rule.group:8} {what}: {rule.why} ({rule.measured})")
    if facts.count < FEWEST:
        lines.append(f"note     {facts.count} pictures are so few that G may draw little else than copies of them: "
                     f"python -m train score tells")
    lines.append("time     rates, growth and averages are shares of the run, as recipes state them: they shrink with it")
    print("\n".join(f"auto: {line}" for line in lines), file=sys.stderr)


def _within_memory(asked: Asked, recipe: Recipe, images: Images, device: torch.device,
                   world: World) -> tuple[Asked, Recipe]:
    """With the batch halved until it fits, in all processes. Errors: ``ValueError`` where not even a small one does, or the
    user named it."""
    while True:
        half, trouble = recipe.batch // 2, ""
        may_halve = half >= SMALLEST_BATCH and asked.batch is None
        try:
            check_trainable(recipe, asked.overrides, images.spec, device, world)
            if may_halve:
                trouble = _too_tight(recipe, images.spec, device, world)
        except ValueError as error:
            trouble = str(error)
            if "GB are free" not in trouble or not may_halve:
                raise
        if not world.any(bool(trouble)):
            return asked, recipe
        print(f"auto: memory   batch={half}: {trouble}", file=sys.stderr)
        asked = replace(asked, overrides=(*asked.overrides, f"batch={half}"))
        recipe = replace(recipe, batch=half)


def _too_tight(recipe: Recipe, spec: DataSpec, device: torch.device, world: World) -> str:
    """Why a run does not fit that takes more than its lower bound, as runs do; "" where it fits."""
    needed, free = taken_bytes(replace(recipe, batch=world.share_of(recipe.batch)), spec, device), free_bytes(device)
    return f"about {needed / 1e9:,.1f} GB would be taken and {free / 1e9:,.1f} GB are free" if needed > free else ""


def _say_origin(recipe: Recipe, images: Images, origin: Origin) -> None:
    """What is taken over. Errors: ``ValueError`` where not even G fits."""
    why = origin.why_no_discriminator(recipe, images.spec)
    rests = next((c.kimg for c in recipe.callbacks if isinstance(c, WarmUp)), 0)
    said = f"D starts anew ({why})" if why else "D"
    more = f"; G rests for the first {rests:g} kimg" if rests else ""
    if recipe.e is not None and not any(name.startswith(ENCODER) for name in origin.G):
        more += "; the encoder, which did not come with it, starts anew"
    print(f"from {origin.identity}: G and {said}{more}\nfrom {origin.identity}: the licence of its data holds "
          f"for what comes of it as well: {origin.licence} (--from {NOTHING} starts from nothing)", file=sys.stderr)


def _head_start(asked: Asked, images: Images) -> Origin | None:
    """The first model of the gallery that these pictures and what the user set can go on from, and that brings its D:
    without it G forgets what it knew. None where there is none."""
    spec = images.spec
    bringing = entries([path.parent.name for path in hub.WEIGHTS.glob(f"*/{DISCRIMINATOR}")])
    for entry in sorted(bringing, key=lambda e: e.rank):
        if (entry.resolution, entry.channels) != (spec.resolution, spec.channels):
            continue
        try:
            origin = read_origin(entry.name)
            if not origin.why_no_discriminator(resolved(as_the_origin(asked, spec, origin, ()), spec, origin), spec):
                return origin
        except ValueError:  # what was set fits other nets, or none: that is said where the recipe is made
            continue
    return None


def _within_time(asked: Asked, recipe: Recipe, images: Images, device: torch.device, world: World, *,
                 anew: bool) -> tuple[Asked, Recipe]:
    """With a budget, the user's or the default one, as images; and says what will be seen by when, which is more where the
    nets are not ``anew``."""
    print("auto: trial    some seconds of training, which are thrown away, show how fast it is here", file=sys.stderr)
    minutes = DEFAULT_MINUTES if asked.minutes is None and asked.kimg is None else asked.minutes
    rate = images_per_s(recipe, images, device=device, world=world)
    if minutes is not None:
        recipe = replace(recipe, kimg=kimg_in(minutes, rate))
    default = " (nobody named a budget: --minutes N or --kimg N does)" if minutes and asked.minutes is None else ""
    seconds, count = recipe.total_nimg / rate, images.spec.count
    end = time.strftime("%H:%M", time.localtime(time.time() + seconds))
    memory = taken_bytes(recipe, images.spec, device) / 1e9
    print(f"auto: budget   {seconds / 60:.3g} minutes{default}: {recipe.kimg:g} thousand images at {rate:.0f} a second, "
          f"each picture {recipe.total_nimg / count:.3g} times; done at about {end}; about {memory:.1f} GB", file=sys.stderr)
    if anew and images.spec.channels == 3 and recipe.kimg < BLURS_KIMG:
        print(f"auto: note     under {BLURS_KIMG:g} thousand images give smears of colour: --minutes N for more time, or "
              "--from a model that can draw already", file=sys.stderr)
    return replace(asked, minutes=None, kimg=recipe.kimg), recipe
