"""Known mistakes in tfx/ops/basics/class_token.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.class_token import class_token
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.basics.class_token import ClassTokenCache


@wrong_backward(class_token)
def first_sequence_only(dy: Any, cache: ClassTokenCache) -> Any:
    """Only the first sequence counts.

    Why: The token is one vector, and the gradient of one sequence has its shape.
    Hint: In how many sequences of the batch does the token stand?
    """
    return dy[:, 1:], dy[0, 0]
