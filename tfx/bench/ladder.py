"""How does code get fast?  One result, climbed from Python loops to the function that the library uses.

Every rung is timed in turns with all others, in one thread, and must compute what the rung before it computes.  Counted
beside the seconds: the memory that a call has alive at once, and the page faults that it causes, which is how the
system hands out memory that was not in use.  The rungs are in tfx/bench/ladders.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np

from tfx.bench.ladder_steps import Row, compare, step_note
from tfx.bench.ladders import PARTS, Ladder, Rung, ladder
from tfx.bench.ladders.climbing import climb, inputs_of, same_checks
from tfx.bench.machine import machine
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.measuring import Timing, peak_bytes
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_most
from tfx.records import Check, Column, Plot, Series, Text
from tfx.settings import setting

QUESTION = "From loops to the code in use, each step timed: attention, softmax, gelu ..."
ORDER = 3
HOST_ONLY = "The ladders are about NumPy and a processor's caches."

#: The library may hold some numbers per row on top of what the formula in whole arrays holds, and so many bytes more of
#: small objects: caches, checks, scales.
MEMORY_SLACK = 1.05
SMALL_OBJECTS = 16 << 10
#: Loops over single numbers take seconds beyond this many times the ladder's own size.
LOOPS_REACH = 4
#: What the yardstick is called among the calls; no rung has this name.
YARDSTICK = "yardstick"
#: Characters in a line under the plot.
LABEL_WIDTH = 100


@dataclass(frozen=True)
class Settings:
    part: str = setting(next(iter(PARTS)), words=tuple(PARTS), about="which ladder")
    size: int | None = setting(None, 1, 131_072, "how large, as the ladder counts; none is its own size")
    loops: bool = setting(True, about="no leaves out the loops over single numbers, so that the size may grow")
    dtype: str = setting("float32", words=("float32", "float64"), about="of the numbers")
    turns: int = setting(7, 3, 1000, "how often each rung is timed, at most")

    def check(self) -> None:
        """Raises BadInput for a size that this ladder does not have, or that its loops would not end."""
        if self.size is None:
            return
        sizes = ladder(self.part).sizes
        if self.size > sizes.most:
            raise BadInput(
                f"size must be from 1 to {sizes.most:,}, but is {self.size:,}.", f"Try: --set size={sizes.most}"
            )
        if self.loops and self.size > LOOPS_REACH * sizes.full:
            raise BadInput(
                f"size must be at most {LOOPS_REACH * sizes.full} while Python loops take part, but is {self.size}.",
                f"Leave them out: --set loops=no --set size={self.size}",
            )

    def bytes_needed(self) -> float:
        """Every rung has inputs of its own, and what it keeps, beside what one call has alive at once."""
        climbed = ladder(self.part)
        size = climbed.sizes.full if self.size is None else self.size
        return float(np.dtype(self.dtype).itemsize * climbed.numbers(size) * (len(climbed.rungs) + 8))


def name(run: Run[Settings]) -> str:
    return f"ladder-{run.settings.part}"


def title(run: Run[Settings]) -> str:
    climbed = ladder(run.settings.part)
    return f"{climbed.title}: {len(rungs_of(run.settings))} rungs, {size_of(run)} {climbed.sizes.counts}"


def rungs_of(settings: Settings) -> list[Rung]:
    return [rung for rung in ladder(settings.part).rungs if settings.loops or not rung.by_number]


def size_of(run: Run[Settings]) -> int:
    sizes = ladder(run.settings.part).sizes
    own = sizes.quick if run.quick else sizes.full
    return own if run.settings.size is None else run.settings.size


def rows(run: Run[Settings]) -> Measured:
    """Climbs, compares, then times and counts.  The numbers are the same every time; the seconds are not."""
    settings, seed, size = run.settings, run.seed, size_of(run)
    climbed, rungs = ladder(settings.part), rungs_of(settings)
    with stopwatch() as watch:
        differences, calls = climb(climbed, rungs, size, settings.dtype, seed, run.progress)
        yardstick = climbed.yardstick[1](inputs_of(climbed, size, settings.dtype, seed))
        timings = watch.in_turns(
            {**calls, YARDSTICK: yardstick}, settings.turns, 2.0 if run.quick else 15.0, run.saying("timing")
        )
        faults = {name: page_faults(call) for name, call in calls.items()}
        peaks = {}
        for done, (name, call) in enumerate(calls.items()):
            run.progress(done, len(calls), "memory")
            peaks[name] = peak_bytes(call)
    run.facts |= {
        "size": size,
        "blas_threads": watch.threads,
        "clock": watch.kind,
        "yardstick": climbed.yardstick[0],
        "yardstick_s": timings[YARDSTICK].median,
        "yardstick_s_half_range": timings[YARDSTICK].half_range,
        "machine": machine(),
    }
    work = climbed.work(inputs_of(climbed, size, settings.dtype, seed))
    yield from rows_of(climbed, rungs, differences, timings, peaks, faults, work.amount, rate_key(work.unit))
    yield from same_checks(rungs, differences, settings.dtype)
    yield from memory_checks(climbed, rungs, peaks)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """All of them came with the rows."""
    return ()


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    unit = unit_of(run.settings)
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


def unit_of(settings: Settings) -> str:
    """Of the rate: what the smallest inputs of this ladder are counted in."""
    climbed = ladder(settings.part)
    return climbed.work(inputs_of(climbed, 1, settings.dtype, 0)).unit


def rate_key(unit: str) -> str:
    """GB/s -> gb_s."""
    return unit.lower().replace("/", "_")


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


def memory_checks(ladder: Ladder, rungs: Sequence[Rung], peaks: Mapping[str, int]) -> tuple[Check, ...]:
    """Speed was not bought with memory: the last rung against the formula in whole arrays."""
    if not ladder.naive:
        return ()
    statement = f'"{rungs[-1].name}" needs no more memory at once than "{ladder.naive}", bytes'
    return (at_most("memory", statement, MEMORY_SLACK * peaks[ladder.naive] + SMALL_OBJECTS, peaks[rungs[-1].name]),)


# Saying


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    steps = [Text(step_note(row, before)) for before, row in pairwise(run.rows)]
    return (*steps, Text(summary(run.rows, run.facts)), Text(how_measured(run.settings)))


def summary(rows: Sequence[Row], facts: Mapping[str, Any]) -> str:
    """First to last, the largest step, the quickest rung, and the yardstick."""
    first, last = rows[0], rows[-1]
    largest = max(rows[1:], key=lambda row: row["times_before"])
    quickest = min(rows, key=lambda row: row["time_s"])
    words = [
        f'From "{first["name"]}" to "{last["name"]}" the same result came {last["times_first"]:.3g} times faster.',
        f'The largest step was "{largest["name"]}", {largest["times_before"]:.3g} times.',
    ]
    if compare(quickest, last) > 0:
        ratio = last["time_s"] / quickest["time_s"]
        words.append(f'The quickest rung here is "{quickest["name"]}", {ratio:.3g} times faster than the last.')
    ratio = last["time_s"] / facts["yardstick_s"]
    words.append(f"The last rung takes {ratio:.3g} times as long as {facts['yardstick']}.")
    return " ".join(words)


def how_measured(settings: Settings) -> str:
    return (
        f"Times are medians of up to {settings.turns} turns, {settings.dtype}, one thread, all rungs in turn; they "
        "differ from machine to machine. The rate counts only what the result needs, not what a rung does on top. Page "
        "faults depend on the C library's allocator. A difference is relative to the largest number."
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, facts = run.rows, run.facts
    numbers = [row["rung"] for row in rows]
    names = ", ".join(f"{row['rung']} {row['name']}" for row in rows)
    return (
        Plot(
            f"{ladder(run.settings.part).title}: {rows[-1]['times_first']:.3g} times faster in {len(rows) - 1} steps",
            fill(f"rung: {names}", LABEL_WIDTH),
            "time of one call (s)",
            (
                Series("rung", numbers, [row["time_s"] for row in rows], [row["time_s_half_range"] for row in rows]),
                Series(facts["yardstick"], numbers, [facts["yardstick_s"]] * len(numbers), kind="line"),
            ),
            log_y=True,
        ),
    )
