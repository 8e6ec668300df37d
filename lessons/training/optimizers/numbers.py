"""Numbers for the quiz on optimizers: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.training.optimizers import ITEMSIZE, state_numbers
from tfx.lab.training.warmup import Numbers
from tfx.optim import Adam, AdamW, Lion
from tfx.optim.adafactor import kept_shapes
from tfx.optim.adamw import decays_everything


@told_apart
def first_step(rng: np.random.Generator) -> NumberCase:
    """How far Adam's first step moves a number, by the library."""
    grad = float(rng.choice([0.002, 0.05, 3.0, 20.0]))
    rate = float(rng.choice([0.001, 0.003, 0.01]))
    model = Numbers(np.zeros(1))
    optimizer = Adam(model)
    optimizer.parameters.grad[...] = grad
    optimizer.step(rate)
    wrong = (
        Wrong(rate * grad, "gradient sets the step", "That is plain gradient descent. Adam divides by the root of the squares."),
        Wrong(0.1 * rate, "no bias correction of the mean", "The mean holds a tenth of the gradient, and is divided by that tenth."),
        Wrong(rate / math.sqrt(0.02), "no bias correction of the square", "The square holds 0.02 of itself, and is divided by 0.02."),
    )  # fmt: skip
    return NumberCase({"grad": f"{grad:g}", "rate": f"{rate:g}"}, abs(float(model.numbers.value[0])), wrong, 0.02)


@told_apart
def second_step(rng: np.random.Generator) -> NumberCase:
    """How far Adam's second step moves a number whose gradient has changed."""
    first, second = (float(x) for x in rng.choice([1.0, 2.0, 3.0, 4.0, 5.0], size=2, replace=False))
    model = Numbers(np.zeros(1))
    optimizer = Adam(model, eps=0.0)
    for grad in (first, second):
        before = float(model.numbers.value[0])
        optimizer.parameters.grad[...] = grad
        optimizer.step(1.0)
    moved = before - float(model.numbers.value[0])
    mean, square = 0.1 * (0.9 * first + second), 0.02 * (0.98 * first**2 + second**2)
    wrong = (
        Wrong(mean / math.sqrt(square), "no bias correction", "Both averages started at 0: divide by 1 - 0.9^2 and 1 - 0.98^2."),
        Wrong(second / math.sqrt(square / (1 - 0.98**2)), "gradient for its mean", "The step follows the average of the gradients."),
        Wrong(mean / 0.19 / (square / (1 - 0.98**2)), "root forgotten", "The divisor is the root of the averaged squares."),
    )  # fmt: skip
    return NumberCase({"first": f"{first:g}", "second": f"{second:g}"}, moved, wrong, 0.01)


@told_apart
def state_bytes(rng: np.random.Generator) -> NumberCase:
    """Gigabytes of state in float32."""
    name, billions = str(rng.choice(["AdamW", "Lion"])), int(rng.choice([1, 3, 8, 13, 30]))
    kept = state_numbers(name)
    wrong = (
        Wrong(float(ITEMSIZE * (3 - kept) * billions), "one average for two", "Adam and AdamW keep two averages, Lion one."),
        Wrong(float(kept * billions), "numbers for bytes", f"A float32 number has {ITEMSIZE} bytes."),
        Wrong(float(ITEMSIZE * (kept + 2) * billions), "weights and gradients counted", "Asked is what the optimizer keeps beside them."),
    )  # fmt: skip
    return NumberCase({"name": name, "billions": billions}, ITEMSIZE * kept * billions, wrong, 0.0, "GB")


@told_apart
def factored(rng: np.random.Generator) -> NumberCase:
    """Numbers that Adafactor keeps for the squares of a matrix."""
    rows, columns = (int(x) for x in rng.choice([256, 512, 768, 1024, 4096], size=2, replace=False))
    kept = sum(math.prod(shape) for shape in kept_shapes((rows, columns)).values())
    wrong = (
        Wrong(float(rows * columns), "a square for each number", "Rows and columns have a sum each."),
        Wrong(float(2 * (rows + columns)), "a mean as well", "It has no average of gradients unless asked for."),
        Wrong(float(min(rows, columns)), "one side alone", "Both row sums and column sums are kept."),
    )
    return NumberCase({"rows": rows, "columns": columns}, float(kept), wrong, 0.0)


@told_apart
def decayed(rng: np.random.Generator) -> NumberCase:
    """What AdamW leaves of a weight whose gradient is 0."""
    rate, decay = float(rng.choice([0.02, 0.03, 0.05])), float(rng.choice([0.05, 0.1, 0.2]))
    steps = 10 * int(rng.integers(5, 31))
    model = Numbers(np.ones(1))
    optimizer = AdamW(model, weight_decay=decay, decays=decays_everything)
    for _ in range(steps):
        optimizer.step(rate)
    left = float(model.numbers.value[0])
    wrong = (
        Wrong((1 - decay) ** steps, "rate forgotten", "The decay is multiplied by the rate."),
        Wrong(
            max(1 - steps * rate * decay, 0.0), "decay of the first value", "Each step takes a share of what is left."
        ),
        Wrong(1.0, "no gradient, no decay", "AdamW's decay needs no gradient."),
        Wrong(1 - left, "the other share", "That is what is gone."),
    )
    return NumberCase({"rate": f"{rate:g}", "decay": f"{decay:g}", "steps": steps}, left, wrong, 0.02)


@told_apart
def lion_moves(rng: np.random.Generator) -> NumberCase:
    """The signed change that Lion makes, by the library."""
    # a mean between two tenths: 9 means are never one gradient of whole tenths, whose mix would have no sign
    mean, grad = int(rng.integers(2, 10)) / 10 + 0.05, -round(float(rng.uniform(2, 12)), 1)
    rate = float(rng.choice([0.001, 0.002, 0.005]))
    model = Numbers(np.zeros(1))
    optimizer = Lion(model)
    optimizer.mean[...] = mean
    optimizer.parameters.grad[...] = grad
    optimizer.step(rate)
    moved = float(model.numbers.value[0])
    mix = 0.9 * mean + 0.1 * grad
    wrong = (
        Wrong(-moved, "sign of the gradient" if mix > 0 else "sign of the average", "The sign is that of the mix."),
        Wrong(-rate * mix, "size of the mix", "Only its sign counts; the length is the rate."),
        Wrong(-rate * grad, "plain descent", "Lion takes a sign."),
    )
    return NumberCase({"mean": f"{mean:g}", "grad": f"{grad:g}", "rate": f"{rate:g}"}, moved, wrong, 0.01)
