"""Learning from examples in the prompt: layers of linear attention that do gradient descent while they read.

The prompt shows x_1 y_1 ... x_N y_N with y = w . x, and asks for the y of a query x.  Gradient descent on the mean
squared error over the examples, from zero and with rate r, has after one step

    w_1 = r/N sum_j y_j x_j            w_1 . x = sum_j (r/N y_j) (x_j . x)

and the right side is linear attention: keys x_j, query x, values r/N y_j.  Each layer takes what it reads off the y of
every token, so that the next one finds the errors that are left: K layers are K steps.  With Gaussian x of width d and
w, one step leaves the share 1 - 2 r + r^2 (1 + (d + 1) / N) of the squared error.  No weight changes.
Source: von Oswald et al. 2023, "Transformers Learn In-Context by Gradient Descent", proposition 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tfx.efficient.causal_product import causal_product_forward
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import at_least, at_most, largest, near
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How can a model learn from examples in its prompt, when no weight changes?"
TITLE = "A linear rule, learned from a prompt by layers of linear attention"
CLAIM = (
    "A model can learn from examples in its prompt without an update: one layer of linear attention, its weights set "
    "for it, does one step of gradient descent."
)
BREAK_IT = ("--set examples=3", "--set rate=0")
HOST_ONLY = "Sums over a few vectors: nothing for a card."

#: Attention and gradient descent say the same, but for rounding, where answers have size 1.
ROUNDING = 1e-10
#: What many steps leave of the squared error, as a share; what tells two predictors apart, in sizes of the answer.
LEFT, APART = 0.1, 0.05


@dataclass(frozen=True)
class Settings:
    layers: tuple[int, ...] = setting((1, 2, 4, 8, 16), 1, 100, "layers, and steps of gradient descent", at_least=3)
    examples: int = setting(20, 1, 1000, "pairs x, y in the prompt, N")
    width: int = setting(5, 1, 100, "numbers in an x, d")
    rate: float = setting(0.5, 0.0, 1.0, "of gradient descent, r")
    tasks: int = setting(1000, 4, 100_000, "random rules, each with a prompt and a query")

    def quick(self) -> Settings:
        """A fifth of the rules."""
        return replace(self, tasks=max(4, self.tasks // 5))

    def full(self) -> Settings:
        """Ten times as many."""
        return replace(self, tasks=min(100_000, 10 * self.tasks))

    def bytes_needed(self) -> float:
        """All prompts, and the products of all pairs of their tokens."""
        return 8.0 * self.tasks * (self.examples + 1) * (6 * self.width + 3 * (self.examples + 1))


COLUMNS = (
    Column("layers", "layers"),
    Column("difference", "largest difference", digits=2),
    Column("attention", "error left", "%", digits=3),
    Column("attention_se", "standard error", "%", digits=2, detail=True),
    Column("descent", "by gradient descent", "%", digits=3),
    Column("causal", "left, causal mask", "%", digits=3),
    Column("causal_off", "causal mask, off by", digits=2, detail=True),
)


class Tasks(NamedTuple):
    """x: (tasks, N + 1, d), the query last; y: (tasks, N + 1, 1), divided so that answers have size 1."""

    x: np.ndarray
    y: np.ndarray


def draw_tasks(run: Run[Settings]) -> Tasks:
    settings, rng = run.settings, run.generator()
    w = rng.standard_normal((settings.tasks, settings.width, 1)) / settings.width**0.5
    x = rng.standard_normal((settings.tasks, settings.examples + 1, settings.width))
    return Tasks(x, x @ w)


def rows(run: Run[Settings]) -> Measured:
    """Every number of layers on the same rules."""
    tasks = draw_tasks(run)
    for layers in run.over(sorted(set(run.settings.layers)), "{} layers"):
        yield measure_row(run.settings, tasks, layers)


def measure_row(settings: Settings, tasks: Tasks, layers: int) -> dict[str, Any]:
    read = through_attention(tasks, layers, settings.rate)
    masked = through_attention(tasks, layers, settings.rate, causal=True)
    stepped = by_descent(tasks, layers, settings.rate)
    answer = tasks.y[:, -1, 0]
    row: dict[str, Any] = {
        "layers": layers,
        "difference": float(np.abs(read - stepped).max()),
        "causal_off": float(np.sqrt(((masked - stepped) ** 2).mean())),
        "smooth_off": float(np.sqrt(((by_softmax(tasks) - stepped) ** 2).mean())),
    }
    for name, said in (("attention", read), ("descent", stepped), ("causal", masked)):
        row[name], row[f"{name}_se"] = mean_with_error(100 * (said - answer) ** 2)
    return row


def through_attention(tasks: Tasks, layers: int, rate: float, causal: bool = False) -> np.ndarray:
    """-> (tasks,): the answer to the query.  Its own y starts at 0, and ends as minus the answer.

    causal: a token sees those before it and itself, instead of all examples.
    """
    x, n = tasks.x, tasks.x.shape[1] - 1
    left = tasks.y.copy()
    left[:, -1] = 0.0
    for _ in range(layers):
        keys, values = x.copy(), rate / n * left
        keys[:, -1], values[:, -1] = 0.0, 0.0  # the query is no example
        read, cache = causal_product_forward(x, keys, values)
        if not causal:  # all examples are in the last state
            nothing = np.zeros_like
            read, _ = causal_product_forward(x, nothing(keys), nothing(values), cache.last_state)
        left = left - read
    return -left[:, -1, 0]


def by_descent(tasks: Tasks, steps: int, rate: float) -> np.ndarray:
    """-> (tasks,): w . x of the query, where w has taken so many steps on the examples: mean of squares over 2."""
    found = []
    for x, y in zip(tasks.x, tasks.y, strict=True):
        w = np.zeros((x.shape[1], 1))
        for _ in range(steps):
            said, cache = linear_forward(x[:-1], w)
            w = w - rate * linear_backward((said - y[:-1]) / len(said), cache)[1]
        found.append(float((x[-1:] @ w)[0, 0]))
    return np.array(found)


def by_softmax(tasks: Tasks) -> np.ndarray:
    """-> (tasks,): one layer of softmax attention over the same keys and values: a mean of the y of similar x."""
    out, _ = attention_forward(tasks.x[:, -1:], tasks.x[:, :-1], tasks.y[:, :-1])
    return np.asarray(out[:, 0, 0])


def left_by_one_step(width: int, examples: int, rate: float) -> float:
    """Share of the squared error after one step: E |(1 - r X'X / N) w|^2 / |w|^2 for Gaussian X."""
    return 1 - 2 * rate + rate**2 * (1 + (width + 1) / examples)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    first, last = rows[0], rows[-1]
    law = 100 * left_by_one_step(settings.width, settings.examples, settings.rate)
    one = measure_row(settings, draw_tasks(run), 1) if first["layers"] != 1 else first
    return (
        at_most(
            "same",
            "K layers say what K steps say: largest difference",
            ROUNDING,
            largest(row["difference"] for row in rows),
        ),
        near(
            "one-step",
            "error that one step leaves, for Gaussian numbers: percent",
            law,
            one["attention"],
            one["attention_se"],
        ),
        at_most("learns", f"{last['layers']} layers leave of the error: percent", 100 * LEFT, last["attention"]),
        at_most("causal-one", "with a causal mask one layer says the same: off by", ROUNDING, one["causal_off"]),
        at_least(
            "causal-many",
            f"... but {last['layers']} layers do not, as early examples see few others: off by",
            APART,
            last["causal_off"],
        ),
        at_least("softmax", "softmax attention does another thing: off by, from one step", APART, one["smooth_off"]),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    settings = run.settings
    return (
        f"{settings.examples} examples of a linear rule for {settings.width} numbers. How many percent of the squared "
        f"error does one step of gradient descent at rate {settings.rate:g} leave?"
    )


def question(run: Run[Settings]) -> Question:
    settings = run.settings
    law = 100 * left_by_one_step(settings.width, settings.examples, settings.rate)
    explanation = f"1 - 2 r + r^2 (1 + (d + 1) / N) makes {law:.3g}."
    return Question(prompt(run), run.rows[0]["attention"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (0, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, first, last = run.settings, run.rows[0], run.rows[-1]
    return (
        Text(
            f"{last['layers']} layers of linear attention leave {last['attention']:.2g}% of the error, just as "
            f"{last['layers']} steps of gradient descent do: their answers differ by {last['difference']:.1g}. No "
            "weight changes."
        ),
        Text(
            "The weights are set by hand for it (von Oswald et al. 2023, proposition 1), and are the same for every "
            "rule. That such layers can do it does not say that a trained language model does."
        ),
        Text(
            f"Conditions: no softmax, whose layer is off from one step by {first['smooth_off']:.2g}; an x and its y in "
            f"one token; and examples that all see each other. With a causal mask {last['layers']} layers leave "
            f"{last['causal']:.2g}%, as early examples correct themselves by few others."
        ),
        Text(
            f"The rule can be found only where the examples fix it: {settings.examples} of them for {settings.width} "
            "numbers. With fewer examples than numbers a part of the error stays, however many layers there are."
        ),
        Text(
            f"n = {settings.tasks} random rules, the same ones in every row; errors are shares of the answers' square."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    layers, last = [row["layers"] for row in run.rows], run.rows[-1]

    def curve(label: str, key: str, kind: Any = "points") -> Series:
        errors = [row[f"{key}_se"] for row in run.rows] if kind == "points" else None
        return Series(label, layers, [row[key] for row in run.rows], errors, kind=kind)

    return (
        Plot(
            f"{last['layers']} layers leave {last['attention']:.2g}% of the error, as {last['layers']} steps of "
            f"gradient descent do; with a causal mask {last['causal']:.2g}%",
            "layers of linear attention, or steps of gradient descent",
            "squared error of the answer (%)",
            (
                curve("attention, all examples seen", "attention"),
                curve("gradient descent", "descent", "line"),
                curve("attention with a causal mask", "causal"),
            ),
            log_x=True,
            log_y=True,
        ),
    )
