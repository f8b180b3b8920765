"""A whole training: from what the user asked for to the exported model."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import torch

from gan import hub
from gan.engine import device_name, pick_device
from gan.files import sweep, write_json
from train.asked import AUTO, NOTHING, Asked, command
from train.auto import Plan, planned
from train.data.images import Images, load_images
from train.data.part import hold_out
from train.data.stream import Stream
from train.data.streamed import stream_images
from train.recipe import Recipe
from train.recipes import RECIPES, ancestors, changes, find
from train.run.alone import alone_in
from train.run.best import BEST, Best
from train.run.budget import check_trainable, images_per_s, kimg_in
from train.run.checkpoint import CHECKPOINT, HEALTHY, differences, identity_of, load_checkpoint, peek
from train.run.dashboard import Dashboard, trackio
from train.run.export import JUDGED, WORTH_S, Provenance, add_directions, export, hardware
from train.run.health import Unhealthy
from train.run.loop import Observer, Run
from train.run.observers import Checkpoints, Log, Snapshots, clock
from train.run.origin import findable, read_origin
from train.run.publish import PushedCheckpoints, fetch_run
from train.run.signals import stopping_on_signals
from train.run.speed import Speed
from train.run.watch import CollapseWatch
from train.run.world import World

__all__ = ["Asked", "train"]

MOST_ROLLBACKS = 3


def train(asked: Asked, world: World) -> int:
    """Trains, exports, and returns the exit code. Of several processes the first reads and writes the run's folder.

    Errors: ``ValueError``, ``KeyError`` or ``OSError`` of one line each.
    """
    asked.check()
    if asked.dashboard:
        trackio()  # is it there?
    with alone_in(asked.out) if world.first and not asked.dry_run else nullcontext():
        return _train(asked, world)


def _train(asked: Asked, world: World) -> int:
    device = pick_device(asked.device)
    if world.first and not asked.dry_run:
        _check_hub(asked)
    state, before = _begun(asked, world)
    named = RECIPES.get(before.get("recipe", "") if before and asked.recipe == AUTO else asked.recipe.replace("_", "-"))
    origin = read_origin(asked.origin) if named is None and asked.origin not in (None, NOTHING) else None
    reads = RECIPES.get(origin.recipe_name) if origin else named  # what was trained on pairs goes on with pairs
    if asked.hold_out is None and before:
        asked = replace(asked, hold_out=float(before.get("hold_out", 0)))
    images, held_out = _images(asked, pairs=bool(reads and reads.pairs))
    if named:
        named.check(images.spec, images.hint)
    plan = planned(asked, images, device, before or None, world, origin=origin)
    recipe = plan.recipe
    stream = Stream(images, seed=asked.seed, flip=recipe.flip, source=recipe.source, held_out=held_out or images.sample)
    if before and recipe.total_nimg < state["nimg"] and recipe.kimg < float(before["kimg"]):  # whole batches pass a budget
        raise ValueError(f"{asked.out} has seen {state['nimg'] / 1000:g} kimg already: give as many or more")
    check_trainable(recipe, plan.asked.overrides, images.spec, device, world)
    if asked.minutes is not None and before:
        print(f"--minutes counts at the start of a run only: this one is planned for {recipe.kimg:g} kimg (--kimg N changes "
              f"that)", file=sys.stderr)
    elif plan.asked.minutes is not None:
        recipe = _budget_from_minutes(recipe, plan.asked.minutes, images, device, world)
    if asked.dry_run:
        named = find(plan.asked.recipe)
        print(json.dumps({"recipe": named.name, "paper": named.paper, **recipe.to_json(), **plan.started_from}, indent=2))
        return 0
    licence = asked.licence or before.get("licence") or "not stated"
    identity = identity_of(recipe.to_json(), recipe=find(plan.asked.recipe).name, data=images.fingerprint, seed=asked.seed,
                           licence=licence, hold_out=asked.hold_out, origin=plan.started_from)
    if before and (lines := differences(before, identity)):
        raise ValueError(f"{asked.out} belongs to another run; " + "; ".join(lines))
    if world.share(identity) != identity:
        raise ValueError(f"process {world.rank} has read other data, or another recipe, than the first: all need the same")
    reals = held_out or images.sample or images
    session = _Session(replace(plan, recipe=recipe), images, reals, stream, device, identity, world)
    return session.train(resumed=bool(before))


def _begun(asked: Asked, world: World) -> tuple[dict[str, Any], dict[str, str]]:
    """State and identity of the run that goes on, both empty where one begins. Errors: ``ValueError`` where a run is in the
    way of a new one."""
    path = asked.out / CHECKPOINT
    state, before = world.share(peek(path) if world.first and path.exists() else ({}, {}))
    if before and not asked.resume and not asked.dry_run:
        raise ValueError(f"{asked.out} already holds a run of {state['nimg'] / 1000:.1f} kimg: "
                         f"add --resume to go on, or choose another --out")
    return state, before


def _images(asked: Asked, pairs: bool) -> tuple[Images, Images | None]:
    """(what is trained on, what is held out)."""
    share = asked.hold_out or 0.0
    if asked.stream:
        images = stream_images(asked.data, resolution=asked.resolution, held=share, progress=_progress)
        return images, images.sample if share else None
    images = load_images(asked.data, resolution=asked.resolution, pairs=pairs, progress=_progress)
    return hold_out(images, share) if share else (images, None)


def _check_hub(asked: Asked) -> None:
    """Asks the Hub before hours are spent, and brings the run from there. Errors: ``ValueError``, ``HubError``."""
    if asked.push:
        hub.check_push(asked.push, private=asked.private)
    elif asked.private:
        raise ValueError("--private says how --push makes a repository: add --push user/name")
    if isinstance(asked.resume, str) and not fetch_run(asked.resume, asked.out):
        print(f"no checkpoint in {asked.resume}", file=sys.stderr)


def _budget_from_minutes(recipe: Recipe, minutes: float, images: Images, device: torch.device, world: World) -> Recipe:
    """Turns minutes into images, from the speed of a throw-away run of a few seconds."""
    rate = images_per_s(recipe, images, device=device, world=world)
    kimg = kimg_in(minutes, rate)
    print(f"{rate:.0f} images/s here: {minutes:g} minutes are {kimg:g} kimg", file=sys.stderr)
    return replace(recipe, kimg=kimg)


class _Session:
    """A run in its folder, from its first round of today to the export."""

    def __init__(self, plan: Plan, images: Images, reals: Images, stream: Stream, device: torch.device,
                 identity: dict[str, str], world: World):
        asked = plan.asked
        self.asked, self.origin, self.images, self.identity, self.out = asked, plan.origin, images, identity, asked.out
        self.named, self.best, self.world = find(asked.recipe), Best(self.out / BEST, reals), world
        self.run = Run(plan.recipe, stream, seed=asked.seed, device=device, world=world,
                       observers=self._observers() if world.first else ())

    def _observers(self) -> list[Observer]:
        asked, identity = self.asked, self.identity
        watch = CollapseWatch(self.out / "collapse", on_collapse=asked.on_collapse, good=self.out / HEALTHY,
                              identity=identity, every_s=asked.checkpoint_s)
        pushed = [PushedCheckpoints(self.out, asked.push, private=asked.private, every_s=60 * asked.push_minutes)] \
            if asked.push else []
        shown = [Dashboard(self.out.name, self.out / "snapshots")] if asked.dashboard else []
        return [watch, self.best, Speed(self.images.spec), Log(self.out / "log.jsonl"), Snapshots(self.out / "snapshots"),
                Checkpoints(self.out / CHECKPOINT, identity, every_s=asked.checkpoint_s), *shown, *pushed]

    def train(self, *, resumed: bool) -> int:
        run = self.run
        if resumed and self.world.first:
            run.restore(*load_checkpoint(self.out / CHECKPOINT, self.identity))
        elif self.origin is not None and not resumed:
            self.origin.give(run.game, run.recipe, self.images.spec)
        state = self.world.share(run.state())
        if not self.world.first:
            run.restore(*state)
        if resumed:
            self._check_prolonged()
        if self.world.first:
            self._open_folder(resumed)
        if not (resumed and run.finished):
            return self._fit()
        print(f"{self.out} is finished: {run.nimg / 1000:g} kimg; --kimg N goes on to N in all", file=sys.stderr)
        self._export()
        self._publish()
        return 0

    def _open_folder(self, resumed: bool) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        for folder in (self.out, self.out / "snapshots", self.out / "export"):
            sweep(folder, older_s=0)  # what a killed session left: this run has its folder for itself
        write_json(self.out / "recipe.json", self.identity)
        if self.run.recipe.precision == "bfloat16" and not self.run.half:
            print(f"{device_name(self.run.device)} computes bfloat16 slowly: float32 is used in its place", file=sys.stderr)
        if not resumed:
            (self.out / HEALTHY).unlink(missing_ok=True)  # of a run that was here before
        if resumed and not self.run.finished:
            print(f"resumed at {self.run.nimg / 1000:.1f} kimg", file=sys.stderr)
        elif not resumed and self.asked.resume:
            print(f"no checkpoint in {self.out}: starting anew", file=sys.stderr)

    def _check_prolonged(self) -> None:
        """Errors: ``ValueError`` where a raised budget would only add images at a learning rate of 0."""
        run, planned = self.run, self.run.game.planned_nimg
        if run.recipe.total_nimg > planned and any(p.values(planned, planned)["lr"] == 0 for p in run.game.phases):
            raise ValueError(f"{self.out} was planned for {planned / 1000:g} kimg, where its learning rates are 0: more "
                             f"images change nothing; for a longer run start anew with --kimg {run.recipe.kimg:g}")

    def _fit(self) -> int:
        with stopping_on_signals(self.run):
            failed = self._train_and_export()
        if failed:
            raise ValueError(f"{failed}; went back to {self.run.nimg / 1000:.1f} kimg and exported that")
        if not self.run.finished:
            print(f"stopped at {self.run.nimg / 1000:.1f} kimg, nothing is lost: the same command with --resume goes on",
                  file=sys.stderr)
            return 130
        self._publish()
        return 0

    def _train_and_export(self) -> str:
        """Returns why training ended early and went back, "" where it did not."""
        run, failed = self.run, ""
        while not failed:
            try:
                run.fit()
                break
            except Unhealthy as error:
                failed = self._go_back(error)
        if failed:  # no round more: log, timeline and checkpoint go back with the run
            run.stopping = True
            run.fit()
        self._export()
        return failed

    def _publish(self) -> None:
        """Errors: ``HubError``, which says how to try again: the model is in its folder."""
        if not self.asked.push or not self.world.first:
            return
        try:
            done = hub.push(self.out / "export", self.asked.push, private=self.asked.private)
        except hub.HubError as error:
            raise hub.HubError(f"{error}; the model is in {self.out / 'export'}: python -m gan push {self.out} "
                               f"{self.asked.push} publishes it") from None
        print(f"published: {done.url}", file=sys.stderr)

    def _go_back(self, error: Unhealthy) -> str:
        """Restores the last healthy state, or the last checkpoint. Returns "" where training shall go on from there, else
        why it shall not."""
        run, asked = self.run, self.asked
        failed, healthy, attempt = str(error), self.out / HEALTHY, run.rollbacks + 1
        slower = {net: rate * error.slower.get(net, 1.0) for net, rate in run.slower.items()}
        found = None
        path = healthy if asked.on_collapse != "warn" and healthy.exists() else self.out / CHECKPOINT
        if self.world.first:
            if not path.exists():
                raise ValueError(f"{failed}; there is no checkpoint to go back to")
            found = load_checkpoint(path, self.identity)
        run.restore(*self.world.share(found))
        if asked.on_collapse != "rollback" or attempt > MOST_ROLLBACKS:
            return failed
        run.try_again(attempt, slower)
        rates = " and ".join(f"{rate:.1%} of {net}'s" for net, rate in slower.items())
        print(f"\n{failed}\nback at {run.nimg / 1000:.1f} kimg, with {rates} learning rate (attempt {attempt} of "
              f"{MOST_ROLLBACKS})", file=sys.stderr)
        return ""

    def _export(self) -> None:
        if not self.world.first:
            return
        run, named, images = self.run, self.named, self.images
        data = dict(name=images.name, images=images.spec.count, classes=images.spec.classes,
                    fingerprint=images.fingerprint, licence=self.identity["licence"])
        if self.asked.hold_out:
            data["held_out"] = self.asked.hold_out
        G_ema, chosen = self.best.of(run)
        started, origin = self.identity.get("from"), None
        if started:
            model, _, revision = started.rpartition("@")
            origin = dict(id=model, revision=revision, licence=self.identity["from_licence"])
        again = started and findable(started)
        provenance = Provenance(
            recipe=named.name, parent=named.parent, ancestors=ancestors(named), paper=named.paper, note=named.note,
            changes=changes(named, images.spec), slots=run.recipe.to_json(), data=data,
            command=command(self.asked, run.recipe, images.name, f"runs/{self.asked.out.name}", again, self.world.size),
            seed=run.seed, nimg=run.nimg, minutes=round(run.seconds / 60, 1),
            hardware=hardware(run.device, self.world.size), origin=origin, chosen=chosen)
        names = images.spec.class_names if run.recipe.latent.classes else ()
        export(G_ema, self.out / "export", provenance, class_names=names, snapshots=self.out / "snapshots",
               log=self.out / "log.jsonl", name=self.out.name, inputs=run.fixed_inputs(JUDGED), D=run.game.adversary)
        if run.finished and run.seconds >= WORTH_S:
            add_directions(self.out / "export", lambda: run.stopping, run.device)
        print(f"model written to {self.out / 'export'} after {clock(run.seconds)} of training", file=sys.stderr)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rdecoding images {done:,} / {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)
