"""Known mistakes in tfx/ops/attention/tensor_scatter.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.tensor_scatter import CIRCULAR, OWN_PLACES
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.tensor_scatter import TensorScatterCache, tensor_scatter_backward


def scatter_past_kept(dy: Any, cache: TensorScatterCache) -> Any:
    """Forgets that what was written over no longer counts."""
    _, dupdate = tensor_scatter_backward(dy, cache)
    return dy, dupdate


def scatter_at_one_place(dy: Any, cache: TensorScatterCache) -> Any:
    """Reads every row's gradient where the first row wrote."""
    return tensor_scatter_backward(dy, cache._replace(places=cache.places[:1].repeat(len(cache.places), axis=0)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="tensor_scatter",
        name="overwritten-answers",
        says="the past keeps what was written over",
        why="The past is copied in the forward pass, and a copy sends everything back.",
        hint="What is left in the output of a place that was written over?",
        problem=OWN_PLACES,
        wrong_backward=scatter_past_kept,
    ),
    Mistake(
        op="tensor_scatter",
        name="one-place-for-all",
        says="all rows write at one place",
        why="With a batch of one, or equal lengths, all rows begin at the same place.",
        hint="Does every row of the batch start writing at the same index?",
        problem=CIRCULAR,
        wrong_backward=scatter_at_one_place,
    ),
)
