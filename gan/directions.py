"""What a model's pictures change with most: directions in its latent space, found from the generator alone.

The picture x(w) moves by J dw, J = dx/dw, so the mean over latents of ||J v||^2 = v^T H v, with H = E[J^T J], says how much
a step along v changes a picture. H's top eigenvectors are the directions with the largest effect, and one set of them serves
the whole space (Wang and Ponce 2021, "The geometry of deep generative image models and its applications", arXiv:2101.06006,
sec. 2 and 4). H is never formed: randomised block Krylov iteration (Musco and Musco 2015, arXiv:1504.05477, alg. 2) needs
products H Q only, and each is a Jacobian-vector product followed by a vector-Jacobian product. Every block of Q that was
multiplied stays in the basis, so that it settles after fewer products than subspace iteration, which keeps only the last.

The space is the same for every family: where mapping is learned a step is added to w, in every layer alike; where it is
not, a step is added to z's noise. Classes and codes are never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor
from torch.func import jvp, vjp

from gan.base import Generator
from gan.engine import full_precision
from gan.files import write_tensors
from gan.hub.contents import DIRECTIONS
from gan.latent import Draw, inputs_of, to_w, w_mean_of

__all__ = ["DIRECTIONS", "Directions", "find_directions", "load_directions", "save_directions", "shifted", "step_size"]

MOST = 64  #           directions in a file
MAX_BYTES = 200_000
COUNT = 12  #          directions that are looked for
OVERSAMPLING = 6  #    further columns that make the iteration converge, dropped at the end
SAMPLES = 32  #        latents that H is the mean over: seeds 0, 1, ...
SPREAD_OVER = 2048  #  latents whose spread is the unit of a slider: seeds 0, 1, ...
CHUNK = 8  #           pictures differentiated at a time
ITERATIONS = 8  #      at most
SETTLED = 0.02  #      it ends when no eigenvalue moves by more than this part of itself

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Directions:
    """K directions of a model, the one with the largest effect first."""

    vectors: Tensor  #      [K, D] float32, orthonormal rows; D = ``step_size(G)``
    eigenvalues: Tensor  #  [K] of H: squared change of x, summed over the picture, for each squared unit of the step
    spread: Tensor  #       [K] standard deviation of the model's own latents along each: the unit of a slider

    def __len__(self) -> int:
        return len(self.vectors)

    def step(self, amounts: Tensor) -> Tensor:
        """amounts [N, K], in spreads -> steps [N, D] for ``shifted``."""
        return (amounts * self.spread) @ self.vectors


def step_size(G: Generator) -> int:
    """D, the numbers in a step: of w where mapping is learned, else of z's noise.

    Errors: ``ValueError`` for a model without such a space.
    """
    size = G.latent.noise if G.w_mean is None else G.w_mean.shape[1]
    if G.source is not None or not size:
        raise ValueError("this model draws from a picture, not from noise alone: there is no latent space to take a step in")
    return size


def shifted(G: Generator, z: Tensor, c: Tensor | None, psi: Tensor, step: Tensor) -> Tensor:
    """w [N, L, D] of z [N, Z], c [N] and psi [N], moved by ``step`` [N, step_size(G)]. A step of 0 changes no bit."""
    if G.w_mean is not None:
        return to_w(G, z, c, psi) + step[:, None]
    noise = G.latent.noise
    truncated = torch.cat([z[:, :noise] * psi[:, None] + step, z[:, noise:]], 1)
    return to_w(G, truncated, c, torch.ones_like(psi))


def find_directions(G: Generator, *, count: int = COUNT, samples: int = SAMPLES, report: Report | None = None) -> Directions:
    """The top eigenvectors of H, from fixed seeds: the same on every call.

    ``report(done, most)`` is told of progress after every derivative; most often fewer than ``most`` are taken. G must be in
    evaluation mode. Errors as ``step_size``.
    """
    size = step_size(G)
    count = min(count, size)
    columns = min(count + OVERSAMPLING, size)
    z, c, _ = inputs_of(G, [Draw(seed) for seed in range(samples)])
    product = _Product(G, z, c, report, ITERATIONS * columns * -(-samples // CHUNK))
    block = torch.linalg.qr(torch.randn(size, columns, generator=torch.Generator().manual_seed(0)).double())[0]
    basis, image, values = block[:, :0], block[:, :0], None
    for _ in range(ITERATIONS):
        basis, image = torch.cat([basis, block], 1), torch.cat([image, product(block)], 1)
        gram = basis.T @ image
        before, (values, rotation) = values, torch.linalg.eigh((gram + gram.T) / 2)
        top = values[-count:].clamp_min(0)
        if basis.shape[1] == size or before is not None and bool(((top - before[-count:]).abs() <= SETTLED * top).all()):
            break
        block = _orthogonal(image[:, -columns:], basis)
    vectors = (basis @ rotation).T.flip(0)[:count]
    vectors = vectors * vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).sign()  # an eigenvector has no sign
    return Directions(vectors.float(), values.flip(0)[:count].float(), _spread(G, vectors))


def _orthogonal(block: Tensor, basis: Tensor) -> Tensor:
    """Orthonormal columns, as many as there is room for, that span what the block adds to the basis."""
    block = block[:, : len(basis) - basis.shape[1]]
    for _ in range(3):  # once leaves what rounding made of a block that adds little
        block = torch.linalg.qr(block - basis @ (basis.T @ block))[0]
    return block


class _Product:
    """Q [D, k], orthonormal columns -> H Q [D, k] in float64 on the CPU."""

    def __init__(self, G: Generator, z: Tensor, c: Tensor | None, report: Report | None, most: int):
        self.G, self.z, self.c = G, z, c
        self.report, self.done, self.most = report, 0, most

    @full_precision()
    def __call__(self, block: Tensor) -> Tensor:
        image = torch.zeros_like(block)
        for start in range(0, len(self.z), CHUNK):
            z = self.z[start : start + CHUNK]
            c = None if self.c is None else self.c[start : start + CHUNK]
            psi, zero = z.new_ones(len(z)), z.new_zeros(len(z), len(block))
            draw = lambda step: self.G.synthesis(shifted(self.G, z, c, psi, step))  # noqa: B023, E731  called below only
            _, pull = vjp(draw, zero)
            for k, column in enumerate(block.T):
                change = jvp(draw, (zero,), (column.to(z).expand_as(zero),))[1]  # [n, C, H, W]
                image[:, k] += pull(change)[0].detach().sum(0).cpu().double() / len(self.z)
                self.done += 1
                if self.report:
                    self.report(self.done, self.most)
        return image


@torch.no_grad()
@full_precision()
def _spread(G: Generator, vectors: Tensor) -> Tensor:
    """[K] standard deviation of latents along the directions, inside a class where there are classes."""
    z, c, _ = inputs_of(G, [Draw(seed) for seed in range(SPREAD_OVER)])
    points = z[:, : G.latent.noise] if G.w_mean is None else G.mapping(z, c).mean(1) - w_mean_of(G, c, len(z))
    return (points.cpu().double() @ vectors.T).square().mean(0).sqrt().float()


def save_directions(folder: Path, directions: Directions) -> Path:
    """Writes ``directions.safetensors`` into a model folder."""
    path = folder / DIRECTIONS
    write_tensors(path, vars(directions))
    return path


def load_directions(folder: Path, G: Generator) -> Directions | None:
    """The directions in a model folder, None where there are none. The file comes from a stranger: ``ValueError`` unless it
    holds exactly what ``save_directions`` writes, orthonormal and of this model's size."""
    path = folder / DIRECTIONS
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES // 1000} kB")
        tensors = load(path.read_bytes())
        if sorted(tensors) != ["eigenvalues", "spread", "vectors"]:
            raise ValueError(f"it must hold vectors, eigenvalues and spread, got {str(sorted(tensors))[:100]}")
        count, shapes = tensors["eigenvalues"].numel(), {name: list(t.shape) for name, t in tensors.items()}
        expected = {"vectors": [count, step_size(G)], "eigenvalues": [count], "spread": [count]}
        if {t.dtype for t in tensors.values()} != {torch.float32} or not 1 <= count <= MOST or shapes != expected:
            raise ValueError(f"its shapes are {shapes}, expected float32 vectors [K, {step_size(G)}], K at most {MOST}")
        if not all(t.isfinite().all() for t in tensors.values()):
            raise ValueError("a number in it is not finite")
        found = Directions(**tensors)
        if (found.vectors @ found.vectors.T - torch.eye(count)).abs().max() > 1e-4:
            raise ValueError("its vectors are not orthonormal")
    except (SafetensorError, ValueError, KeyError) as error:  # a type that torch does not have is a KeyError
        raise ValueError(f"{DIRECTIONS} is not usable: {error}") from None
    return found
