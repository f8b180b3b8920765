"""Directions: the eigenvectors that an exact computation gives, for every family; their file, and a stranger's file."""

from functools import partial

import numpy as np
import pytest
import torch
from conftest import FAMILIES, tiny_generator
from safetensors.torch import save_file

from gan.directions import DIRECTIONS, find_directions, load_directions, save_directions, shifted, step_size
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw, latents
from gan.project import project


def exact(G, samples):
    """H = the mean of J^T J over the seeds, from whole Jacobians."""
    H = torch.zeros(step_size(G), step_size(G), dtype=torch.float64)
    for seed in range(samples):
        z, c = latents(G.latent, [Draw(seed)])
        picture = partial(lambda z, c, step: G.synthesis(shifted(G, z, c, torch.ones(1), step[None])).flatten(), z, c)
        J = torch.autograd.functional.jacobian(picture, torch.zeros(step_size(G))).double()
        H += J.T @ J / samples
    return H


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("name", FAMILIES)
def test_directions_are_the_top_eigenvectors(name, classes):
    G = tiny_generator(name, classes=classes)
    found = find_directions(G, count=3, samples=4)
    H = exact(G, 4)
    values = torch.linalg.eigvalsh(H).flip(0)[:3].float()
    assert torch.allclose(found.eigenvalues, values, rtol=0.02, atol=float(values[0]) * 1e-6)
    assert (found.vectors @ found.vectors.T - torch.eye(3)).abs().max() < 1e-5
    quotients = torch.einsum("kd,de,ke->k", found.vectors.double(), H, found.vectors.double()).float()
    assert torch.allclose(quotients, values, rtol=0.04, atol=float(values[0]) * 1e-6)
    again = find_directions(G, count=3, samples=4)
    assert torch.equal(again.vectors, found.vectors)


def test_few_products_are_enough():
    """Old ones are kept in the basis: iteration on the last block alone takes twice as many here."""
    told = []
    find_directions(tiny_generator("mlp"), count=1, samples=8, report=lambda done, most: told.append((done, most)))
    assert [done for done, _ in told] == list(range(1, len(told) + 1)) and len({most for _, most in told}) == 1
    assert len(told) <= 0.5 * told[0][1]


def test_of_a_linear_model_the_directions_are_its_singular_vectors():
    """H has rank 2: blocks that add nothing must not spoil the basis."""
    torch.manual_seed(0)
    G = tiny_generator("mlp")
    A, B = torch.randn(8, 2), torch.randn(2, 256)
    G.synthesis = lambda w, y=None: (w[:, 0] @ A @ B).reshape(-1, 1, 16, 16)
    found = find_directions(G, count=8, samples=4)
    expected = torch.linalg.svdvals(A @ B).square()
    assert torch.allclose(found.eigenvalues[:2], expected[:2], rtol=1e-4) and (found.eigenvalues[2:] < 1e-2).all()
    assert (found.vectors @ found.vectors.T - torch.eye(8)).abs().max() < 1e-5


@pytest.mark.parametrize("work", [lambda G: find_directions(G, count=1, samples=2),
                                  lambda G: next(project(G, np.zeros((16, 16, 1), np.uint8)))])
def test_nothing_is_rounded_to_tf32(work):
    """Directions and projections are drawn as pictures are, on GPUs that would round factors to 10 bits too."""
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, True
    G, seen = tiny_generator("mlp"), []
    synthesis = G.synthesis
    G.synthesis = lambda *given: seen.append(matmul.allow_tf32) or synthesis(*given)
    try:
        work(G)
        assert seen and not any(seen) and matmul.allow_tf32
    finally:
        matmul.allow_tf32 = before


@pytest.mark.parametrize("name", ["dcgan", "stylegan2"])
def test_a_step_moves_the_picture_and_none_changes_no_bit(name):
    G = tiny_generator(name, classes=2)
    draws = [Draw(seed, label=seed % 2, psi=0.8) for seed in range(8)]
    z, c = latents(G.latent, draws)
    psi = torch.full((8,), 0.8)
    found = find_directions(G, count=2, samples=4)
    with torch.no_grad():
        still = to_uint8(G.synthesis(shifted(G, z, c, psi, torch.zeros(8, step_size(G)))))
        moved = to_uint8(G.synthesis(shifted(G, z, c, psi, found.step(torch.tensor([[2.0, 0.0]] * 8)))))
    assert (still == draw(G, draws)).all()
    assert np.abs(moved.astype(int) - still).mean() > 1


def test_the_first_direction_moves_more_than_the_last():
    G = tiny_generator("mlp")
    found = find_directions(G, count=8, samples=8)
    assert (found.eigenvalues.diff() <= 0).all() and found.eigenvalues[0] > 2 * found.eigenvalues[-1]
    assert torch.allclose(found.spread, torch.ones(8), atol=0.1)  # of standard normal noise


def test_file_holds_what_was_found(tmp_path):
    G = tiny_generator("dcgan")
    found = find_directions(G, count=4, samples=4)
    assert load_directions(tmp_path, G) is None
    assert save_directions(tmp_path, found).stat().st_size < 200_000
    loaded = load_directions(tmp_path, G)
    assert all(torch.equal(getattr(loaded, k), getattr(found, k)) for k in ("vectors", "eigenvalues", "spread"))


def hostile():
    eye = torch.eye(8)[:2].contiguous()
    good = dict(vectors=eye, eigenvalues=torch.ones(2), spread=torch.ones(2))
    yield "not orthonormal", {**good, "vectors": eye * 2}
    yield "not finite", {**good, "spread": torch.tensor([1.0, float("nan")])}
    yield "expected float32 vectors [K, 8]", {**good, "vectors": torch.eye(9)[:2].contiguous()}
    yield "expected float32 vectors [K, 8]", {**good, "spread": torch.ones(3)}
    yield "expected float32 vectors [K, 8]", {k: v.double() for k, v in good.items()}
    yield "must hold", {"vectors": eye}
    yield "must hold", {**good, "more": torch.ones(1)}
    yield "larger than", {**good, "vectors": torch.zeros(60_000)}


@pytest.mark.parametrize(("words", "tensors"), list(hostile()))
def test_a_strangers_file_is_checked(tmp_path, words, tensors):
    save_file(tensors, tmp_path / DIRECTIONS)
    with pytest.raises(ValueError, match="directions.safetensors is not usable") as error:
        load_directions(tmp_path, tiny_generator("dcgan"))
    assert words in str(error.value)


def test_what_is_no_safetensors_file_is_refused(tmp_path):
    (tmp_path / DIRECTIONS).write_bytes(b"nonsense" * 20)
    with pytest.raises(ValueError, match="not usable"):
        load_directions(tmp_path, tiny_generator("dcgan"))


def test_a_model_without_a_latent_space_has_no_directions():
    G = tiny_generator("dcgan")
    G.source = object()
    with pytest.raises(ValueError, match="draws from a picture"):
        step_size(G)
