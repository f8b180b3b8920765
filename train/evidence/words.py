"""What an experiment says of itself: what was examined, how, and by which command."""

from __future__ import annotations

import argparse
import shlex

from train.data.images import Images
from train.evidence.experiment import Experiment
from train.evidence.fakes import FromModel, FromRecipe
from train.run.origin import findable
from train.settings import as_option

__all__ = ["command", "examined", "heading", "protocol"]


def heading(source: FromModel | FromRecipe, images: Images) -> str:
    """Of the table."""
    if isinstance(source, FromModel):
        generator = source.model.id
    else:
        generator = f"{source.recipe}{_origin(source)} after {source.kimg:g} thousand images"
    return f"Do the pictures help? {generator}, {images.name} at {images.spec.resolution} px"


def examined(source: FromModel | FromRecipe, images: Images) -> str:
    """What a verdict is about, for cards and pages."""
    if isinstance(source, FromModel):
        return f"this model, revision {source.model.revision}, beside the {images.spec.count:,} pictures it was trained on"
    more = f", and {source.origin.id} other ones" if source.origin else ""
    return (f"its recipe{_origin(source)}{_settings(source)}, trained anew for {source.kimg:g} thousand images on each "
            f"subset of {images.name}: of these the GAN saw the classifier's own pictures only{more}")


def _origin(source: FromRecipe) -> str:
    return f" from {source.origin.id}" if source.origin else ""


def _settings(source: FromRecipe) -> str:
    return f", with {', '.join(source.settings)}" if source.settings else ""


def protocol(experiment: Experiment, images: Images, test: Images | None, args: argparse.Namespace) -> str:
    """How it was done, in one paragraph."""
    parts, source = experiment.split, experiment.source
    if isinstance(source, FromModel):
        trained = f"{source.model.id} was trained on all pictures before, those to choose by among them"
        of_seed = "the classifier and the pictures that are drawn"
    else:
        before = f", from {source.origin.id}, which was trained on other pictures" if source.origin else ""
        trained = (f"{source.recipe} is trained anew on each subset{before}, for {source.kimg:g} thousand images"
                   f"{_settings(source)}")
        of_seed = "subset, GAN and classifier"
    return (f"{len(parts.test.pixels):,} pictures of {test.name if test else images.name} at {images.spec.resolution} px "
            f"are the test set for everything; {trained}, and has seen nothing else. Every arm trains the same small "
            f"residual net for {args.steps} steps of 64 pictures. Chosen by cross-entropy on as many pictures a class as "
            f"are learnt from (at most 50), apart from these: the strength of classic augmentation, fakes to reals (1:4, "
            f"1:1, 4:1), all fakes, those with psi 0.7, or those that the classifier of the reals reads rightly. "
            f"{args.seeds} seeds of {of_seed}; "
            f"means with Student's 95 % intervals over the seeds, differences paired; the test pictures are the same in all."
            + (f" {parts.copies} copies of test pictures were left out." if parts.copies else "")
            + (f" {parts.again} copies of pictures to choose by were left out." if parts.again else ""))


def command(source: FromModel | FromRecipe, images: Images, test: Images | None, args: argparse.Namespace) -> str:
    """The command again, without this machine's folders."""
    generator = source.model.id if isinstance(source, FromModel) else source.recipe
    parts = ["python", "-m", "train", "evidence", generator, "--data", images.name]
    parts += ["--test", test.name] if test and args.test else []  # what a model held out nobody needs to name
    parts += ["--sizes", *args.sizes] if args.sizes else []
    parts += ["--seeds", str(args.seeds), "--steps", str(args.steps)]
    if isinstance(source, FromRecipe):
        parts += ["--from", findable(source.origin.identity)] if source.origin else []
        parts += ["--kimg", f"{args.kimg:g}"]
        parts += ["--resolution", str(args.resolution)] if args.resolution else []
    return " ".join([shlex.join([*parts, "--out", f"runs/{args.out.name}"]), *map(as_option, args.overrides)])
