"""Quantisation-aware training: the model learns with the rounded weights that it will have to live with.

    forward, backward     with w_hat = rounding(w) in every Linear
    step                  moves w, which keeps its small changes until they add up to the next code

The gradient of w_hat is handed to w as it is, or, with a limit, only where |w| is within it: the straight-through
estimator, which is not the derivative (ops/small_numbers/straight_through.py).
Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", section 3; Courbariaux, Bengio and David 2015, "BinaryConnect", algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfx.backend import Array
from tfx.compression.quantise_model import linear_maps
from tfx.ops.small_numbers.straight_through import straight_through_backward, straight_through_forward

Loss = Callable[[Any, Any, Any], Any]


def quantisation_aware(loss: Loss, rounding: Callable[[Array], Array], limit: float | None = None) -> Loss:
    """loss(model, batch, rng), as train takes it -> the same loss of the model with rounded weights.

    rounding: (I, J) -> w_hat: (I, J), such as lambda w: dequantise(quantise(w, 4)).  The weights themselves are back in
    place when the loss returns or raises.
    """

    def aware(model: Any, batch: Any, rng: Any) -> Any:
        weights = [linear.w for linear in linear_maps(model).values()]
        exact, before, caches = [w.value.copy() for w in weights], [w.grad.copy() for w in weights], []
        for weight in weights:
            rounded, cache = straight_through_forward(weight.value.copy(), rounding(weight.value), limit)
            caches.append(cache)
            weight.value[...] = rounded
        try:
            value = loss(model, batch, rng)
        finally:
            for weight, w in zip(weights, exact, strict=True):
                weight.value[...] = w
        for weight, grad, cache in zip(weights, before, caches, strict=True):
            weight.grad[...] = grad + straight_through_backward(weight.grad - grad, cache)  # w_hat = rounding(w)
        return value

    return aware
