"""Known mistakes in tfx/efficient/fast_weights.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.fast_weights import FastWeightsCache, FastWeightsGrads, fast_weights_backward
from tfx.gradcheck.cases.efficient.fast_weights import fast_weights
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(fast_weights, names=("beta",))
def read_back_forgotten(dout: Any, cache: FastWeightsCache) -> FastWeightsGrads:
    """What was read is forgotten.

    u = beta v: the correction - beta a^T k is left out on the way back.

    Why: The delta rule subtracts what the memory already answers, and that reading is taken for a constant.
    Hint: In how many places of the update does the key of this step stand?
    """
    grads = fast_weights_backward(dout, cache)
    without = fast_weights_backward(dout, cache._replace(beta=None, v=cache.v * cache.beta))
    return grads._replace(dk=without.dk)
