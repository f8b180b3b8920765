"""The history of nets that make a picture from a picture."""

from __future__ import annotations

from dataclasses import replace

from gan.base import Latent
from gan.degrade import Compressed, Degrade, Edges, Holes, Paired, Shrink, Unpaired
from train.data.spec import DataSpec
from train.game.dynamics import Prelude
from train.game.objectives import hinge, least_squares, nonsaturating, relativistic_average
from train.game.optim import Adam
from train.game.pictures import L1, Cycle, Identity, Perceptual, Pool
from train.recipe import Recipe
from train.recipes.registry import recipe
from train.schedule import Schedule


def paired_or(task: Degrade, data: DataSpec) -> Degrade:
    """Data in folders A and B is read as pairs; of other pictures the task makes its own."""
    return Paired() if data.class_names == ("A", "B") else task


@recipe(paper="Isola et al. 2016, arXiv:1611.07004", parent="dcgan", pairs=True,
        note="a picture in, a picture out: maps of one size are joined in G, D judges patches, L1 keeps to the target")
def pix2pix(data: DataSpec) -> Recipe:
    # Lambda 100, Adam 2e-4 (0.5, 0.999), mirror images and batch norm in G as there; batch 1 there. With instance norm G hid
    # a bright speck at one place of every picture, to carry contrast past it (as StyleGAN does, arXiv:1912.04958, sec. 2).
    # Spectral norm in D in the place of the paper's batch norm.
    opt = Adam(2e-4)
    return Recipe(family="unet", latent=Latent(0), source=paired_or(Edges(sparsest=0.3), data), loss=nonsaturating,
                  penalties=(L1(100),), d=dict(norm="none", spectral=True), g_opt=opt, d_opt=opt, batch=16, flip=True,
                  kimg=1000, precision="bfloat16", channels_last=True)


@recipe(paper="Yu et al. 2018, arXiv:1806.03589", parent="pix2pix",
        note="fills holes of any form: gates tell what is there from what is not; hinge loss")
def inpaint(data: DataSpec) -> Recipe:
    # Hinge loss, spectral norm in D (as pix2pix has it here), Adam 1e-4 (0.5, 0.999) and batch 16 as there. L1 counts the
    # hole alone, about a tenth of a picture, since nothing else is made; with 20 it filled holes with coloured specks.
    return replace(pix2pix.make(data), family="gated", source=Holes(), loss=hinge, penalties=(L1(200),),
                   g_opt=Adam(1e-4), d_opt=Adam(4e-4))


@recipe(paper="Ledig et al. 2017, arXiv:1609.04802; Wang et al. 2018, arXiv:1809.00219", parent="dcgan",
        note="a small picture in, one four times as large out: L1 first, then what a frozen net sees and an adversary")
def srgan(data: DataSpec) -> Recipe:
    # ESRGAN, sec. 3 and 4.1: dense blocks without norm, each picture judged against the mean of the others, L1 alone first;
    # Adam 2e-4 and then 1e-4, by the authors' code with (0.9, 0.99). Weights are in parts of the adversary's, which weighs
    # 5e-3 there beside 1e-2 of L1 and 1 of VGG's features; the frozen net here is another. 23 blocks of 64 channels,
    # growing by 32, there.
    opt = Adam(Schedule(4e-4, 1e-4), (0.9, 0.99))
    return Recipe(family="rrdb", latent=Latent(0), source=Shrink(4), loss=relativistic_average, batch=16, flip=True,
                  penalties=(L1(10.0), Perceptual(10.0)), callbacks=(Prelude(terms=("L1",)),), g_opt=opt, d_opt=opt,
                  g=dict(width=32, growth=16, blocks=2), d=dict(width=16, spectral=True, norm="none"), kimg=200,
                  precision="bfloat16", channels_last=True)


@recipe(paper="Zhu et al. 2017, arXiv:1703.10593", parent="pix2pix", labelled=True,
        note="two folders without pairs: what goes to the other kind and back must be what it was")
def cyclegan(data: DataSpec) -> Recipe:
    # Cycle 10 and identity 5 there, against squares that are halved in D only, and in both nets here: hence half of either.
    # Pool of 50 and Adam 2e-4 (0.5, 0.999) as there; the rate falls from the start, there from the middle on; batch 1 there.
    opt = Adam(Schedule(2e-4, 0.0))
    return Recipe(family="cycle", latent=Latent(0, classes=data.classes), source=Unpaired(), loss=least_squares,
                  penalties=(Cycle(5.0), Identity(2.5)), pool=Pool(50), g_opt=opt, d_opt=opt, batch=4, flip=True, kimg=200,
                  precision="bfloat16")


@recipe(paper="Isola et al. 2016, arXiv:1611.07004", parent="pix2pix", note="traces of strong compression are taken away")
def jpeg_repair(data: DataSpec) -> Recipe:
    return replace(pix2pix.make(data), source=Compressed())
