"""Why divide by sqrt(D), d_k in papers: the variance of a score, derived and measured line by line."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Check, Lesson, Request, Said, Shown, Source, Try, by_hand, formula, matrix, near, question, setting, table,
)  # fmt: skip
from tfx.lab.attention.vectors import Flaws, draw_pairs
from tfx.measure.estimates import variance_with_error
from tfx.measure.verdicts import at_most, largest
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_backward, attention_forward
from tfx.ops.basics.softmax import softmax_jacobian


@dataclass(frozen=True)
class Settings:
    d_k: int = setting(64, 2, 8192, "D, the width of a query")
    keys: int = setting(16, 2, 1024, "keys in a row")
    pairs: int = setting(20_000, 100, 1_000_000, "random (q, k) pairs behind every measured variance")

    def bytes_needed(self) -> float:
        """q, k and their product for all pairs, and the keys of 2,000 rows, in float64."""
        return 8.0 * max(3 * self.pairs * self.d_k, 2000 * self.keys * max(self.d_k, 1024))


class Run:
    """What the steps share.  q, k: (pairs, D); scores: (pairs,)."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.d_k, self.keys, self.pairs = self.settings.d_k, self.settings.keys, self.settings.pairs
        self.root = math.sqrt(self.d_k)
        self.rng = np.random.default_rng(request.seed)

    @cached_property
    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        q, k, _ = draw_pairs(self.rng, self.pairs, self.d_k)
        return q, k

    @cached_property
    def scores(self) -> np.ndarray:
        q, k = self.drawn
        return np.asarray((q * k).sum(axis=-1))


lesson = Lesson(Run, Settings)


def attend(rng: np.random.Generator, d_k: int, keys: int, rows: int) -> list[AttentionCache]:
    """Random queries, each with random keys and values of its own, without the scale and with it."""
    q, k, v = (rng.standard_normal((rows, *shape)) for shape in ((1, d_k), (keys, d_k), (keys, 1)))
    return [attention_forward(q, k, v, scale=scale)[1] for scale in (1.0, None)]


@lesson.step("One score is a sum of D products")
def one_score(run: Run) -> Iterator[Shown]:
    q, k = (x[0] for x in run.drawn)
    four = np.stack([q, k, q * k])[:, :4]
    yield "A query and a key have D coordinates each (papers: d_k), so their raw score is a sum of D terms. Sums of independent random terms spread out as they get longer; that is the whole reason for the square root."
    yield formula("q.k = q_1 k_1 + q_2 k_2 + ... + q_D k_D", "D terms -> a number")
    yield matrix(f"the first {four.shape[1]} coordinates", four, "vector, coordinate", ("q", "k", "q*k"))
    yield f"By hand: {by_hand(q, k)} = {q @ k:.3f}, over all {q.size} coordinates. Some products are positive, some negative; what matters is how far the sum wanders from zero."


@lesson.step("One product has mean 0 and variance 1")
def one_product(run: Run) -> Iterator[Shown]:
    q, k = run.drawn
    products = (q * k).ravel()
    variance, error = variance_with_error(products)
    yield "Suppose that the coordinates of q and k are independent, with mean 0 and variance 1. Then for one product:"
    yield formula("E[q_i k_i] = E[q_i] E[k_i] = 0          independent, mean 0")
    yield formula("Var(q_i k_i) = E[q_i^2] E[k_i^2] = 1    variance 1 each")
    yield f"Measured over {products.size:,} products: mean {products.mean():.4f}, variance {variance:.4f}."
    yield near("one-product", "Var(q_i k_i) = 1", 1.0, variance, error)


@lesson.step("Variances of uncorrelated terms add: Var(q.k) = D")
def the_sum(run: Run) -> Iterator[Shown]:
    variance, error = variance_with_error(run.scores)
    yield formula("Var(q.k) = sum_i Var(q_i k_i) = D     standard deviation sqrt(D)")
    why = "The variance is D, and the standard deviation is its square root."
    yield question(f"What is the standard deviation of q.k at D = {run.d_k}?", run.root, why)
    yield f"Measured over {run.pairs:,} pairs: variance {variance:.2f} +- {error:.2f}, standard deviation {math.sqrt(variance):.3f}."
    yield near("sum", "Var(q.k) = D", run.d_k, variance, error)
    yield Try.here(d_k=run.d_k * 4 if run.d_k <= 2048 else 64)


@lesson.step("Dividing by sqrt(D) brings the variance back to 1")
def the_division(run: Run) -> Iterator[Shown]:
    rows: list[dict[str, Any]] = []
    for divisor, by in (("1", 1.0), ("sqrt(D)", run.root), ("D", float(run.d_k))):
        variance, error = variance_with_error(run.scores / by)
        rows.append({"divisor": divisor, "variance": variance, "error": error})
    yield formula("Var(x / c) = Var(x) / c^2       so c^2 must be D")
    title = f"The same {run.pairs:,} scores, divided three ways"
    yield table(title, rows, divisor="divide by", variance="variance", error="+- s.e. :2")
    yield f"Dividing by D overshoots: the scores would have deviation 1/sqrt(D), here {1 / run.root:.3f}. The wider the head, the nearer its rows would start to uniform."
    yield near("scaled", "Var(q.k / sqrt(D)) = 1", 1.0, rows[1]["variance"], rows[1]["error"])
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1, footnote 4")
    yield attention_forward


@lesson.step("What a large spread does to softmax")
def the_softmax(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    raw, scaled = (cache.weights[:, 0] for cache in attend(rng, run.d_k, run.keys, 2000))
    yield "Softmax sees only differences between scores. When the best score leads by many units, its key takes nearly all the weight."
    note = "Same query, same keys: only the divisor differs."
    yield matrix("weights of one query", np.stack([raw[0], scaled[0]]), "scores, key", ("raw", "scaled"), note=note)
    yield f"Over {len(raw):,} random rows of {run.keys} keys the largest weight is {raw.max(axis=-1).mean():.2f} on average without scaling and {scaled.max(axis=-1).mean():.2f} with it. A uniform row would have {1 / run.keys:.3g}."
    yield Try.here(d_k=run.d_k * 8 if run.d_k <= 1024 else 4)


def gradients(rng: np.random.Generator, keys: int) -> list[dict[str, float]]:
    """For each width, of 400 rows without the scale and with it: size of J, share of starved rows, and mean |dq|."""
    rows = []
    for d_k in (4, 16, 64, 256, 1024):
        caches = attend(rng, d_k, keys, 400)
        sizes = [np.sqrt((softmax_jacobian(cache.weights[:, 0]) ** 2).sum(axis=(-1, -2))) for cache in caches]
        starved, starved_scaled = (float((~(size >= 0.01)).mean()) for size in sizes)
        raw, scaled = (float(np.linalg.norm(attention_backward(np.ones((400, 1, 1)), cache)[0], axis=-1).mean()) for cache in caches)  # fmt: skip
        rows.append({"d_k": d_k, "raw": sizes[0].mean(), "scaled": sizes[1].mean(), "starved": starved, "starved_scaled": starved_scaled, "raw_dq": raw, "scaled_dq": scaled, "dq": raw / scaled})  # fmt: skip
    return rows


@lesson.step("... and to the gradient that must pass through it")
def the_gradient(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = gradients(rng, run.keys)
    first, last, worst = rows[0]["starved"], rows[-1]["starved"], largest(row["starved_scaled"] for row in rows)
    yield "A gradient passes softmax through its Jacobian J: how each weight p_i of a row changes with each score s_j. delta_ij is 1 where i = j, else 0. The size of J is the root of the sum of its squared entries."
    yield formula("dp_i/ds_j = p_i (delta_ij - p_j)        J = diag(p) - p p^T")
    yield table(f"mean size of J in 400 rows of {run.keys} keys; starved: rows of size below 0.01", rows, d_k="D", raw="raw: size :3", starved="raw: starved :2", scaled="scaled: size :3", starved_scaled="scaled: starved :2")  # fmt: skip
    yield "Without scaling, more and more rows pass almost no gradient as D grows. How J comes about is the next topic."
    yield Check(
        "starving", "rows starve without the scale", "raw share grows, scaled share at most 0.05",
        f"raw {first:.2f} -> {last:.2f}, scaled {worst:.3f}", "share of rows with size below 0.01",
        last > first and worst <= 0.05,
    )  # fmt: skip
    yield softmax_jacobian


@lesson.step("Does the gradient vanish, then? Not on average")
def on_average(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = gradients(rng, run.keys)
    larger = [str(row["d_k"]) for row in rows if row["dq"] > 1]
    average = f"On average over rows the gradient that reaches q is even larger without the scale at D = {', '.join(larger)}." if larger else "Here the average gradient that reaches q is smaller as well."  # fmt: skip
    yield "Between the scores and the query stands one more factor, the scale itself: a score is scale * q.k. So on the way back, here from random values that are one number each, with dO = 1:"
    yield formula("dq = scale * ds K        scale = 1/sqrt(D), or 1 without it")
    yield table(f"mean length of dq in 400 rows of {run.keys} keys, without the scale and with it", rows, d_k="D", raw_dq="without :3", scaled_dq="with it :3", dq="ratio :3")  # fmt: skip
    yield Said("Without scaling the gradient vanishes.", "too strong", f"It does in rows that are nearly one-hot. {average}")  # fmt: skip
    yield attention_backward


@lesson.step("Break the assumptions, and the variance is no longer D")
def the_assumptions(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    d, rank, rows = run.d_k, max(1, run.d_k // 16), []
    for case, flaws in (
        ("as assumed", Flaws()),
        ("shared mean 0.5", Flaws(mean=0.5)),
        ("corr(q_i, k_i) = 0.5", Flaws(correlation=0.5)),
        (f"rank {rank} of {d}", Flaws(rank=rank)),
    ):
        q, k, law = draw_pairs(rng, run.pairs, d, flaws)
        variance, error = variance_with_error((q * k).sum(axis=-1))
        rows.append({"case": case, "law": law, "variance": variance, "error": error, "ratio": variance / d})
    worst = largest(abs(row["variance"] - row["law"]) / row["error"] for row in rows)
    yield table(
        f"Var(q.k) at D = {d}", rows,
        case="inputs", law="law", variance="measured", error="+- s.e. :2", ratio="/ D :3",
    )  # fmt: skip
    yield "With a common mean m the law is D (1 + 2 m^2); with correlation r it is D (1 + r^2) for normal coordinates, as here; when only R different coordinates are repeated it is D^2 / R, where R divides D."
    yield Said("Dividing by sqrt(d_k) keeps the scores small.", "true with conditions", "It gives them variance 1 where the assumptions hold, as at a usual initialisation. Training may break each of them, as these rows do, and is free to make the scores large again.", "C002")  # fmt: skip
    yield at_most("laws", "each case follows its own law, worst case in standard errors", 5, worst)
    yield Try("tfx experiment scaling", {"correlation": 0.5})


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    variance, error = variance_with_error(run.scores / run.root)
    yield "A score adds D independent products of mean 0 and variance 1, so its variance is D. Dividing by sqrt(D) brings it back to 1, whatever the width."
    yield "Otherwise wide heads start with nearly one-hot attention, and such rows pass almost no gradient to queries and keys. It is an argument about initialisation: training may grow the scores again."
    yield near("closing", "Var(q.k / sqrt(D)) = 1", 1.0, variance, error)
    yield Try("tfx experiment scaling")
    yield Try("tfx quiz scaling-variance")
