"""What is lost when queries and keys are made by one matrix, W_Q = W_K?

    s_ij = q_i . k_j = x_i W W^T x_j        symmetric, and s_ii + s_jj >= 2 s_ij, as |q_i - q_j|^2 >= 0

A head learns to point: every token at the one after it on a circle (a relation with a direction), or at its partner
(one without).  Averaged over the rotations of the circle, or over the pairs, the loss does not rise, as it is convex
in the scores; then, for one matrix,

    circle, own key closed     the tokens before and after score alike, P <= 1/2        loss >= log 2
    circle, own key open       the own key scores no less than these two, P <= 1/3      loss >= log 3
    partner, own key open      the own key scores no less than the partner, P <= 1/2    loss >= log 2

With two matrices there is no such floor.  The trainings are those of tfx/lab/attention/directed_relation.py.
Sources: Vaswani et al. 2017, section 3.2.2; Kitaev et al. 2020, "Reformer: The Efficient Transformer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab.attention.directed_relation import Trained, asymmetry, follows, partner, train
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import at_least, at_most, largest, near
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What can a head not learn when queries and keys share one matrix, W_Q = W_K?"
TITLE = "Pointing at other tokens with one matrix for queries and keys, and with two"
CLAIM = (
    "With W_Q = W_K the scores are symmetric and a token scores best with itself: so a head needs two matrices to "
    "learn a relation that has a direction."
)
BREAK_IT = ("--set steps=5", "--set d_k=1")
HOST_ONLY = "These heads have a dozen tokens: nothing for a card."

NEXT, PARTNER = "the next one", "the partner"
ONE, TWO = "one", "two"
CLOSED, OPEN = "closed", "open"
RELATIONS = {NEXT: follows, PARTNER: partner}
#: Keys that score alike by symmetry: a loss below the log of their number is impossible with one matrix.
ALIKE = {(NEXT, CLOSED): 2, (NEXT, OPEN): 3, (PARTNER, CLOSED): 1, (PARTNER, OPEN): 2}
#: A head that has learned has a loss below this, far below log 2 and log 3.
LEARNED = 0.1
ROUNDING = 1e-9


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(8, 4, 32, "tokens, an even number")
    d_k: int = setting(8, 1, 64, "width of a query")
    steps: int = setting(300, 1, 10_000, "of gradient descent")
    seeds: int = setting(10, 3, 200, "heads that are trained for each row")

    def quick(self) -> Settings:
        """A third of the heads, two thirds of the steps."""
        return replace(self, seeds=max(3, self.seeds // 3), steps=min(self.steps, 200))

    def full(self) -> Settings:
        """Four times the heads, and more steps."""
        return replace(self, seeds=min(4 * self.seeds, 200), steps=max(self.steps, 1000))

    def check(self) -> None:
        if self.tokens % 2:
            raise BadInput(f"tokens are paired, but {self.tokens} is odd.", f"Try: --set tokens={self.tokens - 1}")

    def bytes_needed(self) -> float:
        """A few matrices of one small head at a time."""
        return 8.0 * 40 * (self.tokens + 4) * (self.tokens + self.d_k)


COLUMNS = (
    Column("relation", "to look at"),
    Column("matrices", "matrices"),
    Column("own", "own key"),
    Column("right", "share right", digits=3),
    Column("loss", "loss", "nats", digits=3),
    Column("loss_error", "standard error", digits=2, detail=True),
    Column("floor", "least with one matrix", "nats", digits=3, detail=True),
    Column("own_first", "own key best at first", digits=3, detail=True),
    Column("asymmetry", "asymmetry of the scores", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every relation with one matrix and with two, own key closed and open."""
    for case in run.over(product(RELATIONS, (ONE, TWO), (CLOSED, OPEN)), "{0[0]}, {0[1]}, own key {0[2]}"):
        yield measure_row(run, *case)


# Measuring


def measure_row(run: Run[Settings], relation: str, matrices: str, own: str) -> dict[str, Any]:
    """Means over the seeds; the same seeds, and so the same tokens, relations and first matrices, for every row."""
    seeds = [int(seed) for seed in run.generator().integers(2**31, size=run.settings.seeds)]
    heads, fresh = [], []
    for done, seed in enumerate(seeds):
        run.saying(f"{relation}, {matrices}, own key {own}: head {done + 1}")(done, len(seeds))
        heads.append(trained(run.settings, relation, matrices, own, seed))
        fresh.append(trained(replace(run.settings, steps=0), relation, matrices, OPEN, seed))
    loss, loss_error = mean_with_error(np.array([head.losses[-1] for head in heads]))
    places = np.arange(run.settings.tokens)
    return {
        "relation": relation,
        "matrices": matrices,
        "own": own,
        "right": float(np.mean([head.accuracy for head in heads])),
        "loss": loss,
        "loss_error": loss_error,
        "least": float(np.min([head.losses for head in heads])),
        "worst": largest(head.losses[-1] for head in heads),
        "floor": math.log(ALIKE[relation, own]),
        "own_first": float(np.mean([head.weights.argmax(axis=-1) == places for head in fresh])),
        "asymmetry": largest(asymmetry(scores(head)) for head in heads),
        "curve": [float(np.mean([head.losses[step] for head in heads])) for step in curve_steps(run)],
    }


def trained(settings: Settings, relation: str, matrices: str, own: str, seed: int) -> Trained:
    targets = RELATIONS[relation](settings.tokens, np.random.default_rng(seed))
    with blas_threads(1):
        return train(targets, matrices == ONE, settings.d_k, settings.steps, seed, own_key=own == OPEN)


def scores(head: Trained) -> np.ndarray:
    """W_Q W_K^T: (C, C), what a pair of any two inputs is scored with."""
    return head.w_q @ head.w_k.T


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    table = {(row["relation"], row["matrices"], row["own"]): row for row in run.rows}
    one, two = ([row for row in run.rows if row["matrices"] == which] for which in (ONE, TWO))
    tokens = run.settings.tokens
    return (
        *(
            above_floor(id, table[relation, ONE, own])
            for id, relation, own in (
                ("circle", NEXT, CLOSED),
                ("circle-open", NEXT, OPEN),
                ("partner-open", PARTNER, OPEN),
            )
        ),
        at_most(
            "partner",
            "one matrix, own key closed, does learn partners: the worst loss",
            LEARNED,
            table[PARTNER, ONE, CLOSED]["worst"],
        ),
        at_most("two", "two matrices learn all of it: the worst loss", LEARNED, largest(row["worst"] for row in two)),
        at_most("symmetric", "with one matrix scores are symmetric", 1e-12, largest(row["asymmetry"] for row in one)),
        at_least(
            "own-first",
            "before training, with one matrix, the own key is best for more than half of the tokens",
            0.5,
            float(np.mean([row["own_first"] for row in one])),
        ),
        near(
            "own-chance",
            "... and with two matrices as often as any other key",
            1 / tokens,
            float(np.mean([row["own_first"] for row in two])),
            math.sqrt((1 - 1 / tokens) / tokens / (tokens * run.settings.seeds)),
        ),
    )


def above_floor(id: str, row: Mapping[str, Any]) -> Check:
    """No loss of any step and seed is below the log of the number of keys that score alike."""
    alike = ALIKE[row["relation"], row["own"]]
    statement = f"one matrix, {row['relation']}, own key {row['own']}: no loss is below log {alike}"
    return at_least(id, statement, row["floor"] - ROUNDING, row["least"])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"{run.settings.tokens} tokens on a circle, W_Q = W_K, no token may look at itself: which share of its weight "
        "can a token give to the next one, on average at most?"
    )


def question(run: Run[Settings]) -> Question:
    row = run.rows[0]
    explanation = f"The one before scores alike. The loss reached {row['loss']:.3f}; log 2 is {math.log(2):.3f}."
    return Question(prompt(run), math.exp(-row["loss"]), 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The circle with one matrix and with two, and the partner with one."""
    return (0, 1, 2, 4, 5)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    circle, opened, free, mate, mate_open = (run.rows[i] for i in decisive(run))
    return (
        Text(
            f"With one matrix {circle['right']:.0%} of the tokens find the next one (loss {circle['loss']:.2f}), with "
            f"two {free['right']:.0%}. A partner is found by {mate['right']:.0%}, but by {mate_open['right']:.0%} if "
            "the own key is open."
        ),
        Text(
            "Queries and keys have projections of their own (Vaswani et al. 2017, section 3.2.2). Reformer shares one "
            "matrix and does well, with the own key closed unless there is no other (Kitaev et al. 2020): text is no "
            "circle, and positions inside the inputs can carry a direction."
        ),
        Text(
            f"On the circle with the own key open the loss stays at {opened['loss']:.2f}, above log 3: the own key and "
            "both neighbours share what there is. An inner product of a vector with itself is its squared length, and "
            "half the sum of two such lengths is at least what the two score together."
        ),
        Text(
            f"Before training the own key is the best for {circle['own_first']:.0%} of the tokens with one matrix and "
            f"for {free['own_first']:.0%} with two, where 1 of {run.settings.tokens} is chance. Losses are means of "
            f"{run.settings.seeds} heads after plain gradient descent; the floors are proved, in the docstring."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    """Losses along the training, without the rows that two matrices repeat."""
    shown = [run.rows[index] for index in decisive(run)]
    circle, free = shown[0], shown[2]
    floor = Series("log 2", [0.0, float(run.settings.steps)], [math.log(2)] * 2, kind="line")
    return (
        Plot(
            f"With one matrix the loss on a circle ends at {circle['loss']:.3f}, above log 2 = {math.log(2):.3f}; "
            f"with two at {free['loss']:.2g}",
            "step",
            "loss, mean over the heads (nats)",
            (*(Series(label(row), curve_steps(run), row["curve"]) for row in shown if row["relation"] == NEXT), floor),
            log_y=True,
        ),
        Plot(
            f"With one matrix {shown[3]['right']:.0%} of the tokens find their partner while the own key is closed, "
            f"{shown[4]['right']:.0%} when it is open",
            "step",
            "loss, mean over the heads (nats)",
            (
                *(Series(label(row), curve_steps(run), row["curve"]) for row in shown if row["relation"] == PARTNER),
                floor,
            ),
            log_y=True,
        ),
    )


def label(row: Mapping[str, Any]) -> str:
    return f"{row['matrices']} matri{'x' if row['matrices'] == ONE else 'ces'}, own key {row['own']}"


def curve_steps(run: Run[Settings]) -> list[int]:
    """Up to 21 steps, evenly from the first to the end."""
    return sorted({round(share * run.settings.steps / 20) for share in range(21)})
