"""Known mistakes in tfx/ops/feed_forward/sigmoid.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.activations import activation
from tfx.gradcheck.cases.ops.feed_forward.sigmoid import swish
from tfx.gradcheck.mistake import Mistake
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.sigmoid import MishCache, SigmoidCache, SiluCache, TanhCache, silu_backward


def sigmoid_of_x_again(dy: Any, cache: SigmoidCache) -> Any:
    """s(x) (1 - s(x)) applied to what is the output already."""
    y, _ = ACTIVATIONS["sigmoid"][0](cache.y)
    return dy * y * (1 - y)


def tanh_not_squared(dy: Any, cache: TanhCache) -> Any:
    return dy * (1 - cache.y)


def silu_gate_is_constant(dy: Any, cache: SiluCache) -> Any:
    return dy * cache.s


def swish_beta_forgotten(dy: Any, cache: SiluCache) -> Any:
    return silu_backward(dy, cache._replace(beta=1.0))


def softplus_step(dy: Any, cache: Any) -> Any:
    """relu's slope."""
    return dy * (cache.x > 0)


def mish_without_softplus(dy: Any, cache: MishCache) -> Any:
    return dy * (cache.t + cache.x * (1 - cache.t * cache.t))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="sigmoid",
        name="applied-twice",
        says="the sigmoid is applied twice",
        why="s (1 - s) is computed from what the cache holds, without asking whether that is input or output.",
        hint="What is in the cache: x or y?",
        problem=partial(activation, name="sigmoid"),
        wrong_backward=sigmoid_of_x_again,
    ),
    Mistake(
        op="tanh",
        name="square-missing",
        says="1 - y instead of 1 - y^2",
        why="The sigmoid's y (1 - y) and the tanh's formula get mixed up.",
        hint="At y = -0.9 the curve is nearly flat; what does your formula give there?",
        problem=partial(activation, name="tanh"),
        wrong_backward=tanh_not_squared,
    ),
    Mistake(
        op="silu",
        name="gate-is-constant",
        says="the gate is taken for a constant",
        why="x s(x) is read as x with a weight, and the weight is not differentiated.",
        hint="In how many places does x stand in the function?",
        problem=partial(activation, name="silu"),
        wrong_backward=silu_gate_is_constant,
    ),
    Mistake(
        op="silu",
        name="beta-forgotten",
        says="beta is forgotten",
        why="With beta = 1, the usual setting, nothing shows.",
        hint="By what is x multiplied inside the sigmoid?",
        problem=partial(swish, beta=1.7),
        wrong_backward=swish_beta_forgotten,
    ),
    Mistake(
        op="softplus",
        name="step-for-a-sigmoid",
        says="a step instead of a sigmoid",
        why="Softplus is taught as a smooth relu, and relu's slope is used for it.",
        hint="What is the slope at 0? Look at the curve.",
        problem=partial(activation, name="softplus"),
        wrong_backward=softplus_step,
    ),
    Mistake(
        op="mish",
        name="softplus-not-undone",
        says="the softplus is not undone",
        why="Three functions are nested, and the innermost is left out of the chain rule.",
        hint="List the functions from the outside to the inside, and tick off the derivative of each.",
        problem=partial(activation, name="mish"),
        wrong_backward=mish_without_softplus,
    ),
)
