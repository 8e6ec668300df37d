"""What people write in the place of the look-ahead mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.masks.causal.exercises.look_ahead_mask import exercise

Number = int | None


def places(n_queries: int, n_keys: Number, past: int) -> tuple[Any, Any]:
    """Of the queries, (T, 1), and of the keys, (1, S)."""
    keys = np.arange(past + n_queries if n_keys is None else n_keys)
    return past + np.arange(n_queries)[:, None], keys[None, :]


def near(away: Any, window: Number) -> Any:
    """away: the place of the query less that of the key."""
    return True if window is None else away < window


def right(n_queries: int, n_keys: Number, past: int, window: Number) -> Any:
    i, j = places(n_queries, n_keys, past)
    return (j <= i) & near(i - j, window)


@exercise.mistake
def true_means_blocked(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """True and False are exchanged: True blocks.

    Why: Some libraries mark what is hidden.
    Hint: What is in the corner of the first query and the first key by the rule?
    """
    return ~right(n_queries, n_keys, past, window)


@exercise.mistake
def own_place_blocked(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """A query does not see its own place: j < i.

    Why: The word that is to be said must be hidden, and it is taken for the one at the same place.
    Hint: What may the very first query look at?
    """
    i, j = places(n_queries, n_keys, past)
    return (j < i) & near(i - j, window)


@exercise.mistake
def one_place_too_far(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """A query sees the place behind its own: j <= i + 1.

    Why: The upper triangle is cut with k=1 on the wrong side.
    Hint: Which key does query 1 see that it must not?
    """
    i, j = places(n_queries, n_keys, past)
    return (j <= i + 1) & near(i - j, window)


@exercise.mistake
def future_alone(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The triangle lies the other way round: a query sees its own place and what comes after it.

    Why: Rows and columns are exchanged.
    Hint: Does the axis of the queries come first or last?
    """
    i, j = places(n_queries, n_keys, past)
    return (j >= i) & near(j - i, window)


@exercise.mistake
def past_left_out(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The queries are counted from place 0, although keys are stored.

    Why: In training nothing is stored.
    Hint: One new token after five stored ones: how many keys does it see?
    """
    _, j = places(n_queries, n_keys, past)
    i = np.arange(n_queries)[:, None]
    return (j <= i) & near(i - j, window)


@exercise.mistake
def past_subtracted(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The number of stored keys is taken off the place of a query, and not added.

    Why: The diagonal has to move, and the sign of its offset is guessed.
    Hint: Do more stored keys open more of a row or less?
    """
    _, j = places(n_queries, n_keys, past)
    i = np.arange(n_queries)[:, None] - past
    return (j <= i) & near(i - j, window)


@exercise.mistake
def last_query_sees_all(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The diagonal ends in the last corner: the places of queries are counted back from the last key.

    Why: Without room for keys to come, and with all stored keys there, it is the same.
    Hint: Let there be more keys than past + n_queries. What does the last query see?
    """
    _, j = places(n_queries, n_keys, past)
    i = np.arange(n_queries)[:, None] + j.size - n_queries
    return (j <= i) & near(i - j, window)


@exercise.mistake
def number_of_keys_left_out(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """There are always past + n_queries keys.

    Why: n_keys is not used.
    Hint: Which shape does the rule ask for?
    """
    return right(n_queries, None, past, window)


@exercise.mistake
def stored_keys_not_counted(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """Without n_keys there are as many keys as queries, although some are stored.

    Why: The mask of training is square.
    Hint: One new token after five stored ones: how many keys are there?
    """
    return right(n_queries, n_queries if n_keys is None else n_keys, past, window)


@exercise.mistake
def always_square(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The mask is that of training, T by T, whatever is stored.

    Why: np.tril(np.ones((t, t))) is known by heart.
    Hint: Which shape have the scores of one query and six keys?
    """
    return right(n_queries, n_queries, 0, window)


@exercise.mistake
def window_left_out(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The window is not used.

    Why: The first tests have none.
    Hint: Call it with window=2: how many keys does the last query see?
    """
    return right(n_queries, n_keys, past, None)


@exercise.mistake
def window_one_too_wide(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The window is one key too wide.

    Why: `window` is taken for the number of keys before the query.
    Hint: What is left of a row with window=1?
    """
    return right(n_queries, n_keys, past, None if window is None else window + 1)


@exercise.mistake
def window_one_too_narrow(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The window is one key too narrow.

    Why: The query itself is not counted, and < is written for <=.
    Hint: What is left of a row with window=1?
    """
    return right(n_queries, n_keys, past, None if window is None else window - 1)


@exercise.mistake
def window_looks_ahead(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """With a window a query sees as far ahead as back.

    Why: abs(i - j) is how the distance of two places is written.
    Hint: A window is given. Is the future still hidden?
    """
    i, j = places(n_queries, n_keys, past)
    return j <= i if window is None else abs(i - j) < window


@exercise.mistake
def window_counted_from_the_row(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """The window is counted from the row of a query, not from its place.

    Why: `past` is used in one of the two comparisons.
    Hint: Query 0 after four stored tokens, window 3: which keys does it see?
    """
    i, j = places(n_queries, n_keys, past)
    return (j <= i) & near(i - past - j, window)


@exercise.mistake
def blocked_rows_opened(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """A query that may look nowhere looks everywhere.

    Why: It keeps a softmax from giving NaN.
    Hint: What does the rule say of such a query?
    """
    mask = right(n_queries, n_keys, past, window)
    return mask | ~mask.any(axis=-1, keepdims=True)


@exercise.mistake
def added_to_scores(n_queries: int, n_keys: Number = None, past: int = 0, window: Number = None) -> Any:
    """0 and -inf are returned, which are to be added to scores.

    Why: In some code the mask is added.
    Hint: Of which type is the mask by the rule?
    """
    return np.where(right(n_queries, n_keys, past, window), 0.0, -np.inf)
