"""Mixed precision: values and gradients in float16, updates in float32, and a loss made larger so that nothing is lost.

    float16   10 bits after the point, largest number 65504, smallest normal 6.1e-5, smallest of all 6.0e-8

Three things go wrong in float16 alone, and each has its remedy (section 3):

1. Updates vanish.  value - lr g with |lr g| < |value| / 2048 rounds to value.  So a master copy in float32 takes the
   updates, and the float16 values are rounded from it after every step.
2. Gradients vanish.  What is below 6e-8 becomes 0, though the range up to 65504 lies empty.  So the loss, and with it
   by the chain rule every gradient, is multiplied by a scale S before backward and the gradient divided by S after
   it, in float32.  A power of two changes no bit on the way.
3. Gradients overflow to inf, now the more easily the larger S is.  Such a step is skipped, as if its batch had not been
   drawn, and S halved; after N steps without overflow S is doubled.  So S stays just below what overflows.

A result above 65504 is inf, and inf - inf is NaN; NumPy's warnings about it are held back, because the overflow is
looked for on purpose.  An overflow at the smallest scale is no matter of scaling: the step is then handed on as it is,
and the training loop ends the run.  Inside an operation nothing is float16 (tfx/half.py): only what it is given and
what it gives back.
Source: Micikevicius et al. 2018, "Mixed Precision Training", sections 3.1 and 3.2; the dynamic scale is the last
paragraph of 3.2.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import to_device, xp_of
from tfx.optim.optimizer import Optimizer, Trained
from tfx.params import FlatParameters, Layer, flatten


@dataclasses.dataclass
class LossScale:
    """value: S now.  factor: what it is divided by after an overflow and multiplied by after `interval` good steps in a
    row.  smallest: it does not fall below.  interval None: S stays as it is (static scaling).

    Raises ValueError for a scale that is not positive, or a factor of at most 1.
    """

    value: float = 2.0**15
    interval: int | None = 2000
    factor: float = 2.0
    smallest: float = 1.0
    good_steps: int = 0

    def __post_init__(self) -> None:
        if self.interval is not None:
            whole_number("interval", self.interval, 1)
        if not 0 < self.smallest <= self.value < math.inf or not 1 < self.factor < math.inf:
            raise ValueError(
                f"a loss scale of {self.value}, at least {self.smallest}, times {self.factor} makes no sense"
            )

    def overflowed(self) -> bool:
        """Halves S.  False when it cannot: it is static, or the smallest already."""
        self.good_steps = 0
        if self.interval is None or self.value <= self.smallest:
            return False
        self.value = max(self.smallest, self.value / self.factor)
        return True

    def succeeded(self) -> None:
        """One more good step."""
        if self.interval is None:
            return
        self.good_steps += 1
        if self.good_steps == self.interval:
            self.value, self.good_steps = self.value * self.factor, 0


class MixedPrecision(Optimizer):
    """Lets an optimiser move a float32 copy of `half`, a float16 model or its parameters.

    make(parameters): builds that optimiser, such as AdamW.  `parameters` is the master copy, and its gradient is that
    of the loss itself.  tfx.train.scaled_loss multiplies by `scale.value`.  `steps` counts batches, skipped ones too;
    `skipped` those.  Raises ValueError unless the parameters are float16.
    """

    def __init__(
        self,
        half: Trained,
        make: Callable[[FlatParameters], Optimizer],
        scale: LossScale | None = None,
    ) -> None:
        self.half = flatten(half) if isinstance(half, Layer) else half
        if self.half.value.dtype != "float16":
            raise ValueError(f"mixed precision needs float16 parameters, not {self.half.value.dtype}")
        master = self.half.value.astype("float32")
        super().__init__(dataclasses.replace(self.half, value=master, grad=xp_of(master).zeros_like(master)))
        self.inner = make(self.parameters)
        self.scale = LossScale() if scale is None else scale
        self.skipped = 0

    def collect(self) -> bool:
        """Takes the gradient over, divided by S.  False: it overflowed, S was halved, and the step is to be skipped.

        Looks at the gradient, for which a graphics card has to wait once.
        """
        grad, half = self.parameters.grad, self.half.grad
        grad[...] = half
        grad *= 1.0 / self.scale.value
        if bool(xp_of(half).isfinite(half).all()) or not self.scale.overflowed():
            return self.inner.collect()
        self.steps += 1
        self.skipped += 1
        return False

    def step(self, learning_rate: float) -> None:
        self.inner.step(learning_rate)
        with np.errstate(over="ignore"):
            self.half.value[...] = self.parameters.value
        self.scale.succeeded()
        self.steps += 1

    def state(self) -> dict[str, Any]:
        """Also the master copy and the scale: the float16 values of a checkpoint are not enough to go on from."""
        inner = self.inner.state()
        counts = [self.scale.value, self.scale.good_steps, self.skipped, inner.pop("steps")]
        averages = {f"inner.{name}": value for name, value in inner.items()}
        return {"steps": self.steps, "master": self.parameters.value.copy(), "counts": np.array(counts), **averages}

    def load_state(self, state: dict[str, Any]) -> None:
        """Raises ValueError when the state comes from another optimiser or another model size."""
        own = self.state()
        if state.keys() != own.keys():
            raise ValueError(f"this optimiser keeps {sorted(own)}, the state has {sorted(state)}")
        if state["master"].shape != own["master"].shape:
            raise ValueError(f"master has {state['master'].size} entries but the model {own['master'].size}")
        value, good_steps, skipped, inner_steps = (float(number) for number in state["counts"])
        averages = {name[6:]: array for name, array in state.items() if name.startswith("inner.")}
        self.inner.load_state({"steps": int(inner_steps), **averages})
        self.parameters.value[...] = to_device(state["master"], xp_of(self.parameters.value))
        with np.errstate(over="ignore"):
            self.half.value[...] = self.parameters.value
        self.scale.value, self.scale.good_steps, self.skipped = value, int(good_steps), int(skipped)
        self.steps = int(state["steps"])
