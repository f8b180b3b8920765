"""Recipes are data: notation, overrides, JSON, and their errors."""

import json

import pytest
import torch
from conftest import tiny_images

from gan.base import Latent
from gan.spec import read, write
from train.data.spec import DataSpec
from train.data.stream import Stream
from train.game.objectives import nonsaturating
from train.game.optim import Adam
from train.game.penalties import R1
from train.recipe import Recipe
from train.recipes import RECIPES, ancestors, changes, find, told_the_class
from train.run.loop import Run
from train.schedule import Schedule, at
from train.settings import override

DATA = DataSpec(16, 1, 3, ("a", "b", "c"), 60)
NAMES = {"Schedule": Schedule, "Latent": Latent, "R1": R1, "nonsaturating": nonsaturating, "Adam": Adam}


@pytest.mark.parametrize("value", [
    1, 0.25, -3, "text", True, None, (1, 2.5), {"a": (1, "b")}, Schedule(1.0, 0.1, 5.0, "cosine"), nonsaturating,
    Latent(4, categorical=(3, 2)), Adam(Schedule(1e-3, 1e-4, 10.0))])
def test_notation_round_trip(value):
    assert read(write(value), NAMES) == value


def test_terms_are_written_with_all_arguments():
    assert write([R1(10, every=16)]) == "[R1(weight=10, every=16)]"
    term = read("R1(10, every=16), R1()", NAMES)[0]
    assert (term.weight, term.every) == (10, 16)


@pytest.mark.parametrize("text", [
    "__import__('os')", "R1.mro()", "R1(", "lambda: 1", "[x for x in (1,)]", "R1", "nonsaturating()", "R9(1)", "1 + 1",
    "R1(*(1,))", "R1(strength=3)", "{**{}}", "f'{1}'", "(" * 500, "b'1'", "-'a'"])
def test_notation_accepts_nothing_else(text):
    with pytest.raises(ValueError) as error:
        read(text, NAMES)
    assert "\n" not in str(error.value)


def test_closures_cannot_be_part_of_a_recipe():
    for value in (lambda x: x, torch.zeros(1), float("nan")):
        with pytest.raises(ValueError, match="cannot be part of a recipe"):
            write(value)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_through_json(name):
    recipe = find(name.replace("-", "_"))(DATA)
    slots = json.loads(json.dumps(recipe.to_json()))
    assert Recipe.from_json(slots).to_json() == slots
    assert recipe.latent.classes in (0, 3) and recipe.g["resolution"] == recipe.d["resolution"] == 16


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_tells_its_source(name):
    entry = RECIPES[name]
    assert "arXiv:" in entry.paper and entry.note and (not entry.parent or entry.parent in RECIPES)


def test_unknown_recipe_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown recipe 'stylegan9'; known: gan, cgan-mlp, dcgan"):
        find("stylegan9")


@pytest.mark.parametrize("name", ["cgan", "cgan-mlp", "acgan"])
def test_classes_asked_of_unlabelled_data(name):
    with pytest.raises(ValueError, match=f"^{name} needs labelled data"):
        find(name)(DataSpec(16, 1))


@pytest.mark.parametrize(("path", "text", "value"), [
    ("g_opt.lr", "1e-4", 1e-4), ("g_opt.lr", "1", 1.0), ("g_opt.betas", "0, 0.99", (0, 0.99)), ("batch", "8", 8),
    ("d.spectral", "true", True), ("g.up", "transposed", "transposed"), ("precision", "float32", "float32"),
    ("latent.noise", "64", 64), ("flip", "True", True), ("augment", "none", None),
    ("d_opt.lr", "Schedule(1e-3, 0, 5)", Schedule(1e-3, 0, 5))])
def test_overrides(path, text, value):
    changed = override(find("dcgan")(DATA), path, text)
    for part in path.split("."):
        changed = changed[part] if isinstance(changed, dict) else getattr(changed, part)
    assert changed == value and type(changed) is type(value)


def test_override_of_terms_and_optimiser():
    recipe = override(find("dcgan")(DATA), "penalties", "R1(10, every=16)")
    assert write(recipe.penalties) == "[R1(weight=10, every=16)]"
    assert override(recipe, "d_opt", "RMSprop(lr=5e-5)").d_opt.lr == 5e-5


@pytest.mark.parametrize(("path", "text", "message"), [
    ("lr", "1", "unknown setting 'lr'.*known: .*g_opt"),
    ("g_opt.rate", "1", "unknown setting 'g_opt.rate'.*known: betas, lr"),
    ("d.copied", "3", "unknown setting 'd.copied'; known for dcgan: d.channels, d.copies, d.group, d.norm, d.pack"),
    ("d.spectral.x", "3", "unknown setting"),
    ("loss.d", "3", "loss"),
    ("batch", "many", "unknown name 'many'"),
    ("batch", "1.5", "batch must be int, got '1.5'"),
    ("batch", "0", "batch must be at least 1"),
    ("d_steps", "1000000000", "d_steps must be at least 1 and at most 100"),
    ("d_steps", "1e9", "d_steps must be int"),
    ("g_opt.lr", "1e400", "a number in '1e400' is too large"),
    ("g_opt.lr", "-1e400", "too large"),
    ("g_opt.lr", "1" + "0" * 400, "too large"),
    ("kimg", "1e400", "too large"),
    ("penalties", "R1(1e999)", "too large"),
    ("g_opt.lr", "Schedule(1e-3, 1e400)", "too large"),
    ("batch", "1" + "0" * 5000, "cannot read"),
    ("kimg", "-1", "kimg must be above 0"),
    ("flip", "1", "flip must be bool"),
    ("d.spectral", "1", "d.spectral must be bool"),
    ("g.up", "sideways", "g.up must be one of nearest, transposed, got 'sideways'"),
    ("g.up", "3", "g.up must be one of nearest, transposed"),
    ("g_opt.lr", "'fast'", "g_opt.lr must be float or Schedule"),
    ("g_opt.lr", "Schedule('a', 0)", "start must be float, got 'a'"),
    ("g_opt.lr", "Schedule(1, 0, shape='round')", "shape must be one of linear, cosine, got 'round'"),
    ("g_opt.betas", "[0.5]", r"g_opt.betas must be \[float or Schedule, float or Schedule\], got"),
    ("latent.categorical", "[10, 2.5]", "latent.categorical must be a list of int"),
    ("latent.categorical", "1", "a categorical code has 2 values or more"),
    ("augment", "DiffAugment(5)", r"DiffAugment\(5\): policy must be str, got 5"),
    ("augment", "DiffAugment(hole=2)", "hole must be from 0 to 1, got 2"),
    ("penalties", "R1(1, every=1.5)", "every must be int, got 1.5"),
    ("penalties", "R1(-5)", "the weight of R1 must be at least 0, got -5"),
    ("penalties", "R1(foo=1)", r"R1\(foo=1\): .*unexpected keyword.*; expected R1\(weight"),
    ("penalties", "PathLength(shrink=0)", "shrink at least 1"),
    ("g_opt.lr", "Schedule(1, 0, kimg=-1)", "kimg of a Schedule must be above 0"),
    ("g_opt.lr", "Schedule(2e-4, -1)", "lr must be at least 0, got Schedule"),
    ("g_opt.betas", "[0, Schedule(0.9, 5)]", "each of betas must be at least 0 and below 1"),
    ("d_opt", "RMSprop(-1)", "lr must be at least 0, got -1"),
    ("loss.constant_name", "hinge", "loss has no parts"),
    ("g", "5", "g must be Mapping, got '5'"),
    ("callbacks", "ClipWeights(-1)", "bound must be above 0"),
    ("ema_kimg", "Schedule(1, -2)", "ema_kimg must be at least 0, got Schedule"),
    ("callbacks", "R1()", "callbacks must be a list of Dynamics, got"),
    ("penalties", "[5]", "penalties must be a list of Term, got"),
    ("loss", "R1()", "loss must be Objective or none, got"),
    ("d_opt", "none", "d_opt must be Adam or RMSprop, got 'none'"),
    ("precision", "float16", "precision must be one of float32, bfloat16, got 'float16'"),
    ("penalties", "R9(1)", "unknown name 'R9'; known: .*R1"),
])
def test_bad_overrides(path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        override(find("dcgan")(DATA), path, text)
    assert "\n" not in str(error.value)


def test_schedules():
    assert [at(Schedule(1, 0, 10), n, 1) for n in (0, 5000, 10_000, 99_000)] == [1, 0.5, 0, 0]
    assert at(Schedule(2, 0, 10, "cosine"), 2500, 1) == pytest.approx(1 + 2**-0.5)
    assert at(0.3, 10**9, 1) == 0.3
    assert [at(Schedule(1, 0), n, 4000) for n in (0, 1000, 4000, 9000)] == [1, 0.75, 0, 0]  # over the whole run


def test_optimiser_defaults_and_lazy_correction():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = Adam(1e-3, (0, 0.99)).build([parameter], updates=1 + 1 / 16)
    r = 16 / 17
    assert Adam(betas=(0, Schedule(0.9, 0.99, 10))).values(5000, 1, updates=1)["betas"] == pytest.approx((0, 0.945))
    assert optimiser.defaults["lr"] == pytest.approx(1e-3 * r) and optimiser.defaults["betas"] == (0.0, 0.99**r)


def test_ancestors():
    assert ancestors(find("gan")) == [] and ancestors(find("wgan-gp")) == ["wgan", "dcgan", "gan"]


def test_who_is_told_the_class():
    """The recipe that does the same to the same nets, and knows of classes; never one of another task."""
    data = DataSpec(64, 3, 3, ("a", "b", "c"), 9)
    pairs = {name: told_the_class(named, data).name for name, named in RECIPES.items()}
    assert {name: told for name, told in pairs.items() if told != name} == \
        {"gan": "cgan-mlp", "dcgan": "cgan", "vae-gan": "cvae-gan"}


def test_changes_from_the_parent():
    assert changes(find("gan"), DATA) == {}
    assert changes(find("cgan"), DATA) == {"latent.classes": ["0", "3"], "d.spectral": ["False", "True"]}
    assert changes(find("lsgan"), DATA)["loss"] == ["nonsaturating", "least_squares"]
    assert changes(find("wgan"), DATA)["g_opt"] == ["Adam", "RMSprop"]
    for entry in RECIPES.values():
        assert bool(changes(entry, DATA)) == bool(entry.parent)


def test_changes_are_of_what_nets_are_built_with():
    """BigGAN's D is under spectral norm and sums over places without an option, as SNGAN's is by two."""
    assert find("sngan")(DATA).d["pool"] == "sum" and not find("biggan")(DATA).d.keys() & {"spectral", "pool"}
    found = changes(find("biggan"), DATA)
    assert found["family"] == ["'resnet'", "'biggan'"] and not found.keys() & {"d.spectral", "d.pool"}
    assert changes(find("vae-gan"), DATA)["g.norm"] == ["'layer'", "'batch'"]
    assert changes(find("wgan"), DATA)["g_opt.betas"] == ["[0.5, 0.999]", ""]  # RMSprop has none


def test_recipes_share_no_state():
    for name in RECIPES:
        a, b = RECIPES[name](DATA), RECIPES[name](DATA)
        owned = [[*r.penalties, *r.callbacks, *filter(None, (r.mix, r.augment))] for r in (a, b, a.fresh())]
        assert len({id(part) for parts in owned for part in parts}) == 3 * len(owned[0])
        assert a.fresh().to_json() == a.to_json()
    assert any(RECIPES[name](DATA).penalties for name in RECIPES)


def test_a_run_leaves_its_recipe_as_it_was():
    recipe = override(override(find("dcgan")(DATA), "augment", "DiffAugment(p=0.5)"), "g.width", "4")
    recipe = override(recipe, "callbacks", "AdaptiveAugment(every=1, kimg=0.1)")
    run = Run(recipe, Stream(tiny_images(classes=3), seed=0))
    before = recipe.augment.p
    run.advance()
    assert run.recipe.augment.p != before == recipe.augment.p
