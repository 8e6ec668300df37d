"""What does a factor on the scores do to attention, between an average of all values and the value of one key?

    P = softmax(f s)        f: the factor, 1 / temperature; s: scores of variance 1, what 1/sqrt(d_k) leaves

With s fixed and P the weights at f,

    dH/df = -f Var_P(s)                  the entropy H of a row never grows with f
    H = log S - f^2 Var(s) / 2 + ...     near f = 0, where all S keys weigh the same; Var over the keys of the row

and the key with the best score, which leads the next by g, has  1 / (1 + (S - 1) e^(-f g)) <= p <= 1 / (1 + e^(-f g)).
Two keys that tie for the best stay at a half each, however large the factor.
Sources: Hinton et al. 2015, section 2 (temperature of a softmax); Vaswani et al. 2017, section 3.2.1 (the factor
1/sqrt(d_k)).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import Array, to_numpy
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_most, largest, within
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.entropy import entropy
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What does a temperature do to attention, between one key alone and all keys alike?"
TITLE = "Sharpness of attention against a factor on the scores"
CLAIM = (
    "A factor on the scores, one over the temperature, sets how sharply attention looks: near 0 all keys weigh the "
    "same, at a large one the best key has all of the weight."
)
BREAK_IT = ("--set factors=1,2,4", "--set best=2")

#: Step of the central differences of the entropy, as a share of the factor.
STEP = 1e-4
#: The next term of the entropy is 2/3 of the factor times the skewness of a row's scores, which is below 1.
EVEN = 0.01
#: The two best of 64 normal scores lie within t of each other in 2.3 t of the rows, and a lead of u / factor leaves
#: e^H(u) - 1 further keys, 2.1 in all over u: at factor 1000 the weights are worth 1.005 keys, with a standard error of
#: 0.004 for 200 rows.  This is eleven of them above.
ONE_KEY = 1.05


@dataclass(frozen=True)
class Settings:
    factors: tuple[float, ...] = setting(
        (0.01, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 8, 16, 1000), 1e-3, 1e6, "what the scores are multiplied by", at_least=3
    )
    keys: int = setting(64, 3, 1024, "keys that a query looks at")
    queries: int = setting(1000, 2, 100_000, "queries, each with keys of its own")
    d_k: int = setting(16, 1, 256, "width of a query")
    best: int = setting(1, 1, 2, "how many keys share the best score of a row")

    def quick(self) -> Settings:
        """A fifth of the queries."""
        return replace(self, queries=max(2, self.queries // 5))

    def full(self) -> Settings:
        """Ten times the queries."""
        return replace(self, queries=min(10 * self.queries, 100_000))

    def bytes_needed(self) -> float:
        """Keys and values of width d_k, and some rows of weights."""
        return 8.0 * self.queries * self.keys * (3 * self.d_k + 8)


COLUMNS = (
    Column("factor", "factor", digits=3),
    Column("top", "largest weight", digits=3),
    Column("worth", "keys it is worth", digits=3),
    Column("worth_se", "standard error", digits=2, detail=True),
    Column("entropy", "entropy", "of log S", digits=3),
    Column("output", "length of the output", digits=3),
    Column("slope", "slope of the entropy", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every factor acts on the same queries, keys and values."""
    for factor in run.over(sorted(set(run.settings.factors)), "factor {:g}"):
        yield measure_row(run, factor)


# Measuring


def draw(run: Run[Settings]) -> tuple[Array, Array, Array]:
    """q: (N, 1, D) of length sqrt(D), so that its scores have variance 1, keys and values (N, S, D); standard normal.

    best = 2: in every row the best key stands there twice.
    """
    settings, rng = run.settings, run.generator()
    q = rng.standard_normal((settings.queries, 1, settings.d_k))
    q *= math.sqrt(settings.d_k) / np.sqrt((q * q).sum(axis=-1, keepdims=True))
    k, v = rng.standard_normal((2, settings.queries, settings.keys, settings.d_k))
    if settings.best == 2:
        rows, scores = np.arange(settings.queries), (k @ q[:, 0, :, None])[..., 0]
        k[rows, scores.argmin(axis=-1)] = k[rows, scores.argmax(axis=-1)]
    return run.xp.asarray(q), run.xp.asarray(k), run.xp.asarray(v)


def measure_row(run: Run[Settings], factor: float) -> dict[str, Any]:
    """All numbers of one factor; means over the queries."""
    q, k, v = draw(run)
    unit = 1.0 / math.sqrt(q.shape[-1])
    scores = (q * unit) @ k.swapaxes(-1, -2)  # (N, 1, S)
    out, cache = attention_forward(q, k, v, scale=factor * unit)
    p = cache.weights
    spread = (p * scores * scores).sum(axis=-1) - (p * scores).sum(axis=-1) ** 2  # Var_P(s): (N, 1)
    above, below = (
        entropy(attention_forward(q, k, v, scale=factor * unit * (1 + step))[1].weights) for step in (STEP, -STEP)
    )
    flat = math.log(run.settings.keys)
    worth, worth_se = mean_with_error(to_numpy(run.xp.exp(entropy(p))))
    return {
        "factor": float(factor),
        "top": float(p.max(axis=-1).mean()),
        "worth": worth,
        "worth_se": worth_se,
        "entropy": float(entropy(p).mean()) / flat,
        "output": float(run.xp.sqrt((out * out).mean())),
        "slope": -factor * float(spread.mean()),
        "difference": float((above - below).mean()) / (2 * STEP * factor),
        "lost": flat - float(entropy(p).mean()),
        "half_variance": float(scores.var(axis=-1).mean()) * factor**2 / 2,
        "outside": outside(scores, p, factor),
    }


def outside(scores: Array, weights: Array, factor: float) -> float:
    """How far the weight of a best key lies outside its two bounds, in the worst row; 0 or less is inside."""
    ordered = np.sort(to_numpy(scores), axis=-1)
    gap, n = ordered[..., -1] - ordered[..., -2], scores.shape[-1]
    top = to_numpy(weights.max(axis=-1))
    low, high = 1 / (1 + (n - 1) * np.exp(-factor * gap)), 1 / (1 + np.exp(-factor * gap))
    return float(np.maximum(low - top, top - high).max())


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = run.rows
    first, last = rows[0], rows[-1]
    rises = largest(after["entropy"] - before["entropy"] for before, after in itertools.pairwise(rows))
    return (
        within(
            "even",
            f"factor {first['factor']:g}: the entropy lost, as a share of half the variance of the scores",
            1.0,
            first["lost"] / first["half_variance"],
            EVEN,
        ),
        agree(
            "slope",
            "entropy falls by factor times variance of the scores under the weights: worst factor",
            [row["slope"] for row in rows],
            [row["difference"] for row in rows],
            to=1e-5,
        ),
        at_most("sharper", "a larger factor adds entropy nowhere: the largest rise", 0.0, rises),
        at_most(
            "bounds",
            "the best weight is inside the bounds that its lead sets",
            1e-9,
            largest(r["outside"] for r in rows),
        ),
        at_most("one-key", f"factor {last['factor']:g}: the keys that the weights are worth", ONE_KEY, last["worth"]),
        within("its-value", "... and the output is as long as one value is", 1.0, last["output"], value_slack(run)),
    )


def value_slack(run: Run[Settings]) -> float:
    """Five standard errors of the root of a mean of so many squares of normal numbers, and what ONE_KEY leaves open."""
    return 5 / math.sqrt(2 * run.settings.queries * run.settings.d_k) + ONE_KEY - 1


# Saying


def asked_at(factors: Iterable[float]) -> float:
    return min(factors, key=lambda factor: abs(math.log(factor)))


def prompt(run: Run[Settings]) -> str:
    keys, factor = run.settings.keys, asked_at(run.settings.factors)
    return f"{keys} keys with random scores of variance 1, times {factor:g}: how many equal keys are the weights worth?"


def question(run: Run[Settings]) -> Question:
    row = run.rows[decisive(run)[0]]
    explanation = f"It is e to the entropy; the largest weight is {row['top']:.2g}."
    return Question(prompt(run), row["worth"], 0.15, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The factor that was asked for, and both ends."""
    factors = [row["factor"] for row in run.rows]
    at = factors.index(asked_at(factors))
    return tuple(dict.fromkeys((at, 0, *(i for i in (at + 2, at + 4) if i < len(factors)), len(factors) - 1)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    at, last = run.rows[decisive(run)[0]], run.rows[-1]
    keys = run.settings.keys
    return (
        Text(
            f"At factor {at['factor']:g} the weights are worth {at['worth']:.1f} of {keys} equal keys, at factor "
            f"{last['factor']:g} {last['worth']:.2f}. A factor only turns up the gaps that are there."
        ),
        Text(
            "A softmax with a temperature is that of Hinton et al. 2015, section 2; in attention the factor is "
            "1/sqrt(d_k) times what training has grown into the queries and keys (Vaswani et al. 2017, section 3.2.1)."
        ),
        Text(
            f"So attention is not sharp by itself: at initialisation, with scores of variance 1, it is worth "
            f"{at['worth'] / keys:.0%} of all keys, and its output is {at['output']:.2f} times as long as a value, "
            "because an average of random values shrinks."
        ),
        Text(
            "No factor breaks a tie: keys with equal best scores share the weight (--set best=2). And no finite factor "
            "gives an exact zero, until the exponential of a gap is too small for the type of the numbers."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, keys = run.rows, run.settings.keys
    factors = [row["factor"] for row in rows]
    at, last = rows[decisive(run)[0]], rows[-1]
    even = Series("all keys alike", factors, [float(keys)] * len(rows), kind="line")
    one = Series("one key alone", factors, [1.0] * len(rows), kind="line")
    worth = Series("measured", factors, [row["worth"] for row in rows], [row["worth_se"] for row in rows])
    return (
        Plot(
            f"Of {keys} keys the weights are worth {at['worth']:.0f} at factor {at['factor']:g} and "
            f"{last['worth']:.2f} at factor {last['factor']:g}",
            "factor on the scores (1 / temperature)",
            "keys that the weights are worth",
            (worth, even, one),
            log_x=True,
            log_y=True,
        ),
        length_plot(rows),
    )


def length_plot(rows: Sequence[Mapping[str, Any]]) -> Plot:
    factors, outputs = [row["factor"] for row in rows], [row["output"] for row in rows]
    return Plot(
        f"Even attention averages values away: its output is {outputs[0]:.2f} times as long as a value, sharp "
        f"attention's {outputs[-1]:.2f}",
        "factor on the scores (1 / temperature)",
        "length of the output in values, or share",
        (Series("output", factors, outputs), Series("largest weight", factors, [row["top"] for row in rows])),
        log_x=True,
    )
