"""Models that make pictures from pictures, for the tests of every door: see tests/families/painter.py."""

from pathlib import Path

import numpy as np
import torch
from pictures import encoded
from PIL import Image, ImageDraw

from gan import hub
from gan.base import Latent
from gan.degrade import Degrade, Edges, Holes, Shrink, Unpaired, source_of
from gan.models import family

TASKS = {"sketch": Edges(), "larger": Shrink(2), "filler": Holes(), "styles": Unpaired()}


def styler():
    """An untrained generator whose pictures follow their class and its noise too."""
    torch.manual_seed(0)
    G = family("unet").Generator(Latent(4, classes=2), resolution=32, channels=3, width=4, source=source_of(Unpaired(), 3))
    with torch.no_grad():
        for p in G.parameters():
            if p.ndim > 1:
                p.mul_(6)
    return G.eval()


def painter(task: Degrade, *, resolution: int = 32, channels: int = 3):
    """An untrained generator whose pictures follow what it reads."""
    torch.manual_seed(0)
    G = family("painter").Generator(Latent(0), resolution=resolution, channels=channels,
                                    source=source_of(task, channels))
    with torch.no_grad():
        for p in G.parameters():
            if p.ndim > 1:
                p.mul_(2)
    return G.eval()


def write_painters(folder: Path) -> list[Path]:
    """A model for each way of giving a picture: sketch, larger, filler; and styles, which has noise and two classes."""
    for name, task in TASKS.items():
        two = name == "styles"
        hub.save(folder / name, styler() if two else painter(task), class_names=("apple", "orange") if two else ())
    return [folder / name for name in TASKS]


def drawing(side: int = 32) -> bytes:
    """A PNG with a line on it."""
    image = Image.new("RGB", (side, side), "white")
    ImageDraw.Draw(image).line((4, 4, side - 6, side // 2), fill="black", width=2)
    return encoded(image)


def hole(side: int = 32) -> np.ndarray:
    """bool [side, side]"""
    found = np.zeros((side, side), bool)
    found[10:20, 8:16] = True
    return found
