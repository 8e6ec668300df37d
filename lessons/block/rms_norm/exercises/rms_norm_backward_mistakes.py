"""What people write in the place of the backward of RMSNorm."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.rms_norm.exercises.rms_norm_backward import exercise


def mean(x: Any) -> Any:
    return x.mean(axis=-1, keepdims=True)


def parts(dy: Any, x: Any, gamma: Any, eps: float) -> tuple[Any, Any, Any]:
    """n, g = dy * gamma, and the root."""
    root = np.sqrt(mean(x * x) + eps)
    return x / root, dy * gamma, root


def whole(dx: Any, dy: Any, n: Any) -> tuple[Any, Any]:
    return dx, (dy * n).sum(axis=tuple(range(dy.ndim - 1)))


def right(dy: Any, x: Any, gamma: Any, eps: float) -> tuple[Any, Any]:
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - n * mean(g * n)) / root, dy, n)


@exercise.mistake
def root_is_constant(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The root is taken for a constant.

    Why: It has a name of its own by then, and looks like a given number.
    Hint: Move one number of a token: what else changes besides it?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole(g / root, dy, n)


@exercise.mistake
def backward_of_layer_norm(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """LayerNorm's backward: mean(g) is subtracted too.

    Why: It is copied from LayerNorm, and the line of the mean stays.
    Hint: Is there a mean of x in the forward?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - mean(g) - n * mean(g * n)) / root, dy, n)


@exercise.mistake
def whole_of_layer_norm(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """All of LayerNorm: x is centred, and its backward follows.

    Why: Both are called "norm".
    Hint: Is there a mean of x in the forward?
    """
    n, g, root = parts(dy, x - mean(x), gamma, eps)
    return whole((g - mean(g) - n * mean(g * n)) / root, dy, n)


@exercise.mistake
def sign_of_the_root(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The way through the root has the wrong sign.

    Why: The derivative of 1 / sqrt has a minus, and it is lost.
    Hint: Does the root grow or shrink when |x_i| grows, and what do the others do then?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g + n * mean(g * n)) / root, dy, n)


@exercise.mistake
def square_not_halved(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The way through the root counts twice.

    Why: The 2 of the square is kept, and the 1/2 of the root is lost.
    Hint: Differentiate (x^2)^(1/2) in two steps. Which two factors meet?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - 2 * n * mean(g * n)) / root, dy, n)


@exercise.mistake
def square_without_its_two(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The way through the root counts half.

    Why: The 1/2 of the root is kept, and the 2 of the square is lost.
    Hint: Differentiate (x^2)^(1/2) in two steps. Which two factors meet?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - 0.5 * n * mean(g * n)) / root, dy, n)


@exercise.mistake
def sum_for_the_mean(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """A sum in the place of the mean: 1 / C is missing.

    Why: The chain rule gives a sum, and the 1 / C stands in the definition of the mean square.
    Hint: What is the derivative of the mean of the squares for one of its C numbers?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - n * (g * n).sum(axis=-1, keepdims=True)) / root, dy, n)


@exercise.mistake
def mean_over_all(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The mean of g n runs over all tokens.

    Why: mean() without an axis.
    Hint: Through whose root does a token's own number go?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - n * (g * n).mean()) / root, dy, n)


@exercise.mistake
def x_for_the_normalised(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """x stands in front of the mean, in the place of the normalised token.

    Why: The derivative of the mean square is 2 x / C, and the two roots below it are lost.
    Hint: How often does the root divide in x * mean(g x) / root^3?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - x * mean(g * n)) / root, dy, n)


@exercise.mistake
def x_for_the_normalised_twice(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """x stands in the place of the normalised token, before the mean and in it.

    Why: The derivative of 1 / root has root^3 below the stroke, and one root is remembered.
    Hint: Make x ten times as large. By how much does each of your two terms change?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - x * mean(g * x)) / root, dy, n)


@exercise.mistake
def not_divided(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The division by the root is missing.

    Why: Behind the normalisation everything has size 1.
    Hint: Make x ten times as large. Should dx stay?
    """
    n, g, _ = parts(dy, x, gamma, eps)
    return whole(g - n * mean(g * n), dy, n)


@exercise.mistake
def gain_forgotten(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dx is computed from dy without gamma.

    Why: With gains of 1, as they start, nothing is missing.
    Hint: Which number reaches n: dy, or dy times something?
    """
    n, _, root = parts(dy, x, gamma, eps)
    return whole((dy - n * mean(dy * n)) / root, dy, n)


@exercise.mistake
def gain_behind(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """gamma is multiplied behind the mean, not before it.

    Why: It looks like a factor that can be taken out.
    Hint: Is gamma the same for all C numbers that are averaged?
    """
    n, _, root = parts(dy, x, gamma, eps)
    return whole(gamma * (dy - n * mean(dy * n)) / root, dy, n)


@exercise.mistake
def gain_outside_the_mean(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The first term has gamma, the mean has not.

    Why: g is written in one of two places.
    Hint: Which number reaches n: dy, or dy times something?
    """
    n, g, root = parts(dy, x, gamma, eps)
    return whole((g - n * mean(dy * n)) / root, dy, n)


@exercise.mistake
def eps_left_out(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is missing in the root.

    Why: On numbers of size 1 it is not seen.
    Hint: Try an eps of 0.1.
    """
    with np.errstate(all="ignore"):
        return right(dy, x, gamma, 0.0)


@exercise.mistake
def eps_fixed(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """eps is 1e-5, whatever is asked for.

    Why: The number is typed into the formula.
    Hint: Try an eps of 0.1.
    """
    return right(dy, x, gamma, 1e-5)


@exercise.mistake
def mean_square_of_one(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """The normalised token is taken to have mean square 1 exactly, which it has for eps = 0.

    Why: dx should be at right angles to x, so it is projected on what is.
    Hint: What is the mean square of n, when eps is as large as that of x?
    """
    n, g, root = parts(dy, x, gamma, eps)
    with np.errstate(all="ignore"):
        return whole((g - n * mean(g * n) / mean(n * n)) / root, dy, n)


@exercise.mistake
def gain_averaged(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is a mean over the tokens, not a sum.

    Why: Gradients are averaged over a batch, somewhere.
    Hint: Every token adds its own part to the loss. Who divides by their number?
    """
    dx, dgamma = right(dy, x, gamma, eps)
    return dx, dgamma / (x.size // x.shape[-1])


@exercise.mistake
def gain_from_x(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is the sum of dy * x, not of dy times the normalised x.

    Why: gamma multiplies the input, and the input is called x.
    Hint: What does gamma multiply in the forward?
    """
    return whole(right(dy, x, gamma, eps)[0], dy, x)


@exercise.mistake
def gain_from_g(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is the sum of dy * gamma * n: gamma stands in its own gradient.

    Why: g is at hand, and looks like the gradient of what came out.
    Hint: y is gamma * n. What is left of that when it is differentiated for gamma?
    """
    n, g, _ = parts(dy, x, gamma, eps)
    return whole(right(dy, x, gamma, eps)[0], g, n)


@exercise.mistake
def gain_over_the_first_axis(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is summed over the first axis alone.

    Why: For a matrix that is all; a batch of texts has one axis more.
    Hint: Which shape has gamma?
    """
    n, _, _ = parts(dy, x, gamma, eps)
    return right(dy, x, gamma, eps)[0], (dy * n).sum(axis=0) if x.ndim > 1 else dy * n


@exercise.mistake
def gain_not_summed(dy: Any, x: Any, gamma: Any, eps: float = 1e-5) -> Any:
    """dgamma is not summed: every token has its own.

    Why: Number by number the derivative of gamma * n is n.
    Hint: Which shape has gamma?
    """
    n, _, _ = parts(dy, x, gamma, eps)
    return right(dy, x, gamma, eps)[0], dy * n
