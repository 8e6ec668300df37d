"""One step of AdamW over the parameters of a GPT, from single numbers to the library's optimiser.

    value -= lr decay value            where the parameter is a matrix
    m = b1 m + (1 - b1) g      v = b2 v + (1 - b2) g^2
    value -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

Seven numbers pass through memory for every parameter and hardly any arithmetic is done on them.  A rung is a class,
because m and v stay from step to step.  The library's also takes gradients that carry a penalty (l2), other forms of
eps, and has a state for checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.backend import Array
from tfx.bench.ladders import BLOCK, Ladder, Sizes, Work, library, rung, rungs_of
from tfx.optim.adamw import AdamW, decay_mask, decays_matrices
from tfx.params import Layer, Parameter, flatten

D_MODEL = 64
LEARNING_RATE = 1e-3
DECAY, BETA1, BETA2, EPS = 0.01, 0.9, 0.98, 1e-9  # what AdamW takes unless told


class Tensors(Layer):
    """The parameters of some Transformer blocks, with gradients, and nothing to compute with."""

    def __init__(self, n_blocks: int, dtype: Any, rng: np.random.Generator) -> None:
        d, f = D_MODEL, 4 * D_MODEL
        attention, feed_forward = [(d, d), (d,)] * 4, [(d, f), (f,), (f, d), (d,)]
        norms = [(d,)] * 4
        self.tensors = [
            Parameter(rng.standard_normal(shape).astype(dtype))
            for shape in (attention + feed_forward + norms) * n_blocks
        ]
        for tensor in self.tensors:
            tensor.grad[...] = rng.standard_normal(tensor.shape)


@rung(by_number=True)
class Numbers:
    """One parameter after the other, over lists."""

    def __init__(self, model: Tensors) -> None:
        self.tensors = model.tensors
        self.means = [[0.0] * tensor.value.size for tensor in self.tensors]
        self.squares = [[0.0] * tensor.value.size for tensor in self.tensors]
        self.steps = 0

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        share1, share2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        for tensor, mean, square in zip(self.tensors, self.means, self.squares, strict=True):
            decay = learning_rate * DECAY if decays_matrices("", tensor.shape) else 0.0
            values, grads = tensor.value.reshape(-1).tolist(), tensor.grad.reshape(-1).tolist()
            for i, g in enumerate(grads):
                mean[i] = BETA1 * mean[i] + (1 - BETA1) * g
                square[i] = BETA2 * square[i] + (1 - BETA2) * g * g
                values[i] -= decay * values[i]
                values[i] -= learning_rate * (mean[i] / share1) / (math.sqrt(square[i] / share2) + EPS)
            tensor.value[...] = np.reshape(values, tensor.shape)


@rung("tensors")
class TensorByTensor:
    """The formula on one tensor after the other.

    Why: The loop over the numbers runs in C.
    Price: A bias of a few numbers costs as many calls as a matrix.
    """

    def __init__(self, model: Tensors) -> None:
        self.tensors = model.tensors
        self.means = [np.zeros_like(tensor.value) for tensor in self.tensors]
        self.squares = [np.zeros_like(tensor.value) for tensor in self.tensors]
        self.steps = 0

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        share1, share2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        for i, tensor in enumerate(self.tensors):
            self.means[i] = BETA1 * self.means[i] + (1 - BETA1) * tensor.grad
            self.squares[i] = BETA2 * self.squares[i] + (1 - BETA2) * tensor.grad**2
            if decays_matrices("", tensor.shape):
                tensor.value -= learning_rate * DECAY * tensor.value
            tensor.value -= learning_rate * (self.means[i] / share1) / (np.sqrt(self.squares[i] / share2) + EPS)


@rung()
class OneVector:
    """All tensors in one vector.

    Why: As many calls as one tensor needs, for all of them.
    Price: Temporaries as long as the model leave the cache, where those of single tensors stayed, and fresh memory
    costs page faults.

    tfx.params.flatten makes it: one NumPy call per operation, not one per tensor.
    """

    def __init__(self, model: Tensors) -> None:
        flat = flatten(model)
        self.value, self.grad = flat.value, flat.grad
        self.decay = DECAY * decay_mask(flat, decays_matrices)
        self.mean, self.square = np.zeros_like(self.value), np.zeros_like(self.value)
        self.steps = 0

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        share1, share2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        self.mean = BETA1 * self.mean + (1 - BETA1) * self.grad
        self.square = BETA2 * self.square + (1 - BETA2) * self.grad**2
        self.value -= learning_rate * self.decay * self.value
        self.value -= learning_rate * (self.mean / share1) / (np.sqrt(self.square / share2) + EPS)


@rung()
class InPlace(OneVector):
    """All in place, with one scratch vector that is kept.

    Why: Nothing is allocated, and the scratch vector is in the cache more often than fresh memory is.
    """

    def __init__(self, model: Tensors) -> None:
        super().__init__(model)
        self.scratch = np.empty_like(self.value)

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        self.move(slice(None), self.scratch, learning_rate)

    def move(self, part: slice, scratch: Array, learning_rate: float) -> None:
        """The step of the parameters in `part`; scratch is as long as that."""
        value, grad, mean, square = self.value[part], self.grad[part], self.mean[part], self.square[part]
        np.multiply(grad, 1 - BETA1, out=scratch)
        mean *= BETA1
        mean += scratch
        np.multiply(grad, grad, out=scratch)
        scratch *= 1 - BETA2
        square *= BETA2
        square += scratch
        self.shrink(part, scratch, learning_rate)
        np.sqrt(square, out=scratch)
        scratch *= 1 / math.sqrt(1 - BETA2**self.steps)
        scratch += EPS
        np.divide(mean, scratch, out=scratch)
        scratch *= learning_rate / (1 - BETA1**self.steps)
        value -= scratch

    def shrink(self, part: slice, scratch: Array, learning_rate: float) -> None:
        """Weight decay: value -= learning_rate * decay * value."""
        value = self.value[part]
        np.multiply(self.decay[part], value, out=scratch)
        scratch *= learning_rate
        value -= scratch


@rung()
class FewerPasses(InPlace):
    """Constant factors gathered in eps and in the length of the step.

    Why: Thirteen passes over the vectors and not sixteen.
    Price: What is kept is no longer m and v of the paper.

    m / (1 - b1) and v / (1 - b2) are kept, so that new gradients enter without a factor, and what their factors and the
    bias corrections amount to goes into eps and the step's length:

        m = (1 - b1) m'      v = (1 - b2) v'      r = sqrt((1 - b2) / (1 - b2^t))
        (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) = (1 - b1) / (1 - b1^t) / r * m' / (sqrt(v') + eps / r)
    """

    def move(self, part: slice, scratch: Array, learning_rate: float) -> None:
        value, grad, mean, square = self.value[part], self.grad[part], self.mean[part], self.square[part]
        root = math.sqrt((1 - BETA2) / (1 - BETA2**self.steps))
        mean *= BETA1
        mean += grad
        np.multiply(grad, grad, out=scratch)
        square *= BETA2
        square += scratch
        self.shrink(part, scratch, learning_rate)
        np.sqrt(square, out=scratch)
        scratch += EPS / root
        np.divide(mean, scratch, out=scratch)
        scratch *= learning_rate * (1 - BETA1) / (1 - BETA1**self.steps) / root
        value -= scratch


@rung(change=f"All operations on {BLOCK} numbers, then on the next.")
class Blocks(FewerPasses):
    """The same operations, all of them on one block and then on the next.

    Why: Each number comes from memory once per step and not once per operation.
    Price: Each block pays for all the calls again.
    """

    def step(self, learning_rate: float) -> None:
        self.steps += 1
        for start in range(0, self.value.size, BLOCK):
            part = slice(start, start + BLOCK)
            self.move(part, self.scratch[part], learning_rate)


def inputs(size: int, dtype: Any, rng: np.random.Generator) -> tuple[Tensors]:
    return (Tensors(size, dtype, rng),)


def work(inputs: tuple[Any, ...]) -> Work:
    """value, m and v are read and written, the gradient is read."""
    return Work(7 * sum(tensor.value.nbytes for tensor in inputs[0].tensors), "GB/s")


def start(optimizer: Callable[[Tensors], Any], inputs: tuple[Any, ...]) -> Callable[[], Tensors]:
    """A call is one step of an optimiser of its own."""
    (model,) = inputs
    step = optimizer(model).step

    def call() -> Tensors:
        step(LEARNING_RATE)
        return model

    return call


def all_values(model: Tensors) -> Array:
    """(n,) a copy of all parameters."""
    return np.concatenate([tensor.value.reshape(-1) for tensor in model.tensors])


def copies(inputs: tuple[Any, ...]) -> Callable[[], Any]:
    """Three vectors of that length read, and three others written."""
    n = sum(tensor.value.size for tensor in inputs[0].tensors)
    source = np.ones((3, n), dtype=inputs[0].tensors[0].value.dtype)
    out = np.empty_like(source)
    return lambda: np.copyto(out, source)


def numbers(size: int) -> int:
    """About as many are in the inputs and in the largest arrays that a rung makes of them."""
    return 4 * 12 * D_MODEL**2 * size


RUNGS = rungs_of(
    __name__, library(AdamW, "It also takes penalties and other forms of eps, and its state goes into checkpoints.")
)
LADDER = Ladder(
    f"One step of AdamW, d_model {D_MODEL}",
    Sizes("Transformer blocks", 8, 1, 512),
    inputs,
    RUNGS,
    numbers,
    work=work,
    yardstick=("copying value, m and v", copies),
    naive="one vector",
    start=start,
    calls=3,
    read=all_values,
)
