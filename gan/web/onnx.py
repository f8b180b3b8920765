"""A generator as two ONNX graphs, through ``torch.export``: from z to w, and from w to pixels.

Between the two lies interpolation, which the page does. Each takes one row: on one WebAssembly thread a batch is no quicker
than its rows.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gan.base import Generator
from gan.files import replacing
from gan.image import quantised
from gan.latent import to_w
from gan.layers import UpConv

__all__ = ["write_graphs"]

OPSET = 20
SMALL = 1024  # numbers; a shorter tensor is not worth a node


class _ToW(nn.Module):
    """z [1, Z], psi [1] and, with classes, c [1] -> w [1, L, D]."""

    def __init__(self, G: Generator):
        super().__init__()
        self.G = G

    def forward(self, z: Tensor, psi: Tensor, c: Tensor | None = None) -> Tensor:
        return to_w(self.G, z, c, psi)


class _ToPixels(nn.Module):
    """w [1, L, D] -> uint8 [1, H, W, C]."""

    def __init__(self, G: Generator):
        super().__init__()
        self.G = G

    def forward(self, w: Tensor) -> Tensor:
        return quantised(self.G.synthesis(w)).contiguous()


def write_graphs(G: Generator, folder: Path) -> list[Path]:
    """Writes w.onnx and pixels.onnx. Errors: ``ValueError`` for a model that reads a picture, or cannot be exported."""
    if G.source is not None:
        raise ValueError("a model that changes pictures has no place on the static page yet")
    for module in G.modules():
        if isinstance(module, UpConv):
            module.forget()  # its spread kernel is larger than its weight, and the runtime can spread that itself
    if missing := [name for name in ("onnx", "onnxscript") if find_spec(name) is None]:
        raise ValueError(f"a static site is built with {' and '.join(missing)}: pip install -r requirements-web.txt")
    z, psi = torch.zeros(1, G.latent.dim), torch.ones(1)
    given = (z, psi, torch.zeros(1, dtype=torch.long)) if G.latent.classes else (z, psi)
    w = to_w(G, z, given[2] if G.latent.classes else None, psi)
    return [_written(_ToW(G), given, ("z", "psi", "c")[: len(given)], "w", folder / "w.onnx"),
            _written(_ToPixels(G), (w,), ("w",), "pixels", folder / "pixels.onnx")]


@torch.no_grad()
def _written(net: nn.Module, given: tuple[Tensor, ...], inputs: Sequence[str], output: str, path: Path) -> Path:
    loud = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loud]
    try:
        for logger in loud:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net.eval(), given, path, input_names=list(inputs), output_names=[output], dynamo=True,
                              external_data=False, opset_version=OPSET, optimize=False, verbose=False)
    except Exception as error:  # the exporter's own kinds, which have no common parent
        raise ValueError(f"this model cannot be exported: {str(error).strip().splitlines()[0][:200]}") from error
    finally:
        for logger, level in zip(loud, levels):
            logger.setLevel(level)
    _halve(path)
    return path


def _halve(path: Path) -> None:
    """Weights that float16 holds exactly are stored so, and widened by the runtime: those of a model that was saved so."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    casts = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALL or not np.array_equal(half, values):
            continue
        stored = numpy_helper.from_array(half, f"{tensor.name}.half")
        casts.append(helper.make_node("Cast", [stored.name], [tensor.name], to=TensorProto.FLOAT))
        model.graph.initializer.remove(tensor)
        model.graph.initializer.append(stored)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    with replacing(path) as file:
        file.write(model.SerializeToString())
