"""What the experiment `saturation` says about its rows: closed forms, notes, and plots that state the finding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx.records import Plot, Series, Text

if TYPE_CHECKING:
    from tfx.lab.saturation import Settings


def closed_top_weight(a: float, pattern: Sequence[float]) -> float:
    """p = 1 / sum_j exp(a (x_j - x_top))."""
    return 1.0 / sum(math.exp(a * (x - max(pattern))) for x in pattern)


def closed_slope(a: float, pattern: Sequence[float]) -> float:
    """dp/da = p^2 sum_j (x_top - x_j) exp(a (x_j - x_top)): nothing cancels, however sharp the row is."""
    top = max(pattern)
    return closed_top_weight(a, pattern) ** 2 * sum((top - x) * math.exp(a * (x - top)) for x in pattern)


def logits_in_words(pattern: Sequence[float]) -> str:
    """`[a, a, 2a]` for (1, 1, 2)."""
    return "[" + ", ".join("0" if x == 0 else "a" if x == 1 else f"{x:g}a" for x in pattern) + "]"


def notes(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Text, ...]:
    last = rows[-1]
    return (
        Text(
            "Only gaps between logits count: a pattern of 101, 101, 102 gives the same weights as 1, 1, 2, and equal "
            "logits of any size give equal weights. Big scores saturate because their gaps are big."
        ),
        Text(
            f"At a = {last['a']:g} a wrong label still pulls with norm {last['cross_entropy']:.4f} under "
            f"cross-entropy, against {last['squared_error']:.2g} under squared error: the logarithm in the loss undoes "
            "the softmax (Bridle 1990). Inside attention no such logarithm follows, so a saturated row learns slowly "
            "(Vaswani et al. 2017, section 3.2.1)."
        ),
        Text(
            "Sharper is not at once worse: at a = 0 all weights are equal and a random row has a small Jacobian, "
            "which grows until a few keys compete and shrinks when one of them has won."
        ),
    )


def plots(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Plot, ...]:
    words = logits_in_words(settings.pattern)
    near = [row for row in rows if row["a"] <= 15] or list(rows)
    x = [row["a"] for row in near]
    steep = max(near, key=lambda row: row["slope"])
    peak = max(rows, key=lambda row: row["random_jacobian"])
    last = rows[-1]
    fine = np.linspace(x[0], x[-1], 101).tolist()
    seen = [row for row in rows if min(row["squared_error"], row["jacobian"]) > 0]  # zero has no place on a log axis
    return (
        Plot(
            f"{words}: top weight {near[0]['top']:.2f} at a = {x[0]:g}, {near[-1]['top']:.6f} at a = {x[-1]:g}; "
            f"its slope is largest near a = {steep['a']:g}",
            "a",
            "weight, and weight per unit of a",
            (
                Series("top weight, measured", x, [row["top"] for row in near]),
                Series(
                    "top weight, closed form", fine, [closed_top_weight(a, settings.pattern) for a in fine], kind="line"
                ),
                Series("dp/da, measured", x, [row["slope"] for row in near]),
                Series("dp/da, closed form", fine, [closed_slope(a, settings.pattern) for a in fine], kind="line"),
            ),
        ),
        Plot(
            f"At a = {last['a']:g} a wrong label pulls with {last['cross_entropy']:.2f} under cross-entropy, "
            f"{last['squared_error']:.1g} under squared error",
            "a",
            "norm of the gradient at the logits",
            (
                Series("cross-entropy", [r["a"] for r in seen], [r["cross_entropy"] for r in seen]),
                Series("squared error", [r["a"] for r in seen], [r["squared_error"] for r in seen]),
                Series("softmax Jacobian", [r["a"] for r in seen], [r["jacobian"] for r in seen]),
            ),
            log_y=True,
        ),
        Plot(
            f"Random rows of {settings.keys} keys: the Jacobian norm peaks at a = {peak['a']:g} "
            f"({peak['random_jacobian']:.2f}) and falls to {last['random_jacobian']:.2g}",
            "a (standard deviation of the scores)",
            "mean Frobenius norm of the softmax Jacobian",
            (
                Series(
                    "random rows",
                    [row["a"] for row in rows],
                    [row["random_jacobian"] for row in rows],
                    [row["random_jacobian_se"] for row in rows],
                ),
            ),
        ),
    )
