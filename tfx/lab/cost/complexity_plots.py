"""The pictures of the experiment `complexity`: time, attention over projections, and memory against n."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.measure.power_laws import PowerLaw
from tfx.records import Plot, Series


def complexity_plots(
    rows: Sequence[Mapping[str, Any]], laws: Mapping[str, PowerLaw], fitted: Sequence[int], counted: int, crossed: float
) -> tuple[Plot, ...]:
    """laws: fitted to the rows of the n `fitted`; counted, crossed: where attention overtakes its projections, in
    products and in time."""
    n = [row["n"] for row in rows]
    where = f"they cross near n = {crossed:.0f}" if math.isfinite(crossed) else "they do not cross here"

    def line(name: str) -> Series:
        law = laws[name]
        label = f"n^{law.exponent:.2f} (95%: {law.low:.2f} .. {law.high:.2f})"
        return Series(label, fitted, [law.coefficient * x**law.exponent for x in fitted], kind="line")

    def points(label: str, key: str) -> Series:
        return Series(label, n, [row[key] for row in rows], [row[key + "_half_range"] for row in rows])

    made = [
        Plot(
            f"Time of attention grows like n^{laws['attention'].exponent:.2f}, of projections like "
            f"n^{laws['projections'].exponent:.2f}; {where}",
            "n (tokens)",
            "time of one call (ms)",
            (
                points("attention", "attention_ms"),
                line("attention"),
                points("projections", "projection_ms"),
                line("projections"),
            ),
            log_x=True,
            log_y=True,
        ),
        Plot(
            f"Counted, attention costs as much as its projections at n = {counted}; measured, {where}",
            "n (tokens)",
            "attention / projections",
            (
                Series("time, measured", n, [row["time_ratio"] for row in rows]),
                Series("FLOPs, counted", n, [r["attention_mflop"] / r["projection_mflop"] for r in rows], kind="line"),
                Series("equal", n, [1.0] * len(n), kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
    ]
    if "memory" in laws:
        made.append(
            Plot(
                f"Peak memory of attention, h n^2 + n d numbers: {rows[-1]['peak_mib']:.3g} MiB at n = {n[-1]}, "
                f"from n = {fitted[0]} on like n^{laws['memory'].exponent:.2f}",
                "n (tokens)",
                "peak memory of one call (MiB)",
                (Series("measured", n, [row["peak_mib"] for row in rows]), line("memory")),
                log_x=True,
                log_y=True,
            )
        )
    return tuple(made)
