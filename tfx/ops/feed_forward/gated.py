"""Gated linear units: one half of the features decides how much of the other half passes.

    y = activation(a) * b            a is the gate, b the value; both come from linear maps of the same x

    name        activation   source
    glu         sigmoid      Dauphin et al. 2017
    bilinear    identity     Dauphin et al. 2017; Mnih and Hinton 2007
    reglu       relu         Shazeer 2020
    geglu       gelu         Shazeer 2020
    geglu_tanh  gelu_tanh    T5 version 1.1, and so Flan-T5 and mT5; Gemma
    swiglu      silu         Shazeer 2020; PaLM, LLaMA

The unit is not squashed where the gate is open: dy reaches b times the gate alone, however large b is.

Derivation.  A product of two numbers, so each gets the other one times dy:

    db = dy * activation(a)
    da = dy * b * activation'(a)

The split form finds a and b as two halves of one array.  Which half is the gate is a convention: the second one in
Dauphin's equation 1 and in torch.nn.functional.glu, the first one in Shazeer's equation 5 and in LLaMA's code.
Sources: Dauphin, Fan, Auli and Grangier 2017, "Language Modeling with Gated Convolutional Networks"; Shazeer 2020, "GLU
Variants Improve Transformer".
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32
from tfx.ops.feed_forward.activations import ACTIVATIONS

#: Name of the gated unit -> name of the activation of its gate.
GATES = {
    "glu": "sigmoid",
    "bilinear": "identity",
    "reglu": "relu",
    "geglu": "gelu",
    "geglu_tanh": "gelu_tanh",
    "swiglu": "silu",
}


class GluCache(NamedTuple):
    gate: Array  # activation(a)
    b: Array
    activation: str
    activation_cache: Any


class SplitGluCache(NamedTuple):
    glu: GluCache
    axis: int
    gate_first: bool


@in_float32
def glu_forward(a: Array, b: Array, activation: str = "sigmoid", **settings: Any) -> tuple[Array, GluCache]:
    """a, b: any shape, the same, float -> y = activation(a) * b, same shape and dtype.

    settings go to the activation: beta, for silu.
    Raises ValueError when the shapes differ or the activation is not known.
    """
    if a.shape != b.shape:
        raise ValueError(f"the gate has shape {a.shape} but the value {b.shape}")
    if activation not in ACTIVATIONS:
        raise ValueError(f'activation must be one of {", ".join(ACTIVATIONS)}, not "{activation}"')
    gate, activation_cache = ACTIVATIONS[activation][0](a, **settings)
    return gate * b, GluCache(gate, b, activation, activation_cache)


@in_float32
def glu_backward(dy: Array, cache: GluCache) -> tuple[Array, Array]:
    """dy: shape of y -> da, db."""
    dgate = dy * cache.b  # y = gate * b
    db = dy * cache.gate
    da = ACTIVATIONS[cache.activation][1](dgate, cache.activation_cache)  # gate = activation(a)
    return da, db


@in_float32
def split_glu_forward(
    x: Array, axis: int = -1, activation: str = "sigmoid", gate_first: bool = False
) -> tuple[Array, SplitGluCache]:
    """x: any shape, 2 N entries along `axis` -> y: N entries there: one half times the activation of the other.

    Raises ValueError when `axis` has no two equal halves.
    """
    if not x.ndim or x.shape[axis] % 2:
        raise ValueError(f"axis {axis} of {x.shape} cannot be cut into two equal halves")
    middle, before = x.shape[axis] // 2, (slice(None),) * (axis % x.ndim)
    first, second = x[(*before, slice(None, middle))], x[(*before, slice(middle, None))]
    a, b = (first, second) if gate_first else (second, first)
    y, glu = glu_forward(a, b, activation)
    return y, SplitGluCache(glu, axis, gate_first)


@in_float32
def split_glu_backward(dy: Array, cache: SplitGluCache) -> Array:
    """dy: shape of y -> dx: shape of x."""
    da, db = glu_backward(dy, cache.glu)  # y = activation(a) * b
    halves = (da, db) if cache.gate_first else (db, da)
    return xp_of(dy).concatenate(halves, axis=cache.axis)  # first, second = the halves of x
