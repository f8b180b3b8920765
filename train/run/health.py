"""When a run leads nowhere from here, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from train.game.game import Game, Phase

__all__ = ["Diverged", "Unhealthy", "Update", "check_finite"]


class Unhealthy(RuntimeError):
    """The run leads nowhere from here. ``slower`` says by what to multiply learning rates when it is tried again."""

    slower: dict[str, float] = {}


class Diverged(Unhealthy):
    """A loss is no longer a finite number."""

    slower = {"G": 0.5, "D": 0.5}


class Update(NamedTuple):
    """What an update minimised."""

    phase: Phase
    loss: Tensor
    means: Sequence[Tensor]  # of each loss of the phase


def check_finite(game: Game, updates: Sequence[Update]) -> None:
    """Looks at a round's updates together, since to look is to wait for a GPU.

    Errors: ``Diverged`` that names the losses, of the first phase with one, that are not finite."""
    if not updates or torch.stack([update.loss for update in updates]).isfinite().all():
        return
    phase, _, means = next(update for update in updates if not update.loss.isfinite())
    guilty = [type(f).__name__ if isinstance(f, nn.Module) else f"the {phase.net} loss"
              for f, mean in zip(phase.counting, means) if not mean.isfinite()]
    raise Diverged(f"{' and '.join(guilty) or f'the sum of {phase.net} losses'} is not finite in round "
                   f"{game.rounds + 1:,} ({game.nimg / 1000:.1f} kimg); try a lower learning rate "
                   f"(--set {phase.net.lower()}_opt.lr=1e-4)")
