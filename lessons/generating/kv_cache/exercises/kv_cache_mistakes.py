"""What people write in the place of a step with a cache."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import scores_of, softmax_of
from lessons.generating.kv_cache.exercises.kv_cache import exercise, solution
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import merge_heads, split_heads


def made(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, keys: Any, rows: Any = None) -> tuple[Any, Any, Any]:
    """Query, key and value of the new tokens, (B, H, T, D).  rows: of the table, if not those that are right."""
    m, t = keys.shape[2], x.shape[1]
    x = x + table[m + np.arange(t) if rows is None else rows]
    q, k, v = x @ w_q, x @ w_k, x @ w_v
    return split_heads(q, keys.shape[1]), split_heads(k, keys.shape[1]), split_heads(v, keys.shape[1])


def behind(old: Any, new: Any) -> Any:
    return np.concatenate([old, new], axis=2)


def read(q: Any, keys: Any, values: Any, w_o: Any, seen: Any = None, scale: float | None = None) -> Any:
    """y, where the new tokens see `seen`; unless told what they should see."""
    t, s = q.shape[2], keys.shape[2]
    seen = causal_mask(t, s, s - t) if seen is None else seen
    return merge_heads(softmax_of(scores_of(q, keys, scale), seen) @ values) @ w_o


@exercise.mistake
def own_key_missing(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """A new token does not see itself.

    Why: The step attends first, and appends afterwards.
    Hint: What does the very first token of a text see?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    m, t, all_ = keys.shape[2], x.shape[1], (behind(keys, k), behind(values, v))
    return read(q, *all_, w_o, causal_mask(t, m + t, m) & ~np.eye(t, m + t, m, dtype=bool)), *all_


@exercise.mistake
def new_ones_do_not_see_new_ones(
    x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any
) -> Any:  # fmt: skip
    """A new token sees what was stored and itself, not the new ones before it.

    Why: With one token at a time there are none.
    Hint: Three tokens come at once: what does the third of them see?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    m, t, all_ = keys.shape[2], x.shape[1], (behind(keys, k), behind(values, v))
    return read(q, *all_, w_o, (np.arange(m + t) < m) | np.eye(t, m + t, m, dtype=bool)), *all_


@exercise.mistake
def future_seen(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """New tokens see later ones: there is no mask.

    Why: With one token at a time none is needed.
    Hint: Three tokens come at once: change the third. Does the first output move?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    all_ = behind(keys, k), behind(values, v)
    return read(q, *all_, w_o, np.ones((q.shape[2], all_[0].shape[2]), bool)), *all_


@exercise.mistake
def mask_without_the_past(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The triangle begins at the first stored key: new token i sees keys 0 to i.

    Why: np.tril is written without its offset.
    Hint: One new token, five stored: how many keys are open to it?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    all_ = behind(keys, k), behind(values, v)
    return read(q, *all_, w_o, np.tri(q.shape[2], all_[0].shape[2], dtype=bool)), *all_


@exercise.mistake
def stored_ones_not_read(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """New tokens read new ones alone; what is stored is handed on and not read.

    Why: k and v are used in the place of what they were appended to.
    Hint: Change a stored value. Does the output move?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    return read(q, k, v, w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def put_in_front(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """New keys and values are put in front of the stored ones; the output is right.

    Why: The two arguments of the concatenation change places, and attention does not see the order.
    Hint: Which token's key stands in the last row of what you return?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    return read(q, behind(keys, k), behind(values, v), w_o), behind(k, keys), behind(v, values)


@exercise.mistake
def new_ones_alone_stored(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """Only the new keys and values are returned.

    Why: The caller is thought to append them.
    Hint: What does the next step read, if it gets what you return?
    """
    y, _, _ = solution(x, table, w_q, w_k, w_v, w_o, keys, values)
    _, k, v = made(x, table, w_q, w_k, w_v, keys)
    return y, k, v


@exercise.mistake
def nothing_stored(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The stored keys and values are returned as they were.

    Why: The longer ones are used for the output and forgotten.
    Hint: How many keys does the next step need?
    """
    return solution(x, table, w_q, w_k, w_v, w_o, keys, values)[0], keys.copy(), values.copy()


@exercise.mistake
def oldest_dropped(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """For each new token the oldest one is dropped from what is stored.

    Why: A cache of a fixed size turns round.
    Hint: Which number of tokens do the rules say is stored?
    """
    y, all_keys, all_values = solution(x, table, w_q, w_k, w_v, w_o, keys, values)
    first = min(x.shape[1], keys.shape[2])
    return y, all_keys[:, :, first:], all_values[:, :, first:]


@exercise.mistake
def keys_stored_as_values(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The new keys are put behind the stored values as well.

    Why: A line was copied, and one letter stayed.
    Hint: Change w_v. What moves?
    """
    q, k, _ = made(x, table, w_q, w_k, w_v, keys)
    return read(q, behind(keys, k), behind(values, k), w_o), behind(keys, k), behind(values, k)


@exercise.mistake
def stored_values_not_read(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The keys are read as values.

    Why: Both lie in one cache.
    Hint: Change a stored value. Does the output move?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    return read(q, behind(keys, k), behind(keys, k), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def place_from_zero(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """New tokens get the places from 0 on.

    Why: x has T tokens, so it gets the first T rows.
    Hint: Five tokens were read before. Which row of the table is the next one's?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys, np.arange(x.shape[1]))
    return read(q, behind(keys, k), behind(values, v), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def place_one_too_far(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The first new token gets the place M + 1, where the table has one more row.

    Why: The place is read off after the key was appended.
    Hint: Nothing was read before: which row is the first token's?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys, np.minimum(keys.shape[2] + 1 + np.arange(x.shape[1]), len(table) - 1))
    return read(q, behind(keys, k), behind(values, v), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def one_place_for_all(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """All new tokens get the place M.

    Why: With one token at a time there is one place.
    Hint: Three tokens come at once: do they stand at the same place?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys, np.full(x.shape[1], keys.shape[2]))
    return read(q, behind(keys, k), behind(values, v), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def places_left_out(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The table is not added.

    Why: Positions are thought to be in x already.
    Hint: What does the second rule say is done first?
    """
    return solution(x, np.zeros_like(table), w_q, w_k, w_v, w_o, keys, values)


@exercise.mistake
def place_in_the_query_alone(
    x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any
) -> Any:  # fmt: skip
    """The row of the table reaches the query; keys and values are made without it.

    Why: The sum is written into the line of the query.
    Hint: Of what are the stored keys made that the next step reads?
    """
    q, _, _ = made(x, table, w_q, w_k, w_v, keys)
    _, k, v = made(x, np.zeros_like(table), w_q, w_k, w_v, keys)
    return read(q, behind(keys, k), behind(values, v), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def not_scaled(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """Scores are not divided by sqrt(D).

    Why: The step is written anew, without the divisor.
    Hint: Does a step give what the whole text at once gives?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    return read(q, behind(keys, k), behind(values, v), w_o, scale=1.0), behind(keys, k), behind(values, v)


@exercise.mistake
def scaled_by_the_whole_width(
    x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any
) -> Any:  # fmt: skip
    """Scores are divided by sqrt(A), not by the root of a head's width.

    Why: The width of the maps is the one at hand.
    Hint: Over how many numbers is a score summed?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    root = w_q.shape[1] ** 0.5
    return read(q, behind(keys, k), behind(values, v), w_o, scale=root), behind(keys, k), behind(values, v)


@exercise.mistake
def split_without_turning(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """(B, T, A) is reshaped to (B, H, T, D) at once: right for one token.

    Why: With one token at a time both give the same.
    Hint: Two tokens come at once: which numbers of token 1 are in head 0?
    """
    h, (b, t, _) = keys.shape[1], x.shape
    moved = x + table[keys.shape[2] : keys.shape[2] + t]
    q, k, v = ((moved @ w).reshape(b, h, t, -1) for w in (w_q, w_k, w_v))
    return read(q, behind(keys, k), behind(values, v), w_o), behind(keys, k), behind(values, v)


@exercise.mistake
def merged_without_turning(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """(B, H, T, D) is reshaped to (B, T, A) at once: right for one token.

    Why: With one token at a time both give the same.
    Hint: Two tokens come at once: whose numbers stand in row 1?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    all_ = behind(keys, k), behind(values, v)
    seen = causal_mask(q.shape[2], past=keys.shape[2])
    return (softmax_of(scores_of(q, all_[0]), seen) @ all_[1]).reshape(*x.shape[:2], -1) @ w_o, *all_


@exercise.mistake
def first_cache_for_all(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """Every text reads what was stored of the first one.

    Why: A test had one text.
    Hint: Change what is stored of the second text. Does its output move?
    """
    first = np.broadcast_to(keys[:1], keys.shape), np.broadcast_to(values[:1], values.shape)
    return solution(x, table, w_q, w_k, w_v, w_o, *first)


@exercise.mistake
def maximum_not_subtracted(x: Any, table: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, keys: Any, values: Any) -> Any:
    """The maximum is not subtracted before exp.

    Why: The formula has no maximum in it, and on small scores the code gives the same numbers.
    Hint: What is the largest number whose exponential still fits into float64?
    """
    q, k, v = made(x, table, w_q, w_k, w_v, keys)
    all_ = behind(keys, k), behind(values, v)
    e = np.exp(scores_of(q, all_[0])) * causal_mask(q.shape[2], past=keys.shape[2])
    return merge_heads(e / e.sum(axis=-1, keepdims=True) @ all_[1]) @ w_o, *all_
