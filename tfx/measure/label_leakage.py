"""Label leakage: when a loss is too good to be true.

A model that may see the answer learns to copy it.  Two ways to notice:

    the floor      no honest model has a loss below the entropy of the data, for uniform tokens log V
    a probe        change tokens after place t: the outputs up to t must not move
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfx.measure.verdicts import largest
from tfx.ops.attention.masks import causal_mask


def future_leak(outputs: Callable[[np.ndarray], np.ndarray], ids: np.ndarray, n_tokens: int) -> float:
    """outputs(ids) -> (B, T, ...); ids: (B, T) -> the largest change of an output by a change of later tokens.

    0 for a causal model; NaN where an output is not a number.  Each later half is changed for every place at once: all
    tokens after it become others.
    """
    before, moved = outputs(ids), [0.0]
    for place in range(ids.shape[1] - 1):
        changed = ids.copy()
        changed[:, place + 1 :] = (changed[:, place + 1 :] + 1) % n_tokens
        moved.append(float(np.abs(outputs(changed)[:, : place + 1] - before[:, : place + 1]).max()))
    return largest(moved)


def uniform_floor(n_tokens: int) -> float:
    """The least mean loss in nats of any honest model on tokens that are drawn uniformly: log V."""
    return float(np.log(n_tokens))


def copying_entropy(n_tokens: int, repeats: float) -> float:
    """In nats, of the token after a known one: a copy with chance `repeats`, else drawn evenly (and may be the same).

    The least loss of a model that sees the token before.  repeats: below 1.
    """
    other = (1 - repeats) / n_tokens
    same = repeats + other
    return float(-same * np.log(same) - (n_tokens - 1) * other * np.log(other))


def sees_answer(masked: bool, shifted: bool, length: int) -> np.ndarray:
    """(T,): whether place t sees the input in which its own answer stands: input t, or with the shift input t + 1.

    masked: it sees inputs up to t, else all.  With the shift the last answer is no input at all.
    """
    allowed = causal_mask(length) if masked else np.ones((length, length), dtype=bool)
    return np.array([t + shifted < length and bool(allowed[t, t + shifted]) for t in range(length)])
