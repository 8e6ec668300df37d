"""Known mistakes in tfx/ops/basics/where.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.basics.where import where
from tfx.gradcheck.mistake import Mistake
from tfx.ops.basics.where import WhereCache


def where_chosen_by_nobody(dy: Any, cache: WhereCache) -> Any:
    """Both get the whole gradient, as if y were their sum."""
    _, x, other = cache
    return dy.reshape(x.shape), dy.reshape(other.shape)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="where",
        name="both-chosen",
        says="both are taken to be chosen",
        why="Two inputs of an elementwise operation both get dy, as with a sum.",
        hint="Which of the two did the output read at a place where the mask is true?",
        problem=where,
        wrong_backward=where_chosen_by_nobody,
    ),
)
