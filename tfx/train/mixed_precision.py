"""Loss scaling around any loss: the model works in float16, the loss in float32, and backward starts S times larger.

    logits = float32(model(ids))          softmax and cross-entropy in float32 (Micikevicius et al. 2018, section 3.3)
    dlogits = float16(S dloss/dlogits)    by the chain rule every gradient behind it is S times larger

optim/mixed_precision.py divides by S again and says why all this is done.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.nn.auxiliary_losses import weigh
from tfx.optim.mixed_precision import MixedPrecision
from tfx.train.loop import Batch, Loss, LossValue, Rng


def scaled_loss(loss: Loss[Any], optimizer: MixedPrecision) -> Loss[Any]:
    """-> the same loss, for a float16 model and with the gradients `optimizer.scale.value` times larger."""

    def scaled(model: Any, batch: Batch, rng: Rng) -> LossValue:
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is found in the gradient, and dealt with there
            return loss(_Scaled(model, optimizer.scale.value), batch, rng)

    return scaled


class _Scaled:
    """A model as its loss sees it."""

    def __init__(self, model: Any, scale: float) -> None:
        self._model, self._scale = model, scale

    def forward(self, *inputs: Any, **named: Any) -> tuple[Any, Any]:
        out, cache = self._model.forward(*inputs, **named)
        return _each(out, lambda array: array.astype("float32")), cache

    def backward(self, *gradients_and_cache: Any) -> Any:
        *gradients, cache = gradients_and_cache
        return self._model.backward(*(_each(grad, self._half) for grad in gradients), weigh(cache, self._scale))

    def _half(self, grad: Array) -> Array:
        return (grad * self._scale).astype("float16")


def _each(value: Any, change: Any) -> Any:
    """`change` for an array, or for every array of a (named) tuple; None stays."""
    if value is None:
        return None
    if isinstance(value, tuple):
        items = [_each(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return change(value)
