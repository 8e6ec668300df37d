"""Numbers for the quiz on scaling laws: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.scale.chinchilla import Law, optimum, training_operations
from tfx.measure.emergence import expected_exact_match
from tfx.measure.power_laws import LossLaw, fit_power_law


@told_apart
def larger(rng: np.random.Generator) -> NumberCase:
    """The loss of a model of so many times the size, floor and all."""
    floor, above = int(rng.integers(12, 20)) / 10, int(rng.integers(5, 16)) / 10
    alpha, times = float(rng.choice([0.1, 0.2, 0.3, 0.5])), int(rng.choice([4, 10, 16, 100]))
    wrong = (
        Wrong((floor + above) * times**-alpha, "floor left in", "The floor stays; what is above it falls."),
        Wrong(floor + above / times, "power as proportion", "Ten times the size does not divide the loss by ten."),
        Wrong(above * times**-alpha, "floor forgotten", "That is what is left above the floor."),
    )
    values = {"floor": floor, "above": above, "loss": round(floor + above, 1), "alpha": alpha, "times": times}
    return NumberCase(values, float(LossLaw(floor, above, alpha).at(times)), wrong, 0.01)


@told_apart
def power_of_two_models(rng: np.random.Generator) -> NumberCase:
    """alpha of two models, from what they lose above the floor."""
    first, second = int(rng.integers(40, 90)) / 100, int(rng.integers(10, 35)) / 100
    factor = int(rng.choice([5, 10, 20, 50, 100]))
    law = fit_power_law([1, factor], [first, second])
    wrong = (
        Wrong((first - second) / math.log(factor), "semi-log for log-log", "Both axes are logarithms."),
        Wrong(first / second / factor, "ratio for power", "A power is a ratio of logarithms."),
        Wrong(1 - second / first, "fall as power", "That is the share that is gone."),
    )
    values = {"first": first, "second": second, "factor": factor}
    return NumberCase(values, -law.exponent, wrong, 0.02)


@told_apart
def work(rng: np.random.Generator) -> NumberCase:
    """Operations of a training, in units of 10^18."""
    size, each = int(rng.choice([1, 2, 3, 7, 8, 13])), int(rng.choice([10, 20, 50, 100]))
    answer = training_operations(size * 1e9, each * size * 1e9) / 1e18
    wrong = (
        Wrong(2.0 * each * size**2, "forward alone", "Backward costs about twice as much again."),
        Wrong(6.0 * each * size, "tokens for each parameter as tokens", "Each parameter has so many tokens: size counts twice."),
        Wrong(1.0 * each * size**2, "one operation a weight", "A product and a sum forward, four such backward."),
    )  # fmt: skip
    return NumberCase({"size": size, "each": each}, answer, wrong, 0.01)


@told_apart
def best_size(rng: np.random.Generator) -> NumberCase:
    """By what the best size grows with the budget, from a real optimum."""
    alpha, beta = (float(x) for x in rng.choice([0.2, 0.3, 0.4, 0.5, 0.6], 2, replace=False))
    times = int(rng.choice([10, 100, 1000]))
    law = Law(1.7, 400.0, 1000.0, alpha, beta)
    answer = optimum(1e21 * times, law).n_parameters / optimum(1e21, law).n_parameters
    wrong = (
        Wrong(times ** (alpha / (alpha + beta)), "size and tokens swapped", "That is how the tokens grow: the faster a part falls, the less it needs."),
        Wrong(float(times), "all into size", "Then the tokens would not grow at all."),
        Wrong(times**0.5, "a half for any law", "A half is the power where alpha and beta are equal."),
    )  # fmt: skip
    return NumberCase({"alpha": alpha, "beta": beta, "times": times}, answer, wrong, 0.02)


@told_apart
def whole_answers(rng: np.random.Generator) -> NumberCase:
    """Answers right as a whole, in %."""
    percent, n = int(rng.integers(70, 99)), int(rng.choice([4, 5, 8, 10, 20]))
    p = percent / 100
    wrong = (
        Wrong(float(percent), "token for answer", "That is the score of single tokens."),
        Wrong(100 * (1 - n * (1 - p)), "sum for product", "Chances of independent tokens multiply."),
        Wrong(100 * (1 - (1 - p) ** n), "one right token", "That is the chance that at least one is right."),
    )
    return NumberCase({"percent": percent, "n": n}, 100 * float(expected_exact_match(p, n)), wrong, 0.02)
