"""What people write in the place of multi-head attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.heads.multi_head.exercises.multi_head_attention import exercise, heads_of, side_by_side, softmax_of


def mapped(q: Any, k: Any, v: Any, maps: Any, offsets: Any) -> list[Any]:
    """q, k and v behind their maps: (B, T or S, C)."""
    return [x @ w + b for x, w, b in zip((q, k, v), maps, offsets, strict=False)]


def attended(parts: Any, maps: Any, offsets: Any, mask: Any = None, scale: float | None = None) -> Any:
    """parts: q, k and v in heads.  scale: what scores are divided by, sqrt(D) unless told."""
    q, k, v = parts
    weights = softmax_of(q @ np.swapaxes(k, -1, -2) / (np.sqrt(q.shape[-1]) if scale is None else scale), mask)
    return side_by_side(weights @ v) @ maps[3] + offsets[3], weights


def right(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    return attended([heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)], maps, offsets, mask)


@exercise.mistake
def values_from_keys(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Values come from k, not from v.

    Why: In most calls k and v are the same.
    Hint: Change v alone. Does y move?
    """
    return right(q, k, k, maps, offsets, n_heads, mask)


@exercise.mistake
def keys_for_values(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The mapped keys are mixed in the place of the values; w_v is not used.

    Why: Two names differ by one letter.
    Hint: Change w_v. Does y move?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    return attended([parts[0], parts[1], parts[1]], maps, offsets, mask)


@exercise.mistake
def offsets_left_out(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """No offset is used but the last.

    Why: The formula of the paper has none.
    Hint: q, k and v are 0. What is y?
    """
    only_last = offsets * np.array([[0], [0], [0], [1]], offsets.dtype)
    return right(q, k, v, maps, only_last, n_heads, mask)


@exercise.mistake
def last_offset_left_out(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The last offset is not added.

    Why: The product with w_o looks like the end.
    Hint: v is 0, and so is b_v. What is y?
    """
    return right(q, k, v, maps, offsets * np.array([[1], [1], [1], [0]], offsets.dtype), n_heads, mask)


@exercise.mistake
def last_map_left_out(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The heads are put side by side, and w_o and b_o are not used.

    Why: The output has its shape without them.
    Hint: Which step lets heads mix?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    _, weights = attended(parts, maps, offsets, mask)
    return side_by_side(weights @ parts[2]), weights


@exercise.mistake
def width_of_all_heads(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are divided by sqrt(C), not sqrt(D).

    Why: d_model stands in the formula of a single head.
    Hint: How many products does a score sum in one head?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    return attended(parts, maps, offsets, mask, np.sqrt(q.shape[-1]))


@exercise.mistake
def no_scale(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are not divided.

    Why: On small numbers the softmax looks fine without.
    Hint: What becomes of scores when heads get wider?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    return attended(parts, maps, offsets, mask, 1.0)


@exercise.mistake
def cut_without_turning(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """(B, T, C) is read as (B, H, T, D) at once, without turning axes.

    Why: The number of elements fits.
    Hint: Which tokens does a head see then?
    """
    parts = [x.reshape(len(x), n_heads, -1, x.shape[-1] // n_heads) for x in mapped(q, k, v, maps, offsets)]
    return attended(parts, maps, offsets, mask)


@exercise.mistake
def merged_without_turning(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The heads are not turned back before they are put side by side.

    Why: (B, H, T, D) has as many elements as (B, T, C).
    Hint: Which tokens stand in one row of y then?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    _, weights = attended(parts, maps, offsets, mask)
    return (weights @ parts[2]).reshape(q.shape) @ maps[3] + offsets[3], weights


@exercise.mistake
def columns_dealt_in_turn(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Head h has every H-th column: the last axis is cut as (D, H).

    Why: The two sizes are exchanged in the reshape.
    Hint: Which columns has the first head by the rule?
    """
    parts = [
        x.reshape(*x.shape[:2], -1, n_heads).transpose(0, 3, 1, 2) for x in mapped(q, k, v, maps, offsets)
    ]  # (B, H, T, D)
    return attended(parts, maps, offsets, mask)


@exercise.mistake
def over_the_queries(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The softmax runs over the queries, not the keys.

    Why: dim=-2, or scores are thought of as (S, T).
    Hint: What should sum to 1: a row or a column?
    """
    a, b, c = (heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets))
    weights = softmax_of(a @ np.swapaxes(b, -1, -2) / np.sqrt(a.shape[-1]), mask, axis=-2)
    return side_by_side(weights @ c) @ maps[3] + offsets[3], weights


@exercise.mistake
def mask_turned_around(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """True means: may not look.

    Why: So it is in PyTorch where a mask is called key_padding_mask.
    Hint: Read the rule again: what does True mean?
    """
    return right(q, k, v, maps, offsets, n_heads, None if mask is None else ~mask)


@exercise.mistake
def mask_not_used(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is not used.

    Why: It is None in the first tests.
    Hint: Call it with a causal mask, and change the last key.
    """
    return right(q, k, v, maps, offsets, n_heads)


@exercise.mistake
def mask_behind_softmax(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """Weights are set to 0 behind the softmax, and no longer sum to 1.

    Why: A mask is multiplied.
    Hint: What does a row of weights sum to?
    """
    parts = [heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets)]
    _, weights = attended(parts, maps, offsets)
    weights = weights if mask is None else weights * mask
    return side_by_side(weights @ parts[2]) @ maps[3] + offsets[3], weights


@exercise.mistake
def mask_of_the_first_head(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask of the first head serves all heads.

    Why: A mask is taken as (B, 1, T, S).
    Hint: Give each head another mask.
    """
    return right(q, k, v, maps, offsets, n_heads, None if mask is None else mask[:, :1])


@exercise.mistake
def uniform_where_nothing_is_seen(
    q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None
) -> Any:
    """A query that sees nothing looks at all keys alike.

    Why: -1e9 blocks, and equal scores are left.
    Hint: Read the rule again: which weights has such a query?
    """
    y, weights = right(q, k, v, maps, offsets, n_heads, mask)
    if mask is None:
        return y, weights
    none = ~np.broadcast_to(mask, weights.shape).any(axis=-1, keepdims=True)
    weights = np.where(none, 1 / k.shape[1], weights)
    values = heads_of(mapped(q, k, v, maps, offsets)[2], n_heads)
    return side_by_side(weights @ values) @ maps[3] + offsets[3], weights


@exercise.mistake
def no_maximum(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """exp overflows: the largest score is not subtracted.

    Why: On small scores the code gives the same numbers.
    Hint: What is exp(5000)?
    """
    a, b, c = (heads_of(x, n_heads) for x in mapped(q, k, v, maps, offsets))
    scores = a @ np.swapaxes(b, -1, -2) / np.sqrt(a.shape[-1])
    e = np.exp(scores) * (True if mask is None else mask)
    total = e.sum(axis=-1, keepdims=True)
    weights = e / np.where(total == 0, 1, total)
    return side_by_side(weights @ c) @ maps[3] + offsets[3], weights


@exercise.mistake
def mean_of_the_heads(q: Any, k: Any, v: Any, maps: Any, offsets: Any, n_heads: int, mask: Any = None) -> Any:
    """The weights are the mean over heads.

    Why: So PyTorch gives them unless told.
    Hint: Which shape does the rule ask for?
    """
    y, weights = right(q, k, v, maps, offsets, n_heads, mask)
    return y, weights.mean(axis=1)
