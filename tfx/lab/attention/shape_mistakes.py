"""Mistakes with shapes: those that raise, with the message, and those that do not, with the damage."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tfx.gradcheck.mistakes.ops.attention.multi_head import merge_by_reshape, split_by_reshape, weights_transposed
from tfx.lab.attention.shape_trace import Weights
from tfx.ops.attention.multi_head import Maps, merge_heads, multi_head_attention_forward, split_heads
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward


class Raised(NamedTuple):
    """What was tried, the error's type and its message; the type is empty when nothing was raised."""

    tried: str
    kind: str
    message: str


def provoke(tried: str, call: Callable[[], object]) -> Raised:
    """Runs the mistake and reports what it raised."""
    try:
        call()
    except (ValueError, TypeError) as error:
        return Raised(tried, type(error).__name__, str(error).strip())
    return Raised(tried, "", "nothing was raised")


def raised_mistakes(t: int, s: int, d: int) -> tuple[Raised, ...]:
    """Six calls that cannot work, on arrays of t queries, s keys and width d."""
    q, k, v = np.zeros((t, d)), np.zeros((s, d)), np.zeros((s, d))
    x, w = np.zeros((2, t, d)), np.zeros((d, d))
    return (
        provoke("keys one wider", lambda: attention_forward(q, np.zeros((s, d + 1)), v)),
        provoke("one value missing", lambda: attention_forward(q, k, v[:-1])),
        provoke("mask one key longer", lambda: attention_forward(q, k, v, np.ones((t, s + 1), dtype=bool))),
        provoke("mask of 0 and -inf", lambda: attention_forward(q, k, v, np.zeros((t, s)))),
        provoke("W for another width", lambda: linear_forward(q, np.zeros((d + 2, d)))),
        provoke(f"{d + 1} heads in {d}", lambda: split_heads(q, d + 1)),
        provoke(
            "mask (B, T, T) for heads",
            lambda: multi_head_attention_forward(
                x, x, Maps(w, w, w, w), n_heads=1, mask=np.ones((2, t, t), dtype=bool)
            ),
        ),
    )


class Silent(NamedTuple):
    """A mistake that raises nothing: its output's shape and its largest distance from the right output."""

    tried: str
    shape: tuple[int, ...]
    error: float


def silent_mistakes(x: np.ndarray, w: Weights, n_heads: int) -> tuple[Silent, ...]:
    """Three mistakes in self-attention of x (B, T, C) that give the right shape."""
    q, k, v = x @ w.w_q, x @ w.w_k, x @ w.w_v
    qh, kh, vh = (split_heads(array, n_heads) for array in (q, k, v))
    heads, cache = attention_forward(qh, kh, vh)
    right = merge_heads(heads) @ w.w_o

    cut = [split_by_reshape(array, n_heads) for array in (q, k, v)]  # cuts the sentence, not the width
    scrambled = merge_heads(attention_forward(*cut)[0]) @ w.w_o
    not_swapped = merge_by_reshape(heads) @ w.w_o  # heads glued on without bringing T back in front
    turned = merge_heads(weights_transposed(cache.weights, vh)) @ w.w_o  # fits, because T = S
    return tuple(
        Silent(name, wrong.shape, float(abs(wrong - right).max()))
        for name, wrong in (
            ("reshape to (B, H, T, D)", scrambled),
            ("merge without swapping", not_swapped),
            ("weights transposed", turned),
        )
    )
