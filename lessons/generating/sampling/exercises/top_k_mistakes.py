"""What people write in the place of top-k."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.generating.sampling.exercises.top_k import exercise
from tfx.generate.shaping import top_k as right


def ids_in_order(logits: Any) -> Any:
    return np.argsort(-logits, axis=-1, kind="stable")


def only(logits: Any, ids: Any, other: float = -np.inf) -> Any:
    """The logits at ids: (..., k), and `other` everywhere else."""
    kept = np.full(logits.shape, other)
    np.put_along_axis(kept, ids, np.take_along_axis(logits, ids, axis=-1), axis=-1)
    return kept


@exercise.mistake
def equal_ones_stay(logits: Any, k: int) -> Any:
    """All logits stay that are as large as the k-th, so more than k where several are equal.

    Why: Comparing with the k-th largest is short, and on random logits it keeps exactly k.
    Hint: How many of the logits 1, 1, 1 stay for k = 2?
    """
    k = min(k, logits.shape[-1])
    return np.where(logits >= np.sort(logits, axis=-1)[..., -k, None], logits, -np.inf)


@exercise.mistake
def above_the_next(logits: Any, k: int) -> Any:
    """Only logits above the one that comes after the k-th stay, so fewer than k where several are equal.

    Why: The first one that does not stay looks like a good bound.
    Hint: How many of the logits 1, 1, 1 stay for k = 2?
    """
    if k >= logits.shape[-1]:
        return logits.copy()
    return np.where(logits > np.sort(logits, axis=-1)[..., -k - 1, None], logits, -np.inf)


@exercise.mistake
def above_the_kth(logits: Any, k: int) -> Any:
    """Only logits above the k-th stay: k - 1 of them.

    Why: > is written for >=.
    Hint: Is the k-th one of the k largest? Try k = 1.
    """
    k = min(k, logits.shape[-1])
    return np.where(logits > np.sort(logits, axis=-1)[..., -k, None], logits, -np.inf)


@exercise.mistake
def higher_id_first(logits: Any, k: int) -> Any:
    """Of equal logits the one with the higher id stays.

    Why: argsort sorts upwards, and its last k are taken.
    Hint: Which of two equal logits comes last when you sort upwards?
    """
    return only(logits, np.argsort(logits, axis=-1, kind="stable")[..., -min(k, logits.shape[-1]) :])


@exercise.mistake
def zero_for_minus_infinity(logits: Any, k: int) -> Any:
    """What is ruled out gets 0, not -inf.

    Why: A probability of 0 is meant, and these are logits.
    Hint: What is exp(0)?
    """
    return only(logits, ids_in_order(logits)[..., :k], 0.0)


@exercise.mistake
def a_large_negative_number(logits: Any, k: int) -> Any:
    """What is ruled out gets -1e9, not -inf.

    Why: A finite number cannot give NaN, and softmax makes 0 of it, as long as any other logit is near 0.
    Hint: What does the rule say stands there?
    """
    return only(logits, ids_in_order(logits)[..., :k], -1e9)


@exercise.mistake
def probabilities(logits: Any, k: int) -> Any:
    """Probabilities of the tokens that stay come back, not logits.

    Why: They are what is drawn from in the end.
    Hint: What would the next filter, or a temperature, do with them?
    """
    kept = right(logits, k)
    e = np.exp(kept - kept.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@exercise.mistake
def the_values_alone(logits: Any, k: int) -> Any:
    """The k largest logits come back, without their places.

    Why: That is what a function named top-k of a library returns.
    Hint: Which token belongs to the first of these numbers?
    """
    return np.take_along_axis(logits, ids_in_order(logits)[..., :k], axis=-1)


@exercise.mistake
def in_order(logits: Any, k: int) -> Any:
    """The k largest stand in front, in order: each has lost its id.

    Why: The row is sorted, cut, and never put back.
    Hint: Where should the largest logit stand?
    """
    kept = np.take_along_axis(logits, ids_in_order(logits), axis=-1)
    kept[..., k:] = -np.inf
    return kept


@exercise.mistake
def the_smallest(logits: Any, k: int) -> Any:
    """The k smallest stay.

    Why: argsort sorts upwards, and its first k are taken.
    Hint: Is the largest logit still there?
    """
    return only(logits, np.argsort(logits, axis=-1, kind="stable")[..., :k])


@exercise.mistake
def over_all_rows(logits: Any, k: int) -> Any:
    """The k largest of all rows together stay.

    Why: sort and partition without an axis flatten, or the array is flattened for them.
    Hint: How many stay in each row?
    """
    return right(logits.reshape(1, -1), k).reshape(logits.shape)


@exercise.mistake
def along_the_first_axis(logits: Any, k: int) -> Any:
    """The k largest are looked for along the first axis.

    Why: axis=0 is written, or meant as the axis of a single row.
    Hint: Which axis holds the tokens?
    """
    return np.moveaxis(right(np.moveaxis(logits, 0, -1), k), -1, 0)


@exercise.mistake
def bound_of_the_first_row(logits: Any, k: int) -> Any:
    """The k-th largest of the first row is the bound for all rows.

    Why: The function was written for one text.
    Hint: Give it a second row that lies far above the first.
    """
    rows = logits.reshape(-1, logits.shape[-1])
    kept = np.where(rows >= np.sort(rows[0])[-min(k, rows.shape[1])], rows, -np.inf)
    kept[0] = right(rows[:1], k)[0]
    return kept.reshape(logits.shape)


@exercise.mistake
def one_too_many(logits: Any, k: int) -> Any:
    """k + 1 stay.

    Why: Ranks count from 0, and k is still allowed.
    Hint: Count what stays for k = 1.
    """
    return right(logits, k + 1)


@exercise.mistake
def k_above_v_fails(logits: Any, k: int) -> Any:
    """A k larger than V is an error.

    Why: The k-th largest is looked up, and there is none.
    Hint: What should k = 50 do with 4 tokens?
    """
    if k > logits.shape[-1]:
        raise ValueError(f"kth(=-{k}) out of bounds ({logits.shape[-1]})")
    return right(logits, k)
