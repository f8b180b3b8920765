"""train.run.origin and train.run.adapt: a run starts from what another has learnt (--from)."""

from dataclasses import replace

import pytest
import torch
from conftest import tiny_images
from runs import assert_same, everything, images_for, tiny_run
from safetensors.torch import load_file

from gan import hub
from gan.hub.contents import DISCRIMINATOR, FIXED
from train.data.stream import Stream
from train.recipes import RECIPES, find
from train.run.checkpoint import CHECKPOINT, save_checkpoint
from train.run.loop import Run
from train.run.origin import Origin, keep_discriminator, read_origin
from train.settings import overridden

pytestmark = pytest.mark.usefixtures("cache", "quick_trial")


def origin_of(run, images) -> Origin:
    nets = {net: {k: v.clone() for k, v in module.state_dict().items()} for net, module in run.game._modules().items()}
    nets.pop("pool", None)  # older fakes belong to their run
    return Origin("model", "r" * 12, "x", run.recipe, images.spec.class_names, "CC0", **nets)


def begun(origin, name, images, *overrides, seed=1) -> Run:
    """A run on the origin's nets, from its weights."""
    recipe = origin.nets_for(find(name)(images.spec), images.spec)
    recipe = overridden(recipe, ["batch=4", "kimg=0.1", *overrides, *(["d.width=4"] if origin.D is None else [])])
    run = Run(recipe, Stream(images, seed=seed, source=recipe.source), seed=seed)
    origin.give(run.game, run.recipe, images.spec)
    return run


def pictures(G, c):
    z = G.latent.sample(6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return G.eval()(z, None if c is None else torch.full((6,), c))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_starts_from_a_run_of_its_own(name):
    images = images_for(name)
    source = tiny_run(name, images=images)
    for _ in range(2):
        source.advance()
    origin = origin_of(source, images)
    fresh = begun(origin, name, images)
    assert origin.why_no_discriminator(fresh.recipe, images.spec) == ""
    if source.game.G.levels > 1:
        for net in (source.game.G, source.game.D, source.game.G_ema):
            net.grow(source.game.G.levels - 1, 1.0)
    for prefix, module in source.game._modules().items():
        for key, value in module.state_dict().items() if prefix != "pool" else ():
            assert torch.equal(fresh.game._modules()[prefix].state_dict()[key], value), f"{prefix}.{key}"
    fresh.advance()


@pytest.mark.parametrize("name", ["dcgan", "cgan", "r3gan", "stylegan2", "progan", "gan", "fastgan"])
def test_grey_becomes_rgb_and_back(name):
    """The same picture in three channels, and judged alike by a D that reads it so."""
    grey, colour = tiny_images(classes=2), tiny_images(classes=2, channels=3)
    source = tiny_run(name, *(["callbacks=[]"] if name == "progan" else []), images=grey)
    source.advance()
    origin = origin_of(source, grey)
    run = begun(origin, name, colour)
    assert origin.why_no_discriminator(run.recipe, colour.spec) == ""
    c = 1 if run.recipe.latent.classes else None
    old, new = pictures(source.game.G, c), pictures(run.game.G, c)
    torch.testing.assert_close(new, old.expand(-1, 3, -1, -1), rtol=1e-4, atol=1e-4)
    labels = None if c is None else torch.full((6,), c)
    x = torch.rand(6, 1, 16, 16) * 2 - 1
    with torch.no_grad():
        judged = source.game.D.eval()(x, labels), run.game.D.eval()(x.expand(-1, 3, -1, -1), labels)
    spectral = any("parametrizations" in key for key in run.game.D.state_dict())  # another input, another norm
    tolerance = 0.5 if spectral else 1e-4
    torch.testing.assert_close(*judged, rtol=tolerance, atol=tolerance)
    again = begun(origin_of(run, colour), name, grey, seed=2)
    torch.testing.assert_close(pictures(again.game.G, c), old, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("old", "new"), [("dcgan", "cgan"), ("cgan", "dcgan"), ("cgan", "cgan")])
def test_classes_are_adapted(old, new):
    """A class of the same name keeps what it had, a new one begins as the mean; where there were none, all draw alike."""
    before, after = tiny_images(classes=3), tiny_images(classes=4)
    after = replace(after, spec=replace(after.spec, class_names=("class2", "new", "class0", "other")))
    source = tiny_run(old, images=before)
    source.advance()
    run = begun(origin_of(source, before), new, after)
    G, was = run.game.G, source.game.G
    if (old, new) == ("cgan", "cgan"):
        embed, table = G.append.embed.weight, was.append.embed.weight
        assert torch.equal(embed[[0, 2]], table[[2, 0]]) and torch.equal(embed[1], embed[3])
        torch.testing.assert_close(embed[1], table.mean(0))
        torch.testing.assert_close(pictures(G, 0), pictures(was, 2))
        assert torch.equal(run.game.D.head.embed.parametrizations.weight.original[0],
                           source.game.D.head.embed.parametrizations.weight.original[2])
    elif old == "dcgan":
        torch.testing.assert_close(pictures(G, 3), pictures(was, None))
    else:
        assert torch.equal(G.first.weight, was.first.weight[:100]) and G.append.embed is None
    run.advance()


def test_an_export_that_says_a_class_in_fewer_numbers_draws_and_teaches_the_same():
    images = images_for("cgan")
    run = tiny_run("cgan")
    G, classes = run.game.G.eval(), run.recipe.latent.classes
    short = G.compact()
    assert short.config["embed"] == classes < G.append.size and short.first.weight.numel() < G.first.weight.numel()
    torch.testing.assert_close(pictures(short, 1), pictures(G, 1), atol=1e-5, rtol=0)
    origin = origin_of(run, images)
    weights = {k: v.clone() for k, v in short.state_dict().items()}
    on = begun(replace(origin, G=weights, G_ema=weights), "cgan", images)
    torch.testing.assert_close(pictures(on.game.G.eval(), 1), pictures(G, 1), atol=1e-5, rtol=0)
    assert tiny_run("dcgan").game.G.compact().config["embed"] == 64  # without classes there is nothing to save


def test_a_net_that_cannot_be_adapted_is_refused_or_begun_anew():
    plain, labelled = tiny_images(), tiny_images(classes=3)
    source = tiny_run("wgan-gp", images=plain)
    origin = origin_of(source, plain)
    conditional = overridden(find("wgan-gp")(labelled.spec), ["latent.classes=3", "g.width=4", "d.width=4"])
    with pytest.raises(ValueError, match="the generator of model does not fit this recipe and this data: blocks"):
        origin.why_no_discriminator(origin.nets_for(conditional, labelled.spec), labelled.spec)
    source = tiny_run("dcgan", images=plain)
    origin = origin_of(source, plain)
    wider = overridden(origin.nets_for(find("dcgan")(plain.spec), plain.spec), ["d.width=8"])
    assert origin.why_no_discriminator(wider, plain.spec).startswith("its own does not fit: convs.0.weight")
    run = tiny_run("dcgan", "d.width=8", images=plain, seed=1)
    fresh = {k: v.clone() for k, v in run.game.D.state_dict().items()}
    origin.give(run.game, wider, plain.spec)
    assert all(torch.equal(v, fresh[k]) for k, v in run.game.D.state_dict().items())


def test_discriminator_beside_a_model(tmp_path):
    """Kept where it is small, read strictly; whatever is wrong with it is one line."""
    D = tiny_run("cgan").game.D
    assert keep_discriminator(tmp_path, D)
    kept = load_file(tmp_path / DISCRIMINATOR)
    assert kept["convs.0.parametrizations.weight.original"].dtype == torch.float16 and kept.keys() == D.state_dict().keys()
    D.convs[0].bias.data[0] = 1e9  # no float16 holds it
    assert not keep_discriminator(tmp_path, D) and not (tmp_path / DISCRIMINATOR).exists()


def test_a_large_discriminator_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setitem(FIXED, DISCRIMINATOR, 1000)
    (tmp_path / DISCRIMINATOR).write_bytes(b"of an earlier export")
    assert not keep_discriminator(tmp_path, tiny_run("dcgan").game.D) and not (tmp_path / DISCRIMINATOR).exists()


@pytest.mark.parametrize("name", sorted(p.parent.name for p in hub.WEIGHTS.glob("*/config.json")))
def test_every_shipped_model_is_an_origin(name):
    origin = read_origin(name)
    spec = tiny_images(channels=origin.recipe.g["channels"], resolution=origin.recipe.g["resolution"],
                       classes=origin.recipe.latent.classes).spec
    named = find(origin.recipe_name)
    recipe = origin.trained_as_before(origin.nets_for(named(spec), spec))
    assert origin.why_no_discriminator(recipe, spec) in ("", "there is none beside it") and origin.licence != "not stated"
    assert recipe.precision == named(spec).precision  # float32 of a GPU would be twice the time on a CPU


def test_resting_g_and_a_frozen_d(tmp_path):
    """WarmUp: G and its average stand still for so long, and then learn. FreezeD: the first layers never move."""
    run = tiny_run("dcgan", "callbacks=WarmUp(0.008), FreezeD(8)", "d.spectral=true", kimg=0.1)
    start = everything(run)
    run.advance(), run.advance()
    still = everything(run)
    weights = [k for k in start if k.startswith(("G.", "G_ema.")) and k.endswith(("weight", "bias"))]
    assert all(torch.equal(start[k], still[k]) for k in weights)
    assert not torch.equal(start["D.head.score.weight"] if "D.head.score.weight" in start else
                           start["D.head.score.parametrizations.weight.original"],
                           still["D.head.score.parametrizations.weight.original"])
    save_checkpoint(tmp_path / CHECKPOINT, run.state(), {})
    run.advance()
    assert not torch.equal(everything(run)["G.first.weight"], start["G.first.weight"])
    later = everything(run)
    first, second = (f"D.convs.{k}.parametrizations.weight.original" for k in (0, 3))
    assert torch.equal(later[first], start[first]) and not torch.equal(later[second], start[second])


def test_freeze_d_says_where_it_has_no_place():
    with pytest.raises(ValueError, match="FreezeD finds no layer of this D that reads maps of more than 16 px"):
        tiny_run("gan", "callbacks=FreezeD()")


def test_a_frozen_run_resumes(tmp_path):
    options = ["callbacks=WarmUp(0.006), FreezeD(8)"]
    straight = tiny_run("dcgan", *options)
    straight.advance()
    state = straight.state()
    save_checkpoint(tmp_path / CHECKPOINT, state, {})
    resumed = tiny_run("dcgan", *options)
    resumed.restore({k: v.clone() for k, v in state[0].items()}, state[1])
    for run in (straight, resumed):
        torch.manual_seed(0)
        run.rng.manual_seed(0)
        run.advance(), run.advance()
    assert_same(straight, resumed)
