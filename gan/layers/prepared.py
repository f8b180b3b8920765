"""What layers derive from their weights at every call, derived once where nobody trains."""

from __future__ import annotations

from torch import nn

__all__ = ["Prepared", "prepare"]


class Prepared(nn.Module):
    """A module that can derive something from its weights and buffers beforehand.

    It is kept until ``train()`` or ``load_state_dict``. Whoever changes the weights in another way calls ``prepare`` again.
    """

    def prepare(self) -> None:
        """Derives it. What is kept must be a plain tensor or number, so that gradients and ``torch.export`` pass through."""

    def forget(self) -> None:
        """Forgets it."""

    def train(self, mode: bool = True):
        if mode:
            self.forget()
        return super().train(mode)

    def _load_from_state_dict(self, *args, **kwargs) -> None:
        self.forget()
        super()._load_from_state_dict(*args, **kwargs)


def prepare(net: nn.Module) -> None:
    """Prepares every module of a net that will only draw, in evaluation mode."""
    for module in net.modules():
        if isinstance(module, Prepared):
            module.prepare()
