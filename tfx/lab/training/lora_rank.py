"""Low-rank updates: what is left of a change of a matrix when only a low rank may be learnt.

A matrix W (I, J) was learnt; the task now asks for W + D.  LoRA learns A (I, R) and B (R, J) with W' = W + A B, and at
first B = 0.  No matrix of rank R comes closer to D than its R largest singular values do, so what is left of |D| is

    sqrt(sum over i > R of s_i^2 / sum over all of s_i^2)            about q^R for s_i = q^i

and gradient descent reaches it.  The numbers to learn are R (I + J) instead of I J.
Sources: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1; the bound: Eckart and Young
1936, "The Approximation of One Matrix by Another of Lower Rank".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.seeds import generator
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, smallest
from tfx.nn.linear import Linear
from tfx.optim import Adam
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import LossValue, train
from tfx.tuning import add_lora

QUESTION = "How much of a change can a low-rank update learn, and how many numbers does it take?"
ORDER = 14
TITLE = "A change of a matrix, learnt with a low rank"
CLAIM = "A low-rank update learns most of a change with a small share of the numbers, and at first it changes nothing."
BREAK_IT = ("--set steps=5", "--set decay=1")
HOST_ONLY = "These are products of a few small matrices: nothing for a card."

#: What is left may lie so far from what theory leaves, as a share of the change.
SLACK = 0.02
#: Learnt with the middle rank, most of the change is there: less than this is left.
FEW = 0.5
#: Sizes of a matrix in a large model, for the count.
LARGE, LARGE_RANK = 4096, 8


@dataclass(frozen=True)
class Settings:
    ranks: tuple[int, ...] = setting((1, 2, 4, 8, 16), 1, 128, "ranks of the update", at_least=2)
    rows: int = setting(64, 2, 128, "rows of the matrix")
    columns: int = setting(48, 2, 128, "columns of the matrix")
    decay: float = setting(0.7, 0.05, 1.0, "each singular value of the change is so many times the one before")
    steps: int = setting(600, 1, 20_000, "steps of training")

    def quick(self) -> Settings:
        """Fewer steps."""
        return replace(self, steps=min(self.steps, 400))

    def full(self) -> Settings:
        return replace(self, ranks=(1, 2, 4, 8, 16, 32, 64), rows=96, columns=64, decay=0.9, steps=5000)

    def check(self) -> None:
        """Raises BadInput for a rank that no such matrix has."""
        most = min(self.rows, self.columns)
        if max(self.ranks) > most:
            raise BadInput(f"a matrix of {self.rows} x {self.columns} has rank {most} at most, not {max(self.ranks)}.",
                           f"Try: --set ranks=1,{most}")  # fmt: skip

    def bytes_needed(self) -> float:
        """The matrix, its change, gradients, averages and factors."""
        return 8.0 * 40 * self.rows * self.columns


COLUMNS = (
    Column("rank", "rank"),
    Column("numbers", "numbers learnt"),
    Column("share", "of the matrix", digits=3),
    Column("left", "left of the change", digits=3),
    Column("law", "left, by theory", digits=3),
    Column("at_first", "changed at step 0", digits=2, detail=True),
    Column("merged", "changed by merging", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every rank learns the same change of the same matrix."""
    for rank in run.over(sorted(set(run.settings.ranks)), "rank {}"):
        yield measure_row(run.settings, run.seed, rank)


class OneMap(Layer):
    """A matrix; its input is the identity, so that what it gives is the matrix and the squared error that of D."""

    def __init__(self, rows: int, columns: int, rng: np.random.Generator) -> None:
        self.map = Linear(rows, columns, rng, bias=False, dtype="float64")

    def forward(self, x: np.ndarray, rng: Any = None) -> tuple[np.ndarray, Any]:
        return self.map.forward(x)

    def backward(self, dy: np.ndarray, cache: Any) -> Any:
        return self.map.backward(dy, cache)


# Measuring


def measure_row(settings: Settings, seed: int, rank: int) -> dict[str, Any]:
    """Deterministic training: one batch, the identity."""
    model = OneMap(settings.rows, settings.columns, generator(seed))
    x, before = np.eye(settings.rows), model.map.w.value.copy()
    values = settings.decay ** np.arange(min(settings.rows, settings.columns))
    change = change_of(settings, values, generator(seed, 1))
    lora = add_lora(model, rank, generator(seed, 2), chosen=lambda name: True)
    at_first = float(abs(model.forward(x)[0] - before).max())

    def loss(model: OneMap, batch: np.ndarray, rng: np.random.Generator) -> LossValue:
        y, cache = model.forward(batch)
        error = y - (before + change)
        model.backward(error, cache)
        return LossValue(0.5 * float((error * error).sum()), len(batch))

    rate = partial(warmup_cosine, peak=0.03, warmup=max(settings.steps // 10, 1), total=settings.steps)
    for _ in train(model, lambda rng: x, loss, Adam(lora), rate, settings.steps, clip=None, seed=seed):
        pass
    tuned, numbers = model.forward(x)[0], lora.n_parameters
    lora.merge()
    merged = float(abs(model.forward(x)[0] - tuned).max())
    return {
        "rank": rank,
        "numbers": numbers,
        "share": numbers / before.size,
        "left": float(np.linalg.norm(tuned - before - change) / np.linalg.norm(change)),
        "law": float(np.sqrt((values[rank:] ** 2).sum() / (values**2).sum())),
        "at_first": at_first,
        "merged": merged,
    }


def change_of(settings: Settings, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(I, J) with these singular values, in random directions."""
    left, _ = np.linalg.qr(rng.standard_normal((settings.rows, len(values))))
    right, _ = np.linalg.qr(rng.standard_normal((settings.columns, len(values))))
    return (left * values) @ right.T


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, sizes = run.rows, run.settings.rows + run.settings.columns
    middle = rows[(len(rows) - 1) // 2]
    return (
        exactly("at-first", "before the first step the outputs have changed by at most", 0.0,
                largest(row["at_first"] for row in rows)),
        agree("count", "the numbers learnt are R (I + J): worst rank, off by", [row["numbers"] for row in rows],
              [row["rank"] * sizes for row in rows]),
        at_most("reaches", "what is left lies above what theory leaves by at most", SLACK,
                largest(row["left"] - row["law"] for row in rows)),
        at_least("not-below", "... and never below it: the least", -1e-9,
                 smallest(row["left"] - row["law"] for row in rows)),
        at_most("most", f"with rank {middle['rank']} so much of the change is left", FEW, middle["left"]),
        at_most("merged", "merging the update into the matrix changes outputs by at most", 1e-12,
                largest(row["merged"] for row in rows)),
    )  # fmt: skip


# Saying


def asked(ranks: tuple[int, ...]) -> int:
    return sorted(set(ranks))[(len(set(ranks)) - 1) // 2]


def prompt(run: Run[Settings]) -> str:
    return (
        f"Each singular value of a change is {run.settings.decay:g} times the one before. An update of rank "
        f"{asked(run.settings.ranks)} learns it: which share of its length is left?"
    )


def question(run: Run[Settings]) -> Question:
    row = next(row for row in run.rows if row["rank"] == asked(run.settings.ranks))
    estimate = run.settings.decay ** row["rank"]
    return Question(prompt(run), row["left"], 0.1, f"About {run.settings.decay:g}^{row['rank']} = {estimate:.3g}.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (0, (len(run.rows) - 1) // 2, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    row = run.rows[(len(run.rows) - 1) // 2]
    count = LARGE_RANK * 2 * LARGE
    return (
        Text(
            f"An update of rank {row['rank']} learns {1 - row['left']:.0%} of the change with {row['share']:.0%} of "
            f"the numbers; no update of that rank could learn more than {1 - row['law']:.0%}. Before the first step "
            "the outputs are the same to the bit."
        ),
        Text(
            f"In a matrix of {LARGE} x {LARGE}, rank {LARGE_RANK} is {count:,} of {LARGE**2:,} numbers, "
            f"{count / LARGE**2:.2%} (Hu et al. 2022, section 4.1). B starts at 0, so that nothing changes at first; A "
            "does not, or neither would ever move."
        ),
        Text(
            "How much is left is decided by the singular values of the change, not by LoRA: where they do not fall "
            "(--set decay=1), a low rank learns little. That the changes of fine-tuning have a low rank is a finding "
            "about tasks, and not measured here."
        ),
        Text(
            "The share left is a length, |W + A B - (W + D)| / |D|; in squares it is smaller. A full rank learns all, "
            "with more numbers than the matrix has."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows = run.rows
    x = [row["rank"] for row in rows]
    row = rows[(len(rows) - 1) // 2]
    values = run.settings.decay ** np.arange(min(run.settings.rows, run.settings.columns))
    all_ranks = range(1, x[-1] + 1)
    law = [float(np.sqrt((values[rank:] ** 2).sum() / (values**2).sum())) for rank in all_ranks]
    return (
        Plot(
            f"Rank {row['rank']} leaves {row['left']:.0%} of the change, with {row['share']:.0%} of the numbers",
            "rank of the update",
            "share of the change that is left",
            (
                Series("learnt", x, [row["left"] for row in rows]),
                Series("the best of that rank", all_ranks, law, kind="line"),
            ),
        ),
    )
