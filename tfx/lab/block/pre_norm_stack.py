"""A stack of pre-LN encoder blocks: how large the stream gets, what the final norm does, and what filling does.

Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", section 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tfx.lab.block.add_and_norm import size_of
from tfx.lab.block.small_transformer import HEADS, INNER, WIDTH, WORDS
from tfx.models import Encoder

#: Places of filling behind the real tokens.
FILLING = 3


class Stacked(NamedTuple):
    """sizes: (N + 1,), root mean square before the first block and behind each; last: behind the final norm.
    shape: of the output.  masked, unmasked: how far a real token's vector moves when filling follows, at most, with a
    padding mask and without."""

    sizes: tuple[float, ...]
    last: float
    shape: tuple[int, ...]
    masked: float
    unmasked: float


def through_stack(src: np.ndarray, blocks: int, seed: int) -> Stacked:
    """src: (1, S), through an untrained encoder of `blocks` blocks.  float64."""
    model = Encoder(
        WORDS,
        WIDTH,
        n_heads=HEADS,
        d_ff=INNER,
        n_layers=blocks,
        max_len=16,
        norm_place="pre",
        dtype="float64",
        seed=seed,
    )
    hidden, cache = model.encode(src)
    end, _ = model.stack.blocks[-1].forward(cache.stack.reads[-1])
    filled, s = np.pad(src, ((0, 0), (0, FILLING))), src.shape[1]
    with_mask, without = model.encode(filled, np.array([s]))[0], model.encode(filled)[0]
    masked, unmasked = (float(np.abs(x[:, :s] - hidden).max()) for x in (with_mask, without))
    return Stacked(tuple(map(size_of, (*cache.stack.reads, end))), size_of(hidden), hidden.shape, masked, unmasked)
