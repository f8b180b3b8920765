"""python -m benchmarks.modulation: StyleGAN2's generator, ours against a kernel for each sample.

The usual arrangement multiplies the weights by each sample's style, demodulates them, and runs one grouped convolution over
as many kernels as there are samples. Ours scales the activations before and after one convolution for all, in
channels_last. Same weights, same pictures (the largest difference is printed); both run in turn, round after round.

  python -m benchmarks.modulation                      # 64 px, 512 channels, batch 8
  python -m benchmarks.modulation --batch 1 --width 256
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.base import Latent
from gan.layers import smooth
from gan.models.stylegan2 import Generator, ModulatedConv


class KernelPerSample(nn.Module):
    """ModulatedConv as published: eq. 1 and 3 on the weights, samples as groups."""

    def __init__(self, conv: ModulatedConv):
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, w: Tensor, bias: Tensor, gain: float = 1.0) -> Tensor:
        conv, (n, i, h, _) = self.conv, x.shape
        weight = conv.weight[None] * conv.gain * conv.style(w)[:, None, :, None, None]  # [N, O, I, k, k]
        if conv.demodulate:
            weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt() * gain
        x, o, k = x.reshape(1, n * i, h, h), weight.shape[1], weight.shape[-1]
        if not conv.up:
            x = F.conv2d(x, weight.reshape(n * o, i, k, k), padding=k // 2, groups=n).reshape(n, o, h, h)
            return x + bias[:, None, None]
        weight = weight.transpose(1, 2).flip(3, 4).reshape(n * i, o, k, k)
        x = F.conv_transpose2d(x, weight, stride=2, groups=n)
        return smooth(x.reshape(n, o, 2 * h + 1, 2 * h + 1), gain=4.0) + bias[:, None, None]


def per_sample(net: nn.Module) -> nn.Module:
    for name, child in list(net.named_children()):
        setattr(net, name, KernelPerSample(child) if isinstance(child, ModulatedConv) else per_sample(child))
    return net


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.modulation", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--resolution", type=int, default=64)
    p.add_argument("--width", type=int, default=512)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--rounds", type=int, default=7)
    args = p.parse_args()
    torch.manual_seed(0)
    ours = Generator(Latent(512), resolution=args.resolution, width=args.width, w_dim=512).eval()
    usual = per_sample(copy.deepcopy(ours))
    ours.to(memory_format=torch.channels_last)
    z = torch.randn(args.batch, 512)
    with torch.inference_mode():
        difference = (ours(z) - usual(z)).abs().max().item()
        times: dict[str, list[float]] = {"ours": [], "kernel per sample": []}
        for _ in range(args.rounds):
            for name, G in zip(times, (ours, usual)):
                began = time.perf_counter()
                G(z)
                times[name].append(time.perf_counter() - began)
    ratio = statistics.median(b / a for a, b in zip(*times.values()))
    ms = {name: round(1000 * statistics.median(values)) for name, values in times.items()}
    print(json.dumps(dict(vars(args), threads=torch.get_num_threads(), max_abs_difference=difference, ms=ms,
                          times_faster=round(ratio, 2))))


if __name__ == "__main__":
    main()
