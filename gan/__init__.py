"""The GAN gallery's library: load a model, draw from it.

>>> import gan
>>> model = gan.load("mnist-cgan")
>>> pixels = gan.draw(model.G, [gan.Draw(seed=42, label=model.label("7"))])  # uint8 [1, 32, 32, 1]
"""

from gan.base import Discriminator, Generator, Latent
from gan.engine import Engine, draw
from gan.gallery import list_models
from gan.hub import Model, load
from gan.latent import Draw

__all__ = ["Discriminator", "Draw", "Engine", "Generator", "Latent", "Model", "draw", "list_models", "load"]
