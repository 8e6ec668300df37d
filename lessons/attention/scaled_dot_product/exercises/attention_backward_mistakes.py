"""What people write in the place of the backward of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.exercises.attention import scores_of, softmax_of
from lessons.attention.scaled_dot_product.exercises.attention_backward import exercise


def turned(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def begun(dout: Any, q: Any, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any, float]:
    """p, dp, dv and sqrt(D)."""
    p = softmax_of(scores_of(q, k), mask)
    return p, dout @ turned(v), turned(p) @ dout, q.shape[-1] ** 0.5


def ended(ds: Any, q: Any, k: Any, dv: Any) -> tuple[Any, Any, Any]:
    return ds @ k, turned(ds) @ q, dv


def through(dp: Any, p: Any) -> Any:
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))


@exercise.mistake
def cross_term_missing(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The inner sum of the softmax is missing: ds = p * dp.

    Why: The derivative of exp is remembered and that of the divisor is not.
    Hint: A score grows: what do the other weights of its row do?
    See: softmax-jacobian the_matrix
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(p * dp / root, q, k, dv)


@exercise.mistake
def diagonal_alone(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The softmax is taken for a sigmoid: ds = dp * p * (1 - p).

    Why: That is the diagonal of its Jacobian.
    Hint: A score grows: what do the other weights of its row do?
    See: softmax-jacobian the_matrix
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(dp * p * (1 - p) / root, q, k, dv)


@exercise.mistake
def softmax_left_out(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dp is handed on as if there were no softmax.

    Why: The three products are differentiated first.
    Hint: What lies between the scores and the weights?
    See: softmax-jacobian the_matrix
    """
    _, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(dp / root, q, k, dv)


@exercise.mistake
def sum_over_queries(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The inner sum runs over the queries, not over the keys.

    Why: Both axes of the scores are places.
    Hint: Along which axis do the weights sum to 1?
    See: softmax-attention the_axis
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(p * (dp - (dp * p).sum(axis=-2, keepdims=True)) / root, q, k, dv)


@exercise.mistake
def scale_missing(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The divisor sqrt(D) is missing in dq and dk.

    Why: It is applied in the forward and forgotten on the way back.
    Hint: Scores are q k^T over what?
    """
    p, dp, dv, _ = begun(dout, q, k, v, mask)
    return ended(through(dp, p), q, k, dv)


@exercise.mistake
def scale_twice(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The divisor sqrt(D) is applied twice.

    Why: Once for the scores and once for each of the products.
    Hint: How often is it applied in the forward?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(through(dp, p) / root**2, q, k, dv)


@exercise.mistake
def scale_in_one_of_two(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dq has the divisor, dk has not.

    Why: It is written into the line of dq, and not into ds.
    Hint: Through which divisor does k reach the scores?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    ds = through(dp, p)
    return ds @ k / root, turned(ds) @ q, dv


@exercise.mistake
def mask_left_out(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The weights are made again without the mask.

    Why: The mask belongs to the forward, so it seems.
    Hint: Which weights did the forward use?
    See: mask_traps
    """
    p, dp, dv, root = begun(dout, q, k, v, None)
    return ended(through(dp, p) / root, q, k, dv)


@exercise.mistake
def weights_transposed_nowhere(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dv = p dout, without the transpose, where the shapes allow it.

    Why: For T = S both products have the right shape.
    Hint: Which weights does the value of key 2 meet in the output?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(through(dp, p) / root, q, k, p @ dout if p.shape[-1] == p.shape[-2] else dv)


@exercise.mistake
def scores_transposed_nowhere(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dk = ds q, without the transpose, where the shapes allow it.

    Why: For T = S both products have the right shape.
    Hint: Which queries have met key 2?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    ds = through(dp, p) / root
    dk = ds @ q if p.shape[-1] == p.shape[-2] else turned(ds) @ q
    return ds @ k, dk, dv


@exercise.mistake
def queries_and_keys_exchanged(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dq and dk are exchanged in what is returned, where their shapes are the same.

    Why: ds k looks as if it belonged to k.
    Hint: The gradient of a factor is built with the other factor. Which row is whose?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    dq, dk, _ = ended(through(dp, p) / root, q, k, dv)
    return (dk, dq, dv) if dq.shape == dk.shape else (dq, dk, dv)


@exercise.mistake
def gradient_of_values_from_dp(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dv is built with the gradient of the scores, not with the weights.

    Why: All three gradients are written with ds.
    Hint: What is multiplied by v in the forward?
    """
    p, dp, _, root = begun(dout, q, k, v, mask)
    ds = through(dp, p)
    return ended(ds / root, q, k, turned(ds) @ dout)


@exercise.mistake
def minus(dout: Any, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """dq and dk have the wrong sign.

    Why: The bracket of the softmax is written the other way round.
    Hint: Does a larger weight on a value that the loss likes raise or lower its score?
    """
    p, dp, dv, root = begun(dout, q, k, v, mask)
    return ended(-through(dp, p) / root, q, k, dv)
