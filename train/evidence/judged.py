"""The classifier that every arm trains, and what it gets right."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.data.images import Images
from train.features import Stage
from train.metrics.classifier import learn

__all__ = ["ResNet", "cross_entropy", "right_by_class", "trained"]

WIDTHS = (16, 32, 64, 64, 64, 64)
SMALLEST = 4  # px, to which stages halve the side


class ResNet(nn.Module):
    """x [N, C, R, R] in [-1, 1] -> logits [N, classes]: one residual stage for every halving of the side, down to 4 px."""

    def __init__(self, channels: int, classes: int, resolution: int):
        super().__init__()
        halvings = max(1, (resolution // SMALLEST).bit_length() - 1)
        widths = (channels, *WIDTHS[:halvings])
        self.stages = nn.Sequential(*(Stage(i, o, True, True) for i, o in zip(widths, widths[1:])))
        self.logits = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.stages(x).mean((2, 3)))


def trained(images: Images, feed: Callable[[], tuple[Tensor, Tensor]], steps: int, seed: int) -> ResNet:
    """A classifier of these classes that was fed ``steps`` batches."""
    net = ResNet(images.spec.channels, images.spec.classes, images.spec.resolution)
    learn(net, feed, steps, seed=seed)
    return net.eval()


def cross_entropy(found: np.ndarray, labels: np.ndarray) -> float:
    """Of logits [N, K], in nats: the mean over the classes that occur of each one's mean."""
    each = F.cross_entropy(torch.from_numpy(found), torch.from_numpy(labels), reduction="none").numpy()
    return float(np.mean([each[labels == k].mean() for k in np.unique(labels)]))


def right_by_class(read: np.ndarray, labels: np.ndarray, classes: int) -> list[float]:
    """The share of each class that was read rightly, [K]; their mean is the balanced accuracy."""
    right = np.bincount(labels[read == labels], minlength=classes)
    return (right / np.maximum(np.bincount(labels, minlength=classes), 1)).tolist()
