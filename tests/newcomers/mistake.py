"""Known mistakes in tfx/ops/feed_forward/squareplus.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.squareplus import squareplus
from tfx.gradcheck.mistake import wrong_backward


@wrong_backward(squareplus)
def root_is_constant(dy: Any, cache: Any) -> Any:
    """The root is taken for a constant.

    Why: Only the first x of the sum is seen as the variable.
    Hint: How often does x appear in the formula of y?
    """
    return dy / 2
