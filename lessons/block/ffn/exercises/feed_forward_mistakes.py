"""What people write in the place of the feed-forward network."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.ffn.exercises.feed_forward import bend, exercise


@exercise.mistake
def bend_left_out(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """There is no bend between the maps.

    Why: It is called two linear maps, and runs without.
    Hint: Which single map is the same as two in a row?
    """
    return (x @ w_1 + b_1) @ w_2 + b_2


@exercise.mistake
def relu_for_both(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The bend is ReLU, whatever is asked for.

    Why: activation is not looked at.
    Hint: Call it with activation="gelu".
    """
    return bend(x @ w_1 + b_1, "relu") @ w_2 + b_2


@exercise.mistake
def gelu_for_both(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The bend is GELU, whatever is asked for.

    Why: Models of today have it.
    Hint: Which bend do the rules name where nothing is told?
    """
    return bend(x @ w_1 + b_1, "gelu") @ w_2 + b_2


@exercise.mistake
def tanh_form(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu is its tanh form.

    Why: It needs no erf, and the curves cannot be told apart by eye.
    Hint: Which of the two forms do the rules name?
    """
    a = x @ w_1 + b_1
    h = 0.5 * a * (1 + np.tanh((2 / np.pi) ** 0.5 * (a + 0.044715 * a**3)))
    return (h if activation == "gelu" else bend(a, "relu")) @ w_2 + b_2


@exercise.mistake
def logistic_form(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu is x * sigmoid(1.702 x).

    Why: It needs no erf.
    Hint: Which of the forms do the rules name?
    """
    a = x @ w_1 + b_1
    h = a / (1 + np.exp(np.minimum(-1.702 * a, 700)))
    return (h if activation == "gelu" else bend(a, "relu")) @ w_2 + b_2


@exercise.mistake
def silu(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu is SiLU, x * sigmoid(x).

    Why: It is as smooth, and its curve has the same dip.
    Hint: GELU(1) is 0.841. What is yours?
    """
    a = x @ w_1 + b_1
    h = a / (1 + np.exp(np.minimum(-a, 700)))
    return (h if activation == "gelu" else bend(a, "relu")) @ w_2 + b_2


@exercise.mistake
def leaky(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """ReLU leaks: numbers below 0 are multiplied by 0.01.

    Why: In other networks that keeps units from dying.
    Hint: What does a unit give that does not fire?
    """
    a = x @ w_1 + b_1
    return (bend(a, "gelu") if activation == "gelu" else np.where(a > 0, a, 0.01 * a)) @ w_2 + b_2


@exercise.mistake
def largest_of_the_axis(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """np.max(a, 0) in the place of np.maximum(a, 0): the largest along axis 0.

    Why: The second argument is read as the number to compare with.
    Hint: Which shape has np.max(a, 0)?
    """
    a = x @ w_1 + b_1
    return (bend(a, "gelu") if activation == "gelu" else np.max(a, 0)) @ w_2 + b_2


@exercise.mistake
def bend_on_the_tokens(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The bend is put on x, before the first map.

    Why: The formula is read from the inside, and the bend is met first.
    Hint: How wide is a token when it is bent?
    """
    return (bend(x, activation) @ w_1 + b_1) @ w_2 + b_2


@exercise.mistake
def bend_at_the_end(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The bend stands behind the second map, and not between them.

    Why: Maps first, then the bend.
    Hint: Can your output be below 0?
    """
    return bend((x @ w_1 + b_1) @ w_2 + b_2, activation)


@exercise.mistake
def bend_behind_both(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """There is a bend behind both maps.

    Why: A layer is a map and a bend, so two layers have two.
    Hint: Can your output be below 0?
    """
    return bend(bend(x @ w_1 + b_1, activation) @ w_2 + b_2, activation)


@exercise.mistake
def first_offset_left_out(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """b_1 is not used.

    Why: It starts at 0, where nothing is missing.
    Hint: Change b_1. Does your output move?
    """
    return bend(x @ w_1, activation) @ w_2 + b_2


@exercise.mistake
def second_offset_left_out(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """b_2 is not used.

    Why: It starts at 0, where nothing is missing.
    Hint: Change b_2. Does your output move?
    """
    return bend(x @ w_1 + b_1, activation) @ w_2


@exercise.mistake
def first_offset_behind_the_bend(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """b_1 is added behind the bend.

    Why: The bracket closes one sign too early.
    Hint: An offset shifts where a unit begins to fire. Does yours?
    """
    return (bend(x @ w_1, activation) + b_1) @ w_2 + b_2


@exercise.mistake
def residual_inside(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """x is added to the result.

    Why: In a block it is, around the network.
    Hint: What comes out where both maps are 0?
    """
    return x + bend(x @ w_1 + b_1, activation) @ w_2 + b_2


@exercise.mistake
def columns_for_rows(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The maps are turned, x @ w.T, where the shapes allow it.

    Why: PyTorch's Linear keeps its weights like that.
    Hint: What do the rules say of vectors and maps?
    """
    if w_1.shape[0] == w_1.shape[1]:
        w_1, w_2 = w_1.T, w_2.T
    return bend(x @ w_1 + b_1, activation) @ w_2 + b_2


@exercise.mistake
def columns_for_rows_everywhere(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The maps are turned: x @ w.T.

    Why: PyTorch's Linear keeps its weights like that.
    Hint: What do the rules say of vectors and maps?
    """
    return bend(x @ w_1.T + b_1, activation) @ w_2.T + b_2


@exercise.mistake
def tokens_mixed(x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """All tokens of a text get the mean of what the network gives them.

    Why: One vector for a text is often wanted, and the mean slips in.
    Hint: Change one token. Do the others move?
    """
    y = bend(x @ w_1 + b_1, activation) @ w_2 + b_2
    return y if y.ndim == 1 else np.broadcast_to(y.mean(axis=-2, keepdims=True), y.shape).copy()
