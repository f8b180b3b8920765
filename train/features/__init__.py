"""Feature nets of our own: small, trained on every set at hand to name the set and the class, and to know a picture again.

Two are shipped. ``own`` judges: every distance and share that ``python -m train score`` prints is read in its features.
``eyes`` looks for the projected discriminator (``train.game.projected``). They differ in seed, in architecture and in the
half of the pictures that they have seen, so that a model trained against one is not judged by it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from gan.files import write_tensors

__all__ = ["EYES", "OWN", "FeatureNet", "Stage", "load_features"]

HERE = Path(__file__).parent
OWN, EYES = HERE / "own.safetensors", HERE / "eyes.safetensors"
LEAST_PX = 64  # smaller pictures are enlarged to this side


class Conv(nn.Module):
    """3x3 convolution, batch norm where it is trained, and a bias where the norm has been folded into it."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: bool, kernel: int = 3):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not norm)
        self.norm = nn.BatchNorm2d(outputs) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Stage(nn.Module):
    """Halves the side: two 3x3 convolutions, with the input led past them where ``residual``."""

    def __init__(self, inputs: int, outputs: int, residual: bool, norm: bool):
        super().__init__()
        self.first, self.second = Conv(inputs, outputs, 2, norm), Conv(outputs, outputs, 1, norm)
        self.past = Conv(inputs, outputs, 2, norm, kernel=1) if residual else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.second(F.relu(self.first(x)))
        return F.relu(y if self.past is None else y + self.past(x))


class FeatureNet(nn.Module):
    """x [N, 1 or 3, H, W] in [-1, 1] -> maps at 1/2, 1/4, 1/8 and 1/16 of the side, ``widths`` channels each."""

    def __init__(self, widths: Sequence[int], *, residual: bool = True, norm: bool = False):
        super().__init__()
        self.widths, self.residual, self.with_norm = tuple(widths), residual, norm
        self.stages = nn.ModuleList(Stage(i, o, residual, norm) for i, o in zip((3, *widths), widths))

    @property
    def feature_dim(self) -> int:
        return sum(self.widths[-2:])

    def maps(self, x: Tensor) -> list[Tensor]:
        """The maps of all stages, the finest first."""
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        if x.shape[2] < LEAST_PX:
            x = F.interpolate(x, size=LEAST_PX, mode="bilinear", align_corners=False)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """[N, F]: the means over all places of the two coarsest maps, side by side."""
        return torch.cat([m.mean((2, 3)) for m in self.maps(x)[-2:]], 1)

    @torch.no_grad()
    def folded(self) -> FeatureNet:
        """The same function in use, every batch norm folded into its convolution: nothing is left that knows of a batch."""
        plain = FeatureNet(self.widths, residual=self.residual)
        pairs = zip((m for m in self.modules() if isinstance(m, Conv)), (m for m in plain.modules() if isinstance(m, Conv)))
        for old, new in pairs:
            scale = old.norm.weight / (old.norm.running_var + old.norm.eps).sqrt()
            new.conv.weight.copy_(old.conv.weight * scale[:, None, None, None])
            new.conv.bias.copy_(old.norm.bias - old.norm.running_mean * scale)
        return plain.eval().requires_grad_(False)

    def save(self, path: Path, about: dict) -> None:
        """float16, with what is needed to build it again and what it was trained on in the header."""
        config = dict(widths=self.widths, residual=self.residual)
        tensors = {k: v.half() for k, v in self.state_dict().items()}
        write_tensors(path, tensors, {"config": json.dumps(config), "about": json.dumps(about)})


def load_features(path: Path) -> FeatureNet:
    """A net that ``FeatureNet.save`` wrote, widened to float32, in evaluation, frozen. Errors: ``ValueError`` for another
    file."""
    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {})["config"])
            net = FeatureNet(config["widths"], residual=config["residual"])
            if not isinstance(next(net.parameters()), FakeTensor):  # without memory, where it is estimated
                net.load_state_dict({name: file.get_tensor(name).float() for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        raise ValueError(f"{path} holds no feature net: python -m train features writes one") from None
    return net.eval().requires_grad_(False)
