"""What every optimiser has: parameters, a step count, running averages, and their state for a checkpoint."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any

from tfx.arguments import number
from tfx.backend import Array, to_device, xp_of
from tfx.half import HALF, WIDE
from tfx.params import FlatParameters, Layer, flatten

#: What an optimiser moves: a whole model, or its parameters as one vector.
Trained = FlatParameters | Layer


class Optimizer(ABC):
    """Moves `parameters`, a whole model or its FlatParameters.

    l2: adds l2 * value to every gradient, as the penalty (l2 / 2) |value|^2 in the loss would: d/dx (l2 / 2) x^2 =
    l2 x.  All parameters are penalised alike.  AdamW's weight decay is something else: see there.
    Optimisers raise ValueError for a setting that is NaN or outside its range, TypeError for what is no model.
    """

    averages: tuple[str, ...] = ()  # attributes that are vectors of running averages, or running sums

    def __init__(self, parameters: Trained, l2: float = 0.0) -> None:
        if not isinstance(parameters, Layer | FlatParameters):
            raise TypeError(f"an optimiser moves a model or its FlatParameters, not {type(parameters).__name__}")
        self.parameters = flatten(parameters) if isinstance(parameters, Layer) else parameters
        self.l2 = number("l2", l2, 0)
        self.steps = 0
        for name in self.averages:
            setattr(self, name, self.zeros(self.parameters.value.size))

    def collect(self) -> bool:
        """Called after backward and before clipping: makes `parameters.grad` the gradient that is to be followed.

        False: there is none, and the step is to be skipped (optim/mixed_precision.py).  Here it is there already.
        """
        return True

    def zeros(self, n: int) -> Array:
        """(n,) zeros in the dtype of the parameters, or float32 beside float16: squares of gradients need its range."""
        value = self.parameters.value
        return xp_of(value).zeros(n, dtype=WIDE if value.dtype == HALF else value.dtype)

    @abstractmethod
    def step(self, learning_rate: float) -> None:
        """One update of `parameters.value` from `parameters.grad`."""

    def gradient(self) -> Array:
        """(n,) the gradient that a step follows: `parameters.grad`, which is never written to, and the l2 penalty's."""
        if not self.l2:
            return self.parameters.grad
        return self.parameters.grad + self.l2 * self.parameters.value

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
            average = getattr(self, name)
            average[...] = to_device(state[name], xp_of(average))
        self.steps = int(state["steps"])


class UpdateRule(Optimizer):
    """An optimiser that moves every number by a formula: what it writes in `update_values` is never float16."""

    def step(self, learning_rate: float) -> None:
        """One update of `parameters.value` from `parameters.grad`.

        float16 is raised to float32 for it and rounded once; small updates are lost then, for which there is
        optim/mixed_precision.py.
        """
        if self.parameters.value.dtype != HALF:
            self.update_values(learning_rate)
            return
        half = self.parameters
        wide = dataclasses.replace(half, value=half.value.astype(WIDE), grad=half.grad.astype(WIDE))
        self.parameters = wide
        try:
            self.update_values(learning_rate)
        finally:
            self.parameters = half
        half.value[...] = wide.value

    @abstractmethod
    def update_values(self, learning_rate: float) -> None:
        """What `step` does, in float32 or float64."""
