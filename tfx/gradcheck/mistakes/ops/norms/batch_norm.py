"""Known mistakes in tfx/ops/norms/batch_norm.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.norms.batch_norm import batch_norm
from tfx.gradcheck.cases.sizes import B, T
from tfx.gradcheck.mistake import Mistake
from tfx.ops.norms.batch_norm import BatchNormCache, batch_norm_backward


def batch_norm_as_in_evaluation(dy: Any, cache: BatchNormCache) -> Any:
    return batch_norm_backward(dy, cache._replace(batch=None))


def batch_norm_padding_counted(dy: Any, cache: BatchNormCache) -> Any:
    """The means are divided by all tokens."""
    return batch_norm_backward(dy, cache._replace(n_tokens=B * T))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="batch_norm",
        name="statistics-are-constant",
        says="the statistics are taken for constants",
        why="In evaluation mean and variance are constants, and that backward is used for training.",
        hint="In training, from which numbers are mean and variance computed?",
        problem=batch_norm,
        wrong_backward=batch_norm_as_in_evaluation,
    ),
    Mistake(
        op="batch_norm",
        name="padding-counted",
        says="padding is counted",
        why="The number of tokens is read from the shape of the array, and padding is part of the shape.",
        hint="By how many tokens were the means of the forward pass divided?",
        problem=partial(batch_norm, padding=True),
        wrong_backward=batch_norm_padding_counted,
    ),
)
