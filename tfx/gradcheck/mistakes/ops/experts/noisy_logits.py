"""Known mistakes in tfx/ops/experts/noisy_logits.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.noisy_logits import noisy_logits
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.experts.noisy_logits import NoisyLogitsCache


@wrong_backward(noisy_logits)
def spread_is_constant(dy: Any, cache: NoisyLogitsCache) -> Any:
    """The spread is taken for a constant.

    Why: A random number has no gradient, and that its spread is computed from the input is forgotten.
    Hint: The drawn noise is fixed, but by what is it multiplied, and where does that factor come from?
    """
    return dy, 0 * dy
