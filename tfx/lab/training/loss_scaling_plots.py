"""The pictures of the experiment `loss-scaling`: what is lost at either end, and the gradient of a model, by scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series


def loss_scaling_plots(
    rows: Sequence[Mapping[str, Any]], powers: Sequence[int], laws: Sequence[tuple[float, float]]
) -> tuple[Plot, ...]:
    """powers, laws: scales, and the shares that are lost and that overflow there, by theory."""

    def points(label: str, key: str) -> Series:
        return Series(label, [row["scale"] for row in rows], [row[key] for row in rows])

    def line(label: str, which: int) -> Series:
        return Series(f"{label}, by theory", powers, [law[which] for law in laws], kind="line")

    first, last = rows[0], rows[-1]
    finite = [row for row in rows if math.isfinite(row["model_error"])]
    best = min(rows, key=lambda row: row["model_error"])
    spoilt = [f"2^{row['scale']}" for row in rows if not math.isfinite(row["model_error"])]
    until = f"; from {spoilt[0]} on it overflows" if spoilt else ""
    made = [
        Plot(
            f"float16 makes {first['flushed']:.0%} of the gradients zero at scale 2^{first['scale']}, and "
            f"{last['overflowed']:.0%} infinite at 2^{last['scale']}",
            "loss scale, as a power of 2",
            "share of the gradients",
            (
                points("become zero", "flushed"),
                line("become zero", 0),
                points("overflow", "overflowed"),
                line("overflow", 1),
            ),
        )
    ]
    if finite:
        made.append(
            Plot(
                f"A model's gradient is off by {first['model_error']:.0%} at scale 2^{first['scale']}, by "
                f"{best['model_error']:.1%} at 2^{best['scale']}{until}",
                "loss scale, as a power of 2",
                "error of the gradient, as a share of its length",
                (Series("float16 against float32", [r["scale"] for r in finite], [r["model_error"] for r in finite]),),
                log_y=True,
            )
        )
    return tuple(made)
