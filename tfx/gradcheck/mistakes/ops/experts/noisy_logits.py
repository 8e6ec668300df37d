"""Known mistakes in tfx/ops/experts/noisy_logits.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.experts.noisy_logits import noisy_logits
from tfx.gradcheck.mistake import Mistake
from tfx.ops.experts.noisy_logits import NoisyLogitsCache


def noise_spread_is_constant(dy: Any, cache: NoisyLogitsCache) -> Any:
    return dy, 0 * dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="noisy_logits",
        name="spread-is-constant",
        says="the spread is taken for a constant",
        why="Noise is random, so everything that is multiplied by it is taken for random too.",
        hint="The drawn noise is fixed, but by what is it multiplied, and where does that factor come from?",
        problem=noisy_logits,
        wrong_backward=noise_spread_is_constant,
    ),
)
