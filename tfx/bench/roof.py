"""The roof over an operation: what the machine could do with its FLOPs and its bytes, and what it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.bench.roofline_operations import Operation, Sizes, step_flops, step_numbers
from tfx.measure.measuring import Timing

ITEMSIZE = 4  # float32


def bytes_of(operation: Operation) -> int:
    return operation.numbers * ITEMSIZE


def peak(timings: Mapping[Any, Timing], matrix: int) -> float:
    """GFLOP/s of the product."""
    return 2 * matrix**3 / timings["peak"].median / 1e9


def operation_row(operation: Operation, timings: Mapping[Any, Timing], matrix: int, slowest: float) -> dict[str, Any]:
    """slowest: GB/s in memory.  (In the cache some sizes fall below it: C libraries have slow spots.)"""
    moved = bytes_of(operation)
    bandwidth = max(slowest, moved / timings["copy", moved].median / 1e9)
    return row(operation.name, 1, operation.flops, moved, timings[operation.name], peak(timings, matrix), bandwidth)


def step_row(sizes: Sizes, threads: int, timing: Timing, peak: float) -> dict[str, Any]:
    """The whole step does so much with each number that only the peak is above it; NaN where that is not known."""
    moved = step_numbers(sizes) * ITEMSIZE
    return row("training step", threads, step_flops(sizes), moved, timing, peak, float("inf"))


def row(
    name: str, threads: int, flops: int, moved: int, timing: Timing, peak: float, bandwidth: float
) -> dict[str, Any]:
    """attainable and share are None where the roof is not known, or so low that the operation would be above it."""
    intensity, achieved = flops / moved, flops / timing.median / 1e9
    attainable = min(peak, intensity * bandwidth)
    told = achieved <= attainable  # a comparison with NaN is false
    return {
        "operation": name,
        "threads": threads,
        "mflop": flops / 1e6,
        "mib": moved / 2**20,
        "intensity": intensity,
        "time_s": timing.median,
        "time_s_half_range": timing.half_range,
        "gflop_per_s": achieved,
        "attainable_gflop_per_s": attainable if told else None,
        "share": achieved / attainable if told else None,
        "bound": "arithmetic" if attainable == peak else "memory",
    }
