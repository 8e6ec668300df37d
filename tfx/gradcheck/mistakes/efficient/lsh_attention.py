"""Known mistakes in tfx/efficient/lsh_attention.py."""

from __future__ import annotations

from typing import Any

from tfx.efficient.lsh_attention import LshAttentionCache, lsh_attention_backward
from tfx.gradcheck.cases.efficient.lsh_attention import given_buckets, lsh
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(given_buckets, op="lsh_attention")
def row_sum_missing(dout: Any, cache: LshAttentionCache) -> Any:
    """Without the row sum D.

    D = 0: what all weights of a row have in common, over all rounds, is left out.

    Why: A query's weights are spread over rounds and chunks, and no place in the code holds a whole row of them.
    Hint: In how many pieces is the softmax of one query computed, and which term of its Jacobian needs them all?
    """
    return lsh_attention_backward(dout, cache._replace(out=0 * cache.out))


@wrong_backward(lsh, op="lsh_attention")
def keys_are_constants(dout: Any, cache: LshAttentionCache) -> Any:
    """Keys as constants.

    The queries' gradient alone: forgets that the keys are the same vectors.

    Why: Queries and keys share one array, and it is differentiated in its role as query only.
    Hint: In how many roles does each vector of qk appear in the scores?
    """
    dqk, dv = lsh_attention_backward(dout, cache)
    return dqk - lsh_attention_backward(dout, cache._replace(k=0 * cache.k))[0], dv
