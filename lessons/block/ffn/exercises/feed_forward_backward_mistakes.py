"""What people write in the place of the backward of the feed-forward network."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from lessons.block.ffn.exercises.feed_forward import bend
from lessons.block.ffn.exercises.feed_forward_backward import exercise


class Grads(NamedTuple):
    dx: Any
    dw_1: Any
    db_1: Any
    dw_2: Any
    db_2: Any


class Parts(NamedTuple):
    """rows, drows: x and dy, a row for each token, and the hidden units of each."""

    rows: Any
    drows: Any
    a: Any
    h: Any
    slope: Any


def bell(a: Any) -> Any:
    return np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)


def slope_of(a: Any, activation: str) -> Any:
    return 0.5 * (1 + np.vectorize(math.erf)(a / np.sqrt(2))) + a * bell(a) if activation == "gelu" else a > 0


def parts(dy: Any, x: Any, w_1: Any, b_1: Any, activation: str) -> Parts:
    rows = x.reshape(-1, x.shape[-1])
    a = rows @ w_1 + b_1
    return Parts(rows, dy.reshape(-1, dy.shape[-1]), a, bend(a, activation), slope_of(a, activation))


def undone(p: Parts, x: Any, w_1: Any, w_2: Any) -> Grads:
    da = p.drows @ w_2.T * p.slope
    return Grads((da @ w_1.T).reshape(x.shape), p.rows.T @ da, da.sum(0), p.h.T @ p.drows, p.drows.sum(0))


@exercise.mistake
def bend_not_undone(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The bend is not undone: da = dh.

    Why: Two maps follow each other so neatly that what stands between them is skipped.
    Hint: Which three steps does the forward take, and which of them have you undone?
    """
    return undone(parts(dy, x, w_1, b_1, activation)._replace(slope=1.0), x, w_1, w_2)


@exercise.mistake
def slope_behind_the_bend(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The slope is taken at h, behind the bend, not at a.

    Why: For ReLU both give the same, and h is at hand.
    Hint: Where on its curve did the forward enter GELU?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p._replace(slope=slope_of(p.h, activation)), x, w_1, w_2)


@exercise.mistake
def slope_of_relu_for_both(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The slope is ReLU's, whatever the bend is.

    Why: The forward was extended, the backward was not.
    Hint: What is the slope of GELU at -1?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p._replace(slope=p.a > 0), x, w_1, w_2)


@exercise.mistake
def relu_for_both(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """Bend and slope are ReLU's, whatever is asked for.

    Why: activation is not looked at.
    Hint: Call it with activation="gelu".
    """
    return undone(parts(dy, x, w_1, b_1, "relu"), x, w_1, w_2)


@exercise.mistake
def share_is_constant(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu's share is taken for a constant: its slope lacks x * phi(x).

    Why: x times a share is read as x times a weight.
    Hint: The function is a product; how many terms does the product rule give?
    """
    p = parts(dy, x, w_1, b_1, activation)
    slope = p.slope - p.a * bell(p.a) if activation == "gelu" else p.slope
    return undone(p._replace(slope=slope), x, w_1, w_2)


@exercise.mistake
def bell_without_x(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu's slope is Phi(x) + phi(x): the x of the second term is missing.

    Why: The share is differentiated, and what stood in front of it is lost.
    Hint: The function is a product; what stands beside the derivative of its second factor?
    """
    p = parts(dy, x, w_1, b_1, activation)
    slope = p.slope + (1 - p.a) * bell(p.a) if activation == "gelu" else p.slope
    return undone(p._replace(slope=slope), x, w_1, w_2)


@exercise.mistake
def slope_of_the_tanh_form(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """gelu's slope is that of its tanh form.

    Why: Both are called GELU, and their curves cannot be told apart by eye.
    Hint: Which of the two forms do the rules name?
    """
    p, root = parts(dy, x, w_1, b_1, activation), math.sqrt(2 / math.pi)
    t = np.tanh(root * (p.a + 0.044715 * p.a**3))
    slope = (1 + t) / 2 + p.a * (1 - t * t) / 2 * root * (1 + 3 * 0.044715 * p.a**2)
    return undone(p._replace(slope=slope if activation == "gelu" else p.slope), x, w_1, w_2)


@exercise.mistake
def slope_of_one_at_zero(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """relu has the slope 1 at 0.

    Why: >= is written for >.
    Hint: What do the rules say of a unit at 0 exactly?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p if activation == "gelu" else p._replace(slope=p.a >= 0), x, w_1, w_2)


@exercise.mistake
def first_offset_forgotten(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """a is made again without b_1.

    Why: An offset does not stand in any derivative, so it seems.
    Hint: Which units fired in the forward?
    """
    return undone(parts(dy, x, w_1, 0.0, activation), x, w_1, w_2)


@exercise.mistake
def second_map_from_a(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dw_2 is built with a, before the bend, not with h.

    Why: Both have the shape (..., F).
    Hint: What does w_2 multiply in the forward?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p._replace(h=p.a), x, w_1, w_2)


@exercise.mistake
def first_map_before_the_bend(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dw_1 is built with dh, before the bend is undone.

    Why: dh is at hand, and has the right shape.
    Hint: Behind which line of the forward does w_1 stand?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p, x, w_1, w_2)._replace(dw_1=p.rows.T @ (p.drows @ w_2.T))


@exercise.mistake
def offset_before_the_bend(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """db_1 is the sum of dh, before the bend is undone.

    Why: dh is at hand, and has the right shape.
    Hint: May an offset of a unit that never fires get a gradient?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p, x, w_1, w_2)._replace(db_1=(p.drows @ w_2.T).sum(0))


@exercise.mistake
def input_before_the_bend(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dx is built with dh, before the bend is undone.

    Why: dh is at hand, and has the right shape.
    Hint: Does x reach the loss through a unit that does not fire?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p, x, w_1, w_2)._replace(dx=(p.drows @ w_2.T @ w_1.T).reshape(x.shape))


@exercise.mistake
def offsets_averaged(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """db_1 and db_2 are means over the tokens, not sums.

    Why: A loss is often a mean over the batch, and that division is done a second time here.
    Hint: If b_2 grows by 1, how many rows of y grow?
    """
    p = parts(dy, x, w_1, b_1, activation)
    g = undone(p, x, w_1, w_2)
    return g._replace(db_1=g.db_1 / len(p.rows), db_2=g.db_2 / len(p.rows))


@exercise.mistake
def second_offset_averaged(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """db_2 alone is a mean over the tokens, not a sum.

    Why: db_1 comes out of a product that sums by itself, and mean is written for dy.
    Hint: If b_2 grows by 1, how many rows of y grow?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p, x, w_1, w_2)._replace(db_2=p.drows.mean(0))


@exercise.mistake
def everything_averaged(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """All gradients of maps and offsets are means over the tokens, not sums.

    Why: A loss is often a mean over the batch, and that division is done a second time here.
    Hint: Every token adds its own part to the loss. Who divides by their number?
    """
    p = parts(dy, x, w_1, b_1, activation)
    g = undone(p, x, w_1, w_2)
    return Grads(g.dx, *(one / len(p.rows) for one in g[1:]))


@exercise.mistake
def offsets_over_one_axis(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """db_1 and db_2 are summed over the first axis alone.

    Why: For a matrix that is all; a batch of texts has one axis more.
    Hint: Which shape has b_1?
    """
    g = undone(parts(dy, x, w_1, b_1, activation), x, w_1, w_2)
    if x.ndim == 1:
        return g
    da = dy @ w_2.T * slope_of(x @ w_1 + b_1, activation)
    return g._replace(db_1=da.sum(0), db_2=dy.sum(0))


@exercise.mistake
def last_text_alone(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """Maps and offsets get the gradient of the last text alone.

    Why: A loop over the batch assigns, and does not add.
    Hint: Which texts used the same weights?
    """
    g = undone(parts(dy, x, w_1, b_1, activation), x, w_1, w_2)
    if x.ndim < 3:
        return g
    return Grads(g.dx, *undone(parts(dy[-1], x[-1], w_1, b_1, activation), x[-1], w_1, w_2)[1:])


@exercise.mistake
def maps_turned(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dw_1 and dw_2 are transposed.

    Why: Some libraries store maps by output, and formulas are copied between them.
    Hint: Which shape has w_1, and which has your dw_1?
    """
    g = undone(parts(dy, x, w_1, b_1, activation), x, w_1, w_2)
    return g._replace(dw_1=g.dw_1.T, dw_2=g.dw_2.T)


@exercise.mistake
def transposes_forgotten(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dh = dy w_2 and dx = da w_1, without the transposes, where the shapes allow it.

    Why: For F = C both products have the right shape.
    Hint: Unit 2 gives to y by row 2 of w_2. By which numbers does it get its gradient?
    """
    p = parts(dy, x, w_1, b_1, activation)
    return undone(p, x, w_1.T, w_2.T) if w_1.shape[0] == w_1.shape[1] else undone(p, x, w_1, w_2)


@exercise.mistake
def residual_inside(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """dy is added to dx.

    Why: In a block it is, as x goes around the network.
    Hint: What is dx where both maps are 0?
    """
    g = undone(parts(dy, x, w_1, b_1, activation), x, w_1, w_2)
    return g._replace(dx=g.dx + dy)


@exercise.mistake
def second_map_undone_last(dy: Any, x: Any, w_1: Any, b_1: Any, w_2: Any, b_2: Any, activation: str = "relu") -> Any:
    """The two maps are exchanged in what is returned, where their shapes are the same.

    Why: The second is undone first, and returned first.
    Hint: Which order do the rules give?
    """
    g = undone(parts(dy, x, w_1, b_1, activation), x, w_1, w_2)
    return g._replace(dw_1=g.dw_2, dw_2=g.dw_1) if g.dw_1.shape == g.dw_2.shape else g
