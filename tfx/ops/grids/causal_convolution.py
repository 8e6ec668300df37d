"""Causal convolution of a sequence, chunk by chunk: no output sees a later input; the next chunk gets a state.

    joined  = [state, x]                     (B, Cin, (K - 1) dilation + T)
    y       = convolution of joined          y[t] sees x[t], x[t - dilation], ... and, before x begins, the state
    state'  = the last (K - 1) dilation places of joined

A sequence in one piece starts from a state of zeros, which is causal padding.  Cut into chunks, with each chunk
starting from the state that the last one left, it gives the same outputs: token by token it is a generator whose
memory does not grow with the sequence, which attention has not.

Derivation.  Joining and cutting only move numbers.  With djoined from the convolution, and dstate' added to its last
places (they were read twice: by y and as the state of the next chunk), the cut gives dstate and dx.  Chain the chunks
in reverse, dstate of one being dstate' of the one before, and the gradient is that of the whole sequence.
Sources: van den Oord et al. 2016, "WaveNet", section 2.1; Paine et al. 2016, "Fast WaveNet Generation Algorithm".
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import as_given, in_float32
from tfx.ops.grids.convolution import ConvolutionCache, check_channels, slide, slide_gradients
from tfx.ops.grids.convolution_axes import convolution_axes


class CausalConvolutionCache(NamedTuple):
    convolution: ConvolutionCache

    @property
    def state(self) -> Array:
        """(B, Cin, (K - 1) dilation): what the next chunk starts from."""
        (axis,) = self.convolution.axes
        n_batch, groups, per_group, length = self.convolution.padded.shape
        return as_given(self, self.convolution.padded.reshape(n_batch, groups * per_group, length)[..., axis.places :])


class CausalConvolutionGrads(NamedTuple):
    dx: Array
    dw: Array
    db: Array | None
    dstate: Array


@in_float32
def causal_convolution_forward(
    x: Array, w: Array, b: Array | None = None, state: Array | None = None, dilation: int = 1, groups: int = 1
) -> tuple[Array, CausalConvolutionCache]:
    """x: (B, Cin, T), w: (Cout, Cin / G, K), b: (Cout,) or None -> y: (B, Cout, T), cache with the next `state`.

    state: (B, Cin, (K - 1) dilation), from the cache of the chunk before; None at the start, which means zeros.
    Raises ValueError when channels, groups or the state do not fit.
    """
    check_channels(x, w, b, groups)
    xp = xp_of(x)
    (axis,) = axes = convolution_axes(x.shape[2:], w.shape[2:], 1, "causal", dilation)
    wanted = (*x.shape[:2], axis.before)
    if state is None:
        state = xp.zeros(wanted, dtype=x.dtype)
    if state.shape != wanted:
        raise ValueError(f"the state is {state.shape} but this kernel and x ask for {wanted}")
    y, cache = slide(xp.concatenate((state, x), axis=-1), w, b, axes, groups)
    return y, CausalConvolutionCache(cache)


@in_float32
def causal_convolution_backward(
    dy: Array, cache: CausalConvolutionCache, dstate: Array | None = None
) -> CausalConvolutionGrads:
    """dy: (B, Cout, T) -> dx: (B, Cin, T), dw, db and the gradient of the state that came in.

    dstate: the gradient of the state that went out, from the chunk after this one; None for the last chunk.
    """
    (axis,) = cache.convolution.axes
    djoined, dw, db = slide_gradients(dy, cache.convolution)
    if dstate is not None:
        djoined[..., axis.places :] += dstate  # state' = joined[T:]
    return CausalConvolutionGrads(djoined[..., axis.before :], dw, db, djoined[..., : axis.before])
