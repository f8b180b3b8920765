"""Contact sheets of a run: what G draws, and where it reads pictures what it drew each from."""

from __future__ import annotations

import numpy as np

from gan.base import Generator, Inputs
from gan.degrade import task_of
from gan.engine import draw_inputs
from gan.image import columns_of, contact_sheet, tiles_that_fit, to_uint8

__all__ = ["pairs_of", "sheet"]

PAIRS = 25  #         that a sheet shows at the most,
LARGE_PAIRS = 9  #    and of pictures from 128 px on, of which 25 weigh more than half of a net


def pairs_of(G: Generator) -> int:
    """The most pairs that a sheet of this G shows: ``PAIRS`` or ``LARGE_PAIRS``, and no more than fit."""
    return min(PAIRS if G.resolution < 128 else LARGE_PAIRS, tiles_that_fit(G.resolution) // 2)


def sheet(G: Generator, inputs: Inputs) -> np.ndarray:
    """uint8 [H, W, C]: the pictures of N inputs, as square as can be; where G reads pictures each stands on the right of the
    one that it was made from, the first ``pairs_of`` of them."""
    if G.source is None:
        return contact_sheet(draw_inputs(G, inputs))
    inputs = inputs.rows(slice(pairs_of(G)))
    read = to_uint8(task_of(G.source, G.channels).shown(inputs.y, G.channels))
    both = np.stack([read, draw_inputs(G, inputs)], 1)  # [N, 2, H, W, C]
    return contact_sheet(both.reshape(-1, *both.shape[2:]), columns=2 * columns_of(len(both)))
