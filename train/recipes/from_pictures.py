"""The history of nets that make a picture from a picture."""

from __future__ import annotations

from dataclasses import replace

from gan.base import Latent
from gan.degrade import Degrade, Edges, Holes, Paired
from train.data.spec import DataSpec
from train.game.objectives import hinge, nonsaturating
from train.game.optim import Adam
from train.game.pictures import L1
from train.recipe import Recipe
from train.recipes.registry import recipe


def paired_or(task: Degrade, data: DataSpec) -> Degrade:
    """Data in folders A and B is read as pairs; of other pictures the task makes its own."""
    return Paired() if data.class_names == ("A", "B") else task


@recipe(paper="Isola et al. 2016, arXiv:1611.07004", parent="dcgan", pairs=True,
        note="a picture in, a picture out: maps of one size are joined in G, D judges patches, L1 keeps to the target")
def pix2pix(data: DataSpec) -> Recipe:
    # Lambda 100, Adam 2e-4 (0.5, 0.999), mirror images as there; batch 1 and width 64 there.
    opt = Adam(2e-4)
    return Recipe(family="unet", latent=Latent(0), source=paired_or(Edges(), data), loss=nonsaturating, penalties=(L1(100),),
                  g_opt=opt, d_opt=opt, batch=16, flip=True, kimg=1000, precision="bfloat16", channels_last=True)


@recipe(paper="Yu et al. 2018, arXiv:1806.03589", parent="pix2pix",
        note="fills holes of any form: gates tell what is there from what is not, spectral norm in D")
def inpaint(data: DataSpec) -> Recipe:
    # Hinge loss, spectral norm in D in the place of another, Adam 1e-4 (0.5, 0.999) and batch 16 as there. L1 counts the
    # hole alone, about a tenth of a picture, since nothing else is made.
    return replace(pix2pix.make(data), family="gated", source=Holes(), loss=hinge, penalties=(L1(20),),
                   d=dict(norm="none", spectral=True), g_opt=Adam(1e-4), d_opt=Adam(4e-4))
