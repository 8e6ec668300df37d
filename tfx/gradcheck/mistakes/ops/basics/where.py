"""Known mistakes in tfx/ops/basics/where.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.where import where
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.where import WhereCache


@wrong_backward(where)
def both_chosen(dy: Any, cache: WhereCache) -> Any:
    """Both are taken to be chosen.

    Both get the whole gradient, as if y were their sum.

    Why: Two inputs of an elementwise operation both get dy, as with a sum.
    Hint: Which of the two did the output read at a place where the mask is true?
    """
    _, x, other = cache
    return dy.reshape(x.shape), dy.reshape(other.shape)
