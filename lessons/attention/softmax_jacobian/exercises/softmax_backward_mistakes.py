"""What people write in the place of the backward of softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.softmax_jacobian.exercises.softmax_backward import exercise, truth


@exercise.mistake
def diagonal_alone(dp: Any, p: Any, axis: int = -1) -> Any:
    """The cross terms are missing: dp * p * (1 - p).

    Why: That is the derivative of the sigmoid, and of the diagonal of the Jacobian.
    Hint: Does a score move the other weights of its slice?
    See: the_matrix
    """
    return dp * p * (1 - p)


@exercise.mistake
def inner_sum_missing(dp: Any, p: Any, axis: int = -1) -> Any:
    """The inner sum is missing: dp * p.

    Why: The derivative of exp is remembered and that of the divisor is not.
    Hint: Move one score: how many weights move?
    See: the_matrix
    """
    return dp * p


@exercise.mistake
def sign_of_the_sum(dp: Any, p: Any, axis: int = -1) -> Any:
    """The inner sum is added, not subtracted.

    Why: The Jacobian is p_i (delta_ij - p_j), and its minus gets lost when the sum is written out.
    Hint: When one score grows, do the other weights grow or shrink?
    """
    return p * (dp + (dp * p).sum(axis=axis, keepdims=True))


@exercise.mistake
def sum_over_the_last_axis(dp: Any, p: Any, axis: int = -1) -> Any:
    """The sum runs over the last axis, whatever axis was asked for.

    Why: The first tests are along the last axis.
    Hint: Along which axis do the weights sum to 1?
    """
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))


@exercise.mistake
def sum_over_all(dp: Any, p: Any, axis: int = -1) -> Any:
    """The sum runs over all numbers, not along one axis.

    Why: sum() without an axis gives one number and broadcasts.
    Hint: Does a weight of one row depend on the scores of another?
    """
    return p * (dp - (dp * p).sum())


@exercise.mistake
def sum_over_the_other_axis(dp: Any, p: Any, axis: int = -1) -> Any:
    """The sum runs over another axis than the softmax.

    Why: In a matrix both sums broadcast.
    Hint: Along which axis do the weights sum to 1?
    """
    other = (axis - 1) % p.ndim if p.ndim > 1 else 0
    return p * (dp - (dp * p).sum(axis=other, keepdims=True))


@exercise.mistake
def mean_for_sum(dp: Any, p: Any, axis: int = -1) -> Any:
    """The inner sum is a mean.

    Why: LayerNorm's backward, that looks alike, has means.
    Hint: Write the chain rule for one score: is anything divided by the number of keys?
    """
    return p * (dp - (dp * p).mean(axis=axis, keepdims=True))


@exercise.mistake
def weights_forgotten_in_the_sum(dp: Any, p: Any, axis: int = -1) -> Any:
    """The inner sum is over dp, without the weights.

    Why: The p_i of the chain rule stands once outside already.
    Hint: Which p belongs to dp_i in the sum over i?
    """
    return p * (dp - dp.sum(axis=axis, keepdims=True))


@exercise.mistake
def not_multiplied_by_p(dp: Any, p: Any, axis: int = -1) -> Any:
    """The factor p in front is missing.

    Why: The bracket looks finished.
    Hint: What is the gradient for a score whose weight is 0?
    """
    return dp - (dp * p).sum(axis=axis, keepdims=True)


@exercise.mistake
def gradient_of_cross_entropy(dp: Any, p: Any, axis: int = -1) -> Any:
    """The gradient of softmax together with cross-entropy: p - dp.

    Why: p - onehot is the form that is met most.
    Hint: Is dp a target here, or a gradient?
    See: with_a_loss
    """
    return p - dp


@exercise.mistake
def minus_sign(dp: Any, p: Any, axis: int = -1) -> Any:
    """The whole gradient has the wrong sign.

    Why: p (sum - dp) is written in the order in which it was derived.
    Hint: The loss falls with p_1. Should its score get a negative or a positive gradient?
    """
    return -truth(dp, p, axis)


@exercise.mistake
def weights_squared(dp: Any, p: Any, axis: int = -1) -> Any:
    """The inner sum has the weights twice.

    Why: dp * p is computed first, and multiplied by p once more inside the sum.
    Hint: How many p stand beside dp_i in the chain rule?
    """
    return p * (dp - (dp * p * p).sum(axis=axis, keepdims=True))


@exercise.mistake
def jacobian_of_the_first_row(dp: Any, p: Any, axis: int = -1) -> Any:
    """One Jacobian, that of the first slice, is used for every slice.

    Why: It is built once, before the loop.
    Hint: Do all rows have the same weights?
    """
    moved, upstream = np.moveaxis(p, axis, -1), np.moveaxis(dp, axis, -1)
    first = moved.reshape(-1, moved.shape[-1])[0]
    return np.moveaxis(upstream @ (np.diag(first) - np.outer(first, first)), -1, axis)
