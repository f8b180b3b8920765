"""``--features inception``: the net of the published Frechet Inception distances (Heusel et al. 2017, arXiv:1706.08500).

Inception v3 (Szegedy et al. 2015, arXiv:1512.00567) as in Google's graph of 2015-12-05, which differs from later ones: mean
pooling does not count the border's zeros, the last block pools by the maximum, pictures are enlarged to 299 px without
half-pixel centres. Features are the 2048 means of the last maps.

Verified: with equal random weights in all layers the features equal those of torch-fidelity 0.4.0 to 1e-6 of the largest, at
32, 64, 128 and 299 px, and the layers have the names and shapes that it reads from that file. Not verified: figures with the
published weights themselves, which were out of reach where this was written. Their checksum is the one that several projects
on the web state, and begins as the file's name ends.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from gan.files import cache_home, write_tensors
from gan.hub.contents import sha256

__all__ = ["Inception", "load_inception"]

URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIDE = 299  # px
UNREAD = "num_batches_tracked"  # which that file has not, and no evaluation reads

# A line of convolutions: (name, channels, height and width of the kernel, stride). A list in a line: side by side, joined.
# "mean", "max" and "halve" pool.


def _a(pooled: int) -> list:
    return [[("branch1x1", 64, 1, 1)], [("branch5x5_1", 48, 1, 1), ("branch5x5_2", 64, 5, 5)],
            [("branch3x3dbl_1", 64, 1, 1), ("branch3x3dbl_2", 96, 3, 3), ("branch3x3dbl_3", 96, 3, 3)],
            ["mean", ("branch_pool", pooled, 1, 1)]]


def _c(n: int) -> list:
    return [[("branch1x1", 192, 1, 1)], [("branch7x7_1", n, 1, 1), ("branch7x7_2", n, 1, 7), ("branch7x7_3", 192, 7, 1)],
            [("branch7x7dbl_1", n, 1, 1), ("branch7x7dbl_2", n, 7, 1), ("branch7x7dbl_3", n, 1, 7),
             ("branch7x7dbl_4", n, 7, 1), ("branch7x7dbl_5", 192, 1, 7)], ["mean", ("branch_pool", 192, 1, 1)]]


def _e(pool: str) -> list:
    fork = lambda name: [(f"{name}a", 384, 1, 3), (f"{name}b", 384, 3, 1)]  # noqa: E731
    return [[("branch1x1", 320, 1, 1)], [("branch3x3_1", 384, 1, 1), fork("branch3x3_2")],
            [("branch3x3dbl_1", 448, 1, 1), ("branch3x3dbl_2", 384, 3, 3), fork("branch3x3dbl_3")],
            [pool, ("branch_pool", 192, 1, 1)]]


BLOCKS = {
    "Mixed_5b": _a(32), "Mixed_5c": _a(64), "Mixed_5d": _a(64),
    "Mixed_6a": [[("branch3x3", 384, 3, 3, 2)],
                 [("branch3x3dbl_1", 64, 1, 1), ("branch3x3dbl_2", 96, 3, 3), ("branch3x3dbl_3", 96, 3, 3, 2)], ["halve"]],
    "Mixed_6b": _c(128), "Mixed_6c": _c(160), "Mixed_6d": _c(160), "Mixed_6e": _c(192),
    "Mixed_7a": [[("branch3x3_1", 192, 1, 1), ("branch3x3_2", 320, 3, 3, 2)],
                 [("branch7x7x3_1", 192, 1, 1), ("branch7x7x3_2", 192, 1, 7), ("branch7x7x3_3", 192, 7, 1),
                  ("branch7x7x3_4", 192, 3, 3, 2)], ["halve"]],
    "Mixed_7b": _e("mean"), "Mixed_7c": _e("max"),
}
STEM = [("Conv2d_1a_3x3", 32, 3, 3, 2), ("Conv2d_2a_3x3", 32, 3, 3, 1, 0), ("Conv2d_2b_3x3", 64, 3, 3), "halve",
        ("Conv2d_3b_1x1", 80, 1, 1), ("Conv2d_4a_3x3", 192, 3, 3, 1, 0), "halve"]
POOLS = {"mean": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), "max": lambda x: F.max_pool2d(x, 3, 1, 1),
         "halve": lambda x: F.max_pool2d(x, 3, 2)}


class Conv(nn.Module):
    """Convolution, batch norm, ReLU. With a stride nothing is added at the border."""

    def __init__(self, inputs: int, outputs: int, height: int, width: int, stride: int = 1, padded: int = 1):
        super().__init__()
        padding = (height // 2, width // 2) if stride == 1 and padded else 0
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Block(nn.Module):
    """Lines side by side over one map, joined: ``channels`` come out."""

    def __init__(self, inputs: int, lines: list):
        super().__init__()
        self.lines, self.channels = lines, 0
        for line in lines:
            width = inputs
            for step in line:
                convs = step if isinstance(step, list) else [step] if isinstance(step, tuple) else []
                for name, *how in convs:
                    self.add_module(name, Conv(width, *how))
                width = sum(how[0] for _, *how in convs) or width
            self.channels += width

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self._along(x, line) for line in self.lines], 1)

    def _along(self, x: Tensor, line: list) -> Tensor:
        for step in line:
            if isinstance(step, str):
                x = POOLS[step](x)
            else:
                x = torch.cat([getattr(self, name)(x) for name, *_ in (step if isinstance(step, list) else [step])], 1)
        return x


class Inception(Block):
    """x [N, 1 or 3, H, W] in [-1, 1] -> [N, 2048]."""

    feature_dim = 2048

    def __init__(self):
        super().__init__(3, [STEM])
        channels = self.channels
        for name, lines in BLOCKS.items():
            block = Block(channels, lines)
            self.add_module(name, block)
            channels = block.channels

    def forward(self, x: Tensor) -> Tensor:
        x = enlarged(x.expand(-1, 3, -1, -1)) * (127.5 / 128) - 0.5 / 128  # the graph's (p - 128) / 128 of p in 0 ... 255
        x = super().forward(x)
        for name in BLOCKS:
            x = getattr(self, name)(x)
        return x.mean((2, 3))


def enlarged(x: Tensor) -> Tensor:
    """x [N, C, H, W] at 299 px, as TensorFlow 1 did it: place i reads i H / 299, between the pixel there and the next."""
    rows, columns = (_between(size, x.dtype) for size in x.shape[2:])
    return rows @ x @ columns.T


def _between(size: int, dtype: torch.dtype) -> Tensor:
    """[299, size], of which each row weighs two neighbours."""
    place = torch.arange(SIDE, dtype=torch.float64) * size / SIDE
    first = place.floor().long()
    share, rows = place - first, torch.zeros(SIDE, size, dtype=torch.float64)
    rows.scatter_add_(1, first[:, None], 1 - share[:, None])
    rows.scatter_add_(1, (first + 1).clamp(max=size - 1)[:, None], share[:, None])
    return rows.to(dtype)


def load_inception() -> Inception:
    """The net with the published weights, fetched once over the user's own connection. Errors: ``ValueError`` of one line
    where they cannot be, or are other ones."""
    folder = cache_home()
    kept, file, net = folder / "inception-2015-12-05.safetensors", folder / URL.rpartition("/")[2], Inception()
    if not kept.is_file():
        _fetch(file)
        # The one file in this project that is unpickled: its content is known, and nothing but tensors is built from it.
        found = torch.load(file, map_location="cpu", weights_only=True)
        write_tensors(kept, {name: found[name] for name in net.state_dict() if not name.endswith(UNREAD)})
        file.unlink()
    unread = {name: tensor for name, tensor in net.state_dict().items() if name.endswith(UNREAD)}
    net.load_state_dict({**unread, **load_file(kept)})
    return net.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _fetch(file: Path) -> None:
    by_hand = f"put {URL} into {file.parent} yourself, or leave --features out, for the net that is shipped"
    try:
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(URL, str(file))
    except OSError as error:
        raise ValueError(f"the Inception weights (96 MB) cannot be fetched ({error}): {by_hand}") from None
    if (found := sha256(file)) != SHA256:
        file.unlink()
        raise ValueError(f"other weights were fetched (sha256 {found[:12]}..., expected {SHA256[:12]}...): {by_hand}")
