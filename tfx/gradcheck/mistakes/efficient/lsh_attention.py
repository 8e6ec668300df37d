"""Known mistakes in tfx/efficient/lsh_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.lsh_attention import LshAttentionCache, lsh_attention_backward
from tfx.gradcheck.cases.efficient.lsh_attention import given_buckets, lsh
from tfx.gradcheck.mistake import Mistake


def each_round_by_itself(dout: Any, cache: LshAttentionCache) -> Any:
    """D without the rounds: rowsum(W * dW) taken inside a round, as if each were a softmax of its own."""
    return lsh_attention_backward(dout, cache._replace(out=0 * cache.out))


def keys_as_constants(dout: Any, cache: LshAttentionCache) -> Any:
    """The queries' gradient alone: forgets that the keys are the same vectors."""
    dqk, dv = lsh_attention_backward(dout, cache)
    return dqk - lsh_attention_backward(dout, cache._replace(k=0 * cache.k))[0], dv


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="lsh_attention",
        name="row-sum-missing",
        says="without the row sum D",
        why="Each round looks like an attention of its own, with a softmax of its own.",
        hint="Over which rounds does the denominator of one query's weights run?",
        problem=given_buckets,
        wrong_backward=each_round_by_itself,
    ),
    Mistake(
        op="lsh_attention",
        name="keys-are-constants",
        says="keys as constants",
        why="Queries and keys share one array, and it is differentiated in its role as query only.",
        hint="In how many roles does each vector of qk appear in the scores?",
        problem=lsh,
        wrong_backward=keys_as_constants,
    ),
)
