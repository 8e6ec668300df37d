"""Known mistakes in tfx/ops/norms/batch_norm.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.norms.batch_norm import batch_norm
from tfx.gradcheck.cases.sizes import B, T
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.norms.batch_norm import BatchNormCache, batch_norm_backward


@wrong_backward(batch_norm)
def statistics_are_constant(dy: Any, cache: BatchNormCache) -> Any:
    """The statistics are taken for constants.

    Why: In evaluation mean and variance are constants, and that backward is used for training.
    Hint: In training, from which numbers are mean and variance computed?
    """
    return batch_norm_backward(dy, cache._replace(batch=None))


@wrong_backward(batch_norm, padding=True)
def padding_counted(dy: Any, cache: BatchNormCache) -> Any:
    """Padding is counted.

    The means are divided by all tokens.

    Why: The number of tokens is read from the shape of the array, and padding is part of the shape.
    Hint: By how many tokens were the means of the forward pass divided?
    """
    return batch_norm_backward(dy, cache._replace(n_tokens=B * T))
