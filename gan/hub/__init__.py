"""A model on disk and on the Hugging Face Hub: ``config.json``, ``model.safetensors``, ``training.json``, ``README.md``."""

from gan.hub.folders import WEIGHTS, folder_of, own_folder
from gan.hub.format import Model, load, save
from gan.hub.publish import Published, check_push, push
from gan.hub.remote import HUB_ID, pull
from gan.hub.troubles import HubError, Unreachable

__all__ = ["HUB_ID", "HubError", "Model", "Published", "Unreachable", "WEIGHTS", "check_push", "folder_of", "load",
           "own_folder", "pull", "push", "save"]
