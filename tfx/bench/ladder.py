"""How does code get fast?  One result, climbed from Python loops to the function that the library uses.

Every rung is timed in turns with all others, in one thread, and must compute what the rung before it computes.  Counted
beside the seconds: the memory that a call has alive at once, and the page faults that it causes, which is how the
system hands out memory that was not in use.  The rungs are in tfx/bench/ladders.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from tfx.bench.ladder_findings import notes, plots
from tfx.bench.ladders import PARTS, Ladder, Rung, ladder_of
from tfx.bench.machine import machine
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput, unknown_name
from tfx.measure.limits import require_choice, require_range
from tfx.measure.measuring import Timing, peak_bytes, thread_clock, time_in_turns
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most
from tfx.records import Check, Column, Result

#: Rungs add the same numbers in another order: they may differ by this many roundings of the largest number.
ROUNDINGS = 200
#: The library may hold some numbers per row on top of what the formula in whole arrays holds, and so many bytes more of
#: small objects: caches, checks, scales.
MEMORY_SLACK = 1.05
SMALL_OBJECTS = 16 << 10
#: Loops over single numbers take seconds beyond this many times the ladder's own size.
LOOPS_REACH = 4
#: What the yardstick is called among the calls; no rung has this name.
YARDSTICK = "yardstick"


@dataclass(frozen=True)
class Settings:
    """part: which ladder.  size: how large, in rows, tokens, T or blocks, as the ladder counts; none is its own.

    loops: no leaves out the loops over single numbers, so that the size may grow.  dtype: float32 or float64.
    turns: how often each rung is timed at most.
    """

    part: str = next(iter(PARTS))
    size: int | None = None
    loops: bool = True
    dtype: str = "float32"
    turns: int = 7


class Climb(NamedTuple):
    """What was found on the way up: per rung its largest relative difference to the rung before, None for the first."""

    differences: tuple[float | None, ...]
    calls: dict[str, Callable[[], Any]]


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Climbs, compares, then times and counts.  The numbers are the same every time; the seconds are not."""
    ladder, size = check_settings(settings, quick, device)
    rungs = [rung for rung in ladder.rungs if settings.loops or not rung.by_number]
    began = time.perf_counter()
    with blas_threads(1) as threads:
        clock = thread_clock() if threads == 1 else time.perf_counter
        differences, calls = climb(ladder, rungs, size, settings.dtype, seed, progress)
        yardstick = ladder.yardstick[1](inputs_of(ladder, size, settings.dtype, seed))
        timings = time_in_turns(
            {**calls, YARDSTICK: yardstick},
            settings.turns,
            budget_s=2.0 if quick else 15.0,
            clock=clock,
            progress=lambda done, total: progress(done, total, "timing"),
        )
        faults = {name: page_faults(call) for name, call in calls.items()}
        peaks = {}
        for done, (name, call) in enumerate(calls.items()):
            progress(done, len(calls), "memory")
            peaks[name] = peak_bytes(call)
    work = ladder.work(inputs_of(ladder, size, settings.dtype, seed))
    rows = rows_of(ladder, rungs, differences, timings, peaks, faults, work.amount, rate_key(work.unit))
    return Result(
        name=f"ladder-{settings.part}",
        title=f"{ladder.title}: {len(rungs)} rungs, {size} {ladder.sizes.counts}",
        seed=seed,
        params={
            **asdict(settings),
            "size": size,
            "quick": quick,
            "device": device,
            "blas_threads": threads,
            "clock": "wall" if clock is time.perf_counter else "thread",
            "yardstick": ladder.yardstick[0],
            "yardstick_s": timings[YARDSTICK].median,
            "yardstick_s_half_range": timings[YARDSTICK].half_range,
            "machine": machine(),
        },
        columns=columns(work.unit),
        rows=tuple(rows),
        checks=(*same_checks(rungs, differences, settings.dtype), *memory_checks(ladder, rungs, peaks)),
        plots=plots(rows, ladder, timings[YARDSTICK]),
        notes=notes(rows, ladder, timings[YARDSTICK], settings),
        break_it=(f"--set loops=no --set size={min(8 * ladder.sizes.full, ladder.sizes.most)}", "--set dtype=float64"),
        elapsed_s=time.perf_counter() - began,
    )


def check_settings(settings: Settings, quick: bool, device: str) -> tuple[Ladder, int]:
    """-> the ladder and its size.  Raises BadInput for what cannot be climbed."""
    if settings.part not in PARTS:
        raise unknown_name("ladder", settings.part, PARTS, "tfx bench ladder")
    if device != "cpu":
        raise BadInput("The ladders are about NumPy and a processor's caches.", "Use --device cpu")
    require_choice("dtype", settings.dtype, ("float32", "float64"))
    require_range("turns", settings.turns, 3, 1000)
    ladder = ladder_of(settings.part)
    sizes = ladder.sizes
    size = (sizes.quick if quick else sizes.full) if settings.size is None else settings.size
    require_range("size", size, 1, sizes.most)
    if settings.loops and size > LOOPS_REACH * sizes.full:
        raise BadInput(
            f"size must be at most {LOOPS_REACH * sizes.full} while Python loops take part, but is {size}.",
            f"Leave them out: --set loops=no --set size={size}",
        )
    return ladder, size


# Climbing


def inputs_of(ladder: Ladder, size: int, dtype: str, seed: int) -> tuple[Any, ...]:
    """The same numbers for every rung; each gets its own copy, because an optimiser writes to its model."""
    return ladder.inputs(size, np.dtype(dtype), generator(seed))


def climb(
    ladder: Ladder, rungs: Sequence[Rung], size: int, dtype: str, seed: int, progress: Progress = silent
) -> Climb:
    """Runs every rung and compares it with the one before."""
    differences: list[float | None] = []
    calls: dict[str, Callable[[], Any]] = {}
    before: np.ndarray | None = None
    for done, rung in enumerate(rungs):
        progress(done, len(rungs), "comparing")
        call = ladder.start(rung.function, inputs_of(ladder, size, dtype, seed))
        for _ in range(ladder.calls):
            returned = call()
        result = ladder.read(returned)  # a copy: the next call of an optimiser moves the numbers themselves
        differences.append(None if before is None else largest_difference(result, before))
        before = result
        calls[rung.name] = call
    return Climb(tuple(differences), calls)


def largest_difference(result: np.ndarray, before: np.ndarray) -> float:
    """max |result - before| / max |before|; NaN when shapes or dtypes differ."""
    if result.shape != before.shape or result.dtype != before.dtype:
        return float("nan")
    scale = float(np.abs(before).max(initial=0.0))
    return float(np.abs(result - before).max(initial=0.0)) / (scale or 1.0)


def page_faults(call: Callable[[], Any]) -> int | None:
    """How often the system has to hand out a page of memory for a call; None where it does not tell.

    The call before it leaves the allocator as it is when the same call comes again and again.
    """
    if sys.platform == "win32":
        return None
    from resource import RUSAGE_SELF, getrusage

    call()
    before = getrusage(RUSAGE_SELF).ru_minflt
    call()
    return getrusage(RUSAGE_SELF).ru_minflt - before


# Rows


def rate_key(unit: str) -> str:
    """GB/s -> gb_s."""
    return unit.lower().replace("/", "_")


def columns(unit: str) -> tuple[Column, ...]:
    return (
        Column("name", "rung"),
        Column("time_s", "time", "s", digits=3),
        Column("time_s_half_range", "+-", "s", digits=1),
        Column("times_before", "faster than before", "times", digits=3),
        Column("times_first", "than the first", "times", digits=3),
        Column(rate_key(unit), "rate", unit, digits=3),
        Column("peak_mib", "peak memory", "MiB", digits=3),
        Column("page_faults", "page faults"),
        Column("difference", "difference", digits=2),
    )


def rows_of(
    ladder: Ladder,
    rungs: Sequence[Rung],
    differences: Sequence[float | None],
    timings: Mapping[str, Timing],
    peaks: Mapping[str, int],
    faults: Mapping[str, int | None],
    amount: int,
    rate: str,
) -> list[dict[str, Any]]:
    """A row for each rung; its number counts from the ladder's first rung, also when that was left out."""
    first = timings[rungs[0].name].median
    rows: list[dict[str, Any]] = []
    for rung, difference in zip(rungs, differences, strict=True):
        time_s, half_range = timings[rung.name]
        rows.append(
            {
                "rung": ladder.rungs.index(rung),
                "name": rung.name,
                "change": rung.change,
                "why": rung.why,
                "price": rung.price,
                "time_s": time_s,
                "time_s_half_range": half_range,
                "times_before": rows[-1]["time_s"] / time_s if rows else None,
                "times_first": first / time_s,
                rate: amount / time_s / 1e9,
                "peak_mib": peaks[rung.name] / 2**20,
                "page_faults": faults[rung.name],
                "difference": difference,
            }
        )
    return rows


# Judging


def same_checks(rungs: Sequence[Rung], differences: Sequence[float | None], dtype: str) -> tuple[Check, ...]:
    """Each rung computes what the one before computes, to rounding or to what its approximation may cost."""
    rounding = ROUNDINGS * float(np.finfo(dtype).eps)
    return tuple(
        at_most(
            f"same-{rung.name.replace(' ', '-')}",
            f'"{rung.name}" agrees with "{before.name}", relative difference',
            max(rounding, rung.unlike),
            difference if difference is not None else float("nan"),
        )
        for (before, rung), difference in zip(pairwise(rungs), differences[1:], strict=True)
    )


def memory_checks(ladder: Ladder, rungs: Sequence[Rung], peaks: Mapping[str, int]) -> tuple[Check, ...]:
    """Speed was not bought with memory: the last rung against the formula in whole arrays."""
    if not ladder.naive:
        return ()
    statement = f'"{rungs[-1].name}" needs no more memory at once than "{ladder.naive}", bytes'
    return (at_most("memory", statement, MEMORY_SLACK * peaks[ladder.naive] + SMALL_OBJECTS, peaks[rungs[-1].name]),)
