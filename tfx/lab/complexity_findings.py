"""What the experiment `complexity` says about its rows: notes, and plots whose titles state the finding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx.measure.estimates import PowerLaw
from tfx.records import Plot, Series, Text

if TYPE_CHECKING:
    from tfx.lab.complexity import Settings


#: Exponents are fitted from the largest n down to this share of it: below, the cost of calling Python shows.
FIT_SHARE = 1 / 8


def large_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows to which the power laws are fitted, at least three."""
    large = [row for row in rows if row["n"] >= rows[-1]["n"] * FIT_SHARE]
    return large if len(large) >= 3 else list(rows[-3:])


def notes(
    rows: Sequence[Mapping[str, Any]], settings: Settings, threads: int | None, crossing: float, counted: int
) -> tuple[Text, ...]:
    last = rows[-1]
    measured = f"near n = {crossing:.0f}" if math.isfinite(crossing) else f"not up to n = {last['n']}"
    clock = "one BLAS thread" if threads == 1 else "as many BLAS threads as the system chose"
    return (
        Text(
            f"Counted products make attention equal to its projections at n = 2 d = {counted}; in time it gets there "
            f"{measured}. Between the products n^2 numbers pass through the softmax: few FLOPs, much memory. At "
            f"n = {last['n']} the softmax takes {last['softmax_share']:.0%} of the time of attention."
        ),
        Text(
            "n^2 d against n d^2 is why short sequences are cheap (Vaswani et al. 2017, table 1). The table hides the "
            "constants: n = d is not yet the turning point. The n^2 memory is the stored weights; tiling avoids it "
            "(Dao et al. 2022, FlashAttention)."
        ),
        Text(
            f"Times are medians, float32, {clock}; they differ from run to run and from machine to machine, whatever "
            "the seed. Counts do not. A multiply-add is two FLOPs here. More heads (--set heads=8) leave the products "
            "as they are and multiply the n^2 part; a narrower model (--set d_model=64) is overtaken earlier."
        ),
    )


def plots(
    rows: Sequence[Mapping[str, Any]], laws: Mapping[str, PowerLaw], crossing: float, counted: int
) -> tuple[Plot, ...]:
    n = [row["n"] for row in rows]
    where = f"they cross near n = {crossing:.0f}" if math.isfinite(crossing) else "they do not cross here"

    def line(name: str) -> Series:
        law = laws[name]
        fitted = [row["n"] for row in large_rows(rows)]
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
                f"Peak memory of attention grows like n^{laws['memory'].exponent:.2f}: "
                f"{rows[-1]['peak_mib']:.3g} MiB at n = {n[-1]}",
                "n (tokens)",
                "peak memory of one call (MiB)",
                (Series("measured", n, [row["peak_mib"] for row in rows]), line("memory")),
                log_x=True,
                log_y=True,
            )
        )
    return tuple(made)
