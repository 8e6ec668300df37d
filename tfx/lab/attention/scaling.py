"""Why divide by sqrt(d_k)?  The variance of q.k against d_k, and what it does to the softmax.

For every d_k many independent pairs give Var(q.k) with its standard error, before and after the scale; some rows of
`keys` scores each give entropy, top weight and Jacobian norm of their softmax.  The claim under test is footnote 4
of Vaswani et al. 2017, section 3.2.1: with independent coordinates of mean 0 and variance 1, Var(q.k) = d_k.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.lab.attention.scaling_plots import scaling_plots
from tfx.lab.attention.vectors import CHUNK, KURTOSIS, Flaws, dot_products
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import distance_in_se, mean_with_error, variance_with_error
from tfx.measure.seeds import generator
from tfx.measure.sharpness import entropy_share, jacobian_norm
from tfx.measure.verdicts import at_least, at_most, largest, within
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import setting

QUESTION = "Why divide by sqrt(d_k)?  Variance of q.k, before and after"
ORDER = 1
TITLE = "Variance of q.k against d_k"
CLAIM = (
    "The variance of a dot product q.k grows like the width d_k of query and key, and dividing the product by "
    "sqrt(d_k) brings its variance back to 1: for independent coordinates of mean 0 and variance 1."
)
BREAK_IT = ("--set mean=0.5", "--set correlation=0.5", "--set rank=4", "--set scale=1")

#: How far a measured variance may lie from its law, in standard errors.
TOLERANCE_SE = 4.0
WORST = ": the worst row, in standard errors"
#: The width that the reader predicts at, or the nearest that is measured.
ASKED_AT = 64
#: Scaled scores of different d_k are not equal in shape, only in variance: their entropy may differ by this much.
FLATNESS = 0.1


@dataclass(frozen=True)
class Settings:
    """mean, correlation, rank, distribution: the flaws of tfx/lab/attention/vectors.py."""

    d_k: tuple[int, ...] = setting(tuple(2**i for i in range(13)), 1, 65_536, "widths of a query, one row for each")
    pairs: int = setting(200_000, 100, 10_000_000, "pairs of q and k in a row, at most")
    budget: int = setting(16_000_000, 100, 1_000_000_000, "coordinates of q drawn for a row, at most")
    softmax_rows: int = setting(400, 2, 100_000, "rows of scores that go through the softmax")
    keys: int = setting(16, 2, 1024, "scores in such a row")
    mean: float = setting(0.0, -100.0, 100.0, "mean of every coordinate")
    correlation: float = setting(0.0, -1.0, 1.0, "between coordinate i of q and of k")
    rank: int | None = setting(None, 1, 65_536, "coordinates that are really drawn; the others repeat them")
    distribution: str = setting("normal", words=tuple(KURTOSIS), about="of a coordinate")
    scale: float | None = setting(None, -1e6, 1e6, "in the place of 1/sqrt(d_k)")

    @property
    def flaws(self) -> Flaws:
        return Flaws(self.mean, self.correlation, self.rank, self.distribution)

    def pairs_of(self, d_k: int) -> int:
        """As many as the budget allows for rows of this width."""
        return min(self.pairs, max(100, self.budget // d_k))

    def quick(self) -> Settings:
        """A quarter of everything that is drawn."""
        return replace(
            self,
            pairs=max(100, self.pairs // 4),
            budget=max(100, self.budget // 4),
            softmax_rows=max(2, self.softmax_rows // 4),
        )

    def bytes_needed(self) -> float:
        """Dot products and their moments in float64; a piece of q, k and their product; Jacobians of the softmax."""
        moments = 6 * 8 * self.pairs_of(min(self.d_k))
        piece = 4 * 4 * max(CHUNK, max(self.d_k) * (1 + self.keys))
        jacobians = 4 * 8 * self.softmax_rows * self.keys * self.keys
        return float(moments + piece + jacobians)


COLUMNS = (
    Column("d_k", "width d_k"),
    Column("variance", "variance of q.k"),
    Column("variance_se", "standard error", digits=2, detail=True),
    Column("ratio", "variance / d_k", detail=True),
    Column("scaled_variance", "variance when scaled"),
    Column("scaled_variance_se", "standard error", digits=2, detail=True),
    Column("top_raw", "top weight, not scaled", digits=3),
    Column("top_scaled", "top weight, scaled", digits=3),
    Column("entropy_raw", "entropy, not scaled", "of log S", digits=3, detail=True),
    Column("entropy_scaled", "entropy, scaled", "of log S", digits=3, detail=True),
    Column("jacobian_raw", "Jacobian norm, not scaled", digits=3, detail=True),
    Column("jacobian_scaled", "Jacobian norm, scaled", digits=3, detail=True),
    Column("law", "variance by theory", detail=True),
    Column("pairs", "pairs drawn", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Random numbers come from NumPy and are then moved, so every device sees the same ones."""
    for d_k in run.over(sorted(set(run.settings.d_k)), "d_k = {}"):
        yield measure_row(run, d_k)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    widths = [row["d_k"] for row in run.rows]
    return (
        *variance_checks(run.rows, run.settings),
        law_check(run.rows, run.settings),
        *softmax_checks(run.rows),
        attention_check(widths, run.seed, run.xp),
    )


# Measuring


def measure_row(run: Run[Settings], d_k: int) -> dict[str, Any]:
    """All numbers of one d_k.  Its random numbers depend on the seed and d_k only, not on the other rows."""
    settings, pairs, report = run.settings, run.settings.pairs_of(d_k), run.saying(f"d_k = {d_k}")
    scale = 1.0 / math.sqrt(d_k) if settings.scale is None else settings.scale
    raw = dot_products(run.generator(d_k, 0), settings.flaws, pairs, 1, d_k, run.xp)
    variance, variance_se = variance_with_error(raw)
    scaled_variance, scaled_variance_se = variance_with_error(raw * scale)
    row: dict[str, Any] = {
        "d_k": d_k,
        "variance": variance,
        "variance_se": variance_se,
        "ratio": variance / d_k,
        "scaled_variance": scaled_variance,
        "scaled_variance_se": scaled_variance_se,
        "law": settings.flaws.variance_of_dot(d_k),
        "pairs": pairs,
    }
    rows, keys = settings.softmax_rows, settings.keys
    scores = dot_products(run.generator(d_k, 1), settings.flaws, rows, keys, d_k, run.xp, report)
    for name, factor in (("raw", 1.0), ("scaled", scale)):
        for key, per_row in softmax_shape(run.xp.asarray(scores * factor)).items():
            row[f"{key}_{name}"], row[f"{key}_{name}_se"] = mean_with_error(to_numpy(per_row))
    return row


def softmax_shape(scores: Array) -> dict[str, Array]:
    """scores: (N, S) -> top weight, entropy as a share of log S, and Frobenius norm of the Jacobian, each (N,)."""
    weights, _ = softmax_forward(scores)
    return {"top": weights.max(axis=-1), "entropy": entropy_share(weights), "jacobian": jacobian_norm(weights)}


# Judging


def worst_distance(rows: Sequence[Mapping[str, Any]], key: str, laws: Sequence[float]) -> float:
    return largest(distance_in_se(row[key], law, row[key + "_se"]) for row, law in zip(rows, laws, strict=True))


def variance_checks(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Check, ...]:
    worst_raw = worst_distance(rows, "variance", [row["d_k"] for row in rows])
    worst_scaled = worst_distance(rows, "scaled_variance", [1.0] * len(rows))
    scale = "q.k / sqrt(d_k)" if settings.scale is None else f"{settings.scale:g} q.k"
    raw, scaled = "the variance of q.k is d_k" + WORST, f"the variance of {scale} is 1" + WORST
    return (
        within("raw-variance", raw, 0.0, worst_raw, TOLERANCE_SE),
        within("scaled-variance", scaled, 0.0, worst_scaled, TOLERANCE_SE),
    )


def law_check(rows: Sequence[Mapping[str, Any]], settings: Settings) -> Check:
    """Whatever the flaws: the variance that theory gives them."""
    worst = worst_distance(rows, "variance", [row["law"] for row in rows])
    statement = f"the variance of q.k is what theory gives here, {settings.flaws.law_in_words()}" + WORST
    return within("law", statement, 0.0, worst, TOLERANCE_SE)


def softmax_checks(rows: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Raw rows sharpen as d_k grows, scaled rows do not; one row alone has nothing to be compared with."""
    if len(rows) < 2:
        return ()
    first, last = rows[0], rows[-1]
    growth = last["top_raw"] - first["top_raw"]
    bound = largest((0.01, TOLERANCE_SE * math.hypot(last["top_raw_se"], first["top_raw_se"])))
    entropies = [row["entropy_scaled"] for row in rows]
    ends = f"d_k = {first['d_k']} to {last['d_k']}"
    return (
        at_least("raw-sharpens", f"without scaling the top weight grows from {ends}, by", bound, growth),
        at_most("scaled-stays", "entropies of scaled scores differ by", FLATNESS, float(np.ptp(entropies))),
    )


def attention_check(widths: Sequence[int], seed: int, xp: Any) -> Check:
    """attention_forward must turn the very scores measured here into its weights, but for rounding: it scales the
    queries before the product, and here the product is scaled."""
    gaps = []
    for d_k in widths:
        rng = generator(seed, d_k, 2)
        q = xp.asarray(rng.integers(-2, 3, (1, d_k)).astype(np.float64))
        k = xp.asarray(rng.integers(-2, 3, (5, d_k)).astype(np.float64))
        _, cache = attention_forward(q, k, k)
        here, _ = softmax_forward((q * k).sum(axis=-1) * (1.0 / math.sqrt(d_k)))
        gaps.append(float(abs(cache.weights[0] - here).max()))
    statement = "the library's attention divides by sqrt(d_k): its weights differ from these by"
    return within("attention", statement, 0.0, largest(gaps), 1e-14)


# Saying


def asked_at(widths: Iterable[int]) -> int:
    return min(widths, key=lambda width: abs(math.log2(width / ASKED_AT)))


def prompt(run: Run[Settings]) -> str:
    settings = run.settings
    other = [
        f"mean {settings.mean:g}" * (settings.mean != 0),
        f"correlation {settings.correlation:g}" * (settings.correlation != 0),
        f"{settings.distribution} coordinates" * (settings.distribution != "normal"),
        f"rank {settings.rank}" * (settings.rank is not None),
    ]
    also = "".join(f" and {each}" for each in other if each)
    return f"At d_k = {asked_at(settings.d_k)}{also}, what is the standard deviation of q.k?"


def question(run: Run[Settings]) -> Question:
    row = run.rows[decisive(run)[0]]
    explanation = f"By theory it is sqrt({row['law']:.4g}) = {math.sqrt(row['law']):.4g}."
    return Question(prompt(run), math.sqrt(row["variance"]), 0.05, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The width that was asked for, and the one that is farthest from the claim."""
    widths = [row["d_k"] for row in run.rows]
    far = [distance_in_se(row["variance"], row["d_k"], row["variance_se"]) for row in run.rows]
    worst = (int(np.argmax(far)),) if largest(far) > TOLERANCE_SE else ()
    return (widths.index(asked_at(widths)), *worst)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    """The finding first, with the law that holds when the draws are not ideal; then why."""
    return (
        Text(" ".join(findings(run))),
        Text(
            "Each of the d_k products adds its own variance of 1, so q.k has variance d_k and standard deviation "
            "sqrt(d_k). Dividing by sqrt(d_k), not by d_k, brings the deviation back to 1 (Vaswani et al. 2017, "
            "section 3.2.1, footnote 4)."
        ),
        Text(
            "This speaks of independent coordinates with mean 0 and variance 1, as at initialisation. Training may "
            "grow the scores again; the scale does not bound them."
        ),
    )


def findings(run: Run[Settings]) -> Iterator[str]:
    """One to three sentences."""
    settings, last = run.settings, run.rows[-1]
    if settings.flaws.law_in_words() != "d_k":
        law = law_check(run.rows, settings)
        held = "holds" if law.holds else "fails"
        yield (
            f"These queries and keys are not ideal: the law here is Var(q.k) = {settings.flaws.law_in_words()}, and it "
            f"{held}, with the worst row {law.measured:.1f} standard errors away."
        )
    if settings.scale is not None:
        yield f"The scale is {settings.scale:g} for every d_k, in the place of 1/sqrt(d_k)."
    yield (
        f"At d_k = {last['d_k']} the softmax of {settings.keys} unscaled scores gives {last['top_raw']:.0%} of its "
        f"weight to one key, of scaled ones {last['top_scaled']:.0%}."
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    scale = "1/sqrt(d_k)" if run.settings.scale is None else f"{run.settings.scale:g}"
    return scaling_plots(run.rows, run.settings.flaws.law_in_words(), scale, run.settings.keys)
