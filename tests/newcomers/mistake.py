"""Known mistakes in tfx/ops/feed_forward/squareplus.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.squareplus import squareplus
from tfx.gradcheck.mistake import Mistake


def root_is_constant(dy: Any, cache: Any) -> Any:
    return dy / 2


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="squareplus",
        name="root-is-constant",
        says="the root is taken for a constant",
        why="Only the first x of the sum is seen as the variable.",
        hint="How often does x appear in the formula of y?",
        problem=squareplus,
        wrong_backward=root_is_constant,
    ),
)
