"""Training of the feature nets: ``python -m train features``."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.engine import has_bfloat16
from gan.image import from_uint8
from train.data.images import Images
from train.features import FeatureNet
from train.seeds import fresh_weights

__all__ = ["Training", "train_features"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """How a feature net is trained; ``half`` is the half of every set that it sees (0 or 1)."""

    steps: int = 1000
    batch: int = 96  #            pictures a step, each seen twice
    rate: float = 3e-3
    temperature: float = 0.2
    embedding: int = 128
    seed: int = 0
    half: int = 0


def _views(x: Tensor, rng: torch.Generator) -> Tensor:
    """Every picture cut, mirrored and coloured in its own way, [N, 3, H, W] (Chen et al. 2020, arXiv:2002.05709, app. A)."""
    n = len(x)
    rand = lambda *shape: torch.rand(*shape, generator=rng)  # noqa: E731
    scale = (0.25 + 0.75 * rand(n)).sqrt()  # of the side: a quarter of the area or more
    stretch = (0.3 * (rand(n) - 0.5)).exp()
    sx, sy = (scale * stretch).clamp(max=1), (scale / stretch).clamp(max=1)
    tx, ty = (1 - sx) * (2 * rand(n) - 1), (1 - sy) * (2 * rand(n) - 1)
    sx = sx * torch.where(rand(n) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2], theta[:, 1, 1], theta[:, 1, 2] = sx, tx, sy, ty
    x = F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False,
                      padding_mode="reflection")
    light, colour, contrast = (rand(3, n, 1, 1, 1) - 0.5) * torch.tensor([0.6, 1.2, 0.8])[:, None, None, None, None]
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * torch.where(rand(n, 1, 1, 1) < 0.15, torch.tensor(0.0), 1 + colour)
    level = x.mean((1, 2, 3), keepdim=True)
    return level + (x - level) * (1 + contrast) + light


class _Pool:
    """All sets together: pictures of a step are drawn set by set, by the square root of the sets' sizes."""

    def __init__(self, sets: Sequence[Images], half: int, rng: np.random.RandomState):
        self.rng, self.parts, first = rng, [], 0
        for images in sets:
            own = np.arange(len(images.pixels))[half::2]
            labels = np.zeros(len(images.pixels), np.int64) if images.labels is None else images.labels
            self.parts.append((images.pixels, own, labels + first))
            first += max(images.spec.classes, 1)
        self.classes = first
        sizes = np.sqrt([len(own) for _, own, _ in self.parts])
        self.shares = sizes / sizes.sum()

    def batch(self, n: int) -> tuple[Tensor, Tensor]:
        pictures, labels = [], []
        for (pixels, own, names), count in zip(self.parts, self.rng.multinomial(n, self.shares)):
            rows = own[self.rng.randint(len(own), size=count)]
            x = from_uint8(pixels[rows])
            pictures.append(x.expand(-1, 3, -1, -1))
            labels.append(names[rows])
        return torch.cat(pictures), torch.from_numpy(np.concatenate(labels))


def train_features(sets: Sequence[Images], net: FeatureNet, how: Training) -> tuple[FeatureNet, dict]:
    """The trained net, folded, and what is known of it.

    Loss: cross-entropy over the classes of all sets (an unlabelled set is one class) plus the contrastive loss of SimCLR
    (Chen et al. 2020, arXiv:2002.05709, eq. 1): features that only named a class would be blind to what differs inside it.
    """
    fresh_weights(net, how.seed)
    rng = torch.Generator().manual_seed(how.seed)  # as for the shipped net
    pool = _Pool(sets, how.half, np.random.RandomState(how.seed))
    name = nn.Linear(net.widths[-1], pool.classes)
    embed = nn.Sequential(nn.Linear(net.feature_dim, 256), nn.ReLU(), nn.Linear(256, how.embedding))
    net.to(memory_format=torch.channels_last).train()
    params = [*net.parameters(), *name.parameters(), *embed.parameters()]
    optimiser = torch.optim.AdamW(params, lr=how.rate, weight_decay=0.02, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.steps, pct_start=0.15)
    began, right, known_again = time.perf_counter(), 0.0, 0.0
    for step in range(how.steps):
        x, y = pool.batch(how.batch)
        views = torch.cat([_views(x, rng), _views(x, rng)]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16(x.device)):
            h = net(views)
            logits, z = name(h[:, -net.widths[-1]:]).float(), embed(h).float()
        z = F.normalize(z)
        alike = (z @ z.t() / how.temperature).fill_diagonal_(-math.inf)
        twin = torch.arange(len(z)).roll(how.batch)
        loss = F.cross_entropy(logits, y.repeat(2)) + F.cross_entropy(alike, twin)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        right += 0.02 * ((logits.argmax(1) == y.repeat(2)).float().mean().item() - right)
        known_again += 0.02 * ((alike.argmax(1) == twin).float().mean().item() - known_again)
        if step % 50 == 0 or step == how.steps - 1:
            speed = (step + 1) / (time.perf_counter() - began)
            log.info("step %d of %d, ETA %.0f s, loss %.3f, class right %.1f %%, twin found %.1f %%", step + 1, how.steps,
                     (how.steps - step - 1) / speed, loss.item(), 100 * right, 100 * known_again)
    about = dict(sets=[f"{s.name} ({len(s.pixels)})" for s in sets], classes=pool.classes, half=how.half, seed=how.seed,
                 steps=how.steps, batch=how.batch, class_right=round(right, 3), twin_found=round(known_again, 3))
    return net.folded(), about
