"""Edits: no change is the seed's own image; mixing takes the layers it names; moves and places are drawn as they say."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import FAMILIES, tiny_generator

from gan import hub
from gan.directions import find_directions
from gan.edit import draw_edits
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw, latents, to_w
from gan.project import Point, w_of
from gan.recipe import EditRecipe, Mix, Move, from_json

SOURCE = "a" * 64


def model_of(name, classes=2):
    G = tiny_generator(name, classes=classes)
    return hub.Model(G, "m", "r", tuple(f"class{k}" for k in range(classes)))


def w_of_seed(G, seed, label):
    z, c = latents(G.latent, [Draw(seed, label, 0.7)])
    return to_w(G, z, c, torch.tensor([0.7]))


@pytest.mark.parametrize("name", FAMILIES)
def test_an_edit_without_changes_is_the_seeds_own_image(name):
    model = model_of(name)
    still = (Move(0, 0.0),)
    edits = [EditRecipe("m", "r", tuple(range(11)), psi=0.7, moves=still), EditRecipe("m", "r", (3,), "class1")]
    found = find_directions(model.G, count=2, samples=2)
    expected = draw(model.G, [*(Draw(seed, psi=0.7) for seed in range(11)), Draw(3, 1)])
    assert (draw_edits(model, edits, found) == expected).all()


@pytest.mark.parametrize("name", ["stylegan2", "biggan"])
def test_styles_of_the_named_layers_come_from_the_other_seed(name):
    model = model_of(name)
    G, last = model.G, model.G.num_ws - 1
    base = EditRecipe("m", "r", (1,), "class0", 0.7)
    mixed, whole = (replace(base, mix=(Mix(2, first, last, "class1"),)) for first in (1, 0))
    pictures = draw_edits(model, [base, mixed, whole, replace(base, mix=(Mix(2, 0, 0), Mix(4, 1, 1)))], None)
    w = w_of_seed(G, 1, 0)
    w[:, 1:] = w_of_seed(G, 2, 1)[:, 1:]
    with torch.no_grad():
        assert np.abs(pictures[1].astype(int) - to_uint8(G.synthesis(w))[0]).max() <= 1
    assert (pictures[2] == draw(G, [Draw(2, 1, 0.7)])[0]).all()
    assert len({p.tobytes() for p in pictures}) == 4


def test_moves_add_up_and_follow_the_direction():
    model = model_of("mlp", 0)
    found = find_directions(model.G, count=3, samples=4)
    moves = (Move(1, 2.0), Move(1, -0.5), Move(2, 1.0))
    (picture,) = draw_edits(model, [EditRecipe("m", "r", (5,), moves=moves)], found)
    z, _ = latents(model.G.latent, [Draw(5)])
    z = z + 1.5 * found.spread[1] * found.vectors[1] + found.spread[2] * found.vectors[2]
    with torch.no_grad():
        assert np.abs(picture.astype(int) - to_uint8(model.G(z))[0]).max() <= 1


@pytest.mark.parametrize("name", ["dcgan", "stylegan2"])
def test_a_place_found_for_a_picture_is_drawn_moved_and_restored(name):
    model = model_of(name)
    size = 8 if model.G.w_mean is None else model.G.w_mean.shape[1]
    point = Point(tuple(round(0.1 * k, 4) for k in range(size)), 1)
    edit = EditRecipe("m", "r", label="class1", source=SOURCE, latent=point.latent)
    with torch.no_grad():
        expected = to_uint8(model.G.synthesis(w_of(model.G, [point])))
    again = from_json(edit.to_json())
    assert again == edit and np.abs(draw_edits(model, [again], None)[0].astype(int) - expected[0]).max() <= 1
    found = find_directions(model.G, count=2, samples=2)
    assert (draw_edits(model, [replace(edit, moves=(Move(0, 3.0),))], found)[0] != expected[0]).any()


@pytest.mark.parametrize(("words", "changes"), [
    ("has 1 layer to mix", dict(mix=(Mix(1, 0, 1),))), ("no class 'x'", dict(mix=(Mix(1, 0, 0, "x"),))),
    ("no class 'x'", dict(label="x")), ("without directions", dict(moves=(Move(0, 1.0),))),
    ("8 numbers, got 2", dict(seeds=(), source=SOURCE, latent=(0.0, 1.0), label="class0")),
    ("needs its class", dict(seeds=(), source=SOURCE, latent=(0.0,) * 8)),
    ("project the picture again", dict(seeds=(), source=SOURCE))])
def test_what_the_model_does_not_have_is_refused(words, changes):
    with pytest.raises(ValueError, match=words):
        draw_edits(model_of("dcgan"), [replace(EditRecipe("m", "r", (1,)), **changes)], None)
    with pytest.raises(ValueError, match="there is no number 7"):
        model = model_of("dcgan")
        draw_edits(model, [EditRecipe("m", "r", (1,), moves=(Move(7, 1.0),))], find_directions(model.G, count=2, samples=2))


@pytest.mark.parametrize("changes", [dict(latent=(0.0,)), dict(source=SOURCE, seeds=(), latent=(float("nan"),)),
                                     dict(source=SOURCE, seeds=(), latent=(0.0,) * 5000)])
def test_a_forged_place_is_refused(changes):
    with pytest.raises(ValueError):
        replace(EditRecipe("m", "r", (1,)), **changes)
