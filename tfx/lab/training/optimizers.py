"""How many steps and how many bytes of state does each optimizer take to one loss?

    SGD  g          momentum  v = 0.9 v + g          Adagrad, Adam, AdamW, Adafactor  g over a root of squares
    Lion  the sign of an average

State is what a step needs beside parameters and gradient: for each number of float32 none (SGD), one more (momentum,
Adagrad, Lion) or two (Adam, AdamW); Adafactor keeps one for each row and each column of a matrix.

Each run is given the best of ten learning rates, found by itself, so that no optimizer loses by a rate that suits
another.  The points are classified twice, with inputs of one scale, and with scales from 1 down to 1/100: gradients
then have scales as uneven, and who divides each number's gradient by its own size does not care.
Sources: Kingma and Ba 2015 (Adam); Loshchilov and Hutter 2019 (AdamW); Shazeer and Stern 2018 (Adafactor); Chen et al.
2023 (Lion); Duchi et al. 2011 (Adagrad).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, Points, steps_until
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest
from tfx.optim import SGD, Adafactor, Adagrad, Adam, AdamW, Lion, Optimizer
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many steps and how many bytes of state does each optimizer take to one loss?"
TITLE = "Optimizers, each at its best rate: steps to a loss, and bytes of state"
CLAIM = (
    "Adam needs fewer steps than plain gradient descent where the scales of gradients differ, and twice the parameters "
    "in state; Lion needs one, Adafactor next to none."
)
BREAK_IT = ("--set scales=1",)
HOST_ONLY = "These networks are too small for a card."

OPTIMIZERS: dict[str, Callable[[Perceptron], Optimizer]] = {
    "SGD": SGD,
    "momentum": partial(SGD, momentum=0.9),
    "Adagrad": Adagrad,
    "Adam": Adam,
    "AdamW": AdamW,
    "Lion": Lion,
    "Adafactor": Adafactor,
}
ITEMSIZE = 4  # float32
#: Ten rates, from 0.0003 to 10, each 3.2 times the one before; tried from the middle outwards.
RATES = tuple(10 ** (k / 2) for k in range(-7, 3))


@dataclass(frozen=True)
class Settings:
    scales: float = setting(100.0, 1.0, 1e4, "the largest scale of an input over the smallest, where they are uneven")
    even_target: float = setting(0.5, 0.3, 2.0, "loss to reach with even scales, in nats")
    uneven_target: float = setting(0.8, 0.3, 2.0, "loss to reach with uneven scales, in nats")
    limit: int = setting(400, 20, 20_000, "steps after which a run counts as not there")
    seeds: int = setting(8, 2, 200, "runs of each optimizer")

    def quick(self) -> Settings:
        """Fewer runs."""
        return replace(self, seeds=min(self.seeds, 4), limit=min(self.limit, 300))

    def full(self) -> Settings:
        """More runs."""
        return replace(self, seeds=max(self.seeds, 50))

    def bytes_needed(self) -> float:
        """One small network and the points that judge it."""
        return 1e6


COLUMNS = (
    Column("optimizer", "optimizer"),
    Column("state", "state", "bytes", digits=3),
    Column("even", "steps, even", digits=3),
    Column("uneven", "steps, uneven", digits=3),
    Column("uneven_rate", "best rate", digits=2),
    Column("even_rate", "best rate, even", digits=2, detail=True),
    Column("even_se", "error of log steps, even", digits=2, detail=True),
    Column("uneven_se", "error of log steps, uneven", digits=2, detail=True),
    Column("missed", "runs not there", detail=True),
    Column("at_the_end", "best rates at an end", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every optimizer on the same points, with the same first weights."""
    settings = run.settings
    for name in run.over(OPTIMIZERS):
        row: dict[str, Any] = {"optimizer": name, "state": ITEMSIZE * state_numbers(name), "missed": 0, "at_the_end": 0}
        for kind, scales in (("even", 1.0), ("uneven", settings.scales)):
            found = []
            for number in range(settings.seeds):
                run.saying(f"{name}, {kind} scales: run {number + 1}")(number, settings.seeds)
                found.append(best_rate(settings, name, scales, kind, (run.seed, number)))
            steps, rates = np.array(found).T
            logs, row[f"{kind}_se"] = mean_with_error(np.log(steps))
            row[kind], row[f"{kind}_rate"] = math.exp(logs), float(np.exp(np.log(rates).mean()))
            row["missed"] += int((steps > settings.limit).sum())
            row["at_the_end"] += int(sum(rate in (RATES[0], RATES[-1]) for rate in rates))
        yield row


# Measuring


def best_rate(settings: Settings, name: str, scales: float, kind: str, seed: tuple[int, int]) -> tuple[float, float]:
    """-> (steps, rate) of the rate of RATES that is there first; a rate is given up when it is later than another."""
    target = settings.even_target if kind == "even" else settings.uneven_target
    best = settings.limit + 1.0, RATES[len(RATES) // 2]
    for rate in sorted(RATES, key=lambda rate: abs(math.log(rate / best[1]))):
        steps = steps_to(target, name, rate, scales, int(best[0]) - 1, seed)
        best = min(best, (steps, rate))
    return best


def steps_to(target: float, name: str, rate: float, scales: float, limit: int, seed: tuple[int, int]) -> float:
    """Steps until the loss on new points is below the target; infinite when that takes more than `limit`."""
    rng = np.random.default_rng(seed)
    blobs = Blobs(seed=(*seed, 1))
    factors = np.geomspace(1.0, 1 / scales, blobs.width)

    def draw(n: int, rng: np.random.Generator) -> Points:
        points = blobs.draw(n, rng)
        return Points(points.x * factors, points.labels)

    new = draw(500, rng)
    model = Perceptron(blobs.width, 32, blobs.n_classes, rng)
    draws, optimizer, own = partial(draw, 32), OPTIMIZERS[name](model), int(rng.integers(2**31))
    return steps_until(target, model, optimizer, draws, new, rate, limit, own)


def state_numbers(name: str) -> float:
    """Numbers of state for each parameter of the network, by what the library's optimizer keeps; the velocity of plain
    SGD is multiplied by 0 before it is used, so that it is none."""
    model = Perceptron(16, 32, 10, np.random.default_rng(0))
    optimizer = OPTIMIZERS[name](model)
    if getattr(optimizer, "momentum", None) == 0 and optimizer.averages == ("velocity",):
        return 0.0
    return sum(getattr(optimizer, kept).size for kept in optimizer.averages) / optimizer.parameters.value.size


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    row: dict[str, Mapping[str, Any]] = {row["optimizer"]: row for row in run.rows}
    sgd, adam = row["SGD"], row["Adam"]
    states = [row[name]["state"] / ITEMSIZE for name in ("SGD", "momentum", "Adagrad", "Lion", "Adam", "AdamW")]
    return (
        agree("state", "numbers of state: SGD 0, momentum, Adagrad, Lion 1, Adam, AdamW 2", states, [0, 1, 1, 1, 2, 2]),
        at_most(
            "adafactor", "Adafactor: bytes of state a number, where one number has 4", 1, row["Adafactor"]["state"]
        ),
        exactly("tuned", "best rates at an end of the range that was tried", 0, sum(r["at_the_end"] for r in run.rows)),
        at_most("even", "even scales: steps of SGD over those of Adam", 2.0, sgd["even"] / adam["even"]),
        at_least("uneven", "uneven scales: steps of SGD over those of Adam", 2.0, sgd["uneven"] / adam["uneven"]),
        at_most(
            "all-adaptive",
            "uneven scales: the slowest that divides or takes signs, over Adam",
            2.0,
            largest(row[name]["uneven"] for name in ("Adagrad", "AdamW", "Lion", "Adafactor")) / adam["uneven"],
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    return "How many bytes of state does Adam keep for each float32 number?"


def question(run: Run[Settings]) -> Question:
    state = {row["optimizer"]: row["state"] for row in run.rows}
    explanation = f"Two averages. Lion keeps {state['Lion']:g}, Adafactor {state['Adafactor']:.2g} here."
    return Question(prompt(run), state["Adam"], 0.0, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """One of each kind."""
    kinds = ("SGD", "momentum", "Adam", "Lion", "Adafactor")
    return tuple(at for at, row in enumerate(run.rows) if row["optimizer"] in kinds)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    row = {row["optimizer"]: row for row in run.rows}
    sgd, adam, lion = row["SGD"], row["Adam"], row["Lion"]
    return (
        Text(
            f"At their best rates SGD needs {sgd['even']:.0f} steps and Adam {adam['even']:.0f} where all inputs have "
            f"one scale, but {sgd['uneven']:.0f} and {adam['uneven']:.0f} where scales differ. Lion takes "
            f"{lion['uneven']:.0f}, with half of Adam's state."
        ),
        Text(
            "So it is the uneven scales that Adam answers, not steps as such. In a Transformer rare words and layers "
            "of different kinds make them uneven; which optimizer ends lower, or generalises better, is not settled by "
            "a toy (Chen et al. 2023 for Lion; Loshchilov and Hutter 2019 for AdamW)."
        ),
        Text(
            "Adafactor keeps a number for each row and column (Shazeer and Stern 2018), so that its share falls with "
            "the size of the matrices: here they are small. Its rate is relative to the size of what it moves."
        ),
        Text(
            f"{run.settings.seeds} runs of each, means of logarithms; every run has the best of {len(RATES)} rates "
            f"from {RATES[0]:.1g} to {RATES[-1]:g}, a factor of 3.2 apart, so that a lead below that factor is none."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    row = {row["optimizer"]: row for row in run.rows}

    def points(kind: str) -> Series:
        states = [row["state"] for row in run.rows]
        return Series(
            f"{kind} scales", states, [row[kind] for row in run.rows], names=[r["optimizer"] for r in run.rows]
        )

    return (
        Plot(
            f"Uneven scales: SGD {row['SGD']['uneven']:.0f} steps, Adam {row['Adam']['uneven']:.0f} with "
            f"{row['Adam']['state']:g} bytes a number, Lion {row['Lion']['uneven']:.0f} with {row['Lion']['state']:g}",
            "state (bytes for each number)",
            "steps to the loss, at the best rate",
            (points("uneven"), points("even")),
            log_y=True,
        ),
    )
