"""The history of nets that draw from random numbers: one function a recipe, stating only what differs from the defaults."""

from __future__ import annotations

from dataclasses import replace

from gan.base import Latent
from train.data.spec import DataSpec
from train.game.augment import DiffAugment, StyleMixing
from train.game.autoencoding import KL, FeatureReconstruction, JudgedReconstruction, Reconstruction
from train.game.dynamics import ClipWeights, Grow
from train.game.objectives import hinge, least_squares, nonsaturating, relativistic, wasserstein
from train.game.optim import Adam, RMSprop
from train.game.penalties import (
    R1,
    R2,
    AuxiliaryClassifier,
    Drift,
    GradientPenalty,
    MutualInformation,
    Orthogonal,
    PathLength,
    Redrawing,
)
from train.recipe import Recipe
from train.recipes.registry import recipe
from train.schedule import Schedule


@recipe(paper="Goodfellow et al. 2014, arXiv:1406.2661", note="two perceptrons play the minimax game")
def gan(data: DataSpec) -> Recipe:
    # The paper leaves width and rate to its code (SGD with momentum, maxout in D); Adam with DCGAN's betas is today's use.
    return Recipe(family="mlp", latent=Latent(100), loss=nonsaturating, batch=128, kimg=3000, precision="bfloat16")


@recipe(paper="Mirza and Osindero 2014, arXiv:1411.1784", parent="gan", note="both nets are told the class",
        labelled=True)
def cgan_mlp(data: DataSpec) -> Recipe:
    return replace(gan.make(data), latent=Latent(100, classes=data.classes))


@recipe(paper="Radford, Metz and Chintala 2015, arXiv:1511.06434", parent="gan", note="convolutions all through")
def dcgan(data: DataSpec) -> Recipe:
    # Rate, betas and N(0, 0.02) are the paper's, batch 32 is not (there 128): a small budget needs the steps.
    return Recipe(family="dcgan", latent=Latent(100), loss=nonsaturating, batch=32, kimg=1000,
                  precision="bfloat16", channels_last=True)


@recipe(paper="Mirza and Osindero 2014, arXiv:1411.1784; projection: Miyato and Koyama 2018, arXiv:1802.05637",
        parent="dcgan", note="DCGAN's nets are told the class: beside the noise in G, by projection in D", labelled=True)
def cgan(data: DataSpec) -> Recipe:
    # Spectral norm in D as in the projection paper: with BatchNorm D stays far ahead of G (losses 0.1 and 5 on MNIST).
    return replace(dcgan.make(data), latent=Latent(100, classes=data.classes), d=dict(spectral=True))


@recipe(paper="Chen et al. 2016, arXiv:1606.03657", parent="dcgan", note="codes in z that can be read back from the image")
def infogan(data: DataSpec) -> Recipe:
    # App. C.1 (MNIST): 62 noise variables, one ten-valued code, two continuous ones; rates 2e-4 for D, 1e-3 for G.
    return replace(dcgan.make(data), latent=Latent(62, categorical=(10,), continuous=2), penalties=(MutualInformation(),),
                   g_opt=Adam(lr=1e-3))


@recipe(paper="Odena, Olah and Shlens 2016, arXiv:1610.09585", parent="cgan", note="D also names the class",
        labelled=True)
def acgan(data: DataSpec) -> Recipe:
    return replace(cgan.make(data), d=dict(spectral=True, projection=False), penalties=(AuxiliaryClassifier(),))


@recipe(paper="Mao et al. 2016, arXiv:1611.04076", parent="dcgan", note="squared distances in the place of the logarithm")
def lsgan(data: DataSpec) -> Recipe:
    # The gradient of a square does not saturate, so it needs a smaller rate than the logistic loss on the same nets.
    slow = Adam(lr=1e-4)
    return replace(dcgan.make(data), loss=least_squares, g_opt=slow, d_opt=slow)


@recipe(paper="Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875", parent="dcgan",
        note="D estimates a distance; its weights are clipped")
def wgan(data: DataSpec) -> Recipe:
    # Alg. 1: five D updates each, RMSprop 5e-5, clipping at 0.01. Batch norm stays, as in the paper's experiments.
    return replace(dcgan.make(data), loss=wasserstein, callbacks=(ClipWeights(0.01),), d_steps=5,
                   g_opt=RMSprop(5e-5), d_opt=RMSprop(5e-5))


@recipe(paper="Gulrajani et al. 2017, arXiv:1704.00028", parent="wgan", note="a gradient penalty in the place of clipping")
def wgan_gp(data: DataSpec) -> Recipe:
    # Alg. 1 and app. F: weight 10, five D updates, no batch norm in D, since the penalty is per sample; rate decays to 0.
    # bfloat16: benchmarks/choices.py.
    rate = Adam(Schedule(2e-4, 0.0), (0.0, 0.9))
    return Recipe(family="resnet", latent=Latent(128), loss=wasserstein, penalties=(GradientPenalty(10.0),), d_steps=5,
                  g_opt=rate, d_opt=rate, batch=64, kimg=2000, precision="bfloat16", channels_last=True)


@recipe(paper="Miyato et al. 2018, arXiv:1802.05957", parent="wgan-gp", note="spectral norm in D, hinge loss")
def sngan(data: DataSpec) -> Recipe:
    # Sec. 4, setting for ResNets: Adam (0, 0.9), 2e-4, five D updates, sum pooling.
    return replace(wgan_gp.make(data), loss=hinge, penalties=(), d=dict(spectral=True, pool="sum"))


@recipe(paper="Karras et al. 2018, arXiv:1710.10196", parent="wgan-gp",
        note="the nets grow from 4 px to the full resolution")
def progan(data: DataSpec) -> Recipe:
    # App. A.1: latents on a sphere, Adam 1e-3 (0, 0.99), WGAN-GP with drift 1e-3, one D update. The paper fades and holds
    # 800 kimg each; here fades and holds share the run, so that a small budget still ends at full resolution.
    opt = Adam(1e-3, (0.0, 0.99))
    return Recipe(family="progan", latent=Latent(128, classes=data.classes, prior="sphere"), loss=wasserstein,
                  penalties=(GradientPenalty(10.0), Drift(1e-3)), callbacks=(Grow(),), g_opt=opt, d_opt=opt,
                  batch=32, kimg=1200, channels_last=True)


@recipe(paper="Brock, Donahue and Simonyan 2018, arXiv:1809.11096", parent="sngan",
        note="every block sees the class and a part of z; attention; spectral norm in both nets")
def biggan(data: DataSpec) -> Recipe:
    # The authors' settings for CIFAR-10 (code): 2e-4 with (0, 0.999) in both, four D updates, batch 50, an average of 0.9999
    # a step of G, which is a half-life of 1,386 kimg (a shorter run has a shorter one). bfloat16: benchmarks/choices.py.
    opt = Adam(2e-4, (0.0, 0.999))
    return Recipe(family="biggan", latent=Latent(80, classes=data.classes), loss=hinge, penalties=(Orthogonal(1e-4),),
                  d_steps=4, g_opt=opt, d_opt=opt, batch=50, ema_kimg=1386, kimg=2000,
                  precision="bfloat16", channels_last=True)


@recipe(paper="Karras, Laine and Aila 2019, arXiv:1812.04948", parent="progan",
        note="a mapping net whose w sets the style of every layer; noise for the detail")
def stylegan(data: DataSpec) -> Recipe:
    # Sec. 2 and app. C: nonsaturating with R1 (weight 10 on faces; StyleGAN2-ADA's rule here), Adam 1e-3 (0, 0.99), style
    # mixing 0.9, a rate 100 times smaller in the mapping. Without growing, which StyleGAN2 found needless.
    opt = Adam(1e-3, (0.0, 0.99))
    return Recipe(family="stylegan", latent=Latent(128, classes=data.classes), loss=nonsaturating,
                  penalties=(R1(2e-4 * data.resolution**2 / 32, every=16),), mix=StyleMixing(0.9), g_opt=opt, d_opt=opt,
                  batch=32, kimg=2000, channels_last=True)


@recipe(paper="Karras et al. 2020, arXiv:1912.04958", parent="stylegan",
        note="a mapping net and modulated convolutions, R1 and path length now and then")
def stylegan2(data: DataSpec) -> Recipe:
    # gamma = 2e-4 res^2 / batch, 2 mapping layers, 10/32 kimg a sample of half-life: StyleGAN2-ADA's automatic settings
    # (arXiv:2006.06676, code). Intervals 16 and 4 and path length weight 2 are StyleGAN2's code, whose app. B has 8 for the
    # second; mixing 0.9. That gamma suits photos: on digits 1 keeps G from collapsing inside the classes
    # (benchmarks/results/mnist.md).
    batch = 32
    opt = Adam(2.5e-3, (0.0, 0.99))
    return Recipe(family="stylegan2", latent=Latent(128, classes=data.classes), loss=nonsaturating,
                  penalties=(R1(2e-4 * data.resolution**2 / batch, every=16), PathLength()), mix=StyleMixing(0.9),
                  g_opt=opt, d_opt=opt, batch=batch, ema_kimg=10 * batch / 32, kimg=2000, channels_last=True)


@recipe(paper="Huang et al. 2025, arXiv:2501.05441", parent="dcgan",
        note="relativistic pairs under R1 and R2, and residual nets without normalisation")
def r3gan(data: DataSpec) -> Recipe:
    # Table 9's schedules over the whole run (there 20 Mimg): gamma, rate and beta2 anneal, G_ema lengthens to 2.5 %. Their
    # gamma grows with about the cube of the resolution on faces (2 at 64 px, 150 at 256 px); on digits 1 is better (as with
    # stylegan2). Width is 768 there with a rate of 2e-4: narrow nets bear, and need, a greater one (benchmarks/README.md).
    gamma = 0.25 * (data.resolution / 32) ** 3
    fading = Schedule(gamma, gamma / 10, shape="cosine")
    opt = Adam(Schedule(1.6e-3, 4e-4, shape="cosine"), (0.0, Schedule(0.9, 0.99, shape="cosine")))
    return Recipe(family="r3gan", latent=Latent(64, classes=data.classes), loss=relativistic,
                  penalties=(R1(fading), R2(fading)), g_opt=opt, d_opt=opt, batch=64, ema_kimg=25, kimg=1000,
                  channels_last=True)


@recipe(paper="Liu et al. 2021, arXiv:2101.04775", parent="dcgan",
        note="coarse maps gate fine ones in G; D must be able to draw its reals again")
def fastgan(data: DataSpec) -> Recipe:
    # Rate 2e-4 (0.5, 0.999), hinge loss and differentiable augmentation as there; batch 8 there, on few large pictures.
    return replace(dcgan.make(data), family="fastgan", latent=Latent(100, classes=data.classes), loss=hinge,
                   penalties=(Redrawing(),), augment=DiffAugment(), flip=data.channels == 3)


@recipe(paper="Sauer et al. 2021, arXiv:2111.01007", parent="fastgan",
        note="D looks through a frozen net, at four scales mixed at random")
def projected_gan(data: DataSpec) -> Recipe:
    # Betas and G's rate as there; batch 64 there. A D under spectral norm learns too slowly for a small budget at G's rate.
    return replace(fastgan.make(data), penalties=(), g=dict(width=48), d=dict(projected=True, width=32), batch=16,
                   augment=DiffAugment("translation"), g_opt=Adam(2e-4, (0.0, 0.99)), d_opt=Adam(4e-4, (0.0, 0.99)))


@recipe(paper="Kingma and Welling 2013, arXiv:1312.6114", note="no adversary: pictures are found in the latent space and "
        "drawn again")
def vae(data: DataSpec) -> Recipe:
    # Convolutions in the place of the paper's perceptrons; the discretised logistic is Kingma et al. 2016's
    # (arXiv:1606.04934), and its scale is learned, as a Gaussian's in sigma-VAE (Rybkin et al. 2020, arXiv:2006.13202), so
    # that no weight has to be found. Layer norm, since latents of reals and of the prior must be drawn alike.
    return Recipe(family="dcgan", latent=Latent(64), loss=None, penalties=(Reconstruction(), KL()), g=dict(norm="layer"),
                  e={}, g_opt=Adam(Schedule(1e-3, 0.0), (0.9, 0.999)), batch=32, kimg=1000, precision="bfloat16",
                  channels_last=True)


@recipe(paper="Larsen et al. 2016, arXiv:1512.09300", parent="vae",
        note="pictures are compared where a discriminator looks, and must fool it")
def vae_gan(data: DataSpec) -> Recipe:
    # The paper weighs the reconstruction in G against the adversary by gamma; Adam does not see the scale of what the
    # encoder minimises, so that one weight in front of reconstruction and KL is the same. Batch norm in G as there; D is
    # held by R1 and knows the spread of a batch. Of cats the features of such a D told the encoder nothing but how bright
    # they are: pixels beside them, at weights far below the adversary's, taught it (benchmarks/README.md).
    gamma, pixels = 1e-3, 2e-4
    return replace(vae.make(data), loss=nonsaturating, g={}, d=dict(norm="none", group=4), batch=16, g_opt=Adam(4e-4),
                   d_opt=Adam(4e-4), penalties=(FeatureReconstruction(gamma), Reconstruction(pixels), KL(2 * pixels),
                                                JudgedReconstruction(), R1(0.1, every=8)))


@recipe(paper="Bao et al. 2017, arXiv:1703.10155", parent="vae-gan", labelled=True,
        note="encoder, generator and discriminator are told the class")
def cvae_gan(data: DataSpec) -> Recipe:
    # The paper also has a classifier whose features fakes must match; here D knows the class, by projection as in cgan.
    return replace(vae_gan.make(data), latent=Latent(64, classes=data.classes))
