"""Feed-forward network with a gated unit in place of the activation.

    a = x W_gate + b_gate          (..., C) x (C, F) -> (..., F)
    u = x W_up + b_up              (..., C) x (C, F) -> (..., F)
    h = activation(a) * u          SwiGLU, GeGLU, ... (ops/feed_forward/gated.py)
    y = h W_down + b_down          (..., F) x (F, C) -> (..., C)

Three matrices instead of two: with F = 2/3 of the usual width (8/3 C in place of 4 C) the parameters are as many as in
the plain network, which is how the variants are compared.

Derivation.  Undone in reverse: dh from the last map, da and du from the gate, and x, which fed two maps, gets two
gradients, which add up.
Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6 (there without biases, as in LLaMA and PaLM).
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.linear import LinearCache, linear_backward, linear_forward
from tfx.ops.feed_forward.gated import GATES, GluCache, glu_backward, glu_forward


class GatedFeedForwardCache(NamedTuple):
    gate: LinearCache
    up: LinearCache
    glu: GluCache
    down: LinearCache

    @property
    def hidden(self) -> Array:
        """h: (..., F), after the gate."""
        return self.down.x


class GatedFeedForwardGrads(NamedTuple):
    dx: Array
    dw_gate: Array
    db_gate: Array | None
    dw_up: Array
    db_up: Array | None
    dw_down: Array
    db_down: Array | None


@in_float32
def gated_feed_forward_forward(
    x: Array,
    w_gate: Array,
    b_gate: Array | None,
    w_up: Array,
    b_up: Array | None,
    w_down: Array,
    b_down: Array | None,
    gate: str = "swiglu",
) -> tuple[Array, GatedFeedForwardCache]:
    """x: (..., C), w_gate, w_up: (C, F), w_down: (F, C) -> y: (..., C), cache.

    b_gate, b_up: (F,) or None, b_down: (C,) or None.
    gate: "glu", "bilinear", "reglu", "geglu", "geglu_tanh" or "swiglu".
    Raises ValueError for another name or for widths that do not fit.
    """
    if gate not in GATES:
        raise ValueError(f'the gate must be one of {", ".join(GATES)}, not "{gate}"')
    a, gate_cache = linear_forward(x, w_gate, b_gate)
    u, up_cache = linear_forward(x, w_up, b_up)
    hidden, glu_cache = glu_forward(a, u, GATES[gate])
    y, down_cache = linear_forward(hidden, w_down, b_down)
    return y, GatedFeedForwardCache(gate_cache, up_cache, glu_cache, down_cache)


@in_float32
def gated_feed_forward_backward(dy: Array, cache: GatedFeedForwardCache) -> GatedFeedForwardGrads:
    """dy: (..., C) -> the gradient of every input, by name; a bias that was None has gradient None."""
    dhidden, dw_down, db_down = linear_backward(dy, cache.down)  # y = hidden @ w_down + b_down
    da, du = glu_backward(dhidden, cache.glu)  # hidden = activation(a) * u
    dx_up, dw_up, db_up = linear_backward(du, cache.up)  # u = x @ w_up + b_up
    dx_gate, dw_gate, db_gate = linear_backward(da, cache.gate)  # a = x @ w_gate + b_gate
    return GatedFeedForwardGrads(dx_gate + dx_up, dw_gate, db_gate, dw_up, db_up, dw_down, db_down)
