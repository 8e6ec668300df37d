"""Known mistakes in tfx/ops/experts/load_balance.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.load_balance import load_balance
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.load_balance import LoadBalanceCache, load_balance_backward


def balance_not_divided_by_tokens(dloss: Any, cache: LoadBalanceCache) -> Any:
    return load_balance_backward(dloss * cache.n_tokens, cache)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="load_balance",
        name="mean-forgotten",
        says="the mean over tokens is forgotten",
        why="The loss is derived for one token, and its average over the tokens is left out.",
        hint="Repeat the batch twice: the loss stays, so what happens to the gradient of one token?",
        problem=load_balance,
        wrong_backward=balance_not_divided_by_tokens,
    ),
)
