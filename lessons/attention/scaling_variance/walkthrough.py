"""Why divide by sqrt(d_k): the variance of a score, derived and measured line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.course import Request
from tfx.errors import BadInput
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward, softmax_jacobian, softmax_jacobian_norm
from tfx.records import Check, Code, Column, Formula, Matrix, Question, Step, Table, Text


@dataclass(frozen=True)
class Settings:
    """d_k: width of a query; keys: keys per row; pairs: random (q, k) pairs behind every measured variance."""

    d_k: int = 64
    keys: int = 16
    pairs: int = 20_000


def walkthrough(request: Request) -> Iterator[Step]:
    """Eight steps from one score to the reason for the square root."""
    settings: Settings = request.settings
    if settings.d_k < 2 or settings.keys < 2 or settings.pairs < 100:
        raise BadInput(
            "d_k and keys must be at least 2 and pairs at least 100.", "For example: --set d_k=64 --set pairs=20000"
        )
    rng = np.random.default_rng(request.seed)
    q, k = draw_pairs(rng, settings.pairs, settings.d_k)
    scores = (q * k).sum(axis=-1)
    yield _one_score(q[0], k[0])
    yield _one_product(q, k)
    yield _the_sum(scores, settings)
    yield _the_division(scores, settings)
    yield _softmax_rows(rng, settings)
    yield _jacobian(rng, settings)
    yield _assumptions(rng, settings)
    yield _closing(scores, settings)


def draw_pairs(
    rng: np.random.Generator, pairs: int, d_k: int, mean: float = 0.0, correlation: float = 0.0, rank: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Two (pairs, d_k) arrays of standard normal coordinates.

    mean is added to every coordinate; correlation is that of q_i with k_i; with `rank`, q and k both live in one
    random subspace of that dimension, stretched so that every coordinate keeps variance 1 on average.
    """
    if rank is not None:
        basis, _ = np.linalg.qr(rng.standard_normal((d_k, rank)))
        stretch = math.sqrt(d_k / rank)
        q, k = (rng.standard_normal((pairs, rank)) @ basis.T * stretch for _ in range(2))
        return q, k
    q = rng.standard_normal((pairs, d_k))
    k = correlation * q + math.sqrt(1 - correlation * correlation) * rng.standard_normal((pairs, d_k))
    return q + mean, k + mean


def variance_and_error(x: np.ndarray) -> tuple[float, float]:
    """Sample variance and its standard error, sqrt((m4 - var^2) / n), which needs no normal distribution."""
    deviation = x - x.mean()
    squares = deviation * deviation
    variance = float(squares.mean())
    fourth = float((squares * squares).mean())
    return variance, math.sqrt(max(fourth - variance * variance, 0.0) / x.size)


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    settings = Settings()
    rng = np.random.default_rng(0)
    q, k = draw_pairs(rng, settings.pairs, settings.d_k)
    scores = (q * k).sum(axis=-1)
    raw, scaled = _rows(rng, settings.d_k, settings.keys, 2000)
    return {
        "d_k": settings.d_k,
        "keys": settings.keys,
        "pairs": settings.pairs,
        "variance": variance_and_error(scores)[0],
        "scaled_variance": variance_and_error(scores / math.sqrt(settings.d_k))[0],
        "top_raw": raw.max(axis=-1).mean(),
        "top_scaled": scaled.max(axis=-1).mean(),
    }


def _rows(rng: np.random.Generator, d_k: int, keys: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Softmax rows of random queries against `keys` random keys: raw and scaled, both (rows, keys)."""
    q = rng.standard_normal((rows, 1, d_k))
    k = rng.standard_normal((rows, keys, d_k))
    scores = (q @ k.swapaxes(-1, -2))[:, 0]
    return softmax_forward(scores)[0], softmax_forward(scores / math.sqrt(d_k))[0]


def _one_score(q: np.ndarray, k: np.ndarray) -> Step:
    shown = min(4, q.size)
    products = q * k
    terms = " + ".join(f"({a:.2f})({b:.2f})" for a, b in zip(q[:shown], k[:shown], strict=True))
    return Step(
        "One score is a sum of d_k products",
        (
            Formula("q.k = q_1 k_1 + q_2 k_2 + ... + q_d k_d", "(D) . (D) -> a number"),
            Matrix(
                f"the first {shown} coordinates",
                np.stack([q[:shown], k[:shown], products[:shown]]),
                ("vector", "coordinate"),
                ("q", "k", "q*k"),
                tuple(str(i + 1) for i in range(shown)),
            ),
            Text(
                f"By hand: {terms} + ... = {products.sum():.3f}, over all {q.size} coordinates. "
                "Some products are positive, some negative; what matters is how far the sum wanders from zero."
            ),
        ),
    )


def _one_product(q: np.ndarray, k: np.ndarray) -> Step:
    products = (q * k).ravel()
    variance, error = variance_and_error(products)
    return Step(
        "One product has mean 0 and variance 1",
        (
            Formula("E[q_i k_i] = E[q_i] E[k_i] = 0          independent, mean 0"),
            Formula("Var(q_i k_i) = E[q_i^2] E[k_i^2] = 1    variance 1 each"),
            Text(f"Measured over {products.size:,} products: mean {products.mean():.4f}, variance {variance:.4f}."),
            _within("one-product", "Var(q_i k_i) = 1", 1.0, variance, error),
        ),
    )


def _the_sum(scores: np.ndarray, settings: Settings) -> Step:
    variance, error = variance_and_error(scores)
    return Step(
        "Variances of uncorrelated terms add: Var(q.k) = d_k",
        (
            Formula("Var(q.k) = sum_i Var(q_i k_i) = d_k     standard deviation sqrt(d_k)"),
            Question(
                f"What is the standard deviation of q.k at d_k = {settings.d_k}?",
                math.sqrt(settings.d_k),
                0.02,
                "The variance is d_k, and the standard deviation is its square root.",
            ),
            Text(
                f"Measured over {settings.pairs:,} pairs: variance {variance:.2f} +- {error:.2f}, "
                f"standard deviation {math.sqrt(variance):.3f}."
            ),
            _within("sum", "Var(q.k) = d_k", settings.d_k, variance, error),
        ),
        (f"tfx explain scaling-variance --step 3 --set d_k={settings.d_k * 4}",),
    )


def _the_division(scores: np.ndarray, settings: Settings) -> Step:
    rows: list[dict[str, Any]] = []
    for label, divisor in (("1", 1.0), ("sqrt(d_k)", math.sqrt(settings.d_k)), ("d_k", float(settings.d_k))):
        variance, error = variance_and_error(scores / divisor)
        rows.append({"divisor": label, "variance": variance, "error": error})
    return Step(
        "Dividing by sqrt(d_k) brings the variance back to 1",
        (
            Formula("Var(x / c) = Var(x) / c^2       so c^2 must be d_k"),
            Table(
                f"The same {settings.pairs:,} scores, divided three ways",
                (Column("divisor", "divide by"), Column("variance", "variance"), Column("error", "+- s.e.", digits=2)),
                tuple(rows),
            ),
            Text("Dividing by d_k overshoots: the scores would hardly differ and every row would be nearly uniform."),
            _within("scaled", "Var(q.k / sqrt(d_k)) = 1", 1.0, rows[1]["variance"], rows[1]["error"]),
            Code(attention_forward),
        ),
    )


def _softmax_rows(rng: np.random.Generator, settings: Settings) -> Step:
    raw, scaled = _rows(rng, settings.d_k, settings.keys, 2000)
    example = np.stack([raw[0], scaled[0]])
    return Step(
        "What a large spread does to softmax",
        (
            Matrix(
                "weights of one query",
                example,
                ("scores", "key"),
                ("raw", "scaled"),
                tuple(str(i + 1) for i in range(settings.keys)),
                "Same query, same keys: only the divisor differs.",
            ),
            Text(
                f"Over {len(raw):,} random rows of {settings.keys} keys the largest weight is "
                f"{raw.max(axis=-1).mean():.2f} on average without scaling and {scaled.max(axis=-1).mean():.2f} "
                f"with it. A uniform row would have {1 / settings.keys:.3f}."
            ),
        ),
        (f"tfx explain scaling-variance --step 5 --set d_k={settings.d_k * 8}",),
    )


def _jacobian(rng: np.random.Generator, settings: Settings) -> Step:
    rows: list[dict[str, Any]] = []
    for d_k in (4, 16, 64, 256, 1024):
        raw, scaled = _rows(rng, d_k, settings.keys, 400)
        raw_norm, scaled_norm = (softmax_jacobian_norm(p) for p in (raw, scaled))
        rows.append(
            {
                "d_k": d_k,
                "raw": raw_norm.mean(),
                "scaled": scaled_norm.mean(),
                "starved": float((raw_norm < 0.01).mean()),
                "starved_scaled": float((scaled_norm < 0.01).mean()),
            }
        )
    return Step(
        "... and to the gradient that must pass through it",
        (
            Formula("dy_i/dx_j = y_i (delta_ij - y_j)        J = diag(y) - y y^T", "(S, S)"),
            Table(
                f"Frobenius norm of the softmax Jacobian, 400 rows of {settings.keys} keys",
                (
                    Column("d_k", "d_k"),
                    Column("raw", "raw", digits=3),
                    Column("scaled", "scaled", digits=3),
                    Column("starved", "raw < 0.01", "share", digits=2),
                    Column("starved_scaled", "scaled < 0.01", "share", digits=2),
                ),
                tuple(rows),
            ),
            Text(
                "Look at the shares: without scaling, more and more rows pass almost no gradient as d_k grows. "
                f"{_where_raw_is_larger(rows)} So 'unscaled means vanishing gradients' is true for saturated rows, "
                "not for every row at every size."
            ),
            Check(
                "starving",
                "rows starve only when unscaled",
                "raw share grows, scaled share 0",
                f"raw {rows[0]['starved']:.2f} -> {rows[-1]['starved']:.2f}, "
                f"scaled {max(row['starved_scaled'] for row in rows):.2f}",
                "share of rows with norm below 0.01",
                bool(rows[-1]["starved"] > rows[0]["starved"] and all(row["starved_scaled"] == 0 for row in rows)),
            ),
            Code(softmax_jacobian),
        ),
    )


def _where_raw_is_larger(rows: list[dict[str, Any]]) -> str:
    larger = [str(row["d_k"]) for row in rows if row["raw"] > row["scaled"]]
    if not larger:
        return "The average raw Jacobian is the smaller one at every width here."
    return f"Yet at d_k = {', '.join(larger)} the average raw row has the larger Jacobian of the two."


def _assumptions(rng: np.random.Generator, settings: Settings) -> Step:
    d, rank = settings.d_k, max(1, settings.d_k // 16)
    cases: tuple[tuple[str, dict[str, Any], float], ...] = (
        ("as assumed", {}, float(d)),
        ("shared mean 0.5", {"mean": 0.5}, d * (1 + 2 * 0.25)),
        ("corr(q_i, k_i) = 0.5", {"correlation": 0.5}, d * (1 + 0.25)),
        (f"rank {rank} of {d}", {"rank": rank}, d * d / rank),
    )
    rows: list[dict[str, Any]] = []
    for label, change, law in cases:
        q, k = draw_pairs(rng, settings.pairs, d, **change)
        variance, error = variance_and_error((q * k).sum(axis=-1))
        rows.append({"case": label, "law": law, "variance": variance, "error": error, "ratio": variance / d})
    worst = max(abs(row["variance"] - row["law"]) / row["error"] for row in rows)
    return Step(
        "Break the assumptions, and the variance is no longer d_k",
        (
            Table(
                f"Var(q.k) at d_k = {d}",
                (
                    Column("case", "inputs"),
                    Column("law", "law"),
                    Column("variance", "measured"),
                    Column("error", "+- s.e.", digits=2),
                    Column("ratio", "/ d_k", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "With a common mean m the law is d_k (1 + 2 m^2); with correlation r it is d_k (1 + r^2); in a "
                "subspace of rank R it is d_k^2 / R. Trained queries and keys do all three, so 1/sqrt(d_k) is a good "
                "start, not a guarantee."
            ),
            Check("laws", "each case follows its own law", 0.0, worst, "at most 5 standard errors away", worst <= 5),
        ),
        ("tfx experiment scaling --set correlation=0.5",),
    )


def _closing(scores: np.ndarray, settings: Settings) -> Step:
    variance, error = variance_and_error(scores / math.sqrt(settings.d_k))
    return Step(
        "Say it in an interview",
        (
            Text(
                "A score adds d_k independent products of mean 0 and variance 1, so its variance is d_k. Dividing by "
                "sqrt(d_k) brings it back to 1, whatever the width."
            ),
            Text(
                "Otherwise wide heads start with nearly one-hot attention, and saturated rows pass no gradient to "
                "queries and keys. It is an argument about initialisation: training may grow the scores again."
            ),
            _within("closing", "Var(q.k / sqrt(d_k)) = 1", 1.0, variance, error),
        ),
        ("tfx experiment scaling", "tfx quiz scaling-variance"),
    )


def _within(name: str, statement: str, expected: float, measured: float, error: float) -> Check:
    """A check that a measured mean lies within 5 standard errors of what is expected."""
    return Check(
        name, statement, expected, measured, f"5 standard errors of {error:.2g}", abs(measured - expected) <= 5 * error
    )
