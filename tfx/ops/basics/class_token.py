"""A class token: one learned vector before every sequence, a free place where attention can gather the answer.

    y = [token; x_1; ...; x_T]                    (C,), (B, T, C) -> (B, T + 1, C)

Its output is what the classifier reads.  BERT's [CLS] is the same idea as a word of the vocabulary.

Derivation.  The rows of x are only moved, so dx is the rest of dy.  The one vector was copied into every sequence of
the batch, so its gradient is the sum over the batch of the first rows:  dtoken = sum_b dy[b, 0].
Source: Devlin et al. 2019, section 3; for images: Dosovitskiy et al. 2021, section 3.1 and equation 1.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class ClassTokenCache(NamedTuple):
    """Backward needs no number of forward's."""


@in_float32
def class_token_forward(x: Array, token: Array) -> tuple[Array, ClassTokenCache]:
    """x: (B, T, C), token: (C,) -> y: (B, T + 1, C), cache.  Raises ValueError when the widths differ."""
    if token.shape != x.shape[-1:]:
        raise ValueError(f"x has width {x.shape[-1]} but the class token is {token.shape}")
    xp = xp_of(x)
    first = xp.broadcast_to(token, (x.shape[0], 1, x.shape[-1]))
    return xp.concatenate((first, x), axis=1), ClassTokenCache()


@in_float32
def class_token_backward(dy: Array, cache: ClassTokenCache) -> tuple[Array, Array]:
    """dy: (B, T + 1, C) -> dx: (B, T, C), dtoken: (C,)."""
    return dy[:, 1:], dy[:, 0].sum(axis=0)  # y = [token; x], the same token in every sequence
