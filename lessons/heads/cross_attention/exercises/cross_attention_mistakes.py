"""What people write in the place of cross-attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import scores_of, softmax_of
from lessons.heads.cross_attention.exercises.cross_attention import exercise, solution
from tfx.ops.attention.multi_head import merge_heads, split_heads


def heads_of(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, n_heads: int) -> tuple[Any, Any, Any]:
    """(B, H, T, D), (B, H, S, D), (B, H, S, D)."""
    q, k, v = x @ w_q, source @ w_k, source @ w_v
    return split_heads(q, n_heads), split_heads(k, n_heads), split_heads(v, n_heads)


def seen_by_all(kept: Any) -> Any:
    return None if kept is None else kept[:, None, None, :]


@exercise.mistake
def source_asks(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """The source asks and the target answers, where the widths allow it.

    Why: Both are called x somewhere, and the two arguments change places.
    Hint: For which of the two texts does the decoder need new vectors?
    """
    if w_q.shape[0] != w_k.shape[0]:
        return solution(x, source, w_q, w_k, w_v, w_o, n_heads, kept)
    q, k, v = heads_of(source, x, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k)) @ v) @ w_o


@exercise.mistake
def self_attention(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """Keys and values are made of the target, where the widths allow it: the source is not used.

    Why: The code of self-attention was copied.
    Hint: Change the source. Does your output move?
    """
    own = x if x.shape[2] == source.shape[2] else source
    return solution(x, own, w_q, w_k, w_v, w_o, n_heads, kept if own.shape == source.shape else None)


@exercise.mistake
def keys_of_the_target(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """Keys are made of the target, and only the values of the source, where the shapes allow it.

    Why: "Queries and keys compare tokens", so they are made of the same ones.
    Hint: Whose keys carry the weights of the values that are summed?
    """
    own = x if x.shape == source.shape else source
    q, k, _ = heads_of(x, own, w_q, w_k, w_v, n_heads)
    v = split_heads(source @ w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k), seen_by_all(kept)) @ v) @ w_o


@exercise.mistake
def values_of_the_target(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """Values are made of the target, where the shapes allow it.

    Why: Only the weights are thought to come from the source.
    Hint: What does the decoder want to bring home from the source?
    """
    own = x if x.shape == source.shape else source
    q, k, _ = heads_of(x, source, w_q, w_k, w_v, n_heads)
    v = split_heads(own @ w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k), seen_by_all(kept)) @ v) @ w_o


@exercise.mistake
def future_hidden(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """A causal mask is put on: target token i sees source tokens up to i.

    Why: It is a decoder, and decoders have causal masks.
    Hint: Is the last word of the source known when the first word of the target is written?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    mask = np.tri(x.shape[1], source.shape[1], dtype=bool)
    mask = mask if kept is None else mask & kept[:, None, None, :]
    return merge_heads(softmax_of(scores_of(q, k), mask) @ v) @ w_o


@exercise.mistake
def filling_seen(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """Filling of the source is seen.

    Why: kept is not used.
    Hint: Change a source token that is filling. Does the output move?
    """
    return solution(x, source, w_q, w_k, w_v, w_o, n_heads)


@exercise.mistake
def words_hidden(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """kept is read the other way round: the words are hidden and the filling is seen.

    Why: In some libraries True means blocked.
    Hint: What does True in kept mean by the rule?
    """
    return solution(x, source, w_q, w_k, w_v, w_o, n_heads, None if kept is None else ~kept)


@exercise.mistake
def queries_hidden(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """kept blocks queries, not keys, where the target is as long as the source.

    Why: (B, S) is stretched along the wrong one of the two last axes.
    Hint: Whose filling does kept tell?
    """
    if kept is None or x.shape[1] != source.shape[1]:
        return solution(x, source, w_q, w_k, w_v, w_o, n_heads, kept)
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k), kept[:, None, :, None]) @ v) @ w_o


@exercise.mistake
def texts_taken_for_queries(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """kept is laid over the scores as it is, where B = T: its texts are taken for queries.

    Why: NumPy lines axes up from the last one, and does not complain.
    Hint: The scores are (B, H, T, S). Along which axes does (B, S) lie?
    """
    if kept is None or len(x) != x.shape[1]:
        return solution(x, source, w_q, w_k, w_v, w_o, n_heads, kept)
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k), kept) @ v) @ w_o


@exercise.mistake
def one_mask_for_all_texts(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """Every text gets the filling of the first one.

    Why: A test had one text.
    Hint: Two sources of two lengths: are the same keys hidden?
    """
    first = None if kept is None else np.broadcast_to(kept[:1], kept.shape)
    return solution(x, source, w_q, w_k, w_v, w_o, n_heads, first)


@exercise.mistake
def one_source_for_all_texts(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """Every text looks at the source of the first one.

    Why: The source is thought of as one array for all.
    Hint: Change the second source. Does the second output move?
    """
    return solution(x, np.broadcast_to(source[:1], source.shape), w_q, w_k, w_v, w_o, n_heads, kept)


@exercise.mistake
def zeroed_behind_the_softmax(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """The weights of filling are set to 0 behind the softmax.

    Why: They are 0 that way too.
    Hint: What do the weights of a query sum to?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    weights = softmax_of(scores_of(q, k))
    return merge_heads((weights if kept is None else weights * kept[:, None, None, :]) @ v) @ w_o


@exercise.mistake
def filling_zeroed_in_the_source(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """The vectors of filling are set to 0, and their keys still take weight.

    Why: A vector of zeros looks like nothing.
    Hint: Which score has a key of zeros, and what is exp of it?
    """
    real = source if kept is None else source * kept[:, :, None]
    return solution(x, real, w_q, w_k, w_v, w_o, n_heads)


@exercise.mistake
def blocked_texts_even(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """A text whose source is all filling gets the mean of the filling.

    Why: Blocked scores become -1e9, and a row of equal numbers is even.
    Hint: What does the rule say of such a text?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    scores = scores_of(q, k)
    return merge_heads(softmax_of(scores if kept is None else np.where(seen_by_all(kept), scores, -1e30)) @ v) @ w_o


@exercise.mistake
def blocked_texts_nan(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """A text whose source is all filling gets NaN.

    Why: The largest score is -inf there, and -inf - (-inf) is NaN.
    Hint: What does a softmax of nothing but -inf give?
    """
    y = solution(x, source, w_q, w_k, w_v, w_o, n_heads, kept)
    return y if kept is None else np.where(kept.any(axis=1)[:, None, None], y, np.nan)


@exercise.mistake
def not_scaled(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """Scores are not divided by sqrt(D).

    Why: Without the divisor it runs.
    Hint: Let D grow: what happens to the largest weight?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k, 1.0), seen_by_all(kept)) @ v) @ w_o


@exercise.mistake
def scaled_by_the_whole_width(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """Scores are divided by sqrt(A), not by the root of a head's width.

    Why: The width of the maps is the one at hand.
    Hint: Over how many numbers is a score summed?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k, w_q.shape[1] ** 0.5), seen_by_all(kept)) @ v) @ w_o


@exercise.mistake
def softmax_over_queries(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """The softmax runs over the target, not over the source.

    Why: Both of the last axes are places.
    Hint: What do the weights of one query sum to?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    return merge_heads(softmax_of(scores_of(q, k), seen_by_all(kept), axis=-2) @ v) @ w_o


@exercise.mistake
def one_wide_head(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """There is one head, as wide as the maps.

    Why: All shapes fit without a split.
    Hint: Call it with two heads and with one. Does the output move?
    """
    return solution(x, source, w_q, w_k, w_v, w_o, 1, kept)


@exercise.mistake
def merged_without_turning(
    x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None
) -> Any:  # fmt: skip
    """(B, H, T, D) is reshaped to (B, T, A) at once, without turning back.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Whose numbers stand in row 1 of your output?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    mixed = softmax_of(scores_of(q, k), seen_by_all(kept)) @ v
    return mixed.reshape(len(x), x.shape[1], -1) @ w_o


@exercise.mistake
def keys_as_values(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """w_k makes the values as well.

    Why: A line was copied, and one letter stayed.
    Hint: Change w_v. Does your output move?
    """
    return solution(x, source, w_q, w_k, w_k, w_o, n_heads, kept)


@exercise.mistake
def no_maximum(x: Any, source: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, n_heads: int, kept: Any = None) -> Any:
    """The maximum is not subtracted before exp.

    Why: On small scores the code gives the same numbers.
    Hint: What is exp(1000)?
    """
    q, k, v = heads_of(x, source, w_q, w_k, w_v, n_heads)
    e = np.exp(scores_of(q, k)) if kept is None else np.where(seen_by_all(kept), np.exp(scores_of(q, k)), 0.0)
    total = e.sum(axis=-1, keepdims=True)
    return merge_heads(e / np.where(total == 0, 1, total) @ v) @ w_o
