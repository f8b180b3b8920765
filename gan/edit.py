"""Draws edits: a seed, or a place found for a picture, with other seeds' styles mixed in and directions followed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan import hub
from gan.base import Generator
from gan.directions import Directions, shifted, step_size
from gan.engine import draw_rows
from gan.latent import Draw, latents
from gan.project import Point, check_point
from gan.recipe import EditRecipe

__all__ = ["draw_edits"]


def draw_edits(model: hub.Model, recipes: Sequence[EditRecipe], directions: Directions | None) -> np.ndarray:
    """Images of the edits, uint8 [N, H, W, C], one for each seed of each; an edit without changes is the seed's own image.

    Errors: ``ValueError`` for classes, layers, latents or directions that the model does not have.
    """
    G = model.G
    step_size(G)
    rows = [row for recipe in recipes for row in _starts(model, recipe)]
    most = max((len(recipe.mix) for recipe, _, _ in rows), default=0)
    z, c = latents(G.latent, [draw for _, draw, _ in rows])
    found = torch.zeros(len(rows), G.latent.dim if G.w_mean is None else step_size(G))
    for k, (_, _, point) in enumerate(rows):
        if point is not None:
            found[k] = torch.tensor(point.latent)
    given = torch.tensor([point is not None for _, _, point in rows])
    psi = torch.tensor([recipe.psi for recipe, _, _ in rows])
    step = torch.stack([_step(model, recipe, directions) for recipe, _, _ in rows])
    others = [_mixed(model, recipe, draw, most) for recipe, draw, _ in rows]
    parts = [latents(G.latent, [drawn[k] for drawn, _ in others]) for k in range(most)]
    mix_z = torch.stack([part for part, _ in parts], 1) if most else z[:, None][:, :0]
    mix_c = torch.stack([part for _, part in parts], 1) if most and c is not None else None
    layers = torch.stack([mask for _, mask in others])
    return draw_rows(G, lambda *rows: G.synthesis(_w(G, *rows)), (z, c, found, given, psi, step, mix_z, mix_c, layers))


def _w(G: Generator, z: Tensor, c: Tensor | None, found: Tensor, given: Tensor, psi: Tensor, step: Tensor, mix_z: Tensor,
       mix_c: Tensor | None, layers: Tensor) -> Tensor:
    """w [N, L, D]. found [N, V] stands for z where given [N]; mix_z [N, M, Z], mix_c [N, M], layers [N, M, L] say what is
    mixed in where. The same step [N, D] is taken by all, so that it is taken after mixing."""
    if G.w_mean is None:
        w = shifted(G, torch.where(given[:, None], found, z), c, torch.where(given, 1.0, psi), step)
    else:
        w = torch.where(given[:, None, None], (found + step)[:, None], shifted(G, z, c, psi, step))
    for k in range(mix_z.shape[1]):
        other = shifted(G, mix_z[:, k], None if mix_c is None else mix_c[:, k], psi, step)
        w = torch.where(layers[:, k, :, None], other, w)
    return w


def _starts(model: hub.Model, recipe: EditRecipe) -> list[tuple[EditRecipe, Draw, Point | None]]:
    """(the recipe, the draw, the place that takes its place) of each of its images."""
    label = model.label(recipe.label)
    if recipe.source is None:
        return [(recipe, draw, None) for draw in recipe.draws(model.label)]
    if recipe.latent is None:
        raise ValueError("this edit starts from a picture that is not in it: project the picture again")
    if label is None and model.class_names:
        raise ValueError(f"a place in {model.id} needs its class")
    point = Point(recipe.latent, label)
    check_point(model.G, point)
    return [(recipe, Draw(0, label, recipe.psi), point)]


def _step(model: hub.Model, recipe: EditRecipe, directions: Directions | None) -> Tensor:
    """[D]"""
    if not recipe.moves:
        return torch.zeros(step_size(model.G))
    if directions is None:
        raise ValueError(f"{model.id} comes without directions: python -m gan directions finds them")
    amounts = torch.zeros(1, len(directions))
    for move in recipe.moves:
        if move.direction >= len(directions):
            raise ValueError(f"{model.id} has {len(directions)} directions, there is no number {move.direction}")
        amounts[0, move.direction] += move.strength
    return directions.step(amounts)[0]


def _mixed(model: hub.Model, recipe: EditRecipe, draw: Draw, most: int) -> tuple[list[Draw], Tensor]:
    """(``most`` draws, where each is mixed in, bool [most, L])."""
    count = model.G.num_ws
    draws, layers = [], torch.zeros(most, count, dtype=torch.bool)
    for k, mix in enumerate(recipe.mix):
        if mix.last >= count:
            raise ValueError(f"{model.id} has {count} layer{'s' * (count > 1)} to mix, 0 to {count - 1}; {mix.last} is none")
        label = model.label(recipe.label if mix.label is None else mix.label)
        draws.append(Draw(mix.seed, label, recipe.psi, recipe.codes))
        layers[k, mix.first : mix.last + 1] = True
    return draws + [draw] * (most - len(draws)), layers

