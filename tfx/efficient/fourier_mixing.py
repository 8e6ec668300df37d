"""Fourier mixing (FNet): tokens are mixed by a Fourier transform along the sequence, with nothing to learn.

    y = Re(FFT over T (FFT over C (x)))
    y_tc = sum_(s, d) cos(2 pi (t s / T + c d / C)) x_sd

Derivation.  The map is linear, and its coefficient is the same with (t, c) and (s, d) exchanged: its matrix is
symmetric, and the gradient, which the transposed matrix makes, is the same map once more:

    dx = Re(FFT over T (FFT over C (dy)))

(The real part may be taken once, at the end: x is real, and the backward of "take the real part" makes dy real.)
Applied twice it gives back the even part of x: T C (x + x with s -> -s, d -> -d) / 2.

Exact: there is nothing to approximate; it is another model, without attention.  Every output depends on every token,
so there is no causal form.  Cost: O(T C (log T + log C)).  It pays at any length, where its accuracy is enough.
Source: Lee-Thorp et al. 2022, "FNet: Mixing Tokens with Fourier Transforms", equation 3.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.efficient.key_mask import blocked_to_zero
from tfx.half import in_float32


class FourierMixingCache(NamedTuple):
    keys: Array | None


@in_float32
def fourier_mixing_forward(x: Array, keys: Array | None = None) -> tuple[Array, FourierMixingCache]:
    """x: (..., T, C) -> y of the same shape and dtype.

    keys: (..., T) boolean, False = padding, which is taken as zeros (the frequencies are still those of length T).
    Raises ValueError or TypeError when keys do not fit the tokens.
    """
    if x.ndim < 2:
        raise ValueError(f"x must be (..., length, width), not {x.shape}")
    if keys is not None and keys.dtype != bool:
        raise TypeError(f"keys must be boolean (True = takes part), not {keys.dtype}")
    if keys is not None and keys.shape[-1] not in (1, x.shape[-2]):
        raise ValueError(f"keys cover {keys.shape[-1]} tokens but there are {x.shape[-2]}")
    return _mix(blocked_to_zero(x, keys)), FourierMixingCache(keys)


@in_float32
def fourier_mixing_backward(dy: Array, cache: FourierMixingCache) -> Array:
    """dy: (..., T, C) -> dx."""
    return blocked_to_zero(_mix(dy), cache.keys)  # the same map: its matrix is symmetric


def _mix(x: Array) -> Array:
    xp = xp_of(x)
    if not x.size:
        return x.copy()
    if x.dtype.kind == "c":  # the real map, on real and imaginary parts
        return _mix(x.real) + 1j * _mix(x.imag)
    return xp.fft.fft2(x, axes=(-2, -1)).real.astype(x.dtype)
