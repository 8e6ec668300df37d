"""One step of Adam."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.optim.adam import Adam
from tfx.optim.adamw import AdamW, decays_everything
from tfx.params import FlatParameters

exercise = Exercise(
    "adam",
    "One step of Adam, with weight decay",
    autograd=False,
    step="adam",
    rules=[
        "value, grad, mean and square are arrays of one shape. mean and square are the running averages of the gradient "
        "and of its square before this step, and begin at 0.",
        "step is the number of this step; the first is 1. mean is divided by 1 - beta1**step, square by 1 - beta2**step.",
        "eps is added to the root, behind the division of square. The default of beta2 is 0.999.",
        "decoupled=True (AdamW): value falls by rate * decay * value, and by Adam's step besides; both from the value "
        "before the step. decoupled=False: decay * value is added to the gradient first, for both averages.",
        "Returned are the new value, mean and square, the averages as they are kept: without their correction.",
        "All arguments stay as they are.",
    ],
    hints=[
        "mean <- beta1 mean + (1 - beta1) grad. In the first step from 0: which part of the gradient is that?",
        "Is it the square of the mean gradient that is averaged, or the mean of the squares?",
        "Decoupled decay never meets the root. Where does it stand, then?",
    ],
    learned="both averages are corrected for their start at 0, the step is their quotient, and decoupled decay goes past it.",
    results=["value: the new value", "mean: as it is kept", "square: as it is kept"],
)


@exercise.stub
def adam(
    value,
    grad,
    mean,
    square,
    step,
    rate=0.001,
    beta1=0.9,
    beta2=0.999,
    eps=1e-8,
    decay=0.0,
    decoupled=True,
):
    """One step, number `step`, counted from 1.

    value, grad, mean, square: (...), of one shape -> value, mean, square: (...)
    """
    ...


@exercise.solution
def solution(
    value: Any, grad: Any, mean: Any, square: Any, step: int,
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8,
    decay: float = 0.0, decoupled: bool = True,
) -> Any:  # fmt: skip
    if not decoupled:
        grad = grad + decay * value
    mean = beta1 * mean + (1 - beta1) * grad
    square = beta2 * square + (1 - beta2) * grad**2
    corrected_mean = mean / (1 - beta1**step)
    corrected_square = square / (1 - beta2**step)
    update = corrected_mean / (np.sqrt(corrected_square) + eps)
    if decoupled:
        update = update + decay * value
    return value - rate * update, mean, square


@exercise.truth
def truth(
    value: Any, grad: Any, mean: Any, square: Any, step: int,
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8,
    decay: float = 0.0, decoupled: bool = True,
) -> Any:  # fmt: skip
    """The library moves all numbers of a model as one vector."""
    shape, size = value.shape, value.size
    flat = FlatParameters(
        value.astype(float).ravel(), grad.astype(float).ravel(), ("value",), (slice(0, size),), (shape,)
    )
    optimizer: Adam = (
        AdamW(flat, decay, beta1, beta2, eps, decays_everything)
        if decoupled
        else Adam(flat, beta1, beta2, eps, l2=decay)
    )
    optimizer.load_state(
        {"steps": step - 1, "mean": mean.astype(float).ravel(), "square": square.astype(float).ravel()}
    )
    optimizer.step(rate)
    return tuple(one.reshape(shape) for one in (flat.value, optimizer.mean, optimizer.square))


@exercise.equal
def number_by_number(
    value: Any, grad: Any, mean: Any, square: Any, step: int,
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8,
    decay: float = 0.0, decoupled: bool = True,
) -> Any:  # fmt: skip
    """Python floats."""
    found = []
    for x, g, m, v in zip(*(one.ravel().tolist() for one in (value, grad, mean, square)), strict=True):
        slope = g if decoupled else g + decay * x
        m, v = m + (1 - beta1) * (slope - m), v + (1 - beta2) * (slope * slope - v)
        quotient = m / (1 - beta1**step) / (math.sqrt(v / (1 - beta2**step)) + eps)
        shrunk = x * (1 - rate * decay) if decoupled else x
        found.append((shrunk - rate * quotient, m, v))
    return tuple(np.array(one).reshape(value.shape) for one in zip(*found, strict=True))


@exercise.equal
def corrections_in_the_rate(
    value: Any, grad: Any, mean: Any, square: Any, step: int,
    rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8,
    decay: float = 0.0, decoupled: bool = True,
) -> Any:  # fmt: skip
    """The form at the end of section 2 of the paper, with its own eps made from eps."""
    slope = grad + (not decoupled) * decay * value
    m = np.average(np.stack([mean, slope]), axis=0, weights=[beta1, 1 - beta1])
    v = np.average(np.stack([square, slope * slope]), axis=0, weights=[beta2, 1 - beta2])
    root = np.sqrt(1 - beta2**step)
    moved = value - rate * root / (1 - beta1**step) * m / (np.sqrt(v) + eps * root)
    return moved - decoupled * rate * decay * value, m, v


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    n = rng.standard_normal

    def given(*shape: int, step: int = 7, by: float = 1.0, **more: Any) -> dict[str, Any]:
        found = {"value": n(shape), "grad": by * n(shape), "mean": 0.3 * by * n(shape)}
        return found | {"square": by * by * (0.1 + rng.random(shape)), "step": step} | more

    def begun(*shape: int, **more: Any) -> dict[str, Any]:
        return given(*shape, **more) | {"mean": np.zeros(shape), "square": np.zeros(shape), "step": 1}

    yield Given("a matrix, step 7", given(3, 4))
    yield Given("a vector, the first step", begun(5))
    yield Given("the first step, a large rate", begun(2, 3, rate=0.5))
    yield Given("step 2", given(4, step=2, rate=0.1))
    yield Given("step 1,500", given(3, step=1_500, rate=0.1))
    yield Given("step 100,000", given(3, 2, step=100_000, rate=0.1))
    yield Given("one number", given(1, rate=0.2))
    yield Given("a square matrix, other betas", given(3, 3, rate=0.3, beta1=0.8, beta2=0.95))
    yield Given("beta1 is 0", given(4, rate=0.3, beta1=0.0))
    yield Given("beta2 is 0", given(2, 5, rate=0.3, beta2=0.0, step=3))
    yield Given("a large eps", given(3, 4, rate=0.3, eps=0.5))
    yield Given("a large eps, the first step", begun(6, rate=0.3, eps=0.1))
    yield Given("decoupled decay", given(3, 4, rate=0.1, decay=0.3))
    yield Given("decoupled decay, the first step", begun(2, 2, rate=0.2, decay=0.5))
    yield Given("decay in the gradient", given(3, 4, rate=0.1, decay=0.3, decoupled=False))
    yield Given("decay in the gradient, the first step", begun(5, rate=0.2, decay=0.5, decoupled=False))
    yield Given("everything else than usual", given(2, 3, step=4, rate=0.4, beta1=0.7, beta2=0.9, eps=0.2, decay=0.6))
    yield Given("no decay, decoupled=False", given(2, 3, rate=0.2, decoupled=False))
    yield Given("tiny gradients, values of 0", given(3, 3, by=1e-7, rate=0.1) | {"value": np.zeros((3, 3))})
    yield Given("a gradient of 0", begun(2, 3, rate=0.1, decay=0.1) | {"grad": np.zeros((2, 3))})
    single = given(2, 4, rate=0.1, decay=0.2)
    yield Given("float32", {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in single.items()})
    for about, (shape, step, by, rate, betas, eps, decay, dtype) in crossed(
        {"3 x 4": (3, 4), "5": (5,), "1": (1,), "2 x 2": (2, 2), "2 x 1 x 3": (2, 1, 3)},
        {"step 1": 1, "step 2": 2, "step 30": 30, "step 3,000": 3000},
        {"": 1.0, "small gradients": 1e-5, "large gradients": 1e3, "gradients of 0": 0.0},
        {"": {}, "rate 0.3": {"rate": 0.3}},
        {"": {}, "other betas": {"beta1": 0.8, "beta2": 0.95}, "beta1 0": {"beta1": 0.0}, "beta2 0": {"beta2": 0.0}},
        {"": {}, "eps 0.2": {"eps": 0.2}, "eps 1e-4": {"eps": 1e-4}},
        {"": {}, "decay": {"decay": 0.3}, "decay in the gradient": {"decay": 0.3, "decoupled": False},
         "not decoupled": {"decoupled": False}},
        {"": float, "float32": np.float32},
    ):  # fmt: skip
        one = (given if step > 1 else begun)(*shape, by=by or 1.0) | {"step": step}
        one["grad"] = one["grad"] * (by > 0)
        whole = {k: v.astype(dtype) if isinstance(v, np.ndarray) else v for k, v in one.items()}
        yield Given(about, whole | rate | betas | eps | decay)
