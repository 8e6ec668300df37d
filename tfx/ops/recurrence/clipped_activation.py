"""An activation whose argument is limited: every gate, candidate and state of a recurrent network.

    y = f(clip(z))          f: "sigmoid" for a gate, "tanh" for a candidate, or another name in ACTIVATIONS

Derivation.  The chain rule: dz = clip'(z) * f'(clip(z)) * dy, so that a z beyond the limit gets nothing.
Source: the attribute `clip` of RNN, GRU and LSTM in the ONNX specification.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tfx.backend import Array
from tfx.half import in_float32
from tfx.ops.basics.clip import ClipCache, clip_backward, clip_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS


class ClippedActivationCache(NamedTuple):
    clip: ClipCache
    activation: str
    bent: Any  # the activation's own cache
    y: Array


@in_float32
def clipped_activation_forward(
    z: Array, activation: str, limit: float | None = None
) -> tuple[Array, ClippedActivationCache]:
    """z: any shape, float -> y, same shape and dtype.  limit: z is cut off at -limit and limit; None leaves it."""
    clipped, clip = clip_forward(z, limit)
    y, bent = ACTIVATIONS[activation][0](clipped)
    return y, ClippedActivationCache(clip, activation, bent, y)


@in_float32
def clipped_activation_backward(dy: Array, cache: ClippedActivationCache) -> Array:
    """dy: shape of y -> dz."""
    dclipped = ACTIVATIONS[cache.activation][1](dy, cache.bent)  # y = f(clipped)
    return clip_backward(dclipped, cache.clip)  # clipped = clip(z)
