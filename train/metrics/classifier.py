"""A small convolutional classifier: the judge of class accuracy and coverage, and the features of Frechet distances.

It is trained on the training split only and states its accuracy on the test split; nothing here takes part in training
a GAN.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from gan.engine import has_bfloat16
from gan.files import cache_home, write_tensors
from train.data.images import Images
from train.data.stream import Stream
from train.metrics.reading import features
from train.seeds import fresh_weights

__all__ = ["Classifier", "accuracy", "learn", "trained_classifier"]

log = logging.getLogger(__name__)

EPOCHS, BATCH, SEED, RATE = 4, 128, 0, 2e-3
SHIFT_PX = 2  # at most


class Classifier(nn.Module):
    """x [N, C, H, W] in [-1, 1] -> logits [N, classes]; ``features`` gives the 128 numbers before the last layer."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        sizes = [channels, 32, 64, 128]
        self.convs = nn.Sequential(*(layer for i, o in zip(sizes, sizes[1:]) for layer in (
            nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(),
            nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU())))
        self.logits = nn.Linear(128, classes)

    def features(self, x: Tensor) -> Tensor:
        """[N, 128]."""
        return self.convs(x).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(self.features(x))


def _shifted(x: Tensor, rng: torch.Generator) -> Tensor:
    """The batch moved by up to ``SHIFT_PX`` each way, one move a batch, edges repeated."""
    dy, dx = torch.randint(0, 2 * SHIFT_PX + 1, (2,), generator=rng).tolist()
    padded = F.pad(x, (SHIFT_PX,) * 4, mode="replicate")
    return padded[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]


def accuracy(net: Classifier, images: Images) -> float:
    """Share of the set that is read rightly."""
    return float((features(net.eval(), images.pixels).argmax(1) == images.labels).mean())


def trained_classifier(images: Images) -> Classifier:
    """A classifier of these images, trained once and cached under the data's fingerprint."""
    if images.labels is None:
        raise ValueError(f"{images.name} has no labels to train a classifier on")
    net = Classifier(images.spec.channels, images.spec.classes)
    path = cache_home() / f"{images.fingerprint}.classifier.safetensors"
    if path.is_file():
        net.load_state_dict(load_file(path))
    else:
        _train(net, images)
        write_tensors(path, net.state_dict())
    return net.to(memory_format=torch.channels_last).eval()


def _train(net: Classifier, images: Images) -> None:
    rng = torch.Generator().manual_seed(SEED)  # as for the boards' tables
    stream, steps = Stream(images, seed=SEED), EPOCHS * len(images.pixels) // BATCH

    def feed() -> tuple[Tensor, Tensor]:
        x, labels, _ = stream.batch(BATCH)
        return _shifted(x, rng), labels

    def report(step: int, loss: Tensor) -> None:
        if step % 200 == 0:
            log.info("classifier: step %d of %d, loss %.3f", step, steps, loss.item())

    learn(net, feed, steps, seed=SEED, report=report)


def learn(net: nn.Module, feed: Callable[[], tuple[Tensor, Tensor]], steps: int, *, seed: int,
          report: Callable[[int, Tensor], None] = lambda step, loss: None) -> None:
    """Trains a classifier from fresh weights, which ``seed`` decides, on ``steps`` batches: ``feed()`` -> x [N, C, H, W] in
    [-1, 1] and labels [N], or shares of the classes [N, K]."""
    fresh_weights(net, seed)
    net.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(steps):
        x, target = feed()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(x.device)):
            logits = net(x.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits.float(), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        report(step, loss)
