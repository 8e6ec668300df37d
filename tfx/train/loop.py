"""The training loop: a generator that yields one record a step.

Everything random in step n comes from `np.random.default_rng((seed, n))`: the batch and the dropout.  So a run is the
same every time, and one resumed at step n (`start=n`, see io/checkpoint.py) is the same as one never stopped.
On a device the draws are the same: they are made on the host and sent, which costs time but makes nobody wait.
The consumer decides when to stop: it closes the generator between two steps, when the model is whole.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tfx.arguments import number, whole_number
from tfx.backend import Array, read
from tfx.errors import TfxError
from tfx.optim import Optimizer, clip_by_norm, global_norm
from tfx.params import Layer
from tfx.schedule import Schedule

Batch = Any
M = TypeVar("M", bound=Layer)
Rng = np.random.Generator


class StepRecord(NamedTuple):
    """One step: its number (from 1), the mean loss in nats per token (plus the auxiliary losses of a model that has
    any), the learning rate used, the gradient norm before clipping, the tokens counted in the loss, and the seconds it
    took.  `seconds` alone differs between runs.  A step that the optimiser skipped has rate 0 and norm inf."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    seconds: float


class LossValue(NamedTuple):
    """loss: mean over the counted tokens, and what the model adds (nn/auxiliary_losses.py); on a device a 0-d array."""

    loss: Any
    tokens: int  # how many were counted


#: clip(grad): changes the gradient vector in place and returns its norm before that; on a device a 0-d array.
Clip = Callable[[Array], Any]

#: loss(model, batch, rng): forward with dropout from rng, then backward into the gradients of the model.
Loss = Callable[[M, Batch, Rng], LossValue]


class TrainingDiverged(TfxError):
    """The loss or a gradient stopped being a number."""

    exit_code = 1


def train(
    model: M,
    batches: Callable[[Rng], Batch],
    loss: Loss[M],
    optimizer: Optimizer,
    schedule: Schedule,
    steps: int,
    clip: float | Clip | None = 1.0,
    seed: int = 0,
    start: int = 0,
) -> Iterator[StepRecord]:
    """Trains up to step `steps` and yields a StepRecord after each.

    batches(rng): draws the batch of one step.  clip: limit on the global gradient norm, or a function from
    tfx.optim.clipping with its settings, such as partial(clip_by_value, limit=1.0); None for no limit.
    start: steps already taken (a resumed run).  Raises TrainingDiverged when loss or gradient is not finite, before
    the parameters are touched, and ValueError or TypeError for settings that make no run, a learning rate that is
    negative or not finite among them.
    """
    if not isinstance(optimizer, Optimizer) or not (callable(batches) and callable(loss) and callable(schedule)):
        raise TypeError("train needs an Optimizer, and batches, loss and schedule to call")
    whole_number("steps", steps, 0)
    whole_number("start", start, 0)
    whole_number("seed", seed, 0)
    if clip is not None and not callable(clip):
        number("clip", clip, above=0)
    clip_gradient = global_norm if clip is None else clip if callable(clip) else partial(clip_by_norm, limit=clip)
    for step in range(start + 1, steps + 1):
        began = time.perf_counter()
        rng = np.random.default_rng((seed, step))
        batch = batches(rng)
        model.zero_grad()
        value, tokens = loss(model, batch, rng)
        if not optimizer.collect():
            yield StepRecord(step, read(value)[0], 0.0, math.inf, tokens, time.perf_counter() - began)
            continue
        value, norm = read(value, clip_gradient(optimizer.parameters.grad))  # a device waits here and nowhere else
        if not (math.isfinite(value) and math.isfinite(norm)):
            raise TrainingDiverged(
                f"training diverged at step {step}: loss {value}, gradient norm {norm}.",
                "Lower the learning rate or lengthen the warm-up.",
            )
        rate = number(f"the learning rate of step {step}", schedule(step), 0)
        optimizer.step(rate)
        model.update_buffers()
        yield StepRecord(step, value, rate, norm, tokens, time.perf_counter() - began)
