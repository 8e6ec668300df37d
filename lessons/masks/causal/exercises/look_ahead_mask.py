"""The mask that hides the future."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.ops.attention.masks import window_mask

exercise = Exercise(
    "look-ahead-mask",
    "The look-ahead mask",
    step="in_code",
    level=1,
    rules=[
        "The mask is a boolean array (T, S), T = n_queries and S = n_keys; True means: may look there.",
        "Key j stands at place j, query i at place past + i. A query sees the keys up to its own place, its own too.",
        "Without n_keys there are past + n_queries keys.",
        "window, at least 1: a query sees the last `window` places alone, its own among them. None: all of them.",
        "A query that may look nowhere has a row of False.",
    ],
    hints=[
        "np.arange(n)[:, None] against np.arange(m)[None, :] compares every query with every key.",
        "Each query has a place and each key has one. What is to hold between the two places?",
        "How many keys does the query at place 5 see with window=1, and with window=2?",
    ],
    learned="key j is open to query i where j <= past + i, and with a window where it is less than `window` away.",
    results=["mask: (T, S)"],
    keeps_dtype=True,
)


@exercise.stub
def look_ahead_mask(n_queries, n_keys=None, past=0, window=None):
    """Who may look at whom while a text is read from left to right.

    past: how many keys stand before the first query -> boolean (n_queries, n_keys), True = may look
    """
    ...


@exercise.solution
def solution(n_queries: int, n_keys: int | None = None, past: int = 0, window: int | None = None) -> Any:
    queries = past + np.arange(n_queries)[:, None]  # (T, 1), their places
    keys = np.arange(past + n_queries if n_keys is None else n_keys)[None, :]  # (1, S)
    mask = keys <= queries
    return mask if window is None else mask & (queries - keys < window)


@exercise.truth
def truth(n_queries: int, n_keys: int | None = None, past: int = 0, window: int | None = None) -> Any:
    return window_mask(n_queries, n_keys, None if window is None else window - 1, 0, past)


@exercise.equal
def by_triangles(n_queries: int, n_keys: int | None = None, past: int = 0, window: int | None = None) -> Any:
    size = (n_queries, past + n_queries if n_keys is None else n_keys)
    late = np.zeros(size, bool) if window is None else np.tri(*size, past - window, dtype=bool)
    return np.tri(*size, past, dtype=bool) & ~late


@exercise.equal
def row_by_row(n_queries: int, n_keys: int | None = None, past: int = 0, window: int | None = None) -> Any:
    """Lists of True and False."""
    rows = []
    for place in range(past, past + n_queries):
        first = 0 if window is None else place - window + 1
        rows.append([first <= j <= place for j in range(past + n_queries if n_keys is None else n_keys)])
    return rows


#: words -> how many new tokens and stored ones; how many keys and how long a window, from these two
TOKENS = {
    f"{t} new, {past} stored": (t, past)
    for t, past in (
        (3, 0),
        (1, 0),
        (2, 0),
        (5, 0),
        (40, 0),
        (3, 1),
        (2, 1),
        (1, 1),
        (1, 9),
        (5, 2),
        (2, 3),
        (3, 9),
        (40, 3),
        (34, 1),
    )
}
KEYS: dict[str, Any] = {
    "": lambda t, past: None,
    "all keys, told": lambda t, past: past + t,
    "as many keys as queries": lambda t, past: t,
    "the stored keys alone": lambda t, past: max(past, 1),
    "room for four more": lambda t, past: past + t + 4,
    "room for one more": lambda t, past: past + t + 1,
    "the last key missing": lambda t, past: max(past + t - 1, 1),
    "one key": lambda t, past: 1,
}
WINDOWS: dict[str, Any] = {
    "": lambda t, past: None,
    "a window of one": lambda t, past: 1,
    "a window of two": lambda t, past: 2,
    "a window of three": lambda t, past: 3,
    "a window of as many as are new": lambda t, past: t,
    "a window of as many as are stored": lambda t, past: max(past, 1),
    "a window for all places": lambda t, past: past + t,
    "a long window": lambda t, past: past + t + 7,
}


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    yield Given("four tokens", {"n_queries": 4})
    yield Given("one token", {"n_queries": 1})
    yield Given("two tokens", {"n_queries": 2})
    yield Given("three tokens after two stored ones", {"n_queries": 3, "past": 2})
    yield Given("one token after five stored ones", {"n_queries": 1, "past": 5})
    yield Given("as many stored ones as new ones", {"n_queries": 3, "past": 3})
    yield Given("more keys than are seen", {"n_queries": 3, "n_keys": 6})
    yield Given("fewer keys than queries", {"n_queries": 5, "n_keys": 2})
    yield Given("one key", {"n_queries": 3, "n_keys": 1})
    yield Given("room for keys to come", {"n_queries": 2, "n_keys": 8, "past": 3})
    yield Given("some stored keys are not there", {"n_queries": 3, "n_keys": 4, "past": 2})
    yield Given("a window of two", {"n_queries": 5, "window": 2})
    yield Given("a window of one", {"n_queries": 4, "window": 1})
    yield Given("a window as long as the text", {"n_queries": 4, "window": 4})
    yield Given("a window longer than the text", {"n_queries": 3, "window": 7})
    yield Given("a window of three after four stored tokens", {"n_queries": 3, "past": 4, "window": 3})
    yield Given("a window of two after two stored tokens", {"n_queries": 3, "past": 2, "window": 2})
    yield Given("a long window, fewer keys than stored", {"n_queries": 4, "n_keys": 3, "past": 5, "window": 6})
    yield Given("all together", {"n_queries": 4, "n_keys": 9, "past": 3, "window": 2})
    yield Given("queries that see nothing", {"n_queries": 4, "n_keys": 3, "past": 2, "window": 2})
    yield Given("a window of one, fewer keys than queries", {"n_queries": 5, "n_keys": 2, "window": 1})
    yield Given("a hundred tokens", {"n_queries": 100, "window": 30})
    for about, ((t, past), keys, window) in crossed(TOKENS, KEYS, WINDOWS):
        told = {"n_keys": keys(t, past), "past": past or None, "window": window(t, past)}
        yield Given(about, {"n_queries": t} | {name: value for name, value in told.items() if value is not None})
