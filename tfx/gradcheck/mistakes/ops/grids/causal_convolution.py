"""Known mistakes in tfx/ops/grids/causal_convolution.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.grids.causal_convolution import causal_convolution, state_too
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.grids.causal_convolution import CausalConvolutionCache, CausalConvolutionGrads, causal_convolution_backward


@wrong_backward(causal_convolution, through=state_too)
def state_is_constant(dy: Any, cache: CausalConvolutionCache, dstate: Any) -> CausalConvolutionGrads:
    """Nothing flows back across the cut.

    Why: A state that is handed from chunk to chunk looks like data and not like a function of the input.
    Hint: The state that goes out is made of the last inputs of this chunk; who reads it later?
    """
    return causal_convolution_backward(dy, cache)
