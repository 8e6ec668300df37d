"""What does dropout do to a signal, and when does it help a network?

    y = x m        m = 0 with probability r, else 1 / (1 - r)
    mean of y = mean of x,    variance of y = variance of x + r / (1 - r) mean of x^2

so the signal keeps its mean and becomes noisier.  Whether that noise helps depends on what a network would do without
it: one that knows 200 points by heart is held back from it, one that sees new points at every step has nothing to learn
by heart.
Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.training.points import Blobs, Perceptron, drawn_from, fit, judge
from tfx.measure.estimates import distance_in_se, lead_in_se, mean_with_error, variance_with_error
from tfx.measure.verdicts import at_least, at_most, largest
from tfx.ops.basics.dropout import dropout_forward, dropout_mask
from tfx.optim import Adam
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What does dropout do to a signal, and when does it help a network?"
TITLE = "Dropout: mean and variance of a signal, and loss on new points"
CLAIM = (
    "Dropout regularises: it keeps the mean of a signal, makes it noisier, and so narrows the gap between training and "
    "test where a network over-fits."
)
BREAK_IT = ("--set rates=0,0.001,0.002",)
HOST_ONLY = "These networks are too small for a card."

#: The rate of the first Transformer, at which the reader predicts, or the nearest.
ASKED_AT = 0.1
#: So many standard errors count as a difference; a law may be missed by so many.
SURE, MISSED = 3.0, 5.0
#: New points that a network is judged by.
TEST = 2000


@dataclass(frozen=True)
class Settings:
    rates: tuple[float, ...] = setting((0, 0.1, 0.3, 0.5, 0.7), 0.0, 0.95, "dropout rates to try", at_least=3)
    draws: int = setting(200_000, 1000, 10_000_000, "numbers whose mean and variance are taken")
    points: int = setting(200, 20, 5000, "points of the network that over-fits")
    steps: int = setting(300, 10, 5000, "training steps")
    seeds: int = setting(15, 3, 200, "networks for each rate")

    def quick(self) -> Settings:
        """Fewer networks and numbers."""
        return replace(self, seeds=min(self.seeds, 4), draws=min(self.draws, 50_000), steps=min(self.steps, 200))

    def full(self) -> Settings:
        """More networks, trained for longer."""
        return replace(self, seeds=max(self.seeds, 50), steps=max(self.steps, 1000))

    def check(self) -> None:
        """Dropout none and some have to be compared."""
        if min(self.rates) > 0:
            raise BadInput("rates needs 0, to compare with.", "Try: --set rates=0,0.1,0.5")

    def bytes_needed(self) -> float:
        """The numbers, their multipliers and squares."""
        return 8.0 * (6 * self.draws + (self.points + TEST) * 200)


COLUMNS = (
    Column("rate", "dropout", digits=2),
    Column("mean", "mean", digits=4),
    Column("variance", "variance", digits=4),
    Column("gap", "test above training", "nats", digits=3),
    Column("ample", "test, ample data", "nats", digits=4),
    Column("variance_law", "variance by formula", digits=4, detail=True),
    Column("mean_se", "error of the mean", digits=2, detail=True),
    Column("variance_se", "error of the variance", digits=2, detail=True),
    Column("few", "test, few points", "nats", digits=3, detail=True),
    Column("few_se", "error of that", digits=2, detail=True),
    Column("gap_se", "error of the gap", digits=2, detail=True),
    Column("ample_se", "error, ample data", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every rate on the same numbers, points and first weights."""
    settings = run.settings
    for rate in run.over(sorted(set(settings.rates)), "dropout {:g}"):
        found = []
        for number in range(settings.seeds):
            run.saying(f"dropout {rate:g}: network {number + 1}")(number, settings.seeds)
            seed = (run.seed, number)
            found.append((*trained(settings, rate, False, seed), trained(settings, rate, True, seed)[1]))
        row = signal(settings.draws, rate, run.generator(1, round(1000 * rate)))
        training, few, ample = np.array(found).T
        row["few"], row["few_se"] = mean_with_error(few)
        row["gap"], row["gap_se"] = mean_with_error(few - training)
        row["ample"], row["ample_se"] = mean_with_error(ample)
        yield row


# Measuring


def signal(n: int, rate: float, rng: np.random.Generator) -> dict[str, float]:
    """Mean and variance of n numbers of mean 1 and variance 1 behind dropout, and what they should be."""
    x = 1 + rng.standard_normal(n)
    y, _ = dropout_forward(x, dropout_mask(x.shape, rate, rng))
    mean, mean_se = mean_with_error(y)
    variance, variance_se = variance_with_error(y)
    return {
        "rate": float(rate),
        "mean": mean,
        "mean_se": mean_se,
        "variance": variance,
        "variance_se": variance_se,
        "variance_law": variance_law(rate),
    }


def variance_law(rate: float, mean: float = 1.0, variance: float = 1.0) -> float:
    """Var x + r / (1 - r) E x^2."""
    return variance + rate / (1 - rate) * (variance + mean**2)


def trained(settings: Settings, rate: float, ample: bool, seed: tuple[int, int]) -> tuple[float, float]:
    """-> loss on the points that were learnt from and on new ones, of one network, in nats a point.

    ample: new points at every step, in place of a few again and again.
    """
    rng = np.random.default_rng(seed)
    blobs = Blobs(noise=0.2, seed=(*seed, 1))
    known, new = blobs.draw(settings.points, rng), blobs.draw(TEST, rng)
    model = Perceptron(blobs.width, 64, blobs.n_classes, rng, dropout=rate)

    batch = partial(blobs.draw, 64) if ample else drawn_from(known)
    fit(model, Adam(model), batch, settings.steps, 0.01, int(rng.integers(2**31)))
    return judge(model, known).loss, judge(model, new).loss


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, none, most = run.rows, run.rows[0], run.rows[-1]
    means = largest(distance_in_se(row["mean"], 1.0, row["mean_se"]) for row in rows)
    variances = largest(distance_in_se(row["variance"], row["variance_law"], row["variance_se"]) for row in rows)
    return (
        at_most("mean", "the mean stays: worst rate, in standard errors", MISSED, means),
        at_most("variance", "the variance grows by r/(1-r) mean of x^2: worst rate, in them", MISSED, variances),
        at_least("grows", "... so that at the largest rate it has doubled: times as large", 2.0, most["variance"]),
        at_least(
            "gap",
            "few points: the gap narrows from no dropout to the largest rate, in standard errors",
            SURE,
            lead_in_se(told(none, "gap"), told(most, "gap")),
        ),
        at_least(
            "helps",
            "few points: the loss on new ones falls, in standard errors",
            SURE,
            lead_in_se(told(none, "few"), told(most, "few")),
        ),
        at_most(
            "ample",
            "ample data: what dropout gains, over what it gains with few points",
            0.25,
            (none["ample"] - most["ample"]) / max(none["few"] - most["few"], 1e-9),
        ),
    )


def told(row: Mapping[str, Any], name: str) -> tuple[float, float]:
    """Mean and standard error."""
    return row[name], row[f"{name}_se"]


# Saying


def asked_at(run: Run[Settings]) -> float:
    return min((rate for rate in run.settings.rates if rate), key=lambda rate: abs(rate - ASKED_AT))


def prompt(run: Run[Settings]) -> str:
    return f"Numbers of mean 1 and variance 1 go through dropout {asked_at(run):g}. What is their variance then?"


def question(run: Run[Settings]) -> Question:
    at = asked_at(run)
    row = run.rows[sorted(set(run.settings.rates)).index(at)]
    explanation = f"It is 1 + {at:g}/{1 - at:g} times 2, the mean of their squares."
    return Question(prompt(run), row["variance"], 0.05, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    none, most = run.rows[0], run.rows[-1]
    return (
        Text(
            f"With {run.settings.points} points dropout {most['rate']:g} takes the test loss from {none['few']:.2f} to "
            f"{most['few']:.2f} nats; with new points at every step from {none['ample']:.2f} to {most['ample']:.2f}. "
            "It helps who over-fits."
        ),
        Text(
            "The mean is kept because what is left grows by 1 / (1 - r), so that nothing has to be rescaled when "
            "dropout is switched off (Srivastava et al. 2014, section 10). The variance is not kept: batch statistics "
            "that were learnt with dropout are too large without it."
        ),
        Text(
            f"A fifth of the labels are wrong, so that learning by heart costs. {run.settings.seeds} networks for each "
            "rate; all rates see the same points, and training loss is taken without dropout."
        ),
        Text("Here the test stays far above training at every rate: dropout narrows the gap and does not close it."),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    none, most = run.rows[0], run.rows[-1]

    def curve(name: str, label: str) -> Series:
        rates, means, errors = ([row[key] for row in run.rows] for key in ("rate", name, f"{name}_se"))
        return Series(label, rates, means, errors)

    return (
        Plot(
            f"Dropout {most['rate']:g} takes the test loss from {none['few']:.2f} to {most['few']:.2f} with "
            f"{run.settings.points} points, from {none['ample']:.2f} to {most['ample']:.2f} with ample data",
            "dropout rate",
            "loss on new points (nats)",
            (curve("few", f"{run.settings.points} points"), curve("ample", "new points at every step")),
        ),
    )
