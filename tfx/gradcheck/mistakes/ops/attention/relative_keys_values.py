"""Known mistakes in tfx/ops/attention/relative_keys_values.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.attention.relative_keys_values import relative_keys_values, relative_keys_values_masked
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.attention.relative_keys_values import (
    RelativeKeysValuesCache,
    RelativeKeysValuesGrads,
    relative_keys_values_attention_backward,
)


@wrong_backward(relative_keys_values, op="relative_keys_values_attention")
def values_path_forgotten(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """The weights do not hear of a_v.

    a_v has a gradient, but the weights do not hear of it.

    Why: The vectors a_v are added to the values, and the weights that multiply them are taken for settled.
    Hint: By what is a_v multiplied, and does that factor get a gradient from it?
    """
    right = relative_keys_values_attention_backward(dout, cache)
    deaf = relative_keys_values_attention_backward(dout, cache._replace(rows_v=0 * cache.rows_v))
    return right._replace(dq=deaf.dq, dk=deaf.dk, da_k=deaf.da_k)


@wrong_backward(relative_keys_values_masked, op="relative_keys_values_attention")
def dropout_skipped(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """Dropout is left out behind a_v.

    Why: Dropout of the weights is handled in the product with the values and forgotten in the second product.
    Hint: Which weights, with dropout or without, met a_v in the forward pass?
    """
    return relative_keys_values_attention_backward(dout, cache._replace(dropout=None))


@wrong_backward(relative_keys_values, op="relative_keys_values_attention")
def cut_off_averaged(dout: Any, cache: RelativeKeysValuesCache) -> RelativeKeysValuesGrads:
    """Offsets that were cut off are averaged.

    A row gets the mean over the offsets that share it instead of their sum.

    Why: Many far offsets share one row, and sharing suggests an average.
    Hint: How many pairs read the row for the farthest offset, and what does each of them add?
    """
    right = relative_keys_values_attention_backward(dout, cache)
    ids = cache.keys.ids
    once = np.zeros_like(right.da_k)
    once[ids] = right.da_k[ids] / np.bincount(ids)[ids][:, None]
    return right._replace(da_k=once)
