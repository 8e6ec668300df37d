"""Activations and the feed-forward network."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, Rng, T, off_zero
from tfx.nn.feed_forward import FeedForward
from tfx.nn.low_rank import LowRankFeedForward, LowRankLinear
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS, GeluCache, GeluTanhCache, ReluCache
from tfx.ops.feed_forward.chunked_feed_forward import (
    ChunkedFeedForwardCache,
    chunked_feed_forward_backward,
    chunked_feed_forward_forward,
)
from tfx.ops.feed_forward.erf import ErfCache, erf_backward, erf_forward
from tfx.ops.feed_forward.feed_forward import (
    FeedForwardCache,
    FeedForwardGrads,
    feed_forward_backward,
    feed_forward_forward,
)
from tfx.ops.feed_forward.gated import (
    GATES,
    GluCache,
    SplitGluCache,
    glu_backward,
    glu_forward,
    split_glu_backward,
    split_glu_forward,
)
from tfx.ops.feed_forward.gated_feed_forward import (
    GatedFeedForwardCache,
    GatedFeedForwardGrads,
    gated_feed_forward_backward,
    gated_feed_forward_forward,
)
from tfx.ops.feed_forward.sigmoid import MishCache, SigmoidCache, SiluCache, TanhCache, silu_backward, silu_forward
from tfx.ops.low_rank.low_rank_linear import LowRankLinearCache, low_rank_linear_backward, low_rank_linear_forward


def activation(rng: Rng, name: str, scale: float = 1.0) -> Problem:
    forward, backward = ACTIVATIONS[name]
    return Problem(forward, backward, {"x": off_zero(scale * rng.standard_normal((B, T, C)))})


def swish(rng: Rng, beta: float) -> Problem:
    return Problem(silu_forward, silu_backward, {"x": 2.0 * rng.standard_normal((B, T, C))}, {"beta": beta})


def feed_forward(rng: Rng, name: str, bias: bool = True) -> Problem:
    """Small, because it is drawn again until no unit of a relu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    while True:
        x, w1, w2 = (rng.standard_normal(shape) for shape in ((*lead, width), (width, hidden), (hidden, width)))
        b1, b2 = (rng.standard_normal(hidden), rng.standard_normal(width)) if bias else (None, None)
        if name != "relu" or np.abs(linear_forward(x, w1, b1)[0]).min() > 0.1:
            break
    inputs = {"x": x, "w1": w1, "w2": w2} | ({"b1": b1, "b2": b2} if bias else {})
    fixed: dict[str, Any] = {"activation": name} | ({} if bias else {"b1": None, "b2": None})
    return Problem(feed_forward_forward, feed_forward_backward, inputs, fixed)


def erf(rng: Rng) -> Problem:
    return Problem(erf_forward, erf_backward, {"x": 2.0 * rng.standard_normal((B, T, C))})


def glu(rng: Rng, gate: str, **settings: Any) -> Problem:
    inputs = {"a": off_zero(rng.standard_normal((B, T, F))), "b": rng.standard_normal((B, T, F))}
    return Problem(glu_forward, glu_backward, inputs, {"activation": GATES[gate], **settings})


def split_glu(rng: Rng, axis: int = -1, gate_first: bool = False) -> Problem:
    x = rng.standard_normal((B, 4, 6))
    return Problem(split_glu_forward, split_glu_backward, {"x": x}, {"axis": axis, "gate_first": gate_first})


def gated_feed_forward(rng: Rng, gate: str = "swiglu", bias: bool = True) -> Problem:
    """Small, and drawn again until no gate of a reglu is near its kink."""
    lead, width, hidden = (B, 3), 4, 5
    shapes = {"x": (*lead, width), "w_gate": (width, hidden), "w_up": (width, hidden), "w_down": (hidden, width)}
    biases = {"b_gate": (hidden,), "b_up": (hidden,), "b_down": (width,)}
    while True:
        inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        inputs |= {name: rng.standard_normal(shape) for name, shape in biases.items() if bias}
        before, _ = linear_forward(inputs["x"], inputs["w_gate"], inputs.get("b_gate"))
        if gate != "reglu" or np.abs(before).min() > 0.1:
            break
    fixed: dict[str, Any] = {"gate": gate} | ({} if bias else dict.fromkeys(biases))
    return Problem(gated_feed_forward_forward, gated_feed_forward_backward, inputs, fixed)


def chunked_feed_forward(rng: Rng, chunk: int = 2, bias: bool = True) -> Problem:
    plain = feed_forward(rng, "gelu", bias)
    return Problem(
        chunked_feed_forward_forward, chunked_feed_forward_backward, plain.inputs, {**plain.fixed, "chunk": chunk}
    )


def low_rank_linear(rng: Rng, bias: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "u": rng.standard_normal((C, 2)), "v": rng.standard_normal((2, F))}
    inputs |= {"b": rng.standard_normal(F)} if bias else {}
    return Problem(low_rank_linear_forward, low_rank_linear_backward, inputs)


def feed_forward_layer(rng: Rng, activation: str, bias: bool = True) -> Problem:
    layer = FeedForward(6, 11, rng, activation, bias=bias)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))})


def low_rank_layer(rng: Rng, bias: bool = True) -> Problem:
    return layer_problem(LowRankLinear(6, 11, 2, rng, bias), rng, {"x": rng.standard_normal((B, T, 6))})


def low_rank_feed_forward(rng: Rng, bias: bool = True) -> Problem:
    layer = LowRankFeedForward(6, 11, 2, rng, bias=bias)
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))})


def relu_always_on(dy: Any, cache: ReluCache) -> Any:
    return dy


def gelu_without_density(dy: Any, cache: GeluCache) -> Any:
    return dy * cache.cdf


def gelu_with_tanh_derivative(dy: Any, cache: GeluCache) -> Any:
    forward, backward = ACTIVATIONS["gelu_tanh"]
    return backward(dy, forward(cache.x)[1])


def gelu_tanh_cubic_factor_forgotten(dy: Any, cache: GeluTanhCache) -> Any:
    x, s = cache
    du = math.sqrt(2 / math.pi) * (1 + 0.044715 * x * x)
    return dy * (s + x * s * (1 - s) * 2 * du)


def feed_forward_activation_skipped(dy: Any, cache: FeedForwardCache) -> FeedForwardGrads:
    dhidden, dw2, db2 = linear_backward(dy, cache.second)
    dx, dw1, db1 = linear_backward(dhidden, cache.first)
    return FeedForwardGrads(dx, dw1, db1, dw2, db2)


def erf_as_the_normal_density(dy: Any, cache: ErfCache) -> Any:
    return dy * np.exp(-cache.x * cache.x / 2) / math.sqrt(2 * math.pi)


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


def identity_twice(dy: Any, cache: Any) -> Any:
    return 2 * dy


def glu_gate_is_constant(dy: Any, cache: GluCache) -> Any:
    return 0 * dy, dy * cache.gate


def glu_halves_mixed_up(dy: Any, cache: GluCache) -> Any:
    return glu_backward(dy, cache)[::-1]


def split_glu_other_half(dy: Any, cache: SplitGluCache) -> Any:
    return split_glu_backward(dy, cache._replace(gate_first=not cache.gate_first))


def gated_feed_forward_up_only(dy: Any, cache: GatedFeedForwardCache) -> GatedFeedForwardGrads:
    """x fed two maps; only one of them answers."""
    dhidden, _, _ = linear_backward(dy, cache.down)
    _, du = glu_backward(dhidden, cache.glu)
    return gated_feed_forward_backward(dy, cache)._replace(dx=linear_backward(du, cache.up)[0])


def chunked_feed_forward_last_chunk(dy: Any, cache: ChunkedFeedForwardCache) -> FeedForwardGrads:
    """The weights get the gradient of the last chunk, which overwrote the others."""
    grads = chunked_feed_forward_backward(dy, cache)
    x = cache.x[..., -1:, :]
    last = chunked_feed_forward_backward(dy[..., -1:, :], cache._replace(x=x))
    return grads._replace(dw1=last.dw1, dw2=last.dw2)


def low_rank_linear_through_w(dy: Any, cache: LowRankLinearCache) -> Any:
    """dV from x U is forgotten: V gets the gradient as if U were not there."""
    dx, du, _, db = low_rank_linear_backward(dy, cache)
    return dx, du, du.sum(axis=0)[:, None] * np.ones_like(cache.up.w), db


CASES: tuple[Case, ...] = (
    *(Case(backward, "around 0", partial(activation, name=name)) for name, (_, backward) in ACTIVATIONS.items()),
    *(
        Case(backward, "wide", partial(activation, name=name, scale=3.0))
        for name, (_, backward) in ACTIVATIONS.items()
        if name not in ("relu", "identity")
    ),
    Case(erf_backward, "all three ranges", erf),
    Case(silu_backward, "Swish, beta 1.7", partial(swish, beta=1.7)),
    Case(silu_backward, "Swish, beta -0.6", partial(swish, beta=-0.6)),
    Case(feed_forward_backward, "gelu", partial(feed_forward, name="gelu")),
    Case(feed_forward_backward, "gelu_tanh", partial(feed_forward, name="gelu_tanh")),
    Case(feed_forward_backward, "relu", partial(feed_forward, name="relu")),
    Case(feed_forward_backward, "no bias", partial(feed_forward, name="gelu", bias=False)),
    *(Case(glu_backward, gate, partial(glu, gate=gate)) for gate in GATES),
    Case(glu_backward, "swiglu, beta 1.7", partial(glu, gate="swiglu", beta=1.7)),
    Case(split_glu_backward, "gate second, as in torch", split_glu),
    Case(split_glu_backward, "gate first, middle axis", partial(split_glu, axis=1, gate_first=True)),
    *(Case(gated_feed_forward_backward, gate, partial(gated_feed_forward, gate=gate)) for gate in GATES),
    Case(gated_feed_forward_backward, "no bias", partial(gated_feed_forward, bias=False)),
    Case(chunked_feed_forward_backward, "chunks of 2", chunked_feed_forward),
    Case(chunked_feed_forward_backward, "no bias", partial(chunked_feed_forward, bias=False)),
    Case(low_rank_linear_backward, "rank 2", low_rank_linear),
    Case(low_rank_linear_backward, "no bias", partial(low_rank_linear, bias=False)),
    Case(FeedForward, "swiglu", partial(feed_forward_layer, activation="swiglu")),
    Case(FeedForward, "geglu, no bias", partial(feed_forward_layer, activation="geglu", bias=False)),
    Case(FeedForward, "no bias", partial(feed_forward_layer, activation="gelu", bias=False)),
    Case(LowRankLinear, "rank 2", low_rank_layer),
    Case(LowRankLinear, "no bias", partial(low_rank_layer, bias=False)),
    Case(LowRankFeedForward, "rank 2", low_rank_feed_forward),
    Case(LowRankFeedForward, "no bias", partial(low_rank_feed_forward, bias=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control("relu", "negative inputs get a gradient", relu_always_on, partial(activation, name="relu")),
    Control("gelu", "x phi(x) is missing", gelu_without_density, partial(activation, name="gelu")),
    Control("gelu", "the derivative of the tanh form", gelu_with_tanh_derivative, partial(activation, name="gelu")),
    Control(
        "gelu_tanh",
        "the 3 of the cubic term is lost",
        gelu_tanh_cubic_factor_forgotten,
        partial(activation, name="gelu_tanh"),
    ),
    Control("erf", "the normal density", erf_as_the_normal_density, erf),
    Control("sigmoid", "the sigmoid is applied twice", sigmoid_of_x_again, partial(activation, name="sigmoid")),
    Control("tanh", "1 - y instead of 1 - y^2", tanh_not_squared, partial(activation, name="tanh")),
    Control("silu", "the gate is taken for a constant", silu_gate_is_constant, partial(activation, name="silu")),
    Control("silu", "beta is forgotten", swish_beta_forgotten, partial(swish, beta=1.7)),
    Control("softplus", "a step instead of a sigmoid", softplus_step, partial(activation, name="softplus")),
    Control("mish", "the softplus is not undone", mish_without_softplus, partial(activation, name="mish")),
    Control("identity", "the slope is 2", identity_twice, partial(activation, name="identity")),
    Control(
        "feed_forward",
        "the activation is not undone",
        feed_forward_activation_skipped,
        partial(feed_forward, name="gelu"),
    ),
    Control("glu", "the gate is taken for a constant", glu_gate_is_constant, partial(glu, gate="glu")),
    Control("glu", "gate and value are mixed up", glu_halves_mixed_up, partial(glu, gate="swiglu")),
    Control("split_glu", "the halves are swapped", split_glu_other_half, split_glu),
    Control("gated_feed_forward", "x gets one of its two gradients", gated_feed_forward_up_only, gated_feed_forward),
    Control(
        "chunked_feed_forward", "only the last chunk counts", chunked_feed_forward_last_chunk, chunked_feed_forward
    ),
    Control("low_rank_linear", "dV does not see x U", low_rank_linear_through_w, low_rank_linear),
)
