"""What people write in the place of RMSNorm."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.rms_norm.exercises.rms_norm import exercise


def mean_square(x: Any, axis: Any = -1) -> Any:
    return (x * x).mean(axis=axis, keepdims=True)


@exercise.mistake
def layer_norm(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """LayerNorm: the mean is subtracted first.

    Why: RMSNorm is learned as LayerNorm with less in it, and the line of the mean stays.
    Hint: Add 500 to all numbers of a token. Should the output stay?
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    return gamma * centred / np.sqrt(mean_square(centred) + eps)


@exercise.mistake
def divided_by_the_deviation(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """x is not centred, and yet divided by its standard deviation.

    Why: x.std() is at hand, and for a mean of 0 it is the root mean square.
    Hint: What is the deviation of a token of equal numbers, and what its root mean square?
    """
    return gamma * x / np.sqrt(x.var(axis=-1, keepdims=True) + eps)


@exercise.mistake
def over_the_batch(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The mean square runs over the first axis.

    Why: For a square input both fit.
    Hint: Change another token. Does the output of this one move?
    """
    return gamma * x / np.sqrt(mean_square(x, 0) + eps)


@exercise.mistake
def over_tokens_and_width(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """One mean square for all tokens of a text.

    Why: A text is one example, so its numbers seem to belong together.
    Hint: Change another token. Does the output of this one move?
    """
    return gamma * x / np.sqrt(mean_square(x, (-2, -1) if x.ndim > 1 else -1) + eps)


@exercise.mistake
def over_everything(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """One mean square for the whole array.

    Why: mean() without an axis.
    Hint: Change another token. Does the output of this one move?
    """
    return gamma * x / np.sqrt((x * x).mean() + eps)


@exercise.mistake
def length_for_root_mean_square(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Sum in the place of mean: every token gets length 1.

    Why: np.linalg.norm is one call, and the sum of squares is in it.
    Hint: What is the mean square of your output, with gains of 1?
    """
    return gamma * x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)


@exercise.mistake
def root_missing(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The root is missing: divided by the mean square.

    Why: Square and mean are done, and the first letter of the name is forgotten.
    Hint: Make x ten times as large. Does the output stay?
    """
    return gamma * x / (mean_square(x) + eps)


@exercise.mistake
def mean_of_sizes(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """Divided by the mean of |x|, not by the root of the mean square.

    Why: Root and square seem to undo each other.
    Hint: For a token (0, 2): what is the mean of |x|, and what the root of the mean square?
    """
    return gamma * x / (np.abs(x).mean(axis=-1, keepdims=True) + eps)


@exercise.mistake
def eps_outside_the_root(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is added to the root, not under it.

    Why: It keeps the division from 0 there as well.
    Hint: How large is sqrt(0 + eps), and how large sqrt(0) + eps?
    """
    return gamma * x / (np.sqrt(mean_square(x)) + eps)


@exercise.mistake
def eps_as_a_floor(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is the least mean square, and is not added.

    Why: A maximum keeps the division from 0 too.
    Hint: Call it with eps=0.1 on numbers of size 1.
    """
    return gamma * x / np.sqrt(np.maximum(mean_square(x), eps if eps else np.finfo(float).tiny))


@exercise.mistake
def eps_in_the_sum(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is added to the sum of squares, before it is divided by C.

    Why: The sum is what must not be 0.
    Hint: What is under the root for a token of zeros?
    """
    return gamma * x / np.sqrt(((x * x).sum(axis=-1, keepdims=True) + eps) / x.shape[-1])


@exercise.mistake
def eps_left_out(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is not used.

    Why: On numbers of size 1 it is not seen.
    Hint: What is the output of a token of zeros?
    """
    with np.errstate(all="ignore"):
        return gamma * x / np.sqrt(mean_square(x))


@exercise.mistake
def eps_fixed(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is 1e-5, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Call it with eps=0.1.
    """
    return gamma * x / np.sqrt(mean_square(x) + 1e-5)


@exercise.mistake
def divided_by_c_minus_one(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The sum of squares is divided by C - 1.

    Why: A sample's variance is divided like that.
    Hint: For how many numbers is the mean taken? Try a token of one number.
    """
    with np.errstate(all="ignore"):
        return gamma * x / np.sqrt((x * x).sum(axis=-1, keepdims=True) / np.float64(x.shape[-1] - 1) + eps)


@exercise.mistake
def gain_left_out(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """gamma is not used.

    Why: With gains of 1, as they start, nothing is missing.
    Hint: Call it with gamma = 2.
    """
    return x / np.sqrt(mean_square(x) + eps)


@exercise.mistake
def gain_counted_from_one(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The gain is 1 + gamma.

    Why: Gemma keeps its gains as what they differ from 1 by.
    Hint: What is the output for gamma = 0?
    """
    return (1 + gamma) * x / np.sqrt(mean_square(x) + eps)


@exercise.mistake
def gain_inside(x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The gain is multiplied first, and its product is normalised.

    Why: It looks like a factor whose place does not matter.
    Hint: Make every gain twice as large. Does the output follow?
    """
    return gamma * x / np.sqrt(mean_square(gamma * x) + eps)
