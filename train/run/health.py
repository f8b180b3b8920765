"""When a run leads nowhere from here, and says so."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from train.game.game import Game, Phase

__all__ = ["Diverged", "Unhealthy", "check_finite"]


class Unhealthy(RuntimeError):
    """The run leads nowhere from here. ``slower`` says by what to multiply learning rates when it is tried again."""

    slower: dict[str, float] = {}


class Diverged(Unhealthy):
    """A loss is no longer a finite number."""

    slower = {"G": 0.5, "D": 0.5}


def check_finite(game: Game, phase: Phase, loss: Tensor, means: Sequence[Tensor]) -> None:
    """Errors: ``Diverged`` that names the losses of the phase, whose means these are, that are not finite."""
    if loss.isfinite():
        return
    guilty = [type(f).__name__ if isinstance(f, nn.Module) else f"the {phase.net} loss"
              for f, mean in zip(phase.counting, means) if not mean.isfinite()]
    raise Diverged(f"{' and '.join(guilty) or f'the sum of {phase.net} losses'} is not finite in round "
                   f"{game.rounds + 1:,} ({game.nimg / 1000:.1f} kimg); try a lower learning rate "
                   f"(--set {phase.net.lower()}_opt.lr=1e-4)")
