"""Known mistakes in tfx/ops/attention/tensor_scatter.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.attention.tensor_scatter import CIRCULAR, OWN_PLACES
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.tensor_scatter import TensorScatterCache, tensor_scatter_backward


@wrong_backward(OWN_PLACES, op="tensor_scatter")
def overwritten_answers(dy: Any, cache: TensorScatterCache) -> Any:
    """The past keeps what was written over.

    Why: The past is copied in the forward pass, and a copy sends everything back.
    Hint: What is left in the output of a place that was written over?
    """
    _, dupdate = tensor_scatter_backward(dy, cache)
    return dy, dupdate


@wrong_backward(CIRCULAR, op="tensor_scatter")
def one_place_for_all(dy: Any, cache: TensorScatterCache) -> Any:
    """All rows write at one place.

    Reads every row's gradient where the first row wrote.

    Why: With a batch of one, or equal lengths, all rows begin at the same place.
    Hint: Does every row of the batch start writing at the same index?
    """
    return tensor_scatter_backward(dy, cache._replace(places=cache.places[:1].repeat(len(cache.places), axis=0)))
