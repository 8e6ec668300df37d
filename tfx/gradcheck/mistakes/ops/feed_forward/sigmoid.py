"""Known mistakes in tfx/ops/feed_forward/sigmoid.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.feed_forward.activations import activation
from tfx.gradcheck.cases.ops.feed_forward.sigmoid import swish
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.sigmoid import MishCache, SigmoidCache, SiluCache, TanhCache, silu_backward


@wrong_backward(activation, op="sigmoid", name="sigmoid")
def applied_twice(dy: Any, cache: SigmoidCache) -> Any:
    """The sigmoid is applied twice.

    s(x) (1 - s(x)) applied to what is the output already.

    Why: s (1 - s) is computed from what the cache holds, without asking whether that is input or output.
    Hint: What is in the cache: x or y?
    """
    y, _ = ACTIVATIONS["sigmoid"][0](cache.y)
    return dy * y * (1 - y)


@wrong_backward(activation, op="tanh", name="tanh")
def square_missing(dy: Any, cache: TanhCache) -> Any:
    """1 - y instead of 1 - y^2.

    Why: The derivative of the sigmoid contains 1 - y, and that of the tanh is remembered by its likeness.
    Hint: At y = -0.9 the curve is nearly flat; what does your formula give there?
    """
    return dy * (1 - cache.y)


@wrong_backward(activation, op="silu", name="silu")
def gate_is_constant(dy: Any, cache: SiluCache) -> Any:
    """The gate is taken for a constant.

    Why: x s(x) is read as x with a weight, and the weight is not differentiated.
    Hint: In how many places does x stand in the function?
    """
    return dy * cache.s


@wrong_backward(swish, op="silu", beta=1.7)
def beta_forgotten(dy: Any, cache: SiluCache) -> Any:
    """Beta is forgotten.

    Why: With beta = 1, the usual setting, nothing shows.
    Hint: By what is x multiplied inside the sigmoid?
    """
    return silu_backward(dy, cache._replace(beta=1.0))


@wrong_backward(activation, op="softplus", name="softplus")
def step_for_a_sigmoid(dy: Any, cache: Any) -> Any:
    """A step instead of a sigmoid.

    Why: Softplus is taught as a smooth relu, and relu's slope is used for it.
    Hint: What is the slope at 0? Look at the curve.
    """
    return dy * (cache.x > 0)


@wrong_backward(activation, op="mish", name="mish")
def softplus_not_undone(dy: Any, cache: MishCache) -> Any:
    """The softplus is not undone.

    Why: Three functions are nested, and the innermost is left out of the chain rule.
    Hint: List the functions from the outside to the inside, and tick off the derivative of each.
    """
    return dy * (cache.t + cache.x * (1 - cache.t * cache.t))
