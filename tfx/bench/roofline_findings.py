"""What the benchmark `roofline` says about its rows: notes, and the picture of points under two roofs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series, Text

Rows = Sequence[Mapping[str, Any]]

#: The share of the peak that a whole training step should reach.
GOAL = 0.6


def notes(rows: Rows, roofs: Mapping[str, float], copy_bytes: int) -> tuple[Text, ...]:
    steps = [row for row in rows if row["operation"] == "training step"]
    operations = [row for row in rows if row["operation"] != "training step"]
    lowest = min(operations, key=lambda row: row["share"])
    ridge = roofs["peak_gflop_per_s"] / roofs["memory_gb_per_s"]
    said = ", ".join(
        f"{row['share']:.0%} with {row['threads']} thread{'s' if row['threads'] > 1 else ''}" for row in steps
    )
    met = "met" if all(row["share"] >= GOAL for row in steps) else "not met"
    return (
        Text(
            f"Goal: the training step at {GOAL:.0%} of the machine's own product of matrices or more: {met} ({said})."
        ),
        Text(
            f"One thread: {roofs['peak_gflop_per_s']:.3g} GFLOP/s in a product, {roofs['memory_gb_per_s']:.3g} GB/s in "
            f"a copy of {copy_bytes / 2**21:.0f} MiB (bytes read and written), {roofs['cache_gb_per_s']:.3g} GB/s in "
            f"the cache. An operation needs {ridge:.0f} FLOPs for each byte before arithmetic sets the pace. All "
            f"cores: {roofs['peak_all_gflop_per_s']:.3g} GFLOP/s."
        ),
        Text(
            "FLOPs come from the formulas, a multiply-add is two, an exp is one. Traffic is the least there can be: "
            "inputs read once, results written once. An exp costs many times what a sum does, temporaries cost "
            "passes over memory, and a small product does not fill the processor: hence the distance. Lowest is "
            f"{lowest['operation']}, at {lowest['share']:.0%}."
        ),
        Text(
            "The step counts the products alone, and of the attention only pairs that may see each other; norms, "
            "softmax, activation and optimiser take their time and count nothing (Williams et al. 2009 for the "
            "roofline). Times differ from run to run and from machine to machine; counts do not."
        ),
    )


def plots(rows: Rows, roofs: Mapping[str, float]) -> tuple[Plot, ...]:
    single = [row for row in rows if row["threads"] == 1]
    peak = roofs["peak_gflop_per_s"]
    left = min(row["intensity"] for row in single) / 2
    right = max(row["intensity"] for row in single) * 2

    def roof(label: str, bandwidth: float) -> Series:
        ridge = min(max(peak / bandwidth, left), right)
        x = [left, ridge, right]
        return Series(label, x, [min(peak, bandwidth * intensity) for intensity in x], kind="line")

    def points(label: str, bound: str) -> Series:
        found = [row for row in single if row["bound"] == bound]
        x, y = [row["intensity"] for row in found], [row["gflop_per_s"] for row in found]
        return Series(label, x, y, names=[row["operation"] for row in found])

    step = next(row for row in single if row["operation"] == "training step")
    series = (
        roof(
            f"copy in memory, {roofs['memory_gb_per_s']:.3g} GB/s; product, {peak:.3g} GFLOP/s",
            roofs["memory_gb_per_s"],
        ),
        roof(f"copy in the cache, {roofs['cache_gb_per_s']:.3g} GB/s", roofs["cache_gb_per_s"]),
        points("memory sets the pace", "memory"),
        points("arithmetic sets the pace", "arithmetic"),
    )
    return (
        Plot(
            f"One thread: the training step reaches {step['share']:.0%} of the machine's own product of matrices",
            "intensity (FLOP / byte)",
            "achieved (GFLOP/s)",
            tuple(each for each in series if each.x),
            log_x=True,
            log_y=True,
        ),
    )
