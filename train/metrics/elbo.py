"""How well a variational autoencoder explains pictures: its evidence lower bound, with the model's own likelihood."""

from __future__ import annotations

import math

import torch

from gan.base import Encoder, Generator
from gan.image import from_uint8
from train.data.images import Images
from train.game.autoencoding import kl, log_likelihood

__all__ = ["elbo"]

CHUNK = 50  # rows of a forward pass


@torch.no_grad()
def elbo(G: Generator, encoder: Encoder, images: Images, *, most: int) -> dict[str, float]:
    """The mean over at most ``most`` pictures, drawn at random with a fixed seed, one code each (Kingma and Welling 2013,
    arXiv:1312.6114, eq. 10):

    ``elbo_bits_per_dimension``  -ELBO / (C H W ln 2): no more bits a number would a code built on the model need, of 8
    ``kl_nats``                  the part of it that the latent takes, in nats a picture
    """
    rng = torch.Generator().manual_seed(0)
    chosen = torch.randperm(len(images.pixels), generator=rng)[:most].sort().values
    total, latent = 0.0, 0.0
    for rows in chosen.split(CHUNK):
        x = from_uint8(images.pixels[rows.numpy()]).to(G.device)
        c = torch.from_numpy(images.labels[rows.numpy()]).to(G.device) if G.latent.classes else None
        mean, logvar = encoder(x, c)
        code = mean + torch.exp(logvar / 2) * torch.randn(mean.shape, generator=rng).to(G.device)
        cost = kl(mean, logvar)
        explained = log_likelihood(x, G(code, c), encoder.log_scale, encoder.likelihood)
        total += (cost - explained).double().sum().item()
        latent += cost.double().sum().item()
    numbers = G.channels * G.resolution**2
    found = {"elbo_bits_per_dimension": total / numbers / math.log(2), "kl_nats": latent}
    return {what: float(f"{value / len(chosen):.4g}") for what, value in found.items()}
