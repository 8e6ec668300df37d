"""Fourier mixing in the place of self-attention, with the calls of nn.MultiHeadAttention."""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.efficient.fourier_mixing import FourierMixingCache, fourier_mixing_backward, fourier_mixing_forward
from tfx.efficient.key_mask import key_mask
from tfx.params import Layer


class FourierMixingGrads(NamedTuple):
    dx: Array


class FourierMixing(Layer):
    """Owns nothing: no maps, no heads.  A block takes it for {"kernel": "fourier"} in its `attention`."""

    def forward(
        self, x: Array, x_kv: Array | None = None, mask: Array | None = None, rng: Any = None, past: Any = None
    ) -> tuple[Array, FourierMixingCache]:
        """x: (B, T, C) -> y: (B, T, C).

        mask: boolean, broadcastable to (B, 1, T, T), that blocks tokens for all others: padding, taken as zeros.
        Raises ValueError for another sequence or earlier tokens, or when the mask blocks single pairs.
        """
        if x_kv is not None or past is not None:
            raise ValueError("a Fourier transform mixes the tokens of one whole sequence, and here are two")
        keys = key_mask(mask, x.shape[-2], x.shape[-2])
        if keys is not None and keys.ndim > 2:
            if keys.shape[1] != 1:
                raise ValueError(f"mask has {keys.shape[1]} heads but Fourier mixing has none")
            keys = keys[:, 0]  # (B, 1, T)
        return fourier_mixing_forward(x, keys)

    def backward(self, dy: Array, cache: FourierMixingCache, dweights: Array | None = None) -> FourierMixingGrads:
        """dy: (B, T, C) -> dx.  There are no weights that a loss could read."""
        if dweights is not None:
            raise ValueError("a loss that reads the attention weights needs attention, and Fourier mixing has none")
        return FourierMixingGrads(fourier_mixing_backward(dy, cache))
