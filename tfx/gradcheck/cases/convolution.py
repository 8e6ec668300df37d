"""Convolutions: one and two spatial axes, strides, groups, dilation, padding of every kind, and a carried state."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem
from tfx.gradcheck.cases.sizes import B, Rng, S, T
from tfx.ops.grids.causal_convolution import (
    CausalConvolutionCache,
    CausalConvolutionGrads,
    causal_convolution_backward,
    causal_convolution_forward,
)
from tfx.ops.grids.convolution import ConvolutionCache, ConvolutionGrads, convolution_backward, convolution_forward

CIN, COUT, K = 4, 6, 3


def convolution(
    rng: Rng, spatial: tuple[int, ...] = (S,), kernel: tuple[int, ...] = (K,), bias: bool = True, **settings: Any
) -> Problem:
    groups = settings.get("groups", 1)
    inputs = {
        "x": rng.standard_normal((B, CIN, *spatial)),
        "w": rng.standard_normal((COUT if groups < CIN else 2 * CIN, CIN // groups, *kernel)),
    }
    if bias:
        inputs["b"] = rng.standard_normal(len(inputs["w"]))
    return Problem(convolution_forward, convolution_backward, inputs, settings)


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
    return Problem(_with_state, _with_state_backward, inputs, fixed)


def _with_state(**given: Any) -> tuple[Any, Any]:
    y, cache = causal_convolution_forward(**given)
    state = cache.state
    both = xp_of(y).concatenate((y.reshape(-1), state.reshape(-1)))
    return both, (cache, y.shape, state.shape)


def _with_state_backward(dboth: Any, cache: Any, backward: Any = causal_convolution_backward) -> Any:
    inner, y_shape, state_shape = cache
    n = dboth.size - inner.state.size
    return backward(dboth[:n].reshape(y_shape), inner, dboth[n:].reshape(state_shape))


def convolution_kernel_turned(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    """dx with the taps in forward order: right only for a symmetric kernel."""
    return convolution_backward(dy, cache)._replace(
        dx=convolution_backward(dy, cache._replace(w=cache.w[..., ::-1])).dx
    )


def convolution_taps_overwrite(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    """Only the last tap that read a place of x sends its gradient back."""
    w = cache.w.copy()
    w[..., :-1] = 0
    return convolution_backward(dy, cache)._replace(dx=convolution_backward(dy, cache._replace(w=w)).dx)


def convolution_bias_averaged(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    grads = convolution_backward(dy, cache)
    return grads._replace(db=grads.db / dy.shape[-1])


def causal_state_forgotten(dy: Any, cache: CausalConvolutionCache, dstate: Any) -> CausalConvolutionGrads:
    """The state that goes out is taken for a constant: nothing flows back across the cut."""
    return causal_convolution_backward(dy, cache)


CASES: tuple[Case, ...] = (
    Case(convolution_backward, "one axis", convolution),
    Case(
        convolution_backward, "dilated, causal, no bias", partial(convolution, bias=False, padding="causal", dilation=2)
    ),
    Case(convolution_backward, "stride 2, same", partial(convolution, padding="same", stride=2)),
    Case(
        convolution_backward,
        "two axes, everything different",
        partial(
            convolution,
            spatial=(S, T),
            kernel=(3, 2),
            stride=(2, 1),
            padding=[(2, 1), 1],
            dilation=(1, 2),
            groups=2,
        ),
    ),
    Case(convolution_backward, "depthwise, two kernels a channel", partial(convolution, groups=CIN, padding=1)),
    Case(convolution_backward, "three axes", partial(convolution, spatial=(3, 2, 4), kernel=(2, 1, 3))),
    Case(causal_convolution_backward, "a chunk in the middle", causal_convolution),
    Case(causal_convolution_backward, "a chunk shorter than the state", partial(causal_convolution, length=1)),
    Case(causal_convolution_backward, "depthwise, no bias", partial(causal_convolution, groups=CIN, bias=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("convolution", "the kernel is turned round in dx", convolution_kernel_turned, convolution),
    Control("convolution", "overlapping taps overwrite", convolution_taps_overwrite, convolution),
    Control("convolution", "db is a mean over the places", convolution_bias_averaged, convolution),
    Control(
        "causal_convolution",
        "nothing flows back across the cut",
        partial(_with_state_backward, backward=causal_state_forgotten),
        causal_convolution,
    ),
)
