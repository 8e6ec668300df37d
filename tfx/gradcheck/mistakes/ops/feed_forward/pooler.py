"""Known mistakes in tfx/ops/feed_forward/pooler.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.feed_forward.pooler import pooler
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.pooler import PoolerCache, PoolerGrads, pooler_backward


@wrong_backward(pooler)
def every_token_answers(dy: Any, cache: PoolerCache) -> PoolerGrads:
    """Every token is taken for the first.

    Why: A gradient of the first token alone is repeated to fill the shape of the hidden states.
    Hint: Which rows of the hidden states did the forward pass read?
    """
    grads = pooler_backward(dy, cache)
    return grads._replace(dhidden=np.broadcast_to(grads.dhidden[:, :1], grads.dhidden.shape))


@wrong_backward(pooler)
def tanh_forgotten(dy: Any, cache: PoolerCache) -> PoolerGrads:
    """The tanh is forgotten.

    Why: The pooler is remembered as one more linear map, because its name does not mention the tanh.
    Hint: What happens in the forward pass after the product with W and the offset?
    """
    dfirst, dw, db = linear_backward(dy, cache.linear)
    return PoolerGrads(np.pad(dfirst[:, None], ((0, 0), (0, cache.length - 1), (0, 0))), dw, db)
