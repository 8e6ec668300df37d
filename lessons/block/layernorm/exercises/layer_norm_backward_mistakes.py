"""What people write in the place of the backward of LayerNorm."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.layernorm.exercises.layer_norm_backward import exercise


def parts(dy: Any, x: Any, gamma: Any, eps: float) -> tuple[Any, Any, Any]:
    """n, g = dy * gamma, and the deviation."""
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    return centred / deviation, dy * gamma, deviation


def mean(x: Any) -> Any:
    return x.mean(axis=-1, keepdims=True)


def whole(dx: Any, dy: Any, n: Any) -> Any:
    tokens = tuple(range(dy.ndim - 1))
    return dx, (dy * n).sum(axis=tokens), dy.sum(axis=tokens)


@exercise.mistake
def constants(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Mean and variance are taken for constants.

    Why: The last division is differentiated, and what stands in it is not looked at.
    Hint: Move one number of a token: what else changes besides it?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    return whole(g / deviation, dy, n)


@exercise.mistake
def variance_term_missing(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The way through the variance is missing.

    Why: The mean is seen in x - mean, the variance is hidden in the divisor.
    Hint: What does a number far from the mean do to the others?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    return whole((g - mean(g)) / deviation, dy, n)


@exercise.mistake
def mean_term_missing(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The way through the mean is missing.

    Why: The term n * mean(g n) is so striking that the other one is forgotten.
    Hint: Add a constant to all numbers of a token: what should sum(dx) be?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    return whole((g - n * mean(g * n)) / deviation, dy, n)


@exercise.mistake
def variance_term_sign(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The term of the variance has the wrong sign.

    Why: The derivative of 1 / sqrt has a minus, and it is lost.
    Hint: Does the deviation grow or shrink when a number moves away from the mean?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    return whole((g - mean(g) + n * mean(g * n)) / deviation, dy, n)


@exercise.mistake
def gain_forgotten(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dx is computed from dy without gamma.

    Why: With gains of 1, as they start, nothing is missing.
    Hint: Which number reaches n: dy, or dy times something?
    """
    n, _, deviation = parts(dy, x, gamma, eps)
    return whole((dy - mean(dy) - n * mean(dy * n)) / deviation, dy, n)


@exercise.mistake
def gain_behind(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """gamma is multiplied behind the means, not before them.

    Why: It looks like a factor that can be taken out.
    Hint: Is gamma the same for all C numbers that are averaged?
    """
    n, _, deviation = parts(dy, x, gamma, eps)
    return whole(gamma * (dy - mean(dy) - n * mean(dy * n)) / deviation, dy, n)


@exercise.mistake
def not_divided(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The division by the deviation is missing.

    Why: Behind the normalisation everything has size 1.
    Hint: Make x ten times as large. Should dx stay?
    """
    n, g, _ = parts(dy, x, gamma, eps)
    return whole(g - mean(g) - n * mean(g * n), dy, n)


@exercise.mistake
def sums_for_means(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Sums in the place of means: 1 / C is missing.

    Why: The chain rule gives sums, and the 1 / C stands in the definition of mean and variance.
    Hint: What is the derivative of the mean for one of its C numbers?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    c = x.shape[-1]
    return whole((g - c * mean(g) - n * c * mean(g * n)) / deviation, dy, n)


@exercise.mistake
def eps_left_out(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is missing in the deviation.

    Why: On numbers of size 1 it is not seen.
    Hint: Try an eps of 0.1.
    """
    with np.errstate(all="ignore"):
        n, g, deviation = parts(dy, x, gamma, 0.0)
        return whole((g - mean(g) - n * mean(g * n)) / deviation, dy, n)


@exercise.mistake
def gain_of_the_last_batch(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma and dbeta are means over the tokens, not sums.

    Why: Gradients are averaged over a batch, somewhere.
    Hint: Every token adds its own part to the loss. Who divides by their number?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    dx, dgamma, dbeta = whole((g - mean(g) - n * mean(g * n)) / deviation, dy, n)
    tokens = x.size // x.shape[-1]
    return dx, dgamma / tokens, dbeta / tokens


@exercise.mistake
def gain_from_x(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is the sum of dy * x, not of dy times the normalised x.

    Why: gamma multiplies the input, and the input is called x.
    Hint: What does gamma multiply in the forward?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    dx, _, dbeta = whole((g - mean(g) - n * mean(g * n)) / deviation, dy, n)
    return dx, (dy * x).sum(axis=tuple(range(x.ndim - 1))), dbeta


@exercise.mistake
def gain_over_the_first_axis(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma and dbeta are summed over the first axis alone.

    Why: For a matrix that is all; a batch of texts has one axis more.
    Hint: Which shape has gamma?
    """
    n, g, deviation = parts(dy, x, gamma, eps)
    dx = (g - mean(g) - n * mean(g * n)) / deviation
    return (dx, (dy * n).sum(0), dy.sum(0)) if x.ndim > 1 else (dx, dy * n, dy)
