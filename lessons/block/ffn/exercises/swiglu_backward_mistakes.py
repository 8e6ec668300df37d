"""What people write in the place of the backward of SwiGLU."""

from __future__ import annotations

from typing import Any, NamedTuple

from lessons.block.ffn.exercises.swiglu import sigmoid
from lessons.block.ffn.exercises.swiglu_backward import exercise


class Made(NamedTuple):
    """Of one call, tokens as rows (N, ...).  share: sigmoid(a); back: the gradient of hidden."""

    x: Any
    dy: Any
    a: Any
    u: Any
    share: Any
    back: Any

    @property
    def da(self) -> Any:
        return self.back * self.u * self.share * (1 + self.a * (1 - self.share))

    @property
    def du(self) -> Any:
        return self.back * self.a * self.share


def made(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Made:
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    a, u = rows @ w_gate, rows @ w_up
    return Made(rows, drows, a, u, sigmoid(a), drows @ w_down.T)


def ended(m: Made, x: Any, w_gate: Any, w_up: Any, da: Any = None, du: Any = None) -> tuple[Any, ...]:
    """da, du: in the place of the right ones."""
    da, du = m.da if da is None else da, m.du if du is None else du
    dx = da @ w_gate.T + du @ w_up.T
    return dx.reshape(x.shape), m.x.T @ da, m.x.T @ du, (m.a * m.share * m.u).T @ m.dy


@exercise.mistake
def slope_is_the_share(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """SiLU has the slope sigmoid(a): the share is taken for a constant.

    Why: a times something has that something as its slope, so it seems.
    Hint: Does sigmoid(a) move with a?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * m.share)


@exercise.mistake
def slope_without_the_share(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """SiLU's slope is a sigmoid(a) (1 - sigmoid(a)): the first term is missing.

    Why: Only the sigmoid is differentiated.
    Hint: What is the slope of SiLU at 0?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * m.a * m.share * (1 - m.share))


@exercise.mistake
def slope_of_the_sigmoid(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The slope is that of the sigmoid, without a.

    Why: The gate is taken for a sigmoid.
    Hint: What is the slope of SiLU for a large a?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * m.share * (1 - m.share))


@exercise.mistake
def sign_in_the_slope(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The slope is sigmoid(a) (1 - a (1 - sigmoid(a))).

    Why: A sign is lost where the terms are put together.
    Hint: Draw SiLU at 1. Is it steeper than sigmoid(1)?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * m.share * (1 - m.a * (1 - m.share)))


@exercise.mistake
def bend_not_undone(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """da has no slope at all.

    Why: The bend is passed over on the way back.
    Hint: Which line of the forward makes silu from a?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u)


@exercise.mistake
def slope_behind_the_bend(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The slope is taken at SiLU(a), not at a.

    Why: In the cache lies what stands behind the bend.
    Hint: Of which number is the slope asked?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    silu = m.a * m.share
    share = sigmoid(silu)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * share * (1 + silu * (1 - share)))


@exercise.mistake
def slope_of_relu(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The slope is 1 above 0 and 0 below.

    Why: So it is in the network with ReLU.
    Hint: Is SiLU flat at -1?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.u * (m.a > 0))


@exercise.mistake
def up_left_out_of_the_gate(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """da lacks the factor u.

    Why: The gate is treated as a network of its own.
    Hint: hidden = silu u. What is the derivative for silu?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, da=m.back * m.share * (1 + m.a * (1 - m.share)))


@exercise.mistake
def gate_left_out_of_up(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """du lacks the factor SiLU(a).

    Why: The path of w_up has no bend, so the gradient goes through.
    Hint: hidden = silu u. What is the derivative for u?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, du=m.back)


@exercise.mistake
def gate_before_the_bend(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """du has the factor a, not SiLU(a).

    Why: The number before the bend is at hand.
    Hint: By what was u multiplied in the forward?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, du=m.back * m.a)


@exercise.mistake
def share_for_the_gate(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """du has the factor sigmoid(a), not SiLU(a).

    Why: That is GLU.
    Hint: By what was u multiplied in the forward?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    return ended(m, x, w_gate, w_up, du=m.back * m.share)


@exercise.mistake
def dx_by_the_gate_alone(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dx comes back through w_gate only.

    Why: One matrix seems to be the way of x.
    Hint: Which lines of the forward read x?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    _, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return (m.da @ w_gate.T).reshape(x.shape), dw_gate, dw_up, dw_down


@exercise.mistake
def dx_by_up_alone(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dx comes back through w_up only.

    Why: The gate is taken for a constant.
    Hint: Which lines of the forward read x?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    _, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return (m.du @ w_up.T).reshape(x.shape), dw_gate, dw_up, dw_down


@exercise.mistake
def maps_crossed_in_dx(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """da goes back through w_up, and du through w_gate.

    Why: The two are exchanged.
    Hint: Through which matrix did x become a?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    _, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return (m.da @ w_up.T + m.du @ w_gate.T).reshape(x.shape), dw_gate, dw_up, dw_down


@exercise.mistake
def gate_and_up_exchanged(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dw_gate and dw_up are returned in the other order.

    Why: They have the same shape.
    Hint: Which one is 0 when w_up is 0?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return dx, dw_up, dw_gate, dw_down


@exercise.mistake
def down_from_the_gate_alone(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dw_down is built with SiLU(a), without u.

    Why: In a plain network the hidden vector stands behind the bend.
    Hint: What does w_down multiply?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, _ = ended(m, x, w_gate, w_up)
    return dx, dw_gate, dw_up, (m.a * m.share).T @ m.dy


@exercise.mistake
def down_before_the_bend(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dw_down is built with a u, before the bend.

    Why: The number before the bend is at hand.
    Hint: What does w_down multiply?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, _ = ended(m, x, w_gate, w_up)
    return dx, dw_gate, dw_up, (m.a * m.u).T @ m.dy


@exercise.mistake
def mean_over_tokens(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The gradients of the maps are means over the tokens.

    Why: The loss is a mean; but that is in dy already.
    Hint: Give it every token twice. What becomes of dw_up?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return dx, dw_gate / len(m.x), dw_up / len(m.x), dw_down / len(m.x)


@exercise.mistake
def maps_transposed(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """The gradients of the maps are transposed.

    Why: dy^T x is written for x^T dy.
    Hint: Compare the shapes with those of the maps.
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return dx, dw_gate.T, dw_up.T, dw_down.T


@exercise.mistake
def residual_added(dy: Any, x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    """dy is added to dx.

    Why: A block has a residual path.
    Hint: Read the rule again: does y hold x itself?
    """
    m = made(dy, x, w_gate, w_up, w_down)
    dx, dw_gate, dw_up, dw_down = ended(m, x, w_gate, w_up)
    return dx + dy, dw_gate, dw_up, dw_down
