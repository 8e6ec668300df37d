"""Cases of tfx/ops/grids/causal_convolution.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.joined import apart, join
from tfx.gradcheck.cases.ops.grids.convolution import CIN, COUT, K
from tfx.gradcheck.cases.sizes import B, Rng, T
from tfx.ops.grids.causal_convolution import causal_convolution_backward, causal_convolution_forward


def causal_convolution(rng: Rng, length: int = T, dilation: int = 2, groups: int = 1, bias: bool = True) -> Problem:
    """The loss reads the outputs and the state that goes on to the next chunk."""
    inputs = {
        "x": rng.standard_normal((B, CIN, length)),
        "w": rng.standard_normal((COUT if groups < CIN else CIN, CIN // groups, K)),
        "state": rng.standard_normal((B, CIN, (K - 1) * dilation)),
    }
    if bias:
        inputs["b"] = rng.standard_normal(len(inputs["w"]))
    fixed = {"dilation": dilation, "groups": groups}
    return Problem(_with_state, state_too(causal_convolution_backward), inputs, fixed)


def _with_state(**given: Any) -> tuple[Any, Any]:
    y, cache = causal_convolution_forward(**given)
    return join(y, cache.state), (cache, y.shape, cache.state.shape)


def state_too(backward: Callable[..., Any]) -> Callable[..., Any]:
    """backward(dy, cache, dstate) as a function of the joined vector of `_with_state`."""

    def joined_backward(dboth: Any, cache: Any) -> Any:
        inner, *shapes = cache
        dy, dstate = apart(dboth, shapes)
        return backward(dy, inner, dstate)

    return joined_backward


CASES: tuple[Case, ...] = (
    Case(causal_convolution_backward, "a chunk in the middle", causal_convolution),
    Case(causal_convolution_backward, "a chunk shorter than the state", partial(causal_convolution, length=1)),
    Case(causal_convolution_backward, "depthwise, no bias", partial(causal_convolution, groups=CIN, bias=False)),
)
