"""What people write in the place of multi-head attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessons.heads.multi_head.exercises.multi_head import exercise


def split(x: Any, n_heads: int) -> Any:
    b, t, c = x.shape
    return x.reshape(b, t, n_heads, c // n_heads).transpose(0, 2, 1, 3)


def merged(heads: Any) -> Any:
    b, h, t, d = heads.shape
    return heads.transpose(0, 2, 1, 3).reshape(b, t, h * d)


def softmax(scores: Any, axis: int = -1) -> Any:
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def attended(
    x: Any, w_q: Any, w_k: Any, w_v: Any, n_heads: int, mask: Any, scale: float | None = None,
    weights_of: Callable[[Any], Any] = softmax,
) -> Any:  # fmt: skip
    """(B, H, T, D)."""
    q, k, v = (split(x @ w, n_heads) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(0, 1, 3, 2) / ((x.shape[-1] // n_heads) ** 0.5 if scale is None else scale)
    return weights_of(scores if mask is None else np.where(mask, scores, -np.inf)) @ v


@exercise.mistake
def scaled_by_the_whole_width(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are divided by sqrt(C), not by the root of a head's width.

    Why: The width of the model is the one at hand.
    Hint: Over how many numbers is a score summed?
    See: the_formula
    """
    return merged(attended(x, w_q, w_k, w_v, n_heads, mask, x.shape[-1] ** 0.5)) @ w_o


@exercise.mistake
def not_scaled(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are not divided by sqrt(D).

    Why: Without the divisor it runs.
    Hint: What is the variance of a score, if q and k have variance 1?
    See: scaling-variance the_division
    """
    return merged(attended(x, w_q, w_k, w_v, n_heads, mask, 1.0)) @ w_o


@exercise.mistake
def one_wide_head(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """There is one head, as wide as the model.

    Why: All shapes fit without a split.
    Hint: How many matrices of weights has a text?
    See: one_average
    """
    return merged(attended(x, w_q, w_k, w_v, 1, mask)) @ w_o


@exercise.mistake
def output_map_missing(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """w_o is not used.

    Why: Side by side the heads have the right width already.
    Hint: Can head 1 move the last column of your output?
    """
    return merged(attended(x, w_q, w_k, w_v, n_heads, mask))


@exercise.mistake
def reshaped_without_turning(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """(B, T, C) is reshaped to (B, H, T, D) at once, without a transpose.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Which numbers of token 2 are in head 1?
    """
    b, t, c = x.shape
    q, k, v = ((x @ w).reshape(b, n_heads, t, c // n_heads) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(0, 1, 3, 2) / (c // n_heads) ** 0.5
    return merged(softmax(scores if mask is None else np.where(mask, scores, -np.inf)) @ v) @ w_o


@exercise.mistake
def merged_without_turning(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """(B, H, T, D) is reshaped to (B, T, C) at once, without turning back.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Whose numbers stand in row 1 of your output?
    """
    return attended(x, w_q, w_k, w_v, n_heads, mask).reshape(x.shape) @ w_o


@exercise.mistake
def heads_by_stride(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Head h has every n_heads-th column, not D that stand together.

    Why: (B, T, D, H) is as good a reshape as (B, T, H, D).
    Hint: Which columns of w_q belong to head 1 by the rule?
    """
    b, t, c = x.shape
    q, k, v = ((x @ w).reshape(b, t, c // n_heads, n_heads).transpose(0, 3, 1, 2) for w in (w_q, w_k, w_v))
    scores = q @ k.transpose(0, 1, 3, 2) / (c // n_heads) ** 0.5
    return merged(softmax(scores if mask is None else np.where(mask, scores, -np.inf)) @ v) @ w_o


@exercise.mistake
def heads_averaged(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The weights of all heads are averaged before they meet the values.

    Why: One map of attention is what is usually plotted.
    Hint: May head 1 look elsewhere than head 2?
    """
    mean = lambda scores: np.broadcast_to(softmax(scores).mean(axis=1, keepdims=True), scores.shape)  # noqa: E731
    return merged(attended(x, w_q, w_k, w_v, n_heads, mask, weights_of=mean)) @ w_o


@exercise.mistake
def softmax_over_heads(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The softmax runs over the heads.

    Why: axis=1 was the axis of the keys before there were heads.
    Hint: What do the weights of one query in one head sum to?
    """

    def over_heads(scores: Any) -> Any:
        e = np.exp(scores - np.where(np.isneginf(top := scores.max(1, keepdims=True)), 0, top))
        return e / np.where((total := e.sum(1, keepdims=True)) == 0, 1, total)

    return merged(attended(x, w_q, w_k, w_v, n_heads, mask, weights_of=over_heads)) @ w_o


@exercise.mistake
def softmax_over_queries(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The softmax runs over the queries.

    Why: Both of the last axes are places.
    Hint: What do the weights of one query in one head sum to?
    See: softmax-attention the_axis
    """

    def over_queries(scores: Any) -> Any:
        top = scores.max(-2, keepdims=True)
        e = np.exp(scores - np.where(np.isneginf(top), 0, top))
        return e / np.where((total := e.sum(-2, keepdims=True)) == 0, 1, total)

    return merged(attended(x, w_q, w_k, w_v, n_heads, mask, weights_of=over_queries)) @ w_o


@exercise.mistake
def mask_the_other_way_round(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is read the other way round: True blocks.

    Why: In some libraries True means blocked.
    Hint: With a causal mask: may the first query see the first key?
    See: attention-scaled-dot-product mask_traps
    """

    def careful(scores: Any) -> Any:
        top = scores.max(-1, keepdims=True)
        e = np.exp(scores - np.where(np.isneginf(top), 0, top))
        return e / np.where((total := e.sum(-1, keepdims=True)) == 0, 1, total)

    other = None if mask is None else ~mask
    return merged(attended(x, w_q, w_k, w_v, n_heads, other, weights_of=careful)) @ w_o


@exercise.mistake
def mask_left_out(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is not used.

    Why: The first tests have none.
    Hint: Change the last token. Does the output of the first one move under a causal mask?
    See: attention-scaled-dot-product mask_traps
    """
    return merged(attended(x, w_q, w_k, w_v, n_heads, None)) @ w_o


@exercise.mistake
def columns_for_rows(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The maps are turned: x @ w.T, as for weights that are stored by output.

    Why: PyTorch's Linear keeps its weights like that.
    Hint: What does the rule say of vectors and maps?
    """
    return merged(attended(x, w_q.T, w_k.T, w_v.T, n_heads, mask)) @ w_o.T


@exercise.mistake
def queries_for_all(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """w_q makes the keys as well.

    Why: A line was copied, and one letter stayed.
    Hint: Change w_k. Does your output move?
    """
    return merged(attended(x, w_q, w_q, w_v, n_heads, mask)) @ w_o
