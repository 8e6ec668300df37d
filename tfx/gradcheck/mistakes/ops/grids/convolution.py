"""Known mistakes in tfx/ops/grids/convolution.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.grids.convolution import convolution
from tfx.gradcheck.mistake import Mistake
from tfx.ops.grids.convolution import ConvolutionCache, ConvolutionGrads, convolution_backward


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


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="convolution",
        name="kernel-turned",
        says="the kernel is turned round in dx",
        why="The backward of a convolution is known to turn the kernel round, so it is turned once too often.",
        hint="Write y[t] as a sum over taps, then read off which tap joined x[s] to y[t].",
        problem=convolution,
        wrong_backward=convolution_kernel_turned,
    ),
    Mistake(
        op="convolution",
        name="taps-overwrite",
        says="overlapping taps overwrite",
        why="An assignment to a slice looks like the natural reverse of reading a slice.",
        hint="How many outputs read the same place of x, and what should happen to their gradients?",
        problem=convolution,
        wrong_backward=convolution_taps_overwrite,
    ),
    Mistake(
        op="convolution",
        name="bias-averaged",
        says="db is a mean over the places",
        why="The offset is one number for a whole channel, which suggests an average over the places.",
        hint="If every output moves by b, how much does the sum of all outputs move?",
        problem=convolution,
        wrong_backward=convolution_bias_averaged,
    ),
)
