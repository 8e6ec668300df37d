"""Heads share a fixed width: more of them read more sources at once, and each sees keys through fewer dimensions.

    scores of a head = Q K^T / sqrt(d_k)       (T, d_k) x (d_k, T): rank at most d_k = d / h, whatever is learned
    weights of the four maps: 4 d^2 + 4 d       for every h

With one head two sources blend into one weighted sum (two_sources.py: at most (V + 1) / (2 V) of ordered pairs can be
read); with d heads each score is a product of two numbers, whose largest key is always the one with the largest or the
smallest number, so that a head can point at no more than two of its keys.
Sources: Bhojanapalli et al. 2020, "Low-Rank Bottleneck in Multi-head Attention Models", theorem 1; Vaswani et al. 2017,
sections 3.2.2 and 6.2, table 3 (A).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.lab.attention.two_sources import (
    OFFSETS,
    TwoSourcesModel,
    learn_two_sources,
    most_with_one_head,
    share_of_pairs,
)
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error, student_t_quantile
from tfx.measure.verdicts import agree, at_least, at_most, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_divisor, setting

QUESTION = "How many heads are too many, when all of them share one width?"
TITLE = "Two tokens of the past at once, by attention alone, against the number of heads"
CLAIM = (
    "Several heads let a position use several others at once without blending them. At one width more heads cost no "
    "more weights, but each is narrower."
)
BREAK_IT = ("--set steps=1", "--set heads=2,4,8")
HOST_ONLY = "Small models, trained in a second each: nothing for a card."

#: A number of heads solves the task when it names this share of all pairs; it fails when it names so much less.
SOLVED, FEWER = 0.95, 0.25
TEST_TEXTS = 200


@dataclass(frozen=True)
class Settings:
    width: int = setting(16, 2, 128, "numbers in a token, shared by the heads")
    heads: tuple[int, ...] = setting((1, 2, 4, 8, 16), 1, 128, "numbers of heads; each divides the width", at_least=3)
    length: int = setting(16, 5, 64, "tokens in a text")
    tokens: int = setting(8, 2, 64, "different tokens")
    steps: int = setting(300, 1, 5000, "steps of training")
    seeds: int = setting(3, 2, 20, "models for each number of heads")

    def quick(self) -> Settings:
        """Two thirds of the steps, two seeds."""
        return replace(self, steps=max(1, self.steps * 2 // 3), seeds=2)

    def full(self) -> Settings:
        """Ten seeds, four times the steps."""
        return replace(self, steps=4 * self.steps, seeds=10)

    def check(self) -> None:
        """Raises BadInput for heads that do not divide the width."""
        for n_heads in self.heads:
            require_divisor("heads", n_heads, "width", self.width)

    def bytes_needed(self) -> float:
        """The test texts through one model, all of their weights and scores."""
        return 8.0 * TEST_TEXTS * self.length * (6 * max(self.heads) * self.length + 12 * self.width + 6 * self.tokens)


COLUMNS = (
    Column("heads", "heads"),
    Column("d_k", "width of a head"),
    Column("rank", "rank of its scores"),
    Column("weights", "weights of the layer"),
    Column("pairs", "pairs named", digits=3),
    Column("interval", "95% interval, half", digits=2, detail=True),
    Column("seeds", "seeds", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for n_heads in run.over(sorted(set(run.settings.heads)), "{} heads"):
        with blas_threads(1):  # small products: a second thread is only waited for
            yield measure_heads(run, n_heads)


def measure_heads(run: Run[Settings], n_heads: int) -> dict[str, Any]:
    """Trained models with so many heads: the pairs that they name, the rank of their scores, the weights they own."""
    settings, pairs, ranks = run.settings, [], []
    for number in range(settings.seeds):
        run.saying(f"{n_heads} heads: model {number + 1} of {settings.seeds}")(number, settings.seeds)
        model = trained(settings, n_heads, int(run.generator(number).integers(2**31)))
        ids = run.generator(number, 1).integers(settings.tokens, size=(TEST_TEXTS, settings.length))
        pairs.append(share_of_pairs(model, ids))
        ranks.append(rank_of_scores(model, ids[:4]))
    mean, error = mean_with_error(np.array(pairs))
    return {
        "heads": n_heads,
        "d_k": settings.width // n_heads,
        "rank": max(ranks),
        "weights": sum(int(parameter.value.size) for parameter in model.attention.parameters().values()),
        "pairs": mean,
        "pairs_se": error,
        "interval": student_t_quantile(0.975, settings.seeds - 1) * error,
        "seeds": settings.seeds,
    }


def trained(settings: Settings, n_heads: int, seed: int) -> TwoSourcesModel:
    return learn_two_sources(settings.tokens, settings.width, n_heads, settings.length, settings.steps, seed)


def rank_of_scores(model: TwoSourcesModel, ids: np.ndarray) -> int:
    """The largest rank of the (T, T) scores of a head in a text."""
    attention = model.forward(ids)[1].attention.attention
    return int(np.linalg.matrix_rank(attention.q @ attention.k.swapaxes(-1, -2)).max())


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    best = largest(row["pairs"] for row in rows)
    return (
        agree(
            "rank",
            "scores have the rank of a head's width, or fewer where a text is shorter: worst difference",
            [row["rank"] for row in rows],
            [min(row["d_k"], settings.length) for row in rows],
            to=0,
        ),
        agree(
            "weights",
            "a layer has 4 d^2 + 4 d weights, for any number of heads: worst difference",
            [row["weights"] for row in rows],
            4 * settings.width**2 + 4 * settings.width,
            to=0,
        ),
        at_most(
            "one-head",
            "the fewest heads name no more than one head can",
            most_with_one_head(settings.tokens),
            rows[0]["pairs"],
        ),
        at_least("solved", "the best number of heads names the pairs", SOLVED, best),
        at_least("too-many", "the most heads name fewer, by", FEWER, best - rows[-1]["pairs"]),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    width, heads = run.settings.width, max(run.settings.heads)
    return f"Width {width}, {heads} heads: what is the largest rank that the scores of one head can have?"


def question(run: Run[Settings]) -> Question:
    last, best = run.rows[-1], best_row(run.rows)
    explanation = f"{named(last)} of the pairs, {named(best)}."
    return Question(prompt(run), float(last["rank"]), 0.0, explanation)


def best_row(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The fewest heads that name most; where that is not a number, the first."""
    return max(rows, key=lambda row: (row["pairs"], -row["heads"]))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, best, last = run.rows[0], best_row(run.rows), run.rows[-1]
    bound = most_with_one_head(run.settings.tokens)
    return (
        Text(
            f"{named(first)} of the pairs, {named(best)}, {named(last)}. Scores of a head have rank {first['rank']} at "
            f"width {first['d_k']} and {last['rank']} at width {last['d_k']}; the layer has {first['weights']:,} "
            "weights each time."
        ),
        Text(
            f"One head blends the tokens {OFFSETS[0]} and {OFFSETS[1]} back into one sum. A linear read-out that names "
            f"equal pairs right can then name at most {bound:.1%} of all. A feed-forward network after it can take a "
            "blend apart, so a whole block with one head does better."
        ),
        Text(
            "A head narrower than the text is long cannot make every pattern of weights (Bhojanapalli et al. 2020, "
            "theorem 1); one of width 1 can point at two keys at most. The paper makes the width of a head its own "
            "setting. How many heads are too many depends on width and length."
        ),
    )


def named(row: Mapping[str, Any]) -> str:
    heads = "1 head names" if row["heads"] == 1 else f"{row['heads']} heads name"
    return f"{heads} {row['pairs']:.0%}"


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    heads = [row["heads"] for row in run.rows]
    bound = most_with_one_head(run.settings.tokens)
    first, best, last = run.rows[0], best_row(run.rows), run.rows[-1]
    return (
        Plot(
            f"Of pairs of past tokens {named(first)}, {named(best)}, {named(last)}",
            f"heads that share a width of {run.settings.width}",
            "share of pairs that are named",
            (
                Series(
                    "trained models", heads, [row["pairs"] for row in run.rows], [row["interval"] for row in run.rows]
                ),
                Series("most that one head can", [heads[0], heads[-1]], [bound, bound], kind="line"),
            ),
            log_x=True,
        ),
    )
