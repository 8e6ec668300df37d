"""What every optimiser has: parameters, a step count, running averages, and their state for a checkpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tfx.arguments import number
from tfx.backend import Array, to_device, xp_of
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
            setattr(self, name, xp_of(self.parameters.value).zeros_like(self.parameters.value))

    def collect(self) -> bool:
        """Called after backward and before clipping: makes `parameters.grad` the gradient that is to be followed.

        False: there is none, and the step is to be skipped (optim/mixed_precision.py).  Here it is there already.
        """
        return True

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
