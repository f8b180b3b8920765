"""python -m benchmarks.superres: small pictures made large, by models and by bicubic enlargement, on held-out pictures.

The pictures are those that the training of the first model held out: shrunk as its task says, made large again, and
compared with what they were. PSNR (dB) and SSIM (Wang et al. 2004, doi:10.1109/TIP.2003.819861) say how near each comes to
its own; the Frechet distance, in the features ``own``, how much all of them together look like pictures.

  python -m benchmarks.superres --data faces64.zip --models faces64-superres4
  python -m benchmarks.superres --data faces64.zip --models runs/l1/export runs/faces/export --sheet faces.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.scoreboard import main
from benchmarks.translation import held_out_of, parser, write_sheet
from gan import hub
from gan.base import Inputs
from gan.engine import draw_inputs
from gan.filters import gaussian
from gan.image import to_uint8
from train.features import OWN, load_features
from train.metrics.reading import features
from train.metrics.scores import frechet_distance

MOST = 10**6  #                       pictures: all
SIGMA = 1.5  #                        px, of SSIM's window
LUMINANCE, CONTRAST = 0.01, 0.03  #   its constants, in parts of the range


def psnr(real: Tensor, found: Tensor) -> Tensor:
    """[N] in dB, of pictures [N, C, H, W] in [0, 1]: over all numbers of a picture."""
    return -10 * torch.log10((real - found).square().mean((1, 2, 3)).clamp_min(1e-10))


def ssim(real: Tensor, found: Tensor) -> Tensor:
    """[N], of pictures [N, C, H, W] in [0, 1]: the mean over channels and places of Wang et al. 2004, eq. 13, in a Gaussian
    window of sigma 1.5."""
    blurred = lambda x: gaussian(x, SIGMA)  # noqa: E731
    a, b = blurred(real), blurred(found)
    var_a, var_b = blurred(real * real) - a * a, blurred(found * found) - b * b
    both = blurred(real * found) - a * b
    top = (2 * a * b + LUMINANCE**2) * (2 * both + CONTRAST**2)
    return (top / ((a * a + b * b + LUMINANCE**2) * (var_a + var_b + CONTRAST**2))).mean((1, 2, 3))


def enlarged(model: hub.Model, y: Tensor) -> np.ndarray:
    """uint8 [N, H, W, C] of small pictures y [N, C, H/s, W/s]."""
    return draw_inputs(model.G, Inputs(torch.empty(len(y), 0), None, y))


def compared(real: np.ndarray, found: np.ndarray) -> list[float]:
    """PSNR, SSIM, and the Frechet distance of uint8 pictures [N, H, W, C]."""
    a, b = (torch.from_numpy(np.array(p)).permute(0, 3, 1, 2).float() / 255 for p in (real, found))
    net = load_features(OWN)
    distance = frechet_distance(features(net, real), features(net, found))
    return [psnr(a, b).mean().item(), ssim(a, b).mean().item(), distance]


def work(args: argparse.Namespace) -> None:
    models = [hub.load(name) for name in args.models]
    x, _, y = held_out_of(models[0], args.data, MOST)
    real = to_uint8(x)
    rows = {"bicubic": to_uint8(F.interpolate(y, size=x.shape[2:], mode="bicubic"))}
    rows |= {name: enlarged(model, y) for name, model in zip(args.models, models)}
    print(f"{len(real):,} held-out pictures of {Path(args.data).name}\n")
    print("| | PSNR, dB | SSIM | Frechet distance |\n|---|---|---|---|")
    for name, found in rows.items():
        nearness, likeness, distance = compared(real, found)
        print(f"| {name} | {nearness:.2f} | {likeness:.4f} | {distance:.2f} |", flush=True)
    if args.sheet:
        write_sheet(args.sheet, models[0], y, rows.values(), real)


if __name__ == "__main__":
    sys.exit(main(work, parser("superres", __doc__)))
