"""Numbers that tell whether a mask holds: change what should be invisible, and see what moves.

A probe takes `Heads` and a mask, or an attention function, and returns the largest change, a count or a share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.gradcheck.mistakes.ops.attention import masks as wrong_masks
from tfx.measure import verdicts
from tfx.measure.seeds import generator
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward


class Heads(NamedTuple):
    """Queries, keys, values (B=2, H=2, T, D), and the two masks; row 0 of the batch ends in padding, row 1 does not."""

    q: Array
    k: Array
    v: Array
    causal: Array
    padding: Array
    lengths: tuple[int, int]

    @property
    def eps(self) -> float:
        return float(np.finfo(np.dtype(str(self.q.dtype))).eps)

    @property
    def both(self) -> Array:
        return combine_masks(self.causal, self.padding)

    @property
    def scores(self) -> Array:
        """Scaled scores, unmasked: (B, H, T, S)."""
        return scaled_scores(self.q, self.k)


def draw_heads(seed: int, tokens: int, pads: int, d_k: int, dtype: str, xp: Any) -> Heads:
    """The same numbers for every dtype, rounded to it."""
    q, k, v = (xp.asarray(x.astype(dtype)) for x in generator(seed).standard_normal((3, 2, 2, tokens, d_k)))
    lengths = (tokens - pads, tokens)
    return Heads(q, k, v, causal_mask(tokens, xp=xp), padding_mask(lengths, tokens, xp=xp), lengths)


def attend(q: Array, k: Array, v: Array, mask: Array | None) -> Array:
    return attention_forward(q, k, v, mask)[0]


def weights(heads: Heads, mask: Array | None) -> Array:
    return attention_forward(heads.q, heads.k, heads.v, mask)[1].weights


def scaled_scores(q: Array, k: Array) -> Array:
    return (q @ k.swapaxes(-1, -2)) * (1.0 / math.sqrt(q.shape[-1]))


def largest(x: Array) -> float:
    return float(abs(x).max())


def nan_share(x: Array) -> float:
    return float(to_numpy(xp_of(x).isnan(x)).mean())


def change_of_earlier_outputs(heads: Heads, attention: Callable[[Array, Array, Array], Array]) -> float:
    """Changes every token from the middle on; returns the largest change of an output before it."""
    middle = heads.q.shape[-2] // 2
    later = (xp_of(heads.q).arange(heads.q.shape[-2]) >= middle)[:, None].astype(heads.q.dtype)
    before = attention(heads.q, heads.k, heads.v)
    after = attention(heads.q + later, heads.k - 2 * later, heads.v + 3 * later)
    return largest((after - before)[..., :middle, :])


def change_by_filling(heads: Heads, mask: Array | None) -> float:
    """Changes the padded keys and values; returns the largest change of any output."""
    filling = (~heads.padding).swapaxes(-1, -2).astype(heads.q.dtype)  # (B, 1, S, 1)
    after = attend(heads.q, heads.k + 5 * filling, heads.v - 7 * filling, mask)
    return largest(after - attend(heads.q, heads.k, heads.v, mask))


def padded_against_alone(heads: Heads, mask: Array | None) -> float:
    """Row 0 in the padded batch against row 0 alone, without its padding."""
    n = heads.lengths[0]
    q, k, v = (x[:1, :, :n] for x in (heads.q, heads.k, heads.v))
    return largest(attend(heads.q, heads.k, heads.v, mask)[:1, :, :n] - attend(q, k, v, None))


def pairs_against_mask(heads: Heads, allowed: Array, mask: Array | None) -> float:
    """Changes one key and value at a time and counts the (query, key) pairs where being felt differs from `allowed`."""
    before = attend(heads.q, heads.k, heads.v, mask)
    n_keys = heads.k.shape[-2]
    wrong = 0.0
    for key in range(n_keys):
        here = (xp_of(heads.q).arange(n_keys) == key)[:, None].astype(heads.q.dtype)
        after = attend(heads.q, heads.k + here, heads.v + here, mask)
        felt = (after != before).any(axis=-1)  # (B, H, T)
        wrong += float((felt != allowed[..., key]).sum())
    return wrong


def gradient_through_mask(heads: Heads, blocked_by: Array, mask: Array | None) -> float:
    """Largest |dS| at a blocked entry and largest |dK|, |dV| at a padded key, for a fixed uneven gradient above."""
    xp = xp_of(heads.q)
    out, cache = attention_forward(heads.q, heads.k, heads.v, mask)
    grads = attention_backward_steps(xp.cos(out * 3) + out, cache)
    filling = (~heads.padding).swapaxes(-1, -2)
    passed = grads.ds * (~blocked_by), grads.dk * filling, grads.dv * filling
    return verdicts.largest(map(largest, passed))


def blocked_weight(heads: Heads, penalty: float) -> float:
    """Largest weight that `finite_penalty` leaves on a key that the causal mask blocks."""
    return largest(wrong_masks.finite_penalty(heads.scores, heads.causal, penalty) * (~heads.causal))
