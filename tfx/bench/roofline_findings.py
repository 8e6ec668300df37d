"""What the rows of the benchmark `roofline` say: the goal, the roofs in words, and the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.measure.stopwatch import TOO_BUSY
from tfx.records import Plot, Series, Text

#: The share of the peak that a whole training step should reach.
GOAL = 0.6

Rows = Sequence[Mapping[str, Any]]


def findings(rows: Rows, facts: Mapping[str, Any]) -> tuple[Text, ...]:
    """facts: the roofs as they were measured; `peak_all_gflop_per_s` is None where all cores were slower than one."""
    far, near = (facts["peak_gflop_per_s"] / facts[f"{where}_gb_per_s"] for where in ("memory", "cache"))
    every_core = facts["peak_all_gflop_per_s"]
    return (
        Text(goal([row for row in rows if row["operation"] == "training step"])),
        Text(
            f"One thread: {facts['peak_gflop_per_s']:.3g} GFLOP/s in a product, {facts['memory_gb_per_s']:.3g} GB/s in "
            f"a copy of {facts['copied_mib']:.0f} MiB (bytes read and written), {facts['cache_gb_per_s']:.3g} GB/s in "
            f"the cache. An operation needs {far:.2g} FLOPs for each byte from memory, or {near:.2g} for one from the "
            "cache, before arithmetic sets the pace. All "
            f"cores: {TOO_BUSY if every_core is None else f'{every_core:.3g} GFLOP/s'}."
        ),
        Text(
            "FLOPs come from the formulas, a multiply-add is two, an exp is one. Traffic is the least there can be: "
            "inputs read once, results written once. An exp costs many times what a sum does, temporaries cost "
            "passes over memory, and a small product does not fill the processor: hence the distance. "
            + lowest([row for row in rows if row["operation"] != "training step"])
        ),
        Text(
            "The step counts the products alone, and of the attention only pairs that may see each other; norms, "
            "softmax, activation and optimiser take their time and count nothing (Williams et al. 2009 for the "
            "roofline). Times differ from run to run and from machine to machine; counts do not."
        ),
    )


def goal(steps: Rows) -> str:
    """Met or not, where the clock could tell: by the training step with one thread and with all."""
    shares = [row["share"] for row in steps]
    if any(share is not None and share < GOAL for share in shares):
        verdict = "not met"
    else:
        verdict = TOO_BUSY if None in shares else "met"
    said = ", ".join(f"{share_of(row)} with {row['threads']} thread{'s' * (row['threads'] > 1)}" for row in steps)
    return (
        f"Goal: the training step at {GOAL:.0%} of the machine's own product of matrices or more: {verdict} ({said})."
    )


def share_of(row: Mapping[str, Any]) -> str:
    return "an unknown share" if row["share"] is None else f"{row['share']:.0%}"


def lowest(operations: Rows) -> str:
    told = [row for row in operations if row["share"] is not None]
    if len(told) < len(operations):
        unknown = ", ".join(row["operation"] for row in operations if row["share"] is None)
        return f"Of {unknown} {TOO_BUSY}: more than the machine can do."
    lowest = min(told, key=lambda row: row["share"])
    return f"Lowest is {lowest['operation']}, at {lowest['share']:.0%}."


def roofs(rows: Rows, facts: Mapping[str, Any]) -> Plot:
    """One thread: the two roofs, and every operation as a point."""
    single = [row for row in rows if row["threads"] == 1]
    peak = facts["peak_gflop_per_s"]
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
            f"copy in memory, {facts['memory_gb_per_s']:.3g} GB/s; product, {peak:.3g} GFLOP/s",
            facts["memory_gb_per_s"],
        ),
        roof(f"copy in the cache, {facts['cache_gb_per_s']:.3g} GB/s", facts["cache_gb_per_s"]),
        points("memory sets the pace", "memory"),
        points("arithmetic sets the pace", "arithmetic"),
    )
    return Plot(
        f"One thread: the training step reaches {share_of(step)} of the machine's own product of matrices",
        "intensity (FLOP / byte)",
        "achieved (GFLOP/s)",
        tuple(each for each in series if each.x),
        log_x=True,
        log_y=True,
    )
