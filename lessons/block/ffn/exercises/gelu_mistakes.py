"""What people write in the place of GELU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lessons.block.ffn.exercises.gelu import exercise, solution

ROOT = math.sqrt(2 / math.pi)


def erf(x: Any) -> Any:
    return np.vectorize(math.erf)(x)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(np.clip(-x, -700, 700)))


def exact(x: Any) -> Any:
    return solution(x)


def with_tanh(x: Any, u: Any = None) -> Any:
    return 0.5 * x * (1 + np.tanh(ROOT * (x + 0.044715 * x**3) if u is None else u))


@exercise.mistake
def tanh_for_both(x: Any, form: str = "exact") -> Any:
    """The tanh form is given for both.

    Why: Both are called GELU, and their curves cannot be told apart by eye.
    Hint: GELU(1) is how often 1? Look the share of normal draws below 1 up, to six digits.
    """
    return with_tanh(x)


@exercise.mistake
def exact_for_both(x: Any, form: str = "exact") -> Any:
    """The exact form is given for both.

    Why: form is not looked at, and the results agree to three digits.
    Hint: Call it with both forms. Is there a difference?
    """
    return exact(x)


@exercise.mistake
def forms_exchanged(x: Any, form: str = "exact") -> Any:
    """The two forms are exchanged.

    Why: An if is written the other way round.
    Hint: Which of your two branches calls erf?
    """
    return exact(x) if form == "tanh" else with_tanh(x)


@exercise.mistake
def root_of_two_missing(x: Any, form: str = "exact") -> Any:
    """erf is taken at x, not at x / sqrt(2).

    Why: erf is taken for the normal distribution function itself.
    Hint: The share of draws within one deviation is 0.683. What is erf(1)?
    """
    return with_tanh(x) if form == "tanh" else 0.5 * x * (1 + erf(x))


@exercise.mistake
def times_root_of_two(x: Any, form: str = "exact") -> Any:
    """erf is taken at x * sqrt(2).

    Why: sqrt(2) is remembered, and its side of the stroke is not.
    Hint: The share of draws within one deviation is 0.683. At which place is erf that?
    """
    return with_tanh(x) if form == "tanh" else 0.5 * x * (1 + erf(x * math.sqrt(2)))


@exercise.mistake
def half_missing(x: Any, form: str = "exact") -> Any:
    """The factor 1/2 is missing.

    Why: x (1 + ...) reads as whole.
    Hint: What should GELU(10) be?
    """
    return 2 * solution(x, form)


@exercise.mistake
def one_missing(x: Any, form: str = "exact") -> Any:
    """The 1 is missing: x * erf / 2, and x * tanh / 2.

    Why: erf and tanh are taken for shares from 0 to 1, and run from -1 to 1.
    Hint: What should GELU(-10) be?
    """
    return solution(x, form) - 0.5 * x


@exercise.mistake
def x_missing(x: Any, form: str = "exact") -> Any:
    """The share is returned, without x.

    Why: The share is the long part of the formula.
    Hint: What should GELU(10) be?
    """
    ones = np.ones_like(x)
    inner = np.tanh(ROOT * (x + 0.044715 * x**3)) if form == "tanh" else erf(x / math.sqrt(2))
    return 0.5 * ones * (1 + inner)


@exercise.mistake
def density_for_the_share(x: Any, form: str = "exact") -> Any:
    """The bell curve is taken, not the share below x.

    Why: phi and Phi are told apart by the size of a letter.
    Hint: What should GELU(10) be?
    """
    return with_tanh(x) if form == "tanh" else x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


@exercise.mistake
def logistic_for_the_share(x: Any, form: str = "exact") -> Any:
    """The exact form is x * sigmoid(1.702 x).

    Why: That is the shorter approximation of the same paper.
    Hint: What is the share of normal draws below 1, to three digits?
    """
    return with_tanh(x) if form == "tanh" else x * sigmoid(1.702 * x)


@exercise.mistake
def logistic_for_tanh(x: Any, form: str = "exact") -> Any:
    """The tanh form is x * sigmoid(1.702 x).

    Why: That is the shorter approximation of the same paper.
    Hint: Which function do the rules name for the second form?
    """
    return x * sigmoid(1.702 * x) if form == "tanh" else exact(x)


@exercise.mistake
def silu(x: Any, form: str = "exact") -> Any:
    """SiLU: x * sigmoid(x).

    Why: It is as smooth, and its curve has the same dip.
    Hint: GELU(1) is 0.841. What is yours?
    """
    return x * sigmoid(x)


@exercise.mistake
def relu(x: Any, form: str = "exact") -> Any:
    """ReLU.

    Why: GELU is a ReLU with a round corner, and far from 0 they are the same.
    Hint: What should GELU(-1) be?
    """
    return np.maximum(x, 0)


@exercise.mistake
def square_for_the_cube(x: Any, form: str = "exact") -> Any:
    """The tanh form has x^2 in the place of x^3.

    Why: One digit.
    Hint: The share below -x and the share below x sum to 1. Do yours?
    """
    return with_tanh(x, ROOT * (x + 0.044715 * x**2)) if form == "tanh" else exact(x)


@exercise.mistake
def cube_missing(x: Any, form: str = "exact") -> Any:
    """The tanh form has no cubic term.

    Why: It is small near 0.
    Hint: How far from the exact form are you at x = 2?
    """
    return with_tanh(x, ROOT * x) if form == "tanh" else exact(x)


@exercise.mistake
def cube_outside_the_bracket(x: Any, form: str = "exact") -> Any:
    """sqrt(2 / pi) multiplies x alone, not the cubic term.

    Why: The bracket is lost.
    Hint: What does sqrt(2 / pi) stand in front of?
    """
    return with_tanh(x, ROOT * x + 0.044715 * x**3) if form == "tanh" else exact(x)


@exercise.mistake
def number_inside_the_cube(x: Any, form: str = "exact") -> Any:
    """The number is cubed along with x: (0.044715 x)^3.

    Why: Where a power ends is read wrongly.
    Hint: How large is your cubic term at x = 2?
    """
    return with_tanh(x, ROOT * (x + (0.044715 * x) ** 3)) if form == "tanh" else exact(x)


@exercise.mistake
def ten_times_the_cube(x: Any, form: str = "exact") -> Any:
    """The number of the cubic term is 0.44715.

    Why: One digit.
    Hint: How far from the exact form are you at x = 1?
    """
    return with_tanh(x, ROOT * (x + 0.44715 * x**3)) if form == "tanh" else exact(x)


@exercise.mistake
def scale_missing(x: Any, form: str = "exact") -> Any:
    """sqrt(2 / pi) is missing in the tanh form.

    Why: The bracket is what is remembered.
    Hint: Which slope has the share of draws at 0, and which has yours?
    """
    return with_tanh(x, x + 0.044715 * x**3) if form == "tanh" else exact(x)


@exercise.mistake
def scale_upside_down(x: Any, form: str = "exact") -> Any:
    """sqrt(pi / 2) in the place of sqrt(2 / pi).

    Why: Both numbers are remembered, and which is above is not.
    Hint: Which slope has the share of draws at 0, and which has yours?
    """
    return with_tanh(x, (x + 0.044715 * x**3) / ROOT) if form == "tanh" else exact(x)


@exercise.mistake
def scale_without_a_root(x: Any, form: str = "exact") -> Any:
    """2 / pi in the place of its root.

    Why: The root is forgotten.
    Hint: Which slope has the share of draws at 0, and which has yours?
    """
    return with_tanh(x, ROOT**2 * (x + 0.044715 * x**3)) if form == "tanh" else exact(x)


@exercise.mistake
def sigmoid_of_u(x: Any, form: str = "exact") -> Any:
    """The tanh form is x * sigmoid(u).

    Why: (1 + tanh(u)) / 2 is a sigmoid, of another argument.
    Hint: (1 + tanh(u)) / 2 is the sigmoid of how many u?
    """
    return x * sigmoid(ROOT * (x + 0.044715 * x**3)) if form == "tanh" else exact(x)
