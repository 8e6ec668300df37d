"""Known mistakes in tfx/ops/feed_forward/gated.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.gated import glu, split_glu
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.gated import GluCache, SplitGluCache, glu_backward, split_glu_backward


@wrong_backward(glu, gate="glu")
def gate_is_constant(dy: Any, cache: GluCache) -> Any:
    """The gate is taken for a constant.

    Why: A gate is thought of as a switch and not as a number that was computed from the input.
    Hint: The output is a product of two factors; both were computed from inputs.
    """
    return 0 * dy, dy * cache.gate


@wrong_backward(glu, gate="swiglu")
def gate_and_value_swapped(dy: Any, cache: GluCache) -> Any:
    """Gate and value are mixed up.

    Why: Two arrays of the same shape stand in an order that differs from paper to paper.
    Hint: Which of the two went through the activation?
    """
    return glu_backward(dy, cache)[::-1]


@wrong_backward(split_glu)
def halves_swapped(dy: Any, cache: SplitGluCache) -> Any:
    """The halves are swapped.

    Why: Libraries disagree on which half is the gate.
    Hint: Does the forward pass put the gate first or second?
    """
    return split_glu_backward(dy, cache._replace(gate_first=not cache.gate_first))
