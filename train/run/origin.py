"""Where a run starts from (``--from``): the weights of another run, or of a model of the gallery or the Hub.

A run has everything in its checkpoint. A model has the average of G, and D beside it where that is small enough: a second
file, ``discriminator.safetensors``, that drawing never reads. What a stranger wrote is read strictly: weights as ``gan.hub``
reads them, the recipe in a notation that evaluates nothing, D after its size and its header are known.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from gan import hub
from gan.base import Discriminator
from gan.files import object_in, read_tensors, write_tensors
from gan.hub.config import read_object
from gan.hub.contents import DISCRIMINATOR, FIXED, sha256
from gan.models import family, family_of
from train.data.spec import DataSpec
from train.game.dynamics import Grow, WarmUp
from train.game.game import Game
from train.recipe import Recipe
from train.run.adapt import ENCODER, Change, Misfit, converted, take_over
from train.run.build import build_nets, without_memory
from train.run.checkpoint import CHECKPOINT, peek

__all__ = ["Origin", "findable", "is_of", "keep_discriminator", "read_origin"]

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Origin:
    """What a run may start from."""

    id: str  #                    never a local path
    revision: str  #              the Hub's commit, or 12 hex digits of a sha256
    recipe_name: str
    recipe: Recipe
    class_names: tuple[str, ...]
    licence: str  #               of the data that it was trained on
    G: Weights
    G_ema: Weights
    D: Weights | None = None  #   in training, with the vectors of spectral norm
    terms: Weights = field(default_factory=dict)

    @property
    def identity(self) -> str:
        return f"{self.id}@{self.revision}"

    def nets_for(self, recipe: Recipe, spec: DataSpec) -> Recipe:
        """A recipe with the nets that are here, for this data: how it trains them is its own affair, and so is
        D where there is none here.

        Errors: ``ValueError`` where it trains another family, or the data has another resolution.
        """
        mine, size = self.recipe, self.recipe.g["resolution"]
        if recipe.family != mine.family:
            raise ValueError(f"{self.id} is a {mine.family}, and the recipe trains a {recipe.family}: leave the recipe's "
                             f"name out, or name one that trains a {mine.family}")
        if spec.resolution != size:
            raise ValueError(f"{self.id} draws {size} px and the pictures are read at {spec.resolution} px: add "
                             f"--resolution {size}")
        latent = replace(mine.latent, classes=recipe.latent.classes)
        callbacks = tuple(c for c in recipe.callbacks if not isinstance(c, Grow))  # it is grown
        d = recipe.d if self.D is None else mine.d
        g, d, e = (options and {**options, "channels": spec.channels} for options in (mine.g, d, mine.e))
        return replace(recipe, latent=latent, g=g, d=d, e=e, callbacks=callbacks)

    def trained_as_before(self, recipe: Recipe) -> Recipe:
        """``recipe`` (as ``nets_for`` gave it) with everything else as it was trained here; budget, and what the numbers
        are computed in, which suited the machine there, aside."""
        mine = self.recipe
        callbacks = tuple(c for c in mine.callbacks if not isinstance(c, (Grow, WarmUp)))
        penalties = mine.penalties
        if mine.latent.classes and not recipe.latent.classes:
            penalties = recipe.penalties  # the others may read classes
        elif recipe.latent.classes and not mine.latent.classes:
            kinds = {type(term) for term in penalties}
            penalties = (*penalties, *(term for term in recipe.penalties if type(term) not in kinds))
        return replace(mine, latent=recipe.latent, g=recipe.g, e=recipe.e, d={**mine.d, "channels": recipe.d["channels"]},
                       kimg=recipe.kimg, precision=recipe.precision, channels_last=recipe.channels_last,
                       callbacks=callbacks, penalties=penalties)

    def why_no_discriminator(self, recipe: Recipe, spec: DataSpec) -> str:
        """Why the D of this recipe starts anew; "" where it does not. Nothing is allocated.

        Errors: ``ValueError`` where not even G fits.
        """
        change = self._change(recipe, spec)
        with without_memory():
            G, D = build_nets(recipe.fresh())
        try:
            for found in (self.G, self.G_ema):
                converted(G, _without_memory(found), change, "G")
        except Misfit as error:
            raise ValueError(f"the generator of {self.id} does not fit this recipe and this data: {error}") from None
        if self.D is None:
            return "there is none beside it"
        try:
            converted(D, _without_memory(self.D), change, "D")
        except Misfit as error:
            return f"its own does not fit: {error}"
        return ""

    def give(self, game: Game, recipe: Recipe, spec: DataSpec) -> None:
        """Starts a game from here; a D that does not fit stays fresh. The average is soon one of the new G's alone: its
        half-life begins at a share of what was seen, so that a short run does not show the old pictures. Errors:
        ``ValueError`` where G does not fit.
        """
        change = self._change(recipe, spec)
        take_over(game.G, self.G, change, "G")
        take_over(game.G_ema.train(), self.G_ema, change, "G")
        game.G_ema.eval()
        if not self.why_no_discriminator(recipe, spec):
            take_over(game.D, self.D, change, "D")
            own = game.terms.state_dict()
            if {name: t.shape for name, t in own.items()} == {name: t.shape for name, t in self.terms.items()}:
                game.terms.load_state_dict(self.terms)
        for net in (game.G, game.G_ema, game.D) if game.G.levels > 1 else ():
            net.grow(game.G.levels - 1, 1.0)  # it may come from a run that had not grown so far

    def _change(self, recipe: Recipe, spec: DataSpec) -> Change:
        old, new = self.recipe.latent.classes, recipe.latent.classes
        names = list(self.class_names) if len(self.class_names) == old else []
        rows = tuple(names.index(name) if name in names else None for name in spec.class_names) if new else ()
        if old == new and not names:  # a run that has not been exported: nobody knows its names
            rows = tuple(range(new))
        return Change(spec.resolution, (self.recipe.g["channels"], spec.channels), (old, new), rows)


def _without_memory(found: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.to("meta") for name, tensor in found.items()}


def read_origin(name: str) -> Origin:
    """What ``--from`` names: a run's folder, a model's, a name in weights/, or ``user/name[@revision]`` on the Hub.

    Errors: ``FileNotFoundError``, ``ValueError`` of one line.
    """
    is_run = (Path(name) / CHECKPOINT).is_file() and not (hub.WEIGHTS / name / "config.json").is_file()
    return _of_run(Path(name)) if is_run else _of_model(name)


def is_of(identity: str, name: str) -> bool:
    """Whether ``name``, as --from takes it, is what has this identity, whatever has become of that since: it may have been
    trained further, or be gone."""
    model, _, was = identity.rpartition("@")
    named, _, revision = name.partition("@")
    if re.fullmatch("[0-9a-f]{7,40}", revision) and not was.startswith(revision):
        return False
    whole = Path(name).resolve()
    return model in (named, whole.parent.name if whole.name == "export" else whole.name)


def findable(identity: str) -> str:
    """What --from takes to find again what has this identity, without this machine's folders."""
    name = identity.partition("@")[0]
    return identity if "/" in name else name if (hub.WEIGHTS / name).is_dir() else f"runs/{name}"


def _of_run(folder: Path) -> Origin:
    path, name = folder / CHECKPOINT, folder.resolve().name
    try:
        _, identity = peek(path)
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys() if key.partition(".")[0] in  # noqa: SIM118
                       ("G", "G_ema", "D", "terms")}
    except (ValueError, SafetensorError):
        raise ValueError(f"{path} cannot be read: --from needs a whole checkpoint, or the export beside it "
                         f"({folder / 'export'})") from None
    nets = {net: {key.partition(".")[2]: value.clone() for key, value in tensors.items() if key.startswith(f"{net}.")}
            for net in ("G", "G_ema", "D", "terms")}
    _check_finite(nets, name)
    config = folder / "export" / "config.json"
    names = tuple(read_object(config).get("class_names", ())) if config.is_file() else ()
    recipe = _recipe(identity, name)
    return Origin(name, sha256(path)[:12], identity.get("recipe", ""), recipe, names,
                  _licences(identity.get("licence"), identity.get("from_licence")), **nets)


def _of_model(name: str) -> Origin:
    folder, model_id, commit = hub.folder_of(name)
    if commit:
        folder, _ = hub.pull(model_id, commit)  # D too, which drawing has no use for
    model = hub.load(name if not commit else f"{model_id}@{commit}")
    training = model.training
    slots = training.get("slots")
    if not isinstance(slots, dict):
        raise ValueError(f"{model_id} does not say how it was trained (training.json has no slots): --from needs that")
    recipe = _recipe(slots, model_id)
    G = model.G
    if (recipe.family, recipe.g.get("resolution"), recipe.g.get("channels"), recipe.latent) != \
            (family_of(G), G.resolution, G.channels, G.latent):
        raise ValueError(f"{model_id}: training.json is of another net than config.json")
    weights = {key: tensor.clone() for key, tensor in G.state_dict().items()}
    if model.encoder is not None:  # in training a part of G
        weights |= {f"{ENCODER}{key}": tensor.clone() for key, tensor in model.encoder.state_dict().items()}
    return Origin(model_id, model.revision, str(training.get("recipe", ""))[:100], recipe,
                  model.class_names, _licences(*(object_in(training, key).get("licence") for key in ("data", "from"))),
                  weights, weights, _read_discriminator(folder / DISCRIMINATOR, recipe, model_id))


def _licences(of_data: Any, of_before: Any) -> str:
    """That of the data, and that of the data of what was before it."""
    first, before = str(of_data or "not stated")[:1000], str(of_before or "")[:1000]
    return first if before in ("", first) else f"{first}; and {before}"


def _recipe(slots: Mapping[str, Any], name: str) -> Recipe:
    known = {f.name for f in dataclasses.fields(Recipe)}
    try:
        recipe = Recipe.from_json({slot: str(text) for slot, text in slots.items() if slot in known})
        family(recipe.family)
        if not {"resolution", "channels"} <= recipe.g.keys() & recipe.d.keys():
            raise ValueError("g and d have no resolution and channels")
        return recipe
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"the recipe of {name} cannot be read: {str(error)[:300]}") from None


def _check_finite(nets: Mapping[str, Weights], name: str) -> None:
    for net, tensors in nets.items():
        for key, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise ValueError(f"{name}: {net}.{key[:100]} holds numbers that are not finite")


# --- D beside G --------------------------------------------------------------------------------------------------


def keep_discriminator(folder: Path, D: Discriminator) -> bool:
    """Writes D beside G, in float16, where that takes no more than ``FIXED[DISCRIMINATOR]`` bytes and no number is lost.
    Whether it is there; an older one never stays. Errors: ``OSError``."""
    path = folder / DISCRIMINATOR
    tensors = {name: t.half() if t.is_floating_point() else t for name, t in D.state_dict().items()}
    size = sum(t.numel() * t.element_size() for t in tensors.values()) + 200 * len(tensors)  # and the header
    if size > FIXED[DISCRIMINATOR] or not all(t.isfinite().all() for t in tensors.values() if t.is_floating_point()):
        path.unlink(missing_ok=True)
        return False
    write_tensors(path, tensors)
    return True


def _read_discriminator(path: Path, recipe: Recipe, name: str) -> Weights | None:
    """D's weights, None where there is no such file. Errors: ``ValueError`` where it is too large, torn, or not of the D
    that the recipe names."""
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > FIXED[DISCRIMINATOR]:
            raise ValueError(f"it has more than {FIXED[DISCRIMINATOR]:,} bytes")
        with without_memory():
            expected = build_nets(recipe.fresh())[1].state_dict()
        return read_tensors(path, expected)
    except (ValueError, RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0][:300]
        raise ValueError(f"{name}: {path.name} is not usable: {reason}; without that file D would start anew") from None
