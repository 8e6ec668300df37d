"""Known mistakes in tfx/ops/experts/load_balance.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.load_balance import load_balance
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.load_balance import LoadBalanceCache, load_balance_backward


@wrong_backward(load_balance)
def mean_forgotten(dloss: Any, cache: LoadBalanceCache) -> Any:
    """The mean over tokens is forgotten.

    Why: The loss is derived for one token, and the division by their number belongs to no single token.
    Hint: Repeat the batch twice: the loss stays, so what happens to the gradient of one token?
    """
    return load_balance_backward(dloss * cache.n_tokens, cache)
