"""What people write in the place of LayerNorm."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.layernorm.exercises.layer_norm import exercise


def normalised(x: Any, axis: Any, eps: float) -> Any:
    mean = x.mean(axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


@exercise.mistake
def over_the_batch(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """Mean and variance run over the first axis, as in BatchNorm.

    Why: BatchNorm came first, and for a square input both fit.
    Hint: Change another token. Does the output of this one move?
    See: alone
    """
    return gamma * normalised(x, 0, eps) + beta


@exercise.mistake
def over_tokens_and_width(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """Mean and variance run over tokens and width together.

    Why: Normalising "the layer" sounds like the whole matrix.
    Hint: Change another token. Does the output of this one move?
    See: alone
    """
    return gamma * normalised(x, (-2, -1) if x.ndim > 1 else -1, eps) + beta


@exercise.mistake
def over_everything(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """Mean and variance are those of the whole array.

    Why: mean() and var() without an axis give one number.
    Hint: Change another text of the batch. Does the output of this one move?
    See: alone
    """
    return gamma * normalised(x, None, eps) + beta


@exercise.mistake
def divided_by_c_less_one(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The variance divides by C - 1.

    Why: Statistics teaches that for samples (ddof=1).
    Hint: What does the rule say that the variance divides by?
    """
    c = x.shape[-1]
    with np.errstate(all="ignore"):
        variance = np.var(x, axis=-1, keepdims=True) * c / np.float64(c - 1)
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(variance + eps) + beta


@exercise.mistake
def eps_outside_the_root(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """eps is added to the deviation, not to the variance.

    Why: It is there against a division by 0, and behind the root it does that too.
    Hint: Try numbers of size 0.001, or an eps of 0.1.
    """
    with np.errstate(all="ignore"):
        return gamma * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + eps) + beta


@exercise.mistake
def eps_left_out(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """eps is not used.

    Why: On numbers of size 1 it is not seen.
    Hint: What is the output of a token whose numbers are all equal?
    """
    with np.errstate(all="ignore"):
        return gamma * normalised(x, -1, 0.0) + beta


@exercise.mistake
def eps_fixed(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """eps is 1e-5, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Call it with eps=0.1.
    """
    return gamma * normalised(x, -1, 1e-5) + beta


@exercise.mistake
def divided_by_the_variance(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The root is missing: divided by the variance.

    Why: The root is forgotten.
    Hint: What is the variance of a token behind it?
    """
    return gamma * (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + eps) + beta


@exercise.mistake
def mean_not_subtracted(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The mean is used for the variance, and not subtracted from x.

    Why: The centred numbers are computed inside the variance and lost.
    Hint: What is the mean of a token behind it, with gains of 1 and offsets of 0?
    """
    return gamma * x / np.sqrt(x.var(-1, keepdims=True) + eps) + beta


@exercise.mistake
def rms_norm(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """RMSNorm: nothing is centred.

    Why: Models of today use it under the same name "norm".
    Hint: Add 500 to all numbers of a token. Does the output move?
    """
    return gamma * x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) + beta


@exercise.mistake
def offset_inside(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The offset is multiplied by the gain: gamma * (n + beta).

    Why: The brackets are put where they read well.
    Hint: What is the output of a token of equal numbers?
    See: gain_and_offset
    """
    return gamma * (normalised(x, -1, eps) + beta)


@exercise.mistake
def gain_and_offset_left_out(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """gamma and beta are not used.

    Why: With gains of 1 and offsets of 0, as they start, nothing is missing.
    Hint: Call it with gamma = 2.
    See: gain_and_offset
    """
    return normalised(x, -1, eps)


@exercise.mistake
def variance_by_squares(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The variance is the mean of the squares, without the square of the mean.

    Why: For numbers with mean 0 that is the same.
    Hint: Add 500 to all numbers of a token. Does the output stay?
    """
    return gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt((x * x).mean(-1, keepdims=True) + eps) + beta
