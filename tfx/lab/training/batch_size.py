"""What does a larger batch do to the noise of a gradient, and how should the learning rate follow?

    g_B = mean of B independent gradients      mean of g_B = g,   root mean square of g_B - g = sigma / sqrt(B)

The gradient itself does not change with B, only its noise does.  A step of k times the batch has room for a larger
rate: k times (linear rule), because k small steps with nearly the same gradient add up to it, or sqrt(k) times (root
rule).  Neither can go on: a rate beyond what the curvature of the loss bears diverges, whatever the noise.
Sources: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.1; McCandlish et al. 2018, "An Empirical Model of
Large-Batch Training".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, Points, points_loss, steps_until
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.verdicts import at_least, at_most, between, largest
from tfx.optim import SGD
from tfx.params import flatten
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import rate_for_batch
from tfx.settings import setting

QUESTION = "What does a larger batch do to the noise of a gradient, and how should the rate follow?"
TITLE = "Batch size: noise of the gradient, and steps to a loss by three rules"
CLAIM = (
    "Large batches stabilise training: they leave the mean gradient as it is and divide its noise by the root of the "
    "batch size, with a diminishing return."
)
BREAK_IT = ("--set rate=0.001",)
HOST_ONLY = "These networks are too small for a card."

#: Powers of (batch / smallest batch) by which the rate grows.
RULES = {"same": 0.0, "root": 0.5, "linear": 1.0}
#: The noise may be off its law by so many standard errors.
MISSED = 5.0
#: Points of which the full gradient is the mean.
POOL = 512


@dataclass(frozen=True)
class Settings:
    batches: tuple[int, ...] = setting((4, 16, 64, 256, 1024), 1, 4096, "batch sizes", at_least=3)
    rate: float = setting(0.05, 1e-4, 10.0, "learning rate at the smallest batch")
    target: float = setting(1.4, 0.9, 2.2, "loss to reach, in nats")
    limit: int = setting(500, 20, 20_000, "steps after which a run counts as not there")
    draws: int = setting(200, 10, 10_000, "batches whose gradients are compared")
    seeds: int = setting(10, 2, 200, "runs of each kind")

    def quick(self) -> Settings:
        """Fewer runs and draws."""
        return replace(self, seeds=min(self.seeds, 3), draws=min(self.draws, 60))

    def full(self) -> Settings:
        """More runs and draws."""
        return replace(self, seeds=max(self.seeds, 40), draws=max(self.draws, 1000))

    def bytes_needed(self) -> float:
        """The largest batch in the hidden layer and what a step remembers, and the gradients of the pool."""
        return 8.0 * (max(self.batches) * 200 + (POOL + self.draws) * 900)


COLUMNS = (
    Column("batch", "batch"),
    Column("noise", "noise, relative", digits=3),
    Column("same", "steps, same rate", digits=3),
    Column("root", "steps, root rule", digits=3),
    Column("linear", "steps, linear rule", digits=3),
    Column("noise_law", "noise by the law", digits=3, detail=True),
    Column("noise_se", "error of the noise", digits=2, detail=True),
    Column("signal", "mean along the gradient", digits=4, detail=True),
    Column("signal_se", "error of that", digits=2, detail=True),
    Column("linear_rate", "rate, linear rule", digits=3, detail=True),
    Column("linear_missed", "runs not there, linear", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every size from the same first weights; its batches are its own."""
    settings = run.settings
    smallest_batch = min(settings.batches)
    for batch in run.over(sorted(set(settings.batches)), "batch {}"):
        row: dict[str, Any] = {
            "batch": batch,
            **gradient_noise(batch, settings.draws, run.generator(1), run.generator(2, batch)),
        }
        for done, (name, power) in enumerate(RULES.items()):
            run.saying(f"batch {batch}, {name} rate")(done, len(RULES))
            rate = rate_for_batch(settings.rate, batch, smallest_batch, power)
            steps = [steps_to(settings, batch, rate, (run.seed, number)) for number in range(settings.seeds)]
            row[name] = float(np.exp(np.log(steps).mean()))
            row[f"{name}_rate"] = rate
            row[f"{name}_missed"] = sum(taken > settings.limit for taken in steps)
        yield row


# Measuring


def gradient_noise(batch: int, draws: int, fixed: np.random.Generator, rng: np.random.Generator) -> dict[str, float]:
    """Noise and signal of the gradient of `batch` points, drawn with replacement from a pool, as shares of the gradient
    of the whole pool.  fixed: for pool and weights, the same for all sizes."""
    blobs = Blobs(noise=0.2, seed=(int(fixed.integers(2**31)),))
    pool, model = blobs.draw(POOL, fixed), Perceptron(blobs.width, 32, blobs.n_classes, fixed)
    whole = gradient(model, pool)
    square = float(whole @ whole)
    each = [gradient(model, Points(pool.x[i : i + 1], pool.labels[i : i + 1])) for i in range(POOL)]
    sigma2 = float(np.mean([g @ g for g in each])) - square
    off, along = [], []
    for _ in range(draws):
        chosen = rng.integers(POOL, size=batch)
        g = gradient(model, Points(pool.x[chosen], pool.labels[chosen]))
        off.append(float((g - whole) @ (g - whole)) / square)
        along.append(float(g @ whole) / square)
    variance, variance_se = mean_with_error(np.array(off))
    signal, signal_se = mean_with_error(np.array(along))
    noise = math.sqrt(variance)
    return {
        "noise": noise,
        "noise_se": variance_se / (2 * noise),  # of a root: d sqrt(v) = dv / (2 sqrt(v))
        "noise_law": math.sqrt(sigma2 / batch / square),
        "signal": signal,
        "signal_se": signal_se,
    }


def gradient(model: Perceptron, points: Points) -> np.ndarray:
    """(n,) of the mean loss of these points."""
    model.zero_grad()
    points_loss()(model, points, np.random.default_rng(0))
    return np.array(flatten(model).grad)


def steps_to(settings: Settings, batch: int, rate: float, seed: tuple[int, int]) -> float:
    """Steps until the loss on new points is below the target; one more than the limit where it never is."""
    rng = np.random.default_rng(seed)
    blobs = Blobs(noise=0.2, seed=(*seed, 1))
    new = blobs.draw(1000, rng)
    model = Perceptron(blobs.width, 32, blobs.n_classes, rng)
    draw, own = partial(blobs.draw, batch), int(rng.integers(2**31))
    steps = steps_until(settings.target, model, SGD(model), draw, new, rate, settings.limit, own)
    return min(steps, settings.limit + 1.0)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, first, last = run.rows, run.rows[0], run.rows[-1]
    step_up = rows[1]["batch"] / first["batch"]
    return (
        at_most(
            "noise",
            "noise is sigma over the root of the batch: worst size, in standard errors",
            MISSED,
            largest(distance_in_se(row["noise"], row["noise_law"], row["noise_se"]) for row in rows),
        ),
        at_most(
            "signal",
            "the mean gradient is the full one at every size: worst, in standard errors",
            MISSED,
            largest(distance_in_se(row["signal"], 1.0, row["signal_se"]) for row in rows),
        ),
        at_least(
            "diminishing",
            f"same rate, {last['batch'] / first['batch']:g} times the batch: steps left, as a share",
            1 / 8,
            last["same"] / first["same"],
        ),
        between(
            "linear-works",
            f"linear rule, {step_up:g} times the batch: steps saved, as a factor of that",
            0.5,
            2.0,
            first["linear"] / rows[1]["linear"] / step_up,
        ),
        at_least(
            "linear-ends",
            "linear rule, largest batch: steps over those of its best batch",
            2.0,
            last["linear"] / best(rows, "linear")["linear"],
        ),
        at_most("root-lasts", "root rule, largest batch: steps over the same rate's", 0.5, last["root"] / last["same"]),
    )


def best(rows: list[dict[str, Any]], rule: str) -> Mapping[str, Any]:
    return rows[int(np.argmin([row[rule] for row in rows]))]  # the first NaN, where there is one


# Saying


def prompt(run: Run[Settings]) -> str:
    sizes = run.settings.batches
    return f"The batch grows from {min(sizes)} to {max(sizes)}. How many times smaller is the noise of its gradient?"


def question(run: Run[Settings]) -> Question:
    first, last = run.rows[0], run.rows[-1]
    explanation = f"The root of {last['batch'] / first['batch']:g} is {(last['batch'] / first['batch']) ** 0.5:g}."
    return Question(prompt(run), first["noise"] / last["noise"], 0.2, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(min(len(run.rows), 9)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, last = run.rows[0], run.rows[-1]
    linear = best(run.rows, "linear")
    there = f"{last['linear']:.0f}" if last["linear"] <= run.settings.limit else "never"
    return (
        Text(
            f"{last['batch'] / first['batch']:g} times the batch divides the noise by "
            f"{first['noise'] / last['noise']:.1f}. At the same rate steps fall from {first['same']:.0f} to "
            f"{last['same']:.0f}; by the linear rule to {linear['linear']:.0f} at batch {linear['batch']}, and at "
            f"{last['batch']} steps are {there}."
        ),
        Text(
            "The mean gradient does not grow with the batch: there is no stronger signal, but less noise around it. "
            "Once the noise is smaller than the gradient, a larger batch buys little at the same rate (McCandlish "
            "et al. 2018)."
        ),
        Text(
            "The linear rule (Goyal et al. 2017, section 2.1) is for plain gradient descent, while the rate is below "
            "what the curvature bears; for Adam the root is derived (Malladi et al. 2022). A warm-up of the rate "
            "stretches the range."
        ),
        Text(
            f"Steps are means of logarithms over {run.settings.seeds} runs; a run that is not there in "
            f"{run.settings.limit} steps, or that diverges, counts as {run.settings.limit + 1}. Steps times batch are "
            "the examples seen; they grow under every rule once the return diminishes."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    first, last = run.rows[0], run.rows[-1]
    sizes = [row["batch"] for row in run.rows]
    linear = best(run.rows, "linear")
    law = Series("sigma / sqrt(B)", sizes, [row["noise_law"] for row in run.rows], kind="line")
    noise = Series("measured", sizes, [row["noise"] for row in run.rows], [row["noise_se"] for row in run.rows])
    rules = tuple(
        Series(label, sizes, [row[name] for row in run.rows])
        for name, label in (("same", "same rate"), ("root", "root rule"), ("linear", "linear rule"))
    )
    return (
        Plot(
            f"Steps to the loss: the linear rule is best at batch {linear['batch']} ({linear['linear']:.0f} steps)",
            "batch size",
            f"steps to a loss of {run.settings.target:g} nats ({run.settings.limit + 1} = never)",
            rules,
            log_x=True,
            log_y=True,
        ),
        Plot(
            f"Noise over gradient: {first['noise']:.2f} at batch {first['batch']}, {last['noise']:.2f} at batch "
            f"{last['batch']}",
            "batch size",
            "noise / length of the gradient",
            (noise, law),
            log_x=True,
            log_y=True,
        ),
    )
