"""AdamW: Adam with decoupled weight decay.

    value -= lr * decay * value           first the parameters shrink,
    value -= Adam's step                  then Adam follows the gradient of the loss alone

Adding decay * value to the gradient instead (`l2`) is the same for plain gradient descent, but not for Adam, which
divides the sum by sqrt(v): with |g| large against decay * |value|, the penalty's part of a step becomes about
lr * decay * value / |g|, so the weights with the largest gradients hardly decay.  Here all shrink at the same rate.
Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2 and proposition 2.
"""

from __future__ import annotations

from collections.abc import Callable

from tfx.arguments import number
from tfx.backend import Array, xp_of
from tfx.optim.adam import Adam
from tfx.optim.optimizer import Trained
from tfx.params import FlatParameters

#: decays(name, shape): whether a parameter decays.
Decays = Callable[[str, tuple[int, ...]], bool]


def decays_matrices(name: str, shape: tuple[int, ...]) -> bool:
    """Decay matrices, and leave biases and LayerNorm gains alone: shrinking those does not make a model simpler."""
    return len(shape) >= 2


def decays_everything(name: str, shape: tuple[int, ...]) -> bool:
    """What a library does that knows tensors only and no names: all parameters decay."""
    return True


def decay_mask(flat: FlatParameters, decays: Decays) -> Array:
    """-> (n,): 1 for the entries of parameters that decay, 0 for the others."""
    mask = xp_of(flat.value).zeros_like(flat.value)
    for name, part, shape in zip(flat.names, flat.slices, flat.shapes, strict=True):
        mask[part] = 1.0 if decays(name, shape) else 0.0
    return mask


class AdamW(Adam):
    """decays(name, shape) says which parameters decay.  Other settings as in Adam."""

    def __init__(
        self,
        parameters: Trained,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.98,
        eps: float = 1e-9,
        decays: Decays = decays_matrices,
    ) -> None:
        super().__init__(parameters, beta1, beta2, eps)
        self.weight_decay = number("weight_decay", weight_decay, 0)
        flat = self.parameters
        parts = zip(flat.names, flat.slices, flat.shapes, strict=True)
        self._decaying = [part for name, part, shape in parts if decays(name, shape)]

    def update_values(self, learning_rate: float) -> None:
        for part in self._decaying if self.weight_decay else ():
            self.parameters.value[part] *= 1.0 - learning_rate * self.weight_decay
        super().update_values(learning_rate)
