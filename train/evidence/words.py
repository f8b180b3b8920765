"""What an experiment says of itself: what was examined, how, and by which command."""

from __future__ import annotations

import argparse
import shlex

from train.data.images import Images
from train.evidence.experiment import Experiment
from train.evidence.fakes import FromModel, FromRecipe
from train.settings import as_option

__all__ = ["command", "examined", "heading", "protocol"]


def generator(source: FromModel | FromRecipe) -> str:
    """Its name."""
    return source.model.id if isinstance(source, FromModel) else source.recipe


def heading(source: FromModel | FromRecipe, images: Images) -> str:
    """Of the table."""
    budget = f" after {source.kimg:g} thousand images" if isinstance(source, FromRecipe) else ""
    return f"Do the pictures help? {generator(source)}{budget}, {images.name} at {images.spec.resolution} px"


def examined(source: FromModel | FromRecipe, images: Images) -> str:
    """What a verdict is about, for cards and pages."""
    if isinstance(source, FromModel):
        return f"this model, revision {source.model.revision}, beside the {images.spec.count:,} pictures it was trained on"
    return (f"its recipe{_settings(source)}, trained anew for {source.kimg:g} thousand images on each subset of "
            f"{images.name}: the GAN saw the classifier's own pictures only")


def _settings(source: FromRecipe) -> str:
    return f", with {', '.join(source.settings)}" if source.settings else ""


def protocol(experiment: Experiment, images: Images, test: Images | None, args: argparse.Namespace) -> str:
    """How it was done, in one paragraph."""
    parts, source = experiment.split, experiment.source
    if isinstance(source, FromModel):
        trained = f"{source.model.id} was trained on all pictures before, those to choose by among them"
        of_seed = "the classifier and the pictures that are drawn"
    else:
        trained = f"{source.recipe} is trained anew on each subset, for {source.kimg:g} thousand images{_settings(source)}"
        of_seed = "subset, GAN and classifier"
    return (f"{len(parts.test.pixels):,} pictures of {test.name if test else images.name} at {images.spec.resolution} px "
            f"are the test set for everything; {trained}, and has seen nothing else. Every arm trains the same small "
            f"residual net for {args.steps} steps of 64 pictures. Chosen on as many pictures a class as are learnt from (at "
            f"most 50), apart from these: the strength of classic augmentation, fakes to reals (1:4, 1:1, 4:1), all fakes, "
            f"those with psi 0.7, or those that the classifier of the reals reads rightly. {args.seeds} seeds of {of_seed}; "
            f"means with Student's 95 % intervals over the seeds, differences paired; the test pictures are the same in all."
            + (f" {parts.copies} copies of test pictures were left out." if parts.copies else ""))


def command(source: FromModel | FromRecipe, images: Images, test: Images | None, args: argparse.Namespace) -> str:
    """The command again, without this machine's folders."""
    parts = ["python", "-m", "train", "evidence", generator(source), "--data", images.name]
    parts += ["--test", test.name] if test else []
    parts += ["--sizes", *args.sizes] if args.sizes else []
    parts += ["--seeds", str(args.seeds), "--steps", str(args.steps)]
    if isinstance(source, FromRecipe):
        parts += ["--kimg", f"{args.kimg:g}"]
        parts += ["--resolution", str(args.resolution)] if args.resolution else []
    return " ".join([shlex.join([*parts, "--out", f"runs/{args.out.name}"]), *map(as_option, args.overrides)])
