"""From a recipe to the game that it describes: nets, terms and phases are built here and nowhere else."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from gan.base import Discriminator, Generator
from gan.engine import has_bfloat16
from gan.models import family
from gan.spec import kinds, write
from train.game import discriminators
from train.game.game import Game, phases_of
from train.recipe import Recipe

__all__ = ["build_game", "build_nets", "in_bfloat16", "without_memory"]


def in_bfloat16(recipe: Recipe, device: torch.device) -> bool:
    """Whether a recipe is computed in bfloat16 on a device: one that emulates it takes float32, which is faster there."""
    return recipe.precision == "bfloat16" and has_bfloat16(device)


def build_nets(recipe: Recipe) -> tuple[Generator, Discriminator]:
    """Fresh G, with its encoder where the recipe has one, and D on the CPU, their weights drawn from torch's own generator.

    Errors: ``ValueError`` for an encoder that the family does not have, and for a picture that it does not read, or needs.
    """
    module = family(recipe.family)
    of_g, of_d = recipe.net_options
    reads = inspect.signature(module.Generator.__init__).parameters.get("source")
    if recipe.source is not None and reads is None:
        raise ValueError(f"source={write(recipe.source)}: the generators of {recipe.family} read no picture")
    if recipe.source is None and reads is not None and reads.default is reads.empty:
        raise ValueError(f"a {recipe.family} reads a picture: give the recipe a source, as in --set 'source=Edges()'")
    G = module.Generator(recipe.latent, **of_g)
    if recipe.e is not None:
        if not hasattr(module, "Encoder"):
            raise ValueError(f"the family {recipe.family} has no encoder: leave e out")
        G.encoder = module.Encoder(recipe.latent, **recipe.e)  # learns with G, is averaged and saved with it
    return G, discriminators.build(module.Discriminator, recipe.latent, of_d, recipe.batch)


@contextmanager
def without_memory(device: torch.device | None = None) -> Iterator[None]:
    """Nets that are built in it have shapes and nothing else, and the random numbers of the CPU and of a GPU stay."""
    with torch.random.fork_rng([device] if device and device.type == "cuda" else []), FakeTensorMode():
        yield


def build_game(recipe: Recipe, device: torch.device | None = None) -> Game:
    """The game of a recipe, whose terms, transforms and dynamics become its own: give it a ``recipe.fresh()``.

    ``device`` None is for nets without memory, under ``FakeTensorMode``: these can be neither moved nor copied, so that G
    stands for its average. Errors: ``ValueError`` where parts of the recipe do not go together.
    """
    G, D = build_nets(recipe)
    terms = nn.ModuleList(recipe.penalties)
    for term in terms:
        term.build(G, D)
    if recipe.pool is not None:
        recipe.pool.build(G)
    _check(recipe, G, D)
    if device is not None:
        layout = torch.channels_last if recipe.channels_last else torch.contiguous_format
        for net in (G, D):
            net.to(device, memory_format=layout)
        terms.to(device)
        if recipe.pool is not None:
            recipe.pool.to(device)
    G_ema = G if device is None else copy.deepcopy(G).requires_grad_(False).eval()
    phases = phases_of(recipe.loss, terms, G, D, g_opt=recipe.g_opt, d_opt=recipe.d_opt, d_steps=recipe.d_steps)
    game = Game(G, D, G_ema, terms, phases, family=recipe.family, loss=recipe.loss, mix=recipe.mix, augment=recipe.augment,
                pool=recipe.pool,
                nimg_per_round=recipe.batch * max(phase.repeats for phase in phases), planned_nimg=recipe.total_nimg)
    for dynamics in recipe.callbacks:
        dynamics.check(game)
    return game


def _check(recipe: Recipe, G: Generator, D: Discriminator) -> None:
    joined = {"BatchNorm": any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in D.modules()),
              "d.pack": any(m.ties_samples for m in D.modules() if isinstance(m, Discriminator))}
    for term in recipe.penalties:
        for what in (name for name, there in joined.items() if term.per_sample and there):
            way_out = "d.norm=layer, or d.spectral=true where the net has it" if what == "BatchNorm" else "leave it out"
            raise ValueError(f"{type(term).__name__} is a penalty per sample, but D has {what}, which ties the samples "
                             f"of a batch together: {way_out}")
    if recipe.pool is not None:
        if why := _why_no_pool(recipe, G, D):
            raise ValueError(f"pool={write(recipe.pool)} does not suit {recipe.family}: {why}")
    if recipe.mix is not None and G.num_ws == 1:
        raise ValueError(f"mix needs a generator that reads several latents, and {recipe.family} reads one")


def _why_no_pool(recipe: Recipe, G: Generator, D: Discriminator) -> str:
    """Why D may not be shown older pictures of G, "" where it may."""
    if G.levels > 1:
        return "its pictures grow, and older ones are smaller"
    if any(term.reads_back for term in recipe.penalties):
        return "an older picture was made from other codes than those that are to be read back from it"
    if recipe.source is not None and any("source" in kinds(type(m)) for m in D.modules() if isinstance(m, Discriminator)):
        return "D judges a picture beside the one it was made from, and an older one was made from another"
    return ""
