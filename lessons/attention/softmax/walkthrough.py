"""Softmax as attention weights: what it does to a row, how it is computed safely, along which axis, and what else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lessons.attention.softmax.axes import leak, row_sums
from lessons.attention.softmax.compared import gradients, other_weights
from lessons.attention.softmax.overflow import overflow, overflow_limit
from lessons.course import Request
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text


@dataclass(frozen=True)
class Settings:
    """scores: one row of attention scores; shift: the number added to all of them in steps 2 and 3."""

    scores: tuple[float, ...] = (2.0, 1.2, 0.1, -1.0)
    shift: float = 1000.0


def walkthrough(request: Request) -> Iterator[Step]:
    """Nine steps from one row of scores to its weights, and to the rivals of softmax."""
    settings: Settings = request.settings
    check_settings(settings)
    scores = np.array(settings.scores)
    yield _one_row(scores)
    yield _shift(scores, settings)
    yield overflow(scores, settings.shift)
    yield row_sums(request.seed)
    yield leak(request.seed)
    yield _sharpness(scores, request.seed)
    yield other_weights(scores, request.seed)
    yield gradients(scores, request.seed)
    yield _closing(request.seed)


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting that the steps cannot use."""
    if not 2 <= len(settings.scores) <= 12 or not all(abs(x) <= 100 for x in settings.scores):
        raise BadInput("scores needs 2 to 12 numbers from -100 to 100.", "For example: --set scores=2,1.2,0.1,-1")
    if not abs(settings.shift) <= 1e6:
        raise BadInput("shift must be at most a million either way.", "For example: --set shift=1000")


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    return {
        "ratio": math.e,
        "limit_64": overflow_limit(np.float64),
        "limit_32": overflow_limit(np.float32),
        "limit_16": overflow_limit(np.float16),
        "zero_64": zero_gap(np.float64),
        "zero_32": zero_gap(np.float32),
        "entropy_share": entropy_share(0),
    }


def zero_gap(dtype: Any) -> int:
    """The smallest whole gap below the best score at which softmax gives exactly 0 in this type."""
    gap = 1
    while softmax_forward(np.array([0.0, -gap], dtype=dtype))[0][1] > 0:
        gap += 1
    return gap


def entropy_share(seed: int, keys: int = 64, rows: int = 500) -> float:
    """Mean entropy of random rows with scores of variance 1, as a share of the entropy of a uniform row."""
    weights, _ = softmax_forward(np.random.default_rng(seed).standard_normal((rows, keys)))
    return float(entropy(weights).mean() / math.log(keys))


def _labels(n: int) -> tuple[str, ...]:
    return tuple(f"k{i + 1}" for i in range(n))


def _one_row(scores: np.ndarray) -> Step:
    weights, _ = softmax_forward(scores)
    e = np.exp(scores - scores.max())
    rows = tuple(
        {"key": name, "score": s, "e": x, "weight": w}
        for name, s, x, w in zip(_labels(scores.size), scores, e, weights, strict=True)
    )
    gap = float(scores[0] - scores[1])
    by_hand = math.exp(gap)
    measured = float(weights[0] / weights[1]) if weights[1] > 0 else math.inf
    off = abs(float(weights.sum()) - 1)
    ratio = f"{by_hand:.4g}"
    return Step(
        "From scores to weights: exponentiate, then share out",
        (
            Formula("w_i = exp(s_i) / sum_k exp(s_k)", "(S) -> (S)"),
            Question(
                f"By what factor does k1 (score {scores[0]:g}) outweigh k2 (score {scores[1]:g})?",
                by_hand,
                0.02 * max(1.0, by_hand),
                f"The sum cancels in w_1 / w_2 = exp(s_1 - s_2) = exp({gap:g}).",
            ),
            Table(
                "One query's row; the largest score is taken off before exp",
                (
                    Column("key", "key"),
                    Column("score", "score s"),
                    Column("e", "exp(s - max)", digits=4),
                    Column("weight", "weight", digits=4),
                ),
                rows,
            ),
            Text(
                f"By hand: k1 gets {e[0]:.4g} / {e.sum():.4g} = {weights[0]:.4g}. Every weight is positive, because "
                "exp is; they sum to 1, because each is divided by the sum; and equal steps in score become equal "
                f"factors in weight: w_1 / w_2 = {ratio}."
            ),
            Check("sum", "the weights sum to 1: distance", 0.0, off, 1e-12, off <= 1e-12),
            Check(
                "ratio",
                "w_1 / w_2 = exp(s_1 - s_2)",
                by_hand,
                measured,
                "relative 1e-12",
                math.isclose(measured, by_hand, rel_tol=1e-12),
            ),
            Code(softmax_forward),
        ),
        ("tfx explain softmax-attention --step 1 --set scores=4,2.4,0.2,-2",),
    )


def _shift(scores: np.ndarray, settings: Settings) -> Step:
    weights, shifted = softmax_forward(scores)[0], softmax_forward(scores + settings.shift)[0]
    level = softmax_forward(np.full(scores.size, settings.shift))[0]
    change = float(abs(shifted - weights).max())
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(settings.shift) + float(abs(scores).max()))
    flat = float(abs(level - 1 / scores.size).max())
    return Step(
        "Adding a constant to the row changes nothing",
        (
            Formula("exp(s_i + c) / sum_k exp(s_k + c) = exp(s_i) / sum_k exp(s_k)"),
            Matrix(
                "weights",
                np.stack([weights, shifted, level]),
                ("row", "key"),
                ("as it is", f"all {settings.shift:+g}", f"all = {settings.shift:g}"),
                _labels(scores.size),
                "The last row has nothing but equal scores.",
            ),
            Text(
                "Softmax sees gaps only. So 'large scores saturate softmax' is not quite it: large gaps do. A row of "
                f"equal scores is uniform at any height, here {level[0]:.4f} each."
            ),
            Check("shift", "largest change of a weight", 0.0, change, rounding, change <= rounding),
            Check("level", "equal scores give a uniform row", 0.0, flat, 1e-12, flat <= 1e-12),
        ),
        (f"tfx explain softmax-attention --step 2 --set shift={-settings.shift / 10 or 50:g}",),
    )


def _sharpness(scores: np.ndarray, seed: int) -> Step:
    rows = []
    for s in (0.0, 0.125, 0.5, 1.0, 2.0, 8.0, 32.0):
        w = softmax_forward(s * scores)[0]
        share = float(entropy(w)) / math.log(w.size)
        rows.append({"s": s, "top": float(w.max()), "low": float(w.min()), "entropy": share})
    rising = max(b["entropy"] - a["entropy"] for a, b in pairwise(rows))
    one = next(row for row in rows if row["s"] == 1.0)
    return Step(
        "How sharp? That depends on the scale of the scores",
        (
            Table(
                "The same row, multiplied by a factor",
                (
                    Column("s", "factor"),
                    Column("top", "top weight", digits=4),
                    Column("low", "least weight", digits=3),
                    Column("entropy", "entropy share", digits=3),
                ),
                tuple(rows),
            ),
            Plot(
                "The larger the gaps, the sharper the row",
                "factor on the scores",
                "weight",
                (
                    Series("top weight", [r["s"] for r in rows], [r["top"] for r in rows]),
                    Series("least weight", [r["s"] for r in rows], [r["low"] for r in rows]),
                ),
            ),
            Text(
                "Softmax favours larger scores, but it is not sharp by nature. With 64 random scores of variance 1, "
                f"as at the start of training, a row has {entropy_share(seed):.2f} of the entropy of a uniform one. "
                f"And a weight is never quite 0: only when exp underflows, {zero_gap(np.float64)} below the best "
                f"score in float64 and {zero_gap(np.float32)} in float32."
            ),
            Text(
                f"The row is a distribution, yet no probability of anything: the ranking stays and the top weight "
                f"moves from {rows[0]['top']:.2f} over {one['top']:.2f} to {rows[-1]['top']:.2f}. Nothing says which is right."
            ),
            Check(
                "entropy", "entropy never rises with the factor: largest rise", "<= 0", rising, 1e-12, rising <= 1e-12
            ),
        ),
        ("tfx explain softmax-attention --step 6 --set scores=3,3,0,0", "tfx explain scaling-variance"),
    )


def _closing(seed: int) -> Step:
    x = np.random.default_rng(seed).standard_normal((3, 5))
    error = check_gradients(softmax_forward, softmax_backward, {"x": x}, seed=seed).worst
    return Step(
        "Say it in an interview",
        (
            Text(
                "Softmax turns each query's scores into positive weights that sum to 1 over the keys, the last axis of "
                "(B, h, n_q, n_k). It is differentiable everywhere and sees only gaps, so the maximum may be taken off "
                "first, which keeps exp from overflowing."
            ),
            Text(
                "How sharp a row is depends on the scale of the scores. The weights are a distribution, not calibrated "
                "probabilities. Sparsemax, sigmoid or linear weights are possible; they give up full support, the sum "
                "of 1, or the exponential."
            ),
            Check(
                "gradient",
                "dx of softmax against finite differences",
                0.0,
                error,
                f"relative error {TOLERANCE:.0e}",
                error <= TOLERANCE,
            ),
            Code(softmax_backward),
        ),
        ("tfx quiz softmax-attention", "tfx explain softmax-jacobian"),
    )
