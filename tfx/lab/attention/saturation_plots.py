"""The pictures of the experiment `saturation`: weight and slope, what is left of gradients, and random rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx.lab.attention.sharpened_softmax import closed_slope, closed_top_weight, logits_in_words
from tfx.records import Plot, Series


def saturation_plots(rows: Sequence[Mapping[str, Any]], pattern: Sequence[float], keys: int) -> tuple[Plot, ...]:
    """pattern: the logits are a times these; keys: scores of a random row."""
    words = logits_in_words(pattern)
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
                Series("top weight, closed form", fine, [closed_top_weight(a, pattern) for a in fine], kind="line"),
                Series("dp/da, measured", x, [row["slope"] for row in near]),
                Series("dp/da, closed form", fine, [closed_slope(a, pattern) for a in fine], kind="line"),
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
            f"Random rows of {keys} keys: the Jacobian norm peaks at a = {peak['a']:g} "
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
