"""Is attention a kernel method?  It is a kernel smoother; its kernel is one of Mercer's only where W_Q and W_K agree.

    out_i = sum_j K(q_i, k_j) v_j / sum_j K(q_i, k_j)          K(q, k) = exp(q . k / sqrt(d_k))

is the estimator of Nadaraya and Watson, whatever K is.  As a function of two inputs, K(x, x') = exp(x A x' / sqrt(d_k))
with A = W_Q W_K^T, and

    symmetric            K(x, x') = K(x', x)          where A = A^T
    positive semi-definite: no eigenvalue below 0     where A = W W^T: exp is a sum of powers, and powers of such a
                                                      matrix, number by number, are positive too (Schur 1911)
    Gaussian             exp(-|q - k|^2 / (2 sqrt(d_k))), after the division by the sum, where all keys have one length

Sources: Nadaraya 1964; Watson 1964; Tsai et al. 2019, "Transformer Dissection: A Unified Understanding of Transformer's
Attention via the Lens of Kernel".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.attention.attention_as_kernel_plots import mirror_plot, smoothing_plot
from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import setting

QUESTION = "Is attention a kernel method: a smoother, with a kernel that is symmetric and positive?"
TITLE = "Attention as a kernel smoother, and its kernel exp(q.k / sqrt(d_k))"
CLAIM = (
    "Attention is a kernel method: its output is a smoother of Nadaraya and Watson. Its kernel is symmetric and "
    "positive as kernels should be where W_Q = W_K."
)
BREAK_IT = ("--set factor=0.1",)
HOST_ONLY = "These matrices have a few dozen rows: nothing for a card."

TWO, ONE, TURNED, EQUAL = "two", "one", "one, turned", "one, equal"
ROUNDING = 1e-12
#: |K - K^T| over |K|, both by the root of the sum of squares: 0 is symmetric, sqrt(2) is no relation at all.
LOPSIDED = 0.5
#: An eigenvalue this far below 0, as a share of the largest, is no rounding.
NEGATIVE = -1e-3
#: Lengths of keys move outputs by at least this share of a value's length.
MOVED = 0.01


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(24, 3, 200, "tokens, each a query and a key")
    width: int = setting(32, 2, 256, "of an input")
    d_k: int = setting(16, 2, 256, "of a query")
    factor: float = setting(1.0, 0.0, 3.0, "on the scores")
    draws: int = setting(100, 2, 10_000, "random heads for each row")

    def quick(self) -> Settings:
        """A fifth of the heads."""
        return replace(self, draws=max(2, self.draws // 5))

    def full(self) -> Settings:
        """Ten times the heads."""
        return replace(self, draws=min(10 * self.draws, 10_000))

    def bytes_needed(self) -> float:
        """A head at a time: its matrices, and some of tokens x tokens."""
        return 8.0 * (20 * self.tokens**2 + 3 * self.width * self.d_k + 4 * self.tokens * (self.width + self.d_k))


COLUMNS = (
    Column("matrices", "matrices"),
    Column("smoother", "off the smoother", digits=2),
    Column("asymmetry", "asymmetry of K", digits=3),
    Column("negative", "eigenvalues below 0", digits=3),
    Column("gaussian", "off a Gaussian one", digits=3),
    Column("least", "smallest eigenvalue", "of the largest", digits=2, detail=True),
    Column("weights", "asymmetry of the weights", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """The same inputs and the same W_Q in every row."""
    for case in run.over((TWO, ONE, TURNED, EQUAL), "matrices: {}"):
        heads = [measure(*head(run, case, draw)) for draw in range(run.settings.draws)]
        yield {
            "matrices": case,
            **{key: float(np.mean([one[key] for one in heads])) for key in heads[0]},
            "smoother": largest(one["smoother"] for one in heads),
            "most_asymmetry": largest(one["asymmetry"] for one in heads),
            "most_gaussian": largest(one["gaussian"] for one in heads),
            "least": smallest(one["least"] for one in heads),
        }


# Measuring


def head(run: Run[Settings], case: str, draw: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """-> q, k, v: (T, D) of random inputs, their coordinates of variance 1."""
    settings, rng = run.settings, run.generator(draw)
    x, v = (rng.standard_normal((settings.tokens, size)) for size in (settings.width, settings.d_k))
    w_q, w_k = rng.standard_normal((2, settings.width, settings.d_k)) / math.sqrt(settings.width)
    if case != TWO:
        w_k = w_q * (np.where(np.arange(settings.d_k) % 2, -1.0, 1.0) if case == TURNED else 1.0)
    q, k = x @ w_q, x @ w_k
    if case == EQUAL:
        q = k = k * math.sqrt(settings.d_k) / np.sqrt((k * k).sum(axis=-1, keepdims=True))
    root = math.sqrt(settings.factor)
    return q * root, k * root, v


def measure(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> dict[str, float]:
    """One head: attention against both smoothers, in lengths of a value, and what its kernel is like."""
    out, cache = attention_forward(q, k, v)
    kernel = np.exp(q @ k.T / math.sqrt(q.shape[-1]))
    apart = ((q[:, None] - k[None]) ** 2).sum(axis=-1)
    gaussian = np.exp(-apart / (2 * math.sqrt(q.shape[-1])))
    values = np.linalg.eigvalsh((kernel + kernel.T) / 2)
    return {
        "smoother": float(abs(out - smooth(kernel, v)).max()),
        "asymmetry": lopsided(kernel),
        "negative": float((values < -ROUNDING * values[-1]).sum()),
        "least": float(values[0] / values[-1]),
        "gaussian": rms(out - smooth(gaussian, v)) / rms(v),
        "weights": lopsided(cache.weights),
    }


def smooth(kernel: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The estimator of Nadaraya and Watson: (T, S), (S, Dv) -> (T, Dv)."""
    return kernel @ v / kernel.sum(axis=-1, keepdims=True)


def lopsided(matrix: np.ndarray) -> float:
    return rms(matrix - matrix.T) / rms(matrix)


def rms(x: np.ndarray) -> float:
    return math.sqrt(float((x * x).mean()))


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    table = {row["matrices"]: row for row in run.rows}
    one, turned, equal = table[ONE], table[TURNED], table[EQUAL]
    off = largest(row["smoother"] for row in run.rows)
    mirrored = largest(row["most_asymmetry"] for row in (one, turned, equal))
    least = smallest(row["least"] for row in (one, equal))
    return (
        at_most("smoother", "attention is the smoother of Nadaraya and Watson: the worst output", ROUNDING, off),
        at_least(
            "lopsided",
            "with two matrices K is not symmetric: |K - K^T| over |K|",
            LOPSIDED,
            table[TWO]["asymmetry"],
        ),
        at_most("symmetric", "with one matrix it is, signs turned or not: the worst head", ROUNDING, mirrored),
        at_least("positive", "with one matrix no eigenvalue is below 0: the worst head", -ROUNDING, least),
        at_most("not-positive", "... but with turned signs some are, symmetric or not", NEGATIVE, turned["least"]),
        at_most(
            "gaussian", "keys of one length give a Gaussian smoother: the worst head", ROUNDING, equal["most_gaussian"]
        ),
        at_least("lengths", "... other lengths give another output, by so much of a value", MOVED, one["gaussian"]),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    n = run.settings.tokens
    return f"W_K is W_Q with half of its signs turned, so K ({n} x {n}) is symmetric. How many eigenvalues are below 0?"


def question(run: Run[Settings]) -> Question:
    turned = next(row for row in run.rows if row["matrices"] == TURNED)
    return Question(prompt(run), turned["negative"], 0.25, "With W_K = W_Q there are none: symmetric is not enough.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    table: Mapping[str, Mapping[str, Any]] = {row["matrices"]: row for row in run.rows}
    return (
        Text(
            f"Attention is a kernel smoother to {largest(row['smoother'] for row in run.rows):.0e}. Its kernel is not "
            f"symmetric with two matrices (asymmetry {table[TWO]['asymmetry']:.2f} of {math.sqrt(2):.2f}); with one it "
            f"is, with {table[ONE]['negative']:g} eigenvalues below 0."
        ),
        Text(
            "A smoother needs no symmetry: it only weighs and averages (Tsai et al. 2019). What is called a kernel "
            "method elsewhere, Gaussian processes or support vector machines, needs a kernel that is symmetric and "
            "positive, and two learned matrices give none."
        ),
        Text(
            f"Symmetric is not yet positive: with half of the signs of W_K turned {table[TURNED]['negative']:.1f} of "
            f"{run.settings.tokens} eigenvalues are below 0. And the weights, divided by the sum of their row, are not "
            f"symmetric even with one matrix (asymmetry {table[ONE]['weights']:.2f})."
        ),
        Text(
            "With keys of equal length attention smooths with a Gaussian of the distance from query to key; elsewhere "
            f"long keys count for more, and outputs are {table[ONE]['gaussian']:.2f} of a value's length away."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    q, k, _ = head(run, TWO, 0)
    same, _, _ = head(run, ONE, 0)
    return smoothing_plot(run.generator(0, 0)), mirror_plot(q @ k.T, same @ same.T, run.settings.d_k)
