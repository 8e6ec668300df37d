"""Known mistakes in tfx/efficient/sparse_transformer.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.efficient.sparse_transformer import SparseTransformerCache, sparse_transformer_attention_backward
from tfx.gradcheck.cases.efficient.sparse_transformer import sparse_transformer
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(sparse_transformer, op="sparse_transformer_attention")
def heads_swapped(dout: Any, cache: SparseTransformerCache) -> Any:
    """Local and distant heads swapped.

    The upstream gradient one head off: local heads get what belongs to distant ones.

    Why: Even heads are local and odd ones distant: an order that no shape shows, so a loop that starts at the other one
    runs.
    Hint: Which pattern did the first head use in the forward pass, and which one on the way back?
    """
    return sparse_transformer_attention_backward(np.roll(dout, 1, axis=-3), cache)
