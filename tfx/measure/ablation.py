"""Ablation: what is lost when one part is taken out of a trained model?

A head is taken out by setting its rows of the output map to zero, so that it contributes nothing:

    y = sum over heads of  out_h W_o[rows of h]  +  b_o

A feed-forward network is taken out by zeroing its last map.  While the `with` lasts the model lacks the part; then it
is as before.  A part that others can stand in for loses nothing alone, so a small loss does not prove that it does
nothing.
Sources: Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfx.params import Parameter


@contextmanager
def without(*parts: tuple[Parameter, Any]) -> Iterator[None]:
    """parts: (parameter, index) pairs: those entries are zero while it lasts."""
    kept = [(parameter, index, parameter.value[index].copy()) for parameter, index in parts]
    try:
        for parameter, index, _ in kept:
            parameter.value[index] = 0
        yield
    finally:
        for parameter, index, value in kept:
            parameter.value[index] = value


def head_part(block: Any, head: int) -> tuple[Parameter, slice]:
    """The rows of the output map that belong to a head of an encoder block.  Raises ValueError for no such head."""
    n_heads, w = block.attention.n_heads, block.attention.output.w
    if not 0 <= head < n_heads:
        raise ValueError(f"there is no head {head}: the block has {n_heads}, from 0")
    width = w.shape[0] // n_heads
    return w, slice(head * width, (head + 1) * width)


def head_importance(model: Any, measure: Callable[[Any], float]) -> np.ndarray:
    """-> (L, H): measure(model) of the whole model minus that without each head, one at a time."""
    whole = measure(model)
    drops = np.zeros((len(model.stack.blocks), model.stack.blocks[0].attention.n_heads))
    for layer, head in np.ndindex(drops.shape):
        with without(head_part(model.stack.blocks[layer], head)):
            drops[layer, head] = whole - measure(model)
    return drops
