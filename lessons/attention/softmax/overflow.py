"""The step of softmax-attention that overflows on purpose."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfx.gradcheck.mistakes.ops.basics.softmax import naive_softmax
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Step, Table, Text


def overflow(scores: np.ndarray, shift: float) -> Step:
    """The same row at different heights, naive and stable."""
    shifts = sorted({0.0, 80.0, 100.0, 700.0, 1000.0, -1000.0, shift})
    rows = []
    for c in shifts:
        stable = softmax_forward(scores + c)[0]
        rows.append(
            {
                "c": c,
                "single": _top(naive_softmax((scores + c).astype(np.float32))),
                "double": _top(naive_softmax(scores + c)),
                "stable": _top(stable),
            }
        )
    broken = int(np.isnan(naive_softmax(scores + 1000.0)).sum())
    safe = float(abs(softmax_forward(scores + 1000.0)[0] - softmax_forward(scores)[0]).max())
    return Step(
        "Why the maximum is taken off first",
        (
            Formula("w_i = exp(s_i - m) / sum_k exp(s_k - m)     m = max_k s_k"),
            Table(
                "Largest weight of the row, all scores raised by c",
                (
                    Column("c", "c"),
                    Column("single", "naive float32"),
                    Column("double", "naive float64"),
                    Column("stable", "stable float64"),
                ),
                tuple(rows),
            ),
            Text(
                f"exp overflows above {overflow_limit(np.float64):.1f} in float64, {overflow_limit(np.float32):.1f} in "
                f"float32 and {overflow_limit(np.float16):.1f} in float16; then inf / inf is NaN. Far below zero all "
                "exps vanish and 0 / 0 is NaN too. After taking off the maximum the largest exponent is 0: the sum "
                "lies between 1 and S, and nothing can overflow."
            ),
            Check(
                "naive", "naive weights that are NaN at c = 1000", scores.size, broken, "exact", broken == scores.size
            ),
            Check("stable", "stable weights move at c = 1000 by", 0.0, safe, 1e-11, safe <= 1e-11),
            Code(naive_softmax),
        ),
        (f"tfx explain softmax-attention --step 3 --set shift={overflow_limit(np.float64) - float(scores.max()):.0f}",),
    )


def _top(weights: np.ndarray) -> str:
    """The largest weight as text, or what went wrong with the row."""
    if np.isnan(weights).all():
        return "NaN"
    if not math.isclose(float(weights.sum()), 1.0, rel_tol=1e-4):
        return f"sums to {np.nansum(weights):.3g}"
    return f"{weights.max():.4f}"


def overflow_limit(dtype: Any) -> float:
    """The largest score whose exp is still finite in this type."""
    return math.log(float(np.finfo(dtype).max))
