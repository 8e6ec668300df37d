"""What does a warm-up of the learning rate do for post-LN and for pre-LN Transformers?

    post-LN  y = norm(x + f(x))        pre-LN  y = x + f(norm(x))
    rate of step t = peak * min(1, t / warmup)

Adam's first step has the length of the rate in every number, whatever the gradient: m and v hold one gradient each, and
m / sqrt(v) is its sign.  So at the start the rate alone says how far a model is thrown, in a direction that one batch
has chosen; warm-up keeps that short.  The task here, copying, asks nothing of attention: what fails at it is broken.
Sources: Vaswani et al. 2017, section 5.3; Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.data.toys.tasks import find_task
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, smallest
from tfx.models import Encoder
from tfx.optim import Adam
from tfx.params import Layer, Parameter
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_linear
from tfx.settings import setting
from tfx.train.loop import TrainingDiverged, train
from tfx.train.toys import examine, toy_loss

QUESTION = "What does a warm-up of the learning rate do for post-LN and for pre-LN Transformers?"
TITLE = "Training with and without a warm-up, at two learning rates"
CLAIM = (
    "Warm-up prevents early instability: without it a post-LN Transformer breaks at a high learning rate. Pre-LN, or "
    "a modest rate, does without."
)
BREAK_IT = ("--set warmup=1",)
HOST_ONLY = "These models are too small for a card: each step takes longer to start there than to compute here."

POST, PRE = "post-LN", "pre-LN"
HIGH, MODEST = "high", "modest"
#: What works without warm-up copies so much at least.
LEARNT = 0.9
#: Different symbols, so that a guess is right once in so many.  Half way from there to 1 parts what works from what
#: does not.
SYMBOLS = 6
HALF_WAY = (1 + 1 / SYMBOLS) / 2
#: Sizes of a gradient over 12 orders of magnitude, for Adam's first step.
SCALES = (1e-6, 1.0, 1e6)


@dataclass(frozen=True)
class Settings:
    high: float = setting(0.04, 1e-5, 1.0, "the high learning rate")
    modest: float = setting(0.003, 1e-6, 1.0, "the modest learning rate")
    layers: int = setting(4, 1, 12, "blocks of the model")
    steps: int = setting(100, 10, 2000, "training steps of each run")
    warmup: int = setting(50, 1, 2000, "steps until the full rate, where there is a warm-up; at most half of all")
    seeds: int = setting(5, 3, 100, "runs of each kind")

    def quick(self) -> Settings:
        """Shorter runs, and fewer of them."""
        return replace(self, steps=min(self.steps, 60), warmup=min(self.warmup, 30), seeds=min(self.seeds, 3))

    def full(self) -> Settings:
        """Many more runs, and longer ones."""
        return replace(self, steps=max(self.steps, 200), seeds=max(self.seeds, 20))

    def bytes_needed(self) -> float:
        """One small model at a time, its averages, and what a step remembers."""
        return 1e6 * (1 + self.layers)


COLUMNS = (
    Column("place", "norm"),
    Column("rate", "learning rate", digits=3),
    Column("warmup", "warm-up", "steps"),
    Column("accuracy", "symbols copied", digits=3),
    Column("accuracy_se", "standard error", digits=2),
    Column("learnt", "runs over half way", detail=True),
    Column("runs", "runs", detail=True),
    Column("loss", "loss at the end", "nats", digits=3, detail=True),
)

Row = Mapping[str, Any]


def rows(run: Run[Settings]) -> Measured:
    """Both places, both rates, without and with warm-up; the same first weights and batches for all of a seed."""
    settings = run.settings
    kinds = [
        (place, level, warmup)
        for place in (POST, PRE)
        for level in (HIGH, MODEST)
        for warmup in (0, min(settings.warmup, settings.steps // 2))
    ]
    for place, level, warmup in run.over(kinds, "{0[0]}, {0[1]} rate, warm-up {0[2]}"):
        rate, runs = settings.high if level == HIGH else settings.modest, []
        for number in range(settings.seeds):
            run.saying(f"{place}, rate {rate:g}: run {number + 1}")(number, settings.seeds)
            runs.append(trained(settings, place, rate, warmup, (run.seed, number)))
        accuracies = np.array([accuracy for accuracy, _ in runs])
        accuracy, error = mean_with_error(accuracies)
        yield {
            "place": place,
            "level": level,
            "rate": float(rate),
            "warmup": warmup,
            "accuracy": accuracy,
            "accuracy_se": error,
            "learnt": int((accuracies > HALF_WAY).sum()),
            "runs": settings.seeds,
            "loss": float(np.mean([loss for _, loss in runs])),
        }


# Measuring


def trained(settings: Settings, place: str, rate: float, warmup: int, seed: tuple[int, int]) -> tuple[float, float]:
    """-> (share of held-out symbols that are copied, mean loss of the last ten steps) of one model.

    A run that diverges is judged as it stands then, its last loss a guess's.
    """
    task = replace(find_task("copy"), length=6, n_symbols=SYMBOLS)
    own = int(np.random.default_rng(seed).integers(2**31))
    sizes = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": settings.layers, "activation": "relu", "tied": False}
    model = Encoder(task.n_tokens, seed=own, norm_place=place.removesuffix("-LN"), **sizes)
    losses = []
    steps = train(
        model,
        lambda rng: task.draw(16, rng),
        toy_loss(task),
        Adam(model),
        lambda step: warmup_linear(step, rate, warmup, settings.steps, floor=rate),
        settings.steps,
        clip=None,
        seed=own,
    )
    drawn = task.draw(200, np.random.default_rng((own, 0)), held_out=True)
    with np.errstate(over="ignore", invalid="ignore"):  # what is broken may be broken thoroughly
        try:
            for record in steps:
                losses.append(record.loss)
        except TrainingDiverged:
            losses.append(math.log(SYMBOLS))
        return examine(model, drawn).accuracy, float(np.mean(losses[-10:]))


class Numbers(Layer):
    """A few numbers, and nothing that is computed from them: for a look at a single step."""

    def __init__(self, values: np.ndarray) -> None:
        self.numbers = Parameter(values)


def first_step(gradient: np.ndarray, rate: float = 1.0) -> np.ndarray:
    """(n,) -> (n,): how far Adam's first step moves each number, in units of the rate."""
    model = Numbers(np.zeros(gradient.shape))
    optimizer = Adam(model)
    optimizer.parameters.grad[...] = gradient
    optimizer.step(rate)
    return np.abs(model.numbers.value) / rate


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    bare, warm = at_high_rate(run)
    others = [row for row in run.rows if (row["place"], row["level"]) != (POST, HIGH)]
    size = 1 + np.abs(run.generator(1).standard_normal(64))
    moved = [first_step(scale * size) for scale in SCALES]
    return (
        at_most(
            "breaks",
            "post-LN, high rate, no warm-up: right is closer to guessing than to 1",
            HALF_WAY,
            bare["accuracy"],
        ),
        at_least("saves", "... and with warm-up closer to 1 than to guessing", HALF_WAY, warm["accuracy"]),
        at_least(
            "not-needed",
            "pre-LN at both rates, post-LN at the modest one: the smallest share copied",
            LEARNT,
            smallest(row["accuracy"] for row in others),
        ),
        agree(
            "first-step",
            "Adam's first step is the rate in every number, for gradients from 1e-6 to 1e6",
            moved,
            1.0,
            to=2e-3,  # eps = 1e-9 beside a gradient of 1e-6
        ),
    )


def pick(rows: Sequence[Row], place: str, level: str, warmup: bool) -> Row:
    return next(row for row in rows if (row["place"], row["level"], row["warmup"] > 0) == (place, level, warmup))


def at_high_rate(run: Run[Settings]) -> tuple[Row, Row]:
    """post-LN without warm-up and with it."""
    return pick(run.rows, POST, HIGH, False), pick(run.rows, POST, HIGH, True)


# Saying


def prompt(run: Run[Settings]) -> str:
    s = run.settings
    return (
        f"Post-LN, {s.layers} layers, rate {s.high:g}, no warm-up: of {s.seeds} runs, how many copy more than "
        f"{HALF_WAY:.0%} of the symbols?"
    )


def question(run: Run[Settings]) -> Question:
    bare, warm = at_high_rate(run)
    explanation = f"With a warm-up it is {warm['learnt']}; a guess copies {1 / SYMBOLS:.0%}."
    return Question(prompt(run), float(bare["learnt"]), 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """post-LN at the high rate, and what does without warm-up."""
    places = enumerate(run.rows)
    return tuple(at for at, row in places if (row["place"], row["level"]) == (POST, HIGH) or not row["warmup"])


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    s = run.settings
    bare, warm = at_high_rate(run)
    pre = pick(run.rows, PRE, HIGH, False)
    modest = pick(run.rows, POST, MODEST, False)
    return (
        Text(
            f"At rate {s.high:g} post-LN copies {bare['accuracy']:.0%} of the symbols without warm-up and "
            f"{warm['accuracy']:.0%} with it, in {s.seeds} runs each. Without any, pre-LN copies {pre['accuracy']:.0%} "
            f"there, and post-LN {modest['accuracy']:.0%} at rate {s.modest:g}."
        ),
        Text(
            "So warm-up is what a post-LN model needs at a high rate, and no law of training: it changes little where "
            "the norms stand on the branch or the rate is modest (Xiong et al. 2020; the first Transformer was post-LN "
            "and warmed up, Vaswani et al. 2017, section 5.3)."
        ),
        Text(
            "It does not make gradients small. Adam's first step is the rate in every number whether the gradient is "
            "1e-6 or 1e6, because both averages then hold this one gradient; warm-up makes that rate small while the "
            "averages rest on a few batches."
        ),
        Text(
            f"A guess copies 1 in {SYMBOLS}. All runs of one number start from the same weights and see the same "
            "batches; the gradient is not clipped, since clipping would hide part of what breaks."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    s = run.settings
    bare, warm = at_high_rate(run)
    pre = pick(run.rows, PRE, HIGH, False)

    def points(place: str, warmup: bool) -> Series:
        those = [row for row in run.rows if row["place"] == place and (row["warmup"] > 0) == warmup]
        return Series(
            f"{place}, {'with' if warmup else 'no'} warm-up",
            [row["rate"] for row in those],
            [row["accuracy"] for row in those],
            [row["accuracy_se"] for row in those],
        )

    return (
        Plot(
            f"At rate {s.high:g} post-LN copies {bare['accuracy']:.0%} without warm-up, "
            f"{warm['accuracy']:.0%} with it; pre-LN {pre['accuracy']:.0%} without",
            "learning rate",
            "share of symbols copied",
            tuple(points(place, warmup) for place in (POST, PRE) for warmup in (False, True)),
            log_x=True,
        ),
    )
