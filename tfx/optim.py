"""Optimisers over one flat parameter vector: SGD with momentum, Adam, AdamW; and clipping by the global norm.

`optimizer.step(learning_rate)` reads `parameters.grad` and changes `parameters.value` in place.  All running averages
are vectors of the same length, so that a step is a handful of array operations however many tensors the model has.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from tfx.backend import Array, xp_of
from tfx.params import FlatParameters, Layer, flatten


def global_norm(grad: Array) -> float:
    """Euclidean length of the whole gradient vector, summed in float64 so that float32 squares cannot overflow."""
    xp = xp_of(grad)
    return float(xp.sqrt(xp.square(grad.astype(xp.float64)).sum()))


def clip_by_norm(grad: Array, limit: float) -> float:
    """Scales grad in place so that its global norm is at most `limit`; returns the norm before clipping.

    One factor for the whole vector keeps its direction, which clipping each entry would not.
    Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", section 3.2.
    A norm that is not finite leaves grad as it is: the caller sees it in the returned number.
    """
    norm = global_norm(grad)
    if math.isfinite(norm) and norm > limit:
        grad *= limit / norm
    return norm


class Optimizer(ABC):
    """What every optimiser has: the parameters it moves, the steps taken, and its running averages by name."""

    averages: tuple[str, ...] = ()  # attributes that are vectors of running averages

    def __init__(self, parameters: FlatParameters | Layer) -> None:
        self.parameters = flatten(parameters) if isinstance(parameters, Layer) else parameters
        self.steps = 0

    @abstractmethod
    def step(self, learning_rate: float) -> None:
        """One update of `parameters.value` from `parameters.grad`."""

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs: the step count and copies of the running averages."""
        return {"steps": self.steps, **{name: getattr(self, name).copy() for name in self.averages}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Takes over a state.  Raises ValueError when it comes from another optimiser or another model size."""
        if state.keys() != {"steps", *self.averages}:
            raise ValueError(f"this optimiser keeps {sorted(self.averages)}, the state has {sorted(state)}")
        for name in self.averages:
            if state[name].shape != getattr(self, name).shape:
                raise ValueError(f"{name} has {state[name].size} entries but the model {getattr(self, name).size}")
        for name in self.averages:
            getattr(self, name)[...] = state[name]
        self.steps = int(state["steps"])


class SGD(Optimizer):
    """v = momentum * v + grad;  value -= lr * v.   (Polyak 1964; in this form Sutskever et al. 2013.)"""

    averages = ("velocity",)

    def __init__(self, parameters: FlatParameters | Layer, momentum: float = 0.0) -> None:
        super().__init__(parameters)
        self.momentum = momentum
        self.velocity = xp_of(self.parameters.value).zeros_like(self.parameters.value)

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        self.velocity *= self.momentum
        self.velocity += self.parameters.grad
        self.parameters.value[...] -= learning_rate * self.velocity


class Adam(Optimizer):
    """Adam: Kingma and Ba 2015, algorithm 1.

    m = b1 m + (1 - b1) g                 average gradient
    v = b2 v + (1 - b2) g^2               average squared gradient
    value -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

    Both averages start at zero and are too small at first by the factor 1 - b^t; dividing by it removes that bias.
    Defaults are Vaswani et al. 2017, section 5.3: b1 = 0.9, b2 = 0.98, eps = 1e-9.
    """

    averages = ("mean", "square")

    def __init__(
        self, parameters: FlatParameters | Layer, beta1: float = 0.9, beta2: float = 0.98, eps: float = 1e-9
    ) -> None:
        super().__init__(parameters)
        self.beta1, self.beta2, self.eps = beta1, beta2, eps
        xp = xp_of(self.parameters.value)
        self.mean = xp.zeros_like(self.parameters.value)
        self.square = xp.zeros_like(self.parameters.value)
        self._scratch = xp.empty_like(self.parameters.value)

    def step(self, learning_rate: float) -> None:
        xp = xp_of(self.parameters.value)
        grad, scratch = self.parameters.grad, self._scratch
        self.steps += 1
        xp.multiply(grad, 1 - self.beta1, out=scratch)
        self.mean *= self.beta1
        self.mean += scratch
        xp.multiply(grad, grad, out=scratch)
        scratch *= 1 - self.beta2
        self.square *= self.beta2
        self.square += scratch
        # value -= rate * mean / (sqrt(square) / sqrt(1 - b2^t) + eps), built up in one scratch vector
        xp.sqrt(self.square, out=scratch)
        scratch *= 1 / math.sqrt(1 - self.beta2**self.steps)
        scratch += self.eps
        xp.divide(self.mean, scratch, out=scratch)
        scratch *= learning_rate / (1 - self.beta1**self.steps)
        self.parameters.value[...] -= scratch


def decays_matrices(name: str, shape: tuple[int, ...]) -> bool:
    """Decay matrices, and leave biases and LayerNorm gains alone: shrinking those does not make a model simpler."""
    return len(shape) >= 2


class AdamW(Adam):
    """Adam with decoupled weight decay: value *= 1 - lr * decay first, then Adam's step on the gradient alone.

    Adding decay * value to the gradient instead (L2 in Adam) would divide it by sqrt(v): weights with large
    gradients would hardly decay.  Source: Loshchilov and Hutter 2019, algorithm 2.
    decays(name, shape) says which parameters decay.
    """

    def __init__(
        self,
        parameters: FlatParameters | Layer,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.98,
        eps: float = 1e-9,
        decays: Callable[[str, tuple[int, ...]], bool] = decays_matrices,
    ) -> None:
        super().__init__(parameters, beta1, beta2, eps)
        self.weight_decay = weight_decay
        flat = self.parameters
        xp = xp_of(flat.value)
        self._decay_mask = xp.zeros_like(flat.value)
        for name, part, shape in zip(flat.names, flat.slices, flat.shapes, strict=True):
            self._decay_mask[part] = 1.0 if decays(name, shape) else 0.0

    def step(self, learning_rate: float) -> None:
        if self.weight_decay:
            xp_of(self._scratch).multiply(self.parameters.value, self._decay_mask, out=self._scratch)
            self._scratch *= learning_rate * self.weight_decay
            self.parameters.value[...] -= self._scratch
        super().step(learning_rate)
