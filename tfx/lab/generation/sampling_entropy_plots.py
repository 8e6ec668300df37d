"""The pictures of `sampling-entropy`: entropy against temperature, and what the likeliest tokens have together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx.records import Plot, Series

Row = Mapping[str, Any]


def entropy_plot(warm: Sequence[Row], vocab: int, spreads: Mapping[str, float]) -> Plot:
    """warm: a row for each temperature.  spreads: of the scores, by kind."""
    t, log_v = [row["value"] for row in warm], math.log(vocab)

    def points(kind: str) -> Series:
        key = f"entropy_{kind}"
        label = f"{kind}, scores scatter by {spreads[kind]:g}"
        return Series(label, t, [row[key] for row in warm], [row[f"{key}_se"] for row in warm])

    return Plot(
        f"Entropy rises with T from {warm[0]['entropy_sharp']:.2f} to {warm[-1]['entropy_sharp']:.2f} nats; all "
        f"{vocab:,} tokens equal would be {log_v:.2f}",
        "temperature T",
        "entropy (nats)",
        (points("flat"), points("sharp"), Series("log V", t, [log_v] * len(t), kind="line")),
        log_x=True,
    )


def kept_plot(some: Mapping[str, np.ndarray], k: int, p: float, k_row: Row, p_row: Row) -> Plot:
    """some: (N, V) probabilities by kind, whose mean curves are drawn; k_row, p_row: where top-k and top-p cut them."""
    curves = []
    for kind, probabilities in some.items():
        n = np.unique(np.round(np.geomspace(1, probabilities.shape[1], 60)).astype(int))
        together = np.cumsum(-np.sort(-probabilities, axis=1), axis=1).mean(axis=0)
        curves.append(Series(kind, n.tolist(), (100 * together[n - 1]).tolist(), kind="line"))
    kinds = ("flat", "sharp")
    cuts = [
        Series(way, [row[f"tokens_{kind}"] for kind in kinds], [row[f"kept_{kind}"] for kind in kinds])
        for way, row in (("where top-k cuts", k_row), ("where top-p cuts", p_row))
    ]
    return Plot(
        f"{k} tokens keep {k_row['kept_flat']:.2g}% or {k_row['kept_sharp']:.2g}%; {p:g} of the probability takes "
        f"{p_row['tokens_flat']:.0f} tokens or {p_row['tokens_sharp']:.0f}",
        "likeliest tokens that stay",
        "probability that they have together (%)",
        (*curves, *cuts),
        log_x=True,
    )
