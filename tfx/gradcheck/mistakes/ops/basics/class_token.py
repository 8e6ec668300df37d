"""Known mistakes in tfx/ops/basics/class_token.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.class_token import class_token
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.class_token import ClassTokenCache


def class_token_of_one_sequence(dy: Any, cache: ClassTokenCache) -> Any:
    return dy[:, 1:], dy[0, 0]


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="class_token",
        name="first-sequence-only",
        says="only the first sequence counts",
        why="The token is one vector, and the gradient of one sequence has its shape.",
        hint="In how many sequences of the batch does the token stand?",
        problem=class_token,
        wrong_backward=class_token_of_one_sequence,
    ),
)
