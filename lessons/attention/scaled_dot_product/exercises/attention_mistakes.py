"""What people write in the place of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import exercise, scores_of, softmax_of


def _mixed(weights: Any, v: Any) -> Any:
    return weights @ v, weights


@exercise.mistake
def not_scaled(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Scores are not divided by sqrt(D).

    Why: Q K^T is the heart of the formula, and without the divisor it runs.
    Hint: Let D grow: what happens to the largest weight of a row?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, 1.0), mask), v)


@exercise.mistake
def divided_by_d(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Scores are divided by D, not by its root.

    Why: A mean over D numbers divides by D.
    Hint: What is the variance of a sum of D products, and what its deviation?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, float(q.shape[-1])), mask), v)


@exercise.mistake
def multiplied_by_the_root(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Scores are multiplied by sqrt(D) in the place of divided.

    Why: sqrt(d_k) is remembered, and its side of the stroke is not.
    Hint: Should a wider head give larger scores or not?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, 1 / np.sqrt(q.shape[-1])), mask), v)


@exercise.mistake
def root_of_the_values_width(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The root is of the width of the values, Dv, not of D.

    Why: In most models D and Dv are the same number.
    Hint: Over which axis is the product summed that is to be scaled?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, np.sqrt(v.shape[-1])), mask), v)


@exercise.mistake
def root_of_the_keys_number(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The root is of the number of keys, S, not of D.

    Why: k.shape has two sizes, and the other one was taken.
    Hint: Over which axis is the product summed that is to be scaled?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, np.sqrt(k.shape[-2])), mask), v)


@exercise.mistake
def scaled_behind_the_softmax(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The weights are divided by sqrt(D), not the scores.

    Why: The divisor is written into the formula's fraction, and it is not seen what it belongs to.
    Hint: What do the weights of a row sum to?
    See: scaling-variance the_division
    """
    return _mixed(softmax_of(scores_of(q, k, 1.0), mask) / np.sqrt(q.shape[-1]), v)


@exercise.mistake
def softmax_over_queries(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The softmax runs over the queries, not over the keys.

    Why: Both axes of the scores are places, and both give the right shape.
    Hint: Sum your weights along each axis. Which sums are 1?
    See: softmax-attention the_axis
    """
    return _mixed(softmax_of(scores_of(q, k), mask, axis=-2), v)


@exercise.mistake
def no_softmax(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The softmax is missing: scores weigh the values.

    Why: The three products are written first.
    Hint: Can a weight be negative?
    """
    scores = scores_of(q, k)
    return _mixed(scores if mask is None else np.where(mask, scores, 0.0), v)


@exercise.mistake
def mask_the_other_way_round(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The mask is read the other way round: True blocks.

    Why: In some libraries True means blocked.
    Hint: With a causal mask: does the first query see the first key?
    See: mask_traps
    """
    return _mixed(softmax_of(scores_of(q, k), None if mask is None else ~mask), v)


@exercise.mistake
def mask_behind_the_softmax(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The mask is put on behind the softmax.

    Why: The blocked weights are 0 that way too.
    Hint: What do the weights of a row with blocked keys sum to?
    See: mask_traps
    """
    weights = softmax_of(scores_of(q, k))
    return _mixed(weights if mask is None else weights * mask, v)


@exercise.mistake
def scores_times_mask(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Blocked scores are set to 0 in the place of -inf.

    Why: Multiplying by the mask looks like leaving out.
    Hint: What is exp(0)?
    See: mask_traps
    """
    scores = scores_of(q, k)
    return _mixed(softmax_of(scores if mask is None else scores * mask), v)


@exercise.mistake
def mask_left_out(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The mask is not used.

    Why: The first tests have none.
    Hint: Change a value that is blocked. Does the output move?
    See: mask_traps
    """
    return _mixed(softmax_of(scores_of(q, k)), v)


@exercise.mistake
def mask_blocks_by_a_small_number(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Blocked scores lose 100 only.

    Why: exp(-100) is nearly 0, as long as scores are small.
    Hint: What if the blocked score is 10,000?
    See: mask_traps
    """
    scores = scores_of(q, k)
    return _mixed(softmax_of(scores if mask is None else scores + np.where(mask, 0.0, -100.0)), v)


@exercise.mistake
def blocked_rows_are_even(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """A query that may look nowhere looks everywhere alike.

    Why: Blocked scores become -1e9, and a row of equal numbers is even.
    Hint: What do the rules say of a query that may look nowhere?
    See: mask_traps
    """
    scores = scores_of(q, k)
    return _mixed(softmax_of(scores if mask is None else np.where(mask, scores, -1e30)), v)


@exercise.mistake
def blocked_rows_are_nan(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """A query that may look nowhere gets NaN.

    Why: The largest score is -inf there, and -inf - (-inf) is NaN.
    Hint: What is subtracted from a row in which every score is -inf?
    See: mask_traps
    """
    scores = scores_of(q, k) if mask is None else np.where(mask, scores_of(q, k), -np.inf)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return _mixed(e / e.sum(axis=-1, keepdims=True), v)


@exercise.mistake
def maximum_not_subtracted(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The maximum is not subtracted before exp.

    Why: The formula has no maximum in it, and on small scores the code gives the same numbers.
    Hint: What is the largest number whose exponential still fits into float64?
    See: softmax-attention the_overflow
    """
    scores = scores_of(q, k) if mask is None else np.where(mask, scores_of(q, k), -np.inf)
    e = np.exp(scores)
    total = e.sum(axis=-1, keepdims=True)
    return _mixed(e / np.where(total == 0, 1, total), v)


@exercise.mistake
def keys_as_values(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """Keys are summed in the place of values.

    Why: k and v come from the same tokens and stand side by side.
    Hint: Which width has the output?
    See: output
    """
    return _mixed(softmax_of(scores_of(q, k), mask), k)


@exercise.mistake
def weights_returned_before_the_mask(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The output is right, and the weights that are returned are those without the mask.

    Why: They are kept in a variable before the mask is put on.
    Hint: Are blocked weights 0 in what you return?
    See: mask_traps
    """
    return softmax_of(scores_of(q, k), mask) @ v, softmax_of(scores_of(q, k))


@exercise.mistake
def scores_returned(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The output is right, and scores are returned in the place of weights.

    Why: Both have the shape (..., T, S).
    Hint: What do the rows of what you return sum to?
    """
    scores = scores_of(q, k)
    return softmax_of(scores, mask) @ v, scores if mask is None else np.where(mask, scores, 0.0)
