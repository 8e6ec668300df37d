"""What people write in the place of the Jacobian of softmax."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.softmax_jacobian.exercises.softmax_jacobian import exercise, softmax


def diagonal(p: Any) -> Any:
    return p[..., :, None] * np.eye(p.shape[-1])


def outer(p: Any) -> Any:
    return p[..., :, None] * p[..., None, :]


def jacobian(p: Any) -> Any:
    return diagonal(p) - outer(p)


@exercise.mistake
def own_entry_alone(x: Any, temperature: float = 1.0) -> Any:
    """The matrix has p (1 - p) on its diagonal, and 0 besides.

    Why: So it is with a sigmoid, where each number has its own.
    Hint: Raise one number of x. Do the other probabilities stay?
    """
    p = softmax(x / temperature)
    return p, diagonal(p * (1 - p)) / temperature


@exercise.mistake
def a_row_of_slopes(x: Any, temperature: float = 1.0) -> Any:
    """The derivative has the shape of p: p (1 - p).

    Why: The derivative of a sigmoid is written down.
    Hint: How many derivatives are there, if each p depends on each x?
    """
    p = softmax(x / temperature)
    return p, p * (1 - p) / temperature


@exercise.mistake
def sign_beside_the_diagonal(x: Any, temperature: float = 1.0) -> Any:
    """Beside the diagonal stands + p_i p_j.

    Why: The minus of the quotient rule is lost.
    Hint: One number of x grows. Do the other probabilities grow with it?
    """
    p = softmax(x / temperature)
    return p, (diagonal(p * (1 - p)) + outer(p) - diagonal(p * p)) / temperature


@exercise.mistake
def minus_the_outer_product(x: Any, temperature: float = 1.0) -> Any:
    """The matrix is - p p^T: diag(p) is missing.

    Why: Only the sum below the line is differentiated.
    Hint: x_i also stands above the line of p_i.
    """
    p = softmax(x / temperature)
    return p, -outer(p) / temperature


@exercise.mistake
def sign_turned(x: Any, temperature: float = 1.0) -> Any:
    """The matrix is p p^T - diag(p).

    Why: The difference is turned around.
    Hint: One number of x grows. Does its own probability fall?
    """
    p = softmax(x / temperature)
    return p, -jacobian(p) / temperature


@exercise.mistake
def of_the_logarithm(x: Any, temperature: float = 1.0) -> Any:
    """The matrix is that of log softmax, delta_ij - p_j.

    Why: The factor p_i is lost, or cross-entropy is in mind.
    Hint: A p near 0: can it move by much?
    """
    p = softmax(x / temperature)
    return p, (np.eye(p.shape[-1]) - p[..., None, :]) / temperature


@exercise.mistake
def ones_for_p(x: Any, temperature: float = 1.0) -> Any:
    """The matrix is I - p p^T.

    Why: A 1 is put on the diagonal in the place of p_i.
    Hint: What should a row of the matrix sum to?
    """
    p = softmax(x / temperature)
    return p, (np.eye(p.shape[-1]) - outer(p)) / temperature


@exercise.mistake
def temperature_not_in_the_jacobian(x: Any, temperature: float = 1.0) -> Any:
    """The Jacobian is not divided by the temperature.

    Why: It seems to be inside of p already.
    Hint: x goes to x / temperature, and that to p. Whose derivatives are multiplied?
    """
    p = softmax(x / temperature)
    return p, jacobian(p)


@exercise.mistake
def times_the_temperature(x: Any, temperature: float = 1.0) -> Any:
    """The Jacobian is multiplied by the temperature.

    Why: The chain rule is applied the wrong way around.
    Hint: A hot row is flat. Does p move faster there, or slower?
    """
    p = softmax(x / temperature)
    return p, jacobian(p) * temperature


@exercise.mistake
def temperature_squared(x: Any, temperature: float = 1.0) -> Any:
    """The Jacobian is divided by the temperature twice.

    Why: Once for each p in p_i p_j.
    Hint: How often is x divided on its way to p?
    """
    p = softmax(x / temperature)
    return p, jacobian(p) / temperature**2


@exercise.mistake
def temperature_not_used(x: Any, temperature: float = 1.0) -> Any:
    """The temperature is not used.

    Why: It is 1 in the first tests.
    Hint: Call it with temperature=100. Which p is right?
    """
    p = softmax(x)
    return p, jacobian(p)


@exercise.mistake
def multiplied_by_the_temperature(x: Any, temperature: float = 1.0) -> Any:
    """x is multiplied by the temperature.

    Why: An inverse temperature is in mind.
    Hint: A high temperature: is p flat then, or sharp?
    """
    p = softmax(x * temperature)
    return p, jacobian(p) * temperature


@exercise.mistake
def no_maximum(x: Any, temperature: float = 1.0) -> Any:
    """exp overflows: the largest number is not subtracted.

    Why: On small numbers the code gives the same.
    Hint: What is exp(9000)?
    """
    e = np.exp(x / temperature)
    p = e / e.sum(axis=-1, keepdims=True)
    return p, jacobian(p) / temperature


@exercise.mistake
def first_axis(x: Any, temperature: float = 1.0) -> Any:
    """Softmax runs along the first axis.

    Why: sum(axis=0) is written.
    Hint: Which numbers should sum to 1?
    """
    p = np.moveaxis(softmax(np.moveaxis(x / temperature, 0, -1)), -1, 0)
    return p, jacobian(p) / temperature


@exercise.mistake
def all_rows_as_one(x: Any, temperature: float = 1.0) -> Any:
    """The sum below the line runs over all rows.

    Why: sum() is written without an axis.
    Hint: What does each row of p sum to?
    """
    p = softmax(x.reshape(-1) / temperature).reshape(x.shape)
    return p, jacobian(p) / temperature
