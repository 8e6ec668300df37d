"""Known mistakes in tfx/ops/grids/convolution.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.grids.convolution import convolution
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.grids.convolution import ConvolutionCache, ConvolutionGrads, convolution_backward


@wrong_backward(convolution)
def kernel_turned(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    """The kernel is turned round in dx.

    dx with the taps in forward order: right only for a symmetric kernel.

    Why: The backward of a convolution is known to turn the kernel round, so it is turned once too often.
    Hint: Write y[t] as a sum over taps, then read off which tap joined x[s] to y[t].
    """
    return convolution_backward(dy, cache)._replace(
        dx=convolution_backward(dy, cache._replace(w=cache.w[..., ::-1])).dx
    )


@wrong_backward(convolution)
def taps_overwrite(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    """Overlapping taps overwrite.

    Only the last tap that read a place of x sends its gradient back.

    Why: An assignment to a slice looks like the natural reverse of reading a slice.
    Hint: How many outputs read the same place of x, and what should happen to their gradients?
    """
    w = cache.w.copy()
    w[..., :-1] = 0
    return convolution_backward(dy, cache)._replace(dx=convolution_backward(dy, cache._replace(w=w)).dx)


@wrong_backward(convolution)
def bias_averaged(dy: Any, cache: ConvolutionCache) -> ConvolutionGrads:
    """db is a mean over the places.

    Why: The offset is one number for a whole channel, which suggests an average over the places.
    Hint: If every output moves by b, how much does the sum of all outputs move?
    """
    grads = convolution_backward(dy, cache)
    return grads._replace(db=grads.db / dy.shape[-1])
