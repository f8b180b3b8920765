"""A model on disk and on the Hugging Face Hub: ``config.json``, ``model.safetensors``, ``training.json``, ``README.md``."""

from gan.hub.folders import WEIGHTS, folder_of
from gan.hub.format import FORMAT, Model, load, save

__all__ = ["FORMAT", "Model", "WEIGHTS", "folder_of", "load", "save"]
