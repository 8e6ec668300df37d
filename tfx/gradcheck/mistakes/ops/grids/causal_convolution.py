"""Known mistakes in tfx/ops/grids/causal_convolution.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.grids.causal_convolution import causal_convolution, with_state_backward
from tfx.gradcheck.mistake import Mistake
from tfx.ops.grids.causal_convolution import CausalConvolutionCache, CausalConvolutionGrads, causal_convolution_backward


def causal_state_forgotten(dy: Any, cache: CausalConvolutionCache, dstate: Any) -> CausalConvolutionGrads:
    """The state that goes out is taken for a constant: nothing flows back across the cut."""
    return causal_convolution_backward(dy, cache)


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="causal_convolution",
        name="state-is-constant",
        says="nothing flows back across the cut",
        why="A state that is handed from chunk to chunk looks like data and not like a function of the input.",
        hint="The state that goes out is made of the last inputs of this chunk; who reads it later?",
        problem=causal_convolution,
        wrong_backward=partial(with_state_backward, backward=causal_state_forgotten),
    ),
)
