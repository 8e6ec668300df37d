"""What people write in the place of grouped-query attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import scores_of, softmax_of
from lessons.generating.kv_cache.exercises.grouped_heads import exercise
from tfx.ops.attention.multi_head import merge_heads, split_heads


def heads_of(x: Any, w_q: Any, w_k: Any, w_v: Any, n_heads: int) -> tuple[Any, Any, Any]:
    """q: (B, H, T, D), k and v: (B, G, T, D)."""
    groups = w_k.shape[1] * n_heads // w_q.shape[1]
    return split_heads(x @ w_q, n_heads), split_heads(x @ w_k, groups), split_heads(x @ w_v, groups)


def side_by_side(some: Any, n_heads: int) -> Any:
    """(B, G, T, D) -> (B, H, T, D), as it should be."""
    return np.repeat(some, n_heads // some.shape[1], axis=1)


def in_turn(some: Any, n_heads: int) -> Any:
    return np.tile(some, (1, n_heads // some.shape[1], 1, 1))


def right_heads(x: Any, w_q: Any, w_k: Any, w_v: Any, n_heads: int) -> tuple[Any, Any, Any]:
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return q, side_by_side(k, n_heads), side_by_side(v, n_heads)


def attended(q: Any, k: Any, v: Any, mask: Any, scale: float | None = None, axis: int = -1) -> Any:
    return softmax_of(scores_of(q, k, scale), mask, axis) @ v


@exercise.mistake
def dealt_in_turn(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Query head h reads key head h % G: groups are dealt out in turn.

    Why: np.tile is taken for np.repeat.
    Hint: Four query heads, two groups: which key head does query head 1 read by the rule?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return merge_heads(attended(q, in_turn(k, n_heads), in_turn(v, n_heads), mask)) @ w_o


@exercise.mistake
def keys_in_turn(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Key heads are dealt out in turn, and value heads side by side.

    Why: Two lines that should be alike were written on two days.
    Hint: Does a query head read keys and values of one group?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return merge_heads(attended(q, in_turn(k, n_heads), side_by_side(v, n_heads), mask)) @ w_o


@exercise.mistake
def values_in_turn(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Value heads are dealt out in turn, and key heads side by side.

    Why: Two lines that should be alike were written on two days.
    Hint: Does a query head read keys and values of one group?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return merge_heads(attended(q, side_by_side(k, n_heads), in_turn(v, n_heads), mask)) @ w_o


@exercise.mistake
def first_group_for_all(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """All query heads read the first key and value head.

    Why: That is multi-query attention, G = 1.
    Hint: Change the last columns of w_k. Does the output move?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return merge_heads(attended(q, k[:, :1], v[:, :1], mask)) @ w_o


@exercise.mistake
def groups_averaged(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """All query heads read the mean of the key heads and of the value heads.

    Why: So heads are merged when a trained model is turned into one with groups.
    Hint: May two groups hold two different things?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    return merge_heads(attended(q, k.mean(axis=1, keepdims=True), v.mean(axis=1, keepdims=True), mask)) @ w_o


@exercise.mistake
def queries_averaged(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The query heads of a group are averaged, and ask once.

    Why: "They share" is taken for "they are one".
    Hint: What is shared, the queries or the keys and values?
    """
    q, k, v = heads_of(x, w_q, w_k, w_v, n_heads)
    b, h, t, d = q.shape
    asked = q.reshape(b, k.shape[1], -1, t, d).mean(axis=2)
    return merge_heads(side_by_side(attended(asked, k, v, mask), h)) @ w_o


@exercise.mistake
def weights_averaged(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The query heads of a group share the mean of their weights.

    Why: One group is thought to look at one thing.
    Hint: May two query heads of a group look at different tokens?
    """
    q, k, v = right_heads(x, w_q, w_k, w_v, n_heads)
    weights = softmax_of(scores_of(q, k), mask)
    b, h, t, _ = weights.shape
    groups = w_k.shape[1] * h // w_q.shape[1]
    mean = weights.reshape(b, groups, -1, t, t).mean(axis=2)
    return merge_heads(side_by_side(mean, h) @ v) @ w_o


@exercise.mistake
def merged_across_groups(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The axes of groups and of heads in a group change places when heads are put side by side.

    Why: A transpose of five axes, and two of them exchanged.
    Hint: Which head's output meets the first rows of w_o?
    """
    q, k, v = right_heads(x, w_q, w_k, w_v, n_heads)
    mixed = attended(q, k, v, mask)
    b, h, t, d = mixed.shape
    groups = w_k.shape[1] * h // w_q.shape[1]
    return mixed.reshape(b, groups, -1, t, d).transpose(0, 3, 2, 1, 4).reshape(b, t, h * d) @ w_o


@exercise.mistake
def merged_without_turning(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """(B, H, T, D) is reshaped to (B, T, H D) at once, without turning back.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Whose numbers stand in row 1 of your output?
    """
    mixed = attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask)
    return mixed.reshape(*x.shape[:2], -1) @ w_o


@exercise.mistake
def split_without_turning(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """(B, T, H D) is reshaped to (B, H, T, D) at once, without a transpose, and so are keys and values.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Which numbers of token 2 are in head 1?
    """
    (b, t, _), d = x.shape, w_q.shape[1] // n_heads
    q, k, v = ((x @ w).reshape(b, -1, t, d) for w in (w_q, w_k, w_v))
    return merge_heads(attended(q, side_by_side(k, n_heads), side_by_side(v, n_heads), mask)) @ w_o


@exercise.mistake
def keys_split_by_query_heads(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Each query head gets D numbers of the keys' columns, which are repeated one by one.

    Why: The columns of keys are repeated before they are cut into heads.
    Hint: What is repeated, a number or a head?
    """
    q, times = split_heads(x @ w_q, n_heads), w_q.shape[1] // w_k.shape[1]
    k, v = (split_heads(np.repeat(x @ w, times, axis=-1), n_heads) for w in (w_k, w_v))
    return merge_heads(attended(q, k, v, mask)) @ w_o


@exercise.mistake
def not_scaled(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are not divided by sqrt(D).

    Why: Without the divisor it runs.
    Hint: What is the variance of a score, if q and k have variance 1?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask, 1.0)) @ w_o


@exercise.mistake
def scaled_by_all_heads(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are divided by sqrt(H D), the width of all query heads.

    Why: The width of the map is the one at hand.
    Hint: Over how many numbers is a score summed?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask, w_q.shape[1] ** 0.5)) @ w_o


@exercise.mistake
def scaled_by_the_keys(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are divided by sqrt(G D), the width of all key heads.

    Why: d_k is taken for the width of the keys' map.
    Hint: Over how many numbers is a score summed?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask, w_k.shape[1] ** 0.5)) @ w_o


@exercise.mistake
def scaled_by_the_model(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """Scores are divided by sqrt(C / H), although the maps have another width.

    Why: In most models H D = C.
    Hint: Over how many numbers is a score summed?
    """
    root = (x.shape[-1] / n_heads) ** 0.5
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask, root)) @ w_o


@exercise.mistake
def softmax_over_queries(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The softmax runs over the queries.

    Why: Both of the last axes are places.
    Hint: What do the weights of one query in one head sum to?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), mask, axis=-2)) @ w_o


@exercise.mistake
def mask_left_out(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is not used.

    Why: The first tests have none.
    Hint: Change the last token. Does the output of the first one move under a causal mask?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), None)) @ w_o


@exercise.mistake
def mask_the_other_way_round(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is read the other way round: True blocks.

    Why: In some libraries True means blocked.
    Hint: With a causal mask: may the first query see the first key?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_v, n_heads), None if mask is None else ~mask)) @ w_o


@exercise.mistake
def mask_behind_the_softmax(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The mask is put on behind the softmax.

    Why: The blocked weights are 0 that way too.
    Hint: What do the weights of a row with blocked keys sum to?
    """
    q, k, v = right_heads(x, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k)) * (1 if mask is None else mask) @ v) @ w_o


@exercise.mistake
def blocked_rows_even(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """A query that may look nowhere looks everywhere alike.

    Why: Blocked scores become -1e9, and a row of equal numbers is even.
    Hint: What do the rules say of a query that may look nowhere?
    """
    q, k, v = right_heads(x, w_q, w_k, w_v, n_heads)
    scores = scores_of(q, k)
    return merge_heads(softmax_of(scores if mask is None else np.where(mask, scores, -1e30)) @ v) @ w_o


@exercise.mistake
def keys_as_values(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """w_k makes the values as well.

    Why: A line was copied, and one letter stayed.
    Hint: Change w_v. Does your output move?
    """
    return merge_heads(attended(*right_heads(x, w_q, w_k, w_k, n_heads), mask)) @ w_o


@exercise.mistake
def maximum_not_subtracted(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, mask: Any = None) -> Any:
    """The maximum is not subtracted before exp.

    Why: The formula has no maximum in it, and on small scores the code gives the same numbers.
    Hint: What is the largest number whose exponential still fits into float64?
    """
    q, k, v = right_heads(x, w_q, w_k, w_v, n_heads)
    e = np.exp(scores_of(q, k) if mask is None else np.where(mask, scores_of(q, k), -np.inf))
    total = e.sum(axis=-1, keepdims=True)
    return merge_heads(e / np.where(total == 0, 1, total) @ v) @ w_o
