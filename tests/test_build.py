"""train.run.build: which parts of a recipe go together, and which are refused."""


import pytest
from runs import tiny_run

from train.data.spec import DataSpec
from train.recipes import RECIPES, find

SUITS_ALL = ["penalties=ModeSeeking()", "augment=DiffAugment()", "d.copies=2", "g_opt.lr=Schedule(2e-4, 0)", "ema_kimg=5"]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("remedy", SUITS_ALL)
def test_every_recipe_takes_them(name, remedy):
    if remedy == "d.copies=2" and name in ("infogan", "acgan", "fastgan", "vae-gan", "cvae-gan"):
        pytest.skip("reads D's features: refused, see below")
    if "ModeSeeking" in remedy and not find(name)(DataSpec(16, 1, 3)).latent.dim:
        pytest.skip("has no latents to compare: refused, see test_penalties")
    run = tiny_run(name, "batch=8", remedy)
    run.advance()
    assert all(loss.isfinite() for loss in run.losses.values())


@pytest.mark.parametrize(("name", "overrides", "message"), [
    ("infogan", ["d.copies=2"], "MutualInformation reads D's features.*leave these out"),
    ("acgan", ["d.copies=2"], "AuxiliaryClassifier reads D's features"),
    ("infogan", ["d.pack=2"], "MutualInformation reads D's features"),
    ("cgan", ["d.pack=2"], "d.pack needs a recipe without classes"),
    ("wgan-gp", ["d.pack=2"], "GradientPenalty is a penalty per sample, but D has d.pack.*leave it out"),
    ("dcgan", ["penalties=R1(10)"], "R1 is a penalty per sample, but D has BatchNorm.*d.norm=layer"),
    ("dcgan", ["d.copies=3"], "a batch of 4 cannot be shared by 3 discriminator.*multiple of 3"),
    ("dcgan", ["d.copies=0"], "at least 1"),
    ("stylegan2", ["d.spectral=true"], "d.spectral does not suit stylegan2: its layers are under equalised learning rate"),
    ("r3gan", ["d.spectral=true"], "d.spectral does not suit r3gan: some of its layers start at zero"),
    ("gan", ["d.norm=layer"], "unknown setting 'd.norm'; known for mlp"),
    ("dcgan", ["d.norm=group"], "d.norm must be one of .*got 'group'"),
    ("dcgan", ["callbacks=AdaptiveAugment()"], "AdaptiveAugment needs an augmentation"),
    ("wgan", ["augment=DiffAugment(p=0)", "callbacks=AdaptiveAugment()"], "which mean nothing under wasserstein"),
    ("dcgan", ["callbacks=AdaptiveAugment(2)"], "target must be between 0 and 1"),
    ("dcgan", ["callbacks=Grow()"], "Grow needs nets that can grow, which dcgan cannot"),
    ("dcgan", ["mix=StyleMixing()"], "mix needs a generator that reads several latents"),
    ("biggan", ["penalties=PathLength()"], "PathLength needs a learned mapping from z to w, and biggan has none"),
    ("dcgan", ["penalties=ModeSeeking(eps=0)"], "eps must be above 0"),
    ("dcgan", ["augment=DiffAugment(p=2)"], "p must be from 0 to 1"),
    ("dcgan", ["source=Edges()"], r"source=Edges\(.*the generators of dcgan read no picture"),
    ("pix2pix", ["source=none"], "a unet reads a picture: give the recipe a source"),
    ("pix2pix", ["source=Grey()"], "needs pictures that have colours, and these are grey"),
    ("pix2pix", ["source=Paired()"], "reads pairs; no pairs were looked for"),
    ("cyclegan", ["d.spectral=true"], "d.spectral does not suit cycle: it has no layer of a kind that can be"),
    ("pix2pix", ["pool=Pool(2)"], r"pool=Pool\(.*does not suit unet: D judges a picture beside the one it was made from"),
    ("infogan", ["pool=Pool(2)"], "does not suit dcgan: an older picture was made from other codes"),
    ("progan", ["pool=Pool(2)"], "does not suit progan: its pictures grow"),
])
def test_what_does_not_suit_is_refused_in_one_line(name, overrides, message):
    with pytest.raises(ValueError, match=message) as error:
        tiny_run(name, *overrides)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "overrides"), [
    ("dcgan", ["d.norm=layer", "penalties=R1(10), R2(10), GradientPenalty()"]), ("wgan-gp", ["d.norm=layer"]),
    ("sngan", ["d.group=4"]), ("dcgan", ["d.group=4", "d.norm=none"]), ("gan", ["d.spectral=true"]),
    ("progan", ["d.copies=2"]), ("dcgan", ["d.pack=2", "d.copies=2"]),
    ("dcgan", ["loss=relativistic", "d.pack=2"]), ("dcgan", ["pool=Pool(2)"]), ("lsgan", ["pool=Pool(2)", "d.copies=2"]),
    ("pix2pix", ["d.projected=true", "pool=Pool(2)"]), ("cgan", ["d.projected=true"]),
    ("lsgan", ["augment=DiffAugment(p=0)", "callbacks=AdaptiveAugment()"])])
def test_remedies_that_suit(name, overrides):
    run = tiny_run(name, *overrides)
    run.advance()
    assert all(loss.isfinite() for loss in run.losses.values())


def test_penalty_per_sample_refuses_batch_norm():
    with pytest.raises(ValueError, match="R1 is a penalty per sample, but D has BatchNorm"):
        tiny_run("dcgan", "penalties=R1(10)")
