"""Known mistakes in tfx/ops/feed_forward/pooler.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.gradcheck.cases.ops.feed_forward.pooler import pooler
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.linear import linear_backward
from tfx.ops.feed_forward.pooler import PoolerCache, PoolerGrads, pooler_backward


def pooler_reads_every_token(dy: Any, cache: PoolerCache) -> PoolerGrads:
    grads = pooler_backward(dy, cache)
    return grads._replace(dhidden=np.broadcast_to(grads.dhidden[:, :1], grads.dhidden.shape))


def pooler_without_tanh(dy: Any, cache: PoolerCache) -> PoolerGrads:
    dfirst, dw, db = linear_backward(dy, cache.linear)
    return PoolerGrads(np.pad(dfirst[:, None], ((0, 0), (0, cache.length - 1), (0, 0))), dw, db)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="pooler",
        name="every-token-answers",
        says="every token is taken for the first",
        why="A gradient of the first token alone is repeated to fill the shape of the hidden states.",
        hint="Which rows of the hidden states did the forward pass read?",
        problem=pooler,
        wrong_backward=pooler_reads_every_token,
    ),
    Mistake(
        op="pooler",
        name="tanh-forgotten",
        says="the tanh is forgotten",
        why="The pooler is remembered as one more linear map, because its name does not mention the tanh.",
        hint="What happens in the forward pass after the product with W and the offset?",
        problem=pooler,
        wrong_backward=pooler_without_tanh,
    ),
)
