"""Known mistakes in tfx/ops/attention/relative_keys_values.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.relative_keys_values import relative_keys_values, relative_keys_values_masked
from tfx.gradcheck.mistake import Mistake
from tfx.ops.attention.relative_keys_values import (
    RelativeKeysValuesCache,
    RelativeKeysValuesGrads,
    relative_keys_values_attention_backward,
)


def relative_values_forgotten(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """a_v has a gradient, but the weights do not hear of it."""
    right = relative_keys_values_attention_backward(dout, cache)
    deaf = relative_keys_values_attention_backward(dout, cache._replace(rows_v=0 * cache.rows_v))
    return right._replace(dq=deaf.dq, dk=deaf.dk, da_k=deaf.da_k)


def relative_values_before_dropout(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    return relative_keys_values_attention_backward(dout, cache._replace(dropout=None))


def relative_keys_cut_off_lost(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """Of all offsets that share the end row, only one sends its gradient."""
    right = relative_keys_values_attention_backward(dout, cache)
    ids = cache.keys.ids
    once = np.zeros_like(right.da_k)
    once[ids] = right.da_k[ids] / np.bincount(ids)[ids][:, None]
    return right._replace(da_k=once)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="relative_keys_values_attention",
        name="values-path-forgotten",
        says="the weights do not hear of a_v",
        why="The vectors a_v are added to the values, and the weights that multiply them are taken for settled.",
        hint="By what is a_v multiplied, and does that factor get a gradient from it?",
        problem=relative_keys_values,
        wrong_backward=relative_values_forgotten,
    ),
    Mistake(
        op="relative_keys_values_attention",
        name="dropout-skipped",
        says="dropout is left out behind a_v",
        why="Dropout of the weights is handled in the product with the values and forgotten in the second product.",
        hint="Which weights, with dropout or without, met a_v in the forward pass?",
        problem=relative_keys_values_masked,
        wrong_backward=relative_values_before_dropout,
    ),
    Mistake(
        op="relative_keys_values_attention",
        name="cut-off-averaged",
        says="offsets that were cut off are averaged",
        why="Many far offsets share one row, and the shared row gets the mean of their gradients.",
        hint="How many pairs read the row for the farthest offset, and what does each of them add?",
        problem=relative_keys_values,
        wrong_backward=relative_keys_cut_off_lost,
    ),
)
