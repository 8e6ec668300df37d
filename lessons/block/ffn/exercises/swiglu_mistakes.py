"""What people write in the place of SwiGLU."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.block.ffn.exercises.swiglu import exercise, sigmoid


def ended(hidden: Any, w_down: Any) -> Any:
    return hidden @ w_down, hidden


@exercise.mistake
def gate_and_up_exchanged(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """x w_up goes through SiLU, and x w_gate is left as it is.

    Why: The two maps have the same shape.
    Hint: Which of the two is the gate?
    """
    up = x @ w_up
    return ended(up * sigmoid(beta * up) * (x @ w_gate), w_down)


@exercise.mistake
def both_bent(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """Both maps go through SiLU.

    Why: The bend is applied to the product of a joined map.
    Hint: How many bends has the formula?
    """
    a, up = x @ w_gate, x @ w_up
    return ended(a * sigmoid(beta * a) * up * sigmoid(beta * up), w_down)


@exercise.mistake
def not_gated(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """SiLU(x w_gate) alone is the hidden vector; w_up is not used.

    Why: So is a plain network with another bend.
    Hint: Change w_up. Does y move?
    """
    a = x @ w_gate
    return ended(a * sigmoid(beta * a), w_down)


@exercise.mistake
def sigmoid_gate(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """The gate is sigmoid(x w_gate), without the factor x w_gate.

    Why: That is the first gated unit, GLU.
    Hint: What is SiLU(a) for a large a?
    """
    return ended(sigmoid(beta * (x @ w_gate)) * (x @ w_up), w_down)


@exercise.mistake
def no_bend(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """Nothing is bent: x w_gate times x w_up.

    Why: That is the bilinear unit.
    Hint: What is hidden if x w_gate is far below 0?
    """
    return ended((x @ w_gate) * (x @ w_up), w_down)


@exercise.mistake
def relu(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """The bend is ReLU.

    Why: That is ReGLU.
    Hint: Is SiLU(-1) zero?
    """
    return ended(np.maximum(x @ w_gate, 0) * (x @ w_up), w_down)


@exercise.mistake
def gelu(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """The bend is GELU, by its formula with tanh.

    Why: That is GeGLU.
    Hint: Which function does the rule name?
    """
    a = x @ w_gate
    return ended(a * sigmoid(2 * np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)) * (x @ w_up), w_down)


@exercise.mistake
def added(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """The two are added, not multiplied.

    Why: It is read as a residual path.
    Hint: What does a gate of 0 let through?
    """
    a = x @ w_gate
    return ended(a * sigmoid(beta * a) + x @ w_up, w_down)


@exercise.mistake
def beta_not_used(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """beta is not used.

    Why: It is 1 in the first tests.
    Hint: Call it with beta=0. Is SiLU a straight line then?
    """
    a = x @ w_gate
    return ended(a * sigmoid(a) * (x @ w_up), w_down)


@exercise.mistake
def beta_on_both(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """beta multiplies the number in front of the sigmoid as well.

    Why: SiLU(beta a) is written.
    Hint: Which of the two a in the rule has beta?
    """
    a = beta * (x @ w_gate)
    return ended(a * sigmoid(a) * (x @ w_up), w_down)


@exercise.mistake
def divided_by_beta(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """The sigmoid gets a / beta.

    Why: beta is taken for a temperature.
    Hint: A large beta: is the bend sharp then, or flat?
    """
    a = x @ w_gate
    return ended(a * sigmoid(a / beta) * (x @ w_up), w_down)


@exercise.mistake
def exp_overflows(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """a exp(a) / (1 + exp(a)): for a large a that is inf over inf.

    Why: On small numbers the code gives the same.
    Hint: What is exp(5000)?
    """
    a = x @ w_gate
    return ended(a * np.exp(beta * a) / (1 + np.exp(beta * a)) * (x @ w_up), w_down)


@exercise.mistake
def sign_in_the_sigmoid(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """1 / (1 + exp(a)): the sign in the exponent is lost.

    Why: Both forms look alike.
    Hint: Is the gate open where x w_gate is large?
    """
    a = x @ w_gate
    return ended(a * sigmoid(-beta * a) * (x @ w_up), w_down)


@exercise.mistake
def gate_behind_the_map(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """x w_up goes down first, and the sum is gated by x.

    Why: The gate is thought of as the last step.
    Hint: Which width has the gate, C or F?
    """
    a = x @ w_gate
    return (x @ w_up) @ w_down * x, a * sigmoid(beta * a) * (x @ w_up)


@exercise.mistake
def hidden_before_the_gate(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """hidden is SiLU(x w_gate), before it meets x w_up.

    Why: In a plain network the hidden vector stands behind the bend.
    Hint: Which vector does w_down multiply?
    """
    a = x @ w_gate
    silu = a * sigmoid(beta * a)
    return silu * (x @ w_up) @ w_down, silu


@exercise.mistake
def residual_added(x: Any, w_gate: Any, w_up: Any, w_down: Any, beta: float = 1.0) -> Any:
    """x is added to y.

    Why: A block does that.
    Hint: Read the rule again: what is y?
    """
    a = x @ w_gate
    y, hidden = ended(a * sigmoid(beta * a) * (x @ w_up), w_down)
    return x + y, hidden
