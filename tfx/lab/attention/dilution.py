"""One step from any token to any other: how much of a gradient passes it, among n keys?

    out = sum_j p_j v_j          d out / d v_1 = p_1, and what passes the score of key 1 has the factor p_1 as well

At initialisation scores are random and p_1 is about 1/n: the path is short and thin.  Where the score of key 1 leads
all others by g, and these are equal,

    p_1 = 1 / (1 + (n - 1) e^(-g))          at least a half as long as n - 1 <= e^g

so a lead that grows like log n keeps the path open.  A recurrent chain of gain w keeps w^(n - 1) of a gradient.
Sources: Vaswani et al. 2017, section 4 (path lengths); Velickovic et al. 2025, "Softmax is not Enough (for Sharp Size
Generalisation)" (bounded scores must disperse as n grows).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.lab.block.gradient_flow import through_layers
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.power_laws import PowerLaw, fit_power_law
from tfx.measure.verdicts import agree, at_least, at_most, largest, within
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting, up_to

QUESTION = "Attention is one step from any token to any other: how much gradient passes it, among n keys?"
TITLE = "The gradient from the last output to the first token, through one attention"
CLAIM = (
    "Attention joins any two tokens by one step, so gradients over long distances are easy for it: in a recurrent "
    "network they shrink exponentially."
)
BREAK_IT = ("--set gain=1", "--set gaps=0,1")
HOST_ONLY = "It follows one row of weights at a time: nothing for a card."

#: The exponent may lie this far from -1.  With 32 keys p_1 is not yet proportional to 1/n, which moves it by about
#: 0.02, and over seeds of 50 sequences it scatters by 0.035: by 0.0125 with 400.
SLACK = 0.1
#: Lengths to which laws are fitted.
FROM = 32
#: What the largest lead must be worth at the largest n.
WORTH = 10.0


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting(
        (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048), 3, 16_384, "the n to try", at_least=3
    )
    gaps: tuple[float, ...] = setting((0, 4, 8), 0.0, 50.0, "by which the score of the first key leads", at_least=2)
    width: int = setting(16, 2, 128, "of a token and of the head")
    gain: float = setting(0.9, 0.05, 1.0, "what a step of the recurrent chain multiplies by")
    draws: int = setting(400, 2, 10_000, "random sequences for each row")

    def quick(self) -> Settings:
        """No n over 512."""
        return replace(self, lengths=up_to(self.lengths, 512, 3))

    def full(self) -> Settings:
        """Ten times the sequences."""
        return replace(self, draws=min(10 * self.draws, 10_000))

    def bytes_needed(self) -> float:
        """One sequence at a time, its projections and their gradients."""
        return 8.0 * max(self.lengths) * (10 * self.width + 8)


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    """One for each lead; the first three are seen first."""
    gaps = sorted(set(run.settings.gaps))
    return (
        Column("n", "keys n"),
        *(Column(f"gap_{gap:g}", f"lead {gap:g}", digits=3, detail=at > 2) for at, gap in enumerate(gaps)),
        Column("recurrent", "recurrent", digits=2),
        *(Column(f"weight_{gap:g}", f"weight, lead {gap:g}", digits=3, detail=True) for gap in gaps),
        *(Column(f"error_{gap:g}", f"s.e., lead {gap:g}", digits=2, detail=True) for gap in gaps),
    )


def rows(run: Run[Settings]) -> Measured:
    """Longer sequences begin like shorter ones, so that lengths are compared on equal draws."""
    for n in run.over(sorted(set(run.settings.lengths)), "n = {}"):
        yield measure_row(run, n)


# Measuring


def measure_row(run: Run[Settings], n: int) -> dict[str, Any]:
    """Means over the sequences, for each lead."""
    settings, gaps = run.settings, sorted(set(run.settings.gaps))
    row: dict[str, Any] = {"n": n}
    with blas_threads(1):
        found = np.array([passed(run.generator(draw), n, settings.width, gaps) for draw in range(settings.draws)])
    for gap, (gradients, weights) in zip(gaps, found.transpose(1, 2, 0), strict=True):
        row[f"gap_{gap:g}"], row[f"error_{gap:g}"] = mean_with_error(gradients)
        row[f"weight_{gap:g}"] = float(weights.mean())
        row[f"alike_{gap:g}"] = among_equals(n, gap)
        row[f"closed_{gap:g}"] = 1 / (1 + (n - 1) * math.exp(-gap))
    chain = through_layers(n - 1, settings.gain, settings.width, activation=None, shared=True, seed=(run.seed, n))
    return {**row, "recurrent": float(chain[0])}


def passed(rng: np.random.Generator, n: int, width: int, gaps: Sequence[float]) -> list[tuple[float, float]]:
    """-> for each gap the norm of the gradient at the first token, for one of norm 1 at the last output, and the weight
    between the two.

    A head at initialisation: scores of variance 1, and the gap is added to the first key's.
    """
    w_q, w_k, w_v = rng.standard_normal((3, width, width)) / math.sqrt(width)
    dout = rng.standard_normal((1, width))
    dout /= np.sqrt((dout * dout).sum())
    x = rng.standard_normal((n + 1, width))  # who asks is drawn first, then the n tokens, the first of them in front
    q, _ = linear_forward(x[:1], w_q)
    k, key = linear_forward(x[1:], w_k)
    v, value = linear_forward(x[1:], w_v)
    bias, found = np.zeros((1, n)), []
    for gap in gaps:
        bias[0, 0] = gap
        _, cache = attention_forward(q, k, v, bias=bias)
        _, dk, dv = attention_backward(dout, cache)
        dx = linear_backward(dk, key)[0] + linear_backward(dv, value)[0]  # x was read twice, as keys and as values
        found.append((float(np.sqrt((dx[0] * dx[0]).sum())), float(cache.weights[0, 0])))
    return found


def among_equals(n: int, gap: float) -> float:
    """The weight of a key that leads n - 1 equal ones: by attention, for queries of zeros."""
    bias = np.zeros((1, n))
    bias[0, 0] = gap
    return float(attention_forward(np.zeros((1, 1)), np.ones((n, 1)), np.ones((n, 1)), bias=bias)[1].weights[0, 0])


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, gaps, last = run.rows, sorted(set(run.settings.gaps)), run.rows[-1]
    none, most = gaps[0], gaps[-1]
    law = decay(rows, none)
    alike, closed = ([row[f"{key}_{gap:g}"] for row in rows for gap in gaps] for key in ("alike", "closed"))
    chain = [run.settings.gain ** (row["n"] - 1) for row in rows]
    return (
        within(
            "one-over-n",
            f"lead {none:g}: the gradient goes like n^e, 95% interval {law.low:.2f} .. {law.high:.2f}",
            -1.0,
            law.exponent,
            SLACK,
        ),
        at_most(
            "power",
            "it is a power of n and no exponential: how far off a line in log-log, as a share of semi-log",
            0.5,
            crooked(rows, none, np.log) / largest((crooked(rows, none, np.asarray), 1e-300)),
        ),
        agree("closed", "a key that leads equal ones has 1 / (1 + (n - 1) e^-g): the worst", alike, closed, to=1e-12),
        at_least(
            "lead",
            f"n = {last['n']}: a lead of {most:g} lets more pass than one of {none:g}, by the factor",
            WORTH,
            last[f"gap_{most:g}"] / last[f"gap_{none:g}"],
        ),
        agree(
            "recurrent",
            "a recurrent chain keeps gain^(n - 1): the worst, in log10",
            np.log10([row["recurrent"] for row in rows]),
            np.log10(chain),
            to=1e-9,
        ),
        at_least(
            "ahead",
            f"n = {last['n']}: log10 of what passes attention over what passes the chain",
            1.0,
            math.log10(last[f"gap_{none:g}"] / last["recurrent"]),
        ),
    )


def fitted(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of at least FROM keys, or the last three."""
    long = [row for row in rows if row["n"] >= FROM]
    return long if len(long) >= 3 else list(rows[-3:])


def decay(rows: Sequence[Mapping[str, Any]], gap: float) -> PowerLaw:
    long = fitted(rows)
    return fit_power_law([row["n"] for row in long], [row[f"gap_{gap:g}"] for row in long])


def crooked(rows: Sequence[Mapping[str, Any]], gap: float, of_n: Any) -> float:
    """Root of the mean square that a straight line through log gradient against of_n(n) leaves."""
    x, y = of_n([float(row["n"]) for row in rows]), np.log([row[f"gap_{gap:g}"] for row in rows])
    x, y = x - x.mean(), y - y.mean()
    rest = y - x * ((x * y).sum() / (x * x).sum())
    return math.sqrt(float((rest * rest).mean()))


# Saying


def prompt(run: Run[Settings]) -> str:
    first, last = asked(run.settings.lengths)
    return f"At initialisation: from n = {first} keys to {last}, by which factor does the gradient shrink?"


def asked(lengths: Sequence[int]) -> tuple[int, int]:
    """The largest n, and the first that is at least FROM, or the second largest."""
    known = sorted(set(lengths))
    return next((n for n in known[:-1] if n >= FROM), known[-2]), known[-1]


def question(run: Run[Settings]) -> Question:
    gap = min(run.settings.gaps)
    first, last = (next(row for row in run.rows if row["n"] == n) for n in asked(run.settings.lengths))
    explanation = f"n grew {last['n'] / first['n']:.3g} times, and each key has about 1/n of the weight."
    return Question(prompt(run), first[f"gap_{gap:g}"] / last[f"gap_{gap:g}"], 0.25, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    gaps, last = sorted(set(run.settings.gaps)), run.rows[-1]
    none, most = gaps[0], gaps[-1]
    return (
        Text(
            f"At initialisation the gradient over one attention goes like n^{decay(run.rows, none).exponent:.2f}: "
            f"{last[f'gap_{none:g}']:.2g} is left of it at n = {last['n']}. A lead of {most:g} in the score keeps "
            f"{last[f'gap_{most:g}']:.2g}."
        ),
        Text(
            "One step is what table 1 of Vaswani et al. 2017, section 4, counts; it does not say how much passes it. "
            f"A recurrent chain of gain {run.settings.gain:g} keeps {last['recurrent']:.1g} at that n: that is "
            "exponential, and 1/n is not."
        ),
        Text(
            "A key that leads n - 1 equal ones by g has at least half of the weight as long as n - 1 is at most e^g. "
            "So a lead has to grow like log n; scores that are bounded must spread in the end (Velickovic et al. 2025)."
        ),
        Text(
            f"Measured on {run.settings.draws} random heads of width {run.settings.width}: the gradient at the first "
            "token, through its key and its value, for a gradient of length 1 at the last output. Residual paths, "
            "more heads and more layers come on top of it."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    gaps, rows = sorted(set(run.settings.gaps)), run.rows
    n, kept = [float(row["n"]) for row in rows], [row for row in rows if row["recurrent"] > 1e-8]
    first = rows[0][f"gap_{gaps[0]:g}"]
    return (
        Plot(
            f"Lead {gaps[0]:g}: the gradient falls like n^{decay(rows, gaps[0]).exponent:.2f}; lead {gaps[-1]:g} keeps "
            f"{rows[-1][f'gap_{gaps[-1]:g}']:.2g} of it at n = {rows[-1]['n']}",
            "keys n",
            "gradient at the first token",
            (
                *(Series(f"lead {gap:g}", n, [row[f"gap_{gap:g}"] for row in rows]) for gap in gaps[:3]),
                Series("1/n", n, [first * n[0] / each for each in n], kind="line"),
                Series("recurrent", [float(r["n"]) for r in kept], [r["recurrent"] for r in kept], kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
    )
