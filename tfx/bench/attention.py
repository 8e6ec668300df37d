"""What does exact attention cost in time and memory as the sequence grows, whole and in tiles, here and in PyTorch?

The naive way keeps T x T weights for the backward: four times the memory for twice the tokens.  The tiled way
(tfx/efficient/tiled_attention.py) keeps one number a query and makes the weights again, tile by tile: linear memory,
one product in seven more work, and no trip to main memory between the products.  With a causal mask it leaves out the
tiles above the diagonal.

Compared: outputs and gradients of every way.  Counted: multiply-adds and peak memory.  Timed in turns, one thread.
Where calls take seconds, the first call of each way, whose results are compared, is a turn as well, and the naive ways
have no other; at the longest they are timed without a mask only, since a mask saves them nothing.
Source: Dao et al. 2022, "FlashAttention".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.bench.attention_goals import goal_notes
from tfx.bench.attention_memory import memory, memory_plots
from tfx.bench.attention_turns import Measured as Timed
from tfx.bench.attention_turns import Name, measure
from tfx.bench.attention_ways import (
    NAMES,
    PASSES,
    WAYS,
    Call,
    Rows,
    draw,
    multiply_adds,
    numpy_calls,
    select,
    torch_calls,
)
from tfx.bench.machine import machine
from tfx.bench.pytorch import import_torch, torch_threads
from tfx.efficient.tiled_attention import TILE_SCORES, tiled_attention_forward
from tfx.efficient.tiles import spans
from tfx.free_memory import free_memory
from tfx.lab.frame import Measured, Run
from tfx.measure.seeds import generator
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_most, exactly, largest
from tfx.records import Check, Column, Plot, Series, Text
from tfx.settings import setting, up_to

QUESTION = "Exact and tiled attention, time and memory as the sequence grows"
ORDER = 2
TITLE = "Exact attention, whole and in tiles"

DTYPE = "float32"
#: Largest difference from the naive way (tiled where that is left out), as a share of the largest number.
TOLERANCES = {"naive": 1e-5, "tiled": 1e-5, "torch_naive": 1e-4, "torch_fused": 1e-4}
#: Arrays of H T T numbers that a naive way has alive at once, at most.
NAIVE_ARRAYS = 5
#: Work is counted at a length not above this one.
COUNTED_LENGTH = 2048
#: Seconds for the turns of one length.
BUDGET_S, QUICK_BUDGET_S = 12.0, 0.8
#: The naive ways are timed with a causal mask up to this length.
CAUSAL_NAIVE_LENGTH = 4096


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((128, 256, 512, 1024, 2048, 4096, 8192), 1, 65_536, "the T to try", at_least=2)
    heads: int = setting(4, 1, 1024, "of the attention")
    d_head: int = setting(64, 1, 1024, "width of a head")
    turns: int = setting(7, 3, 1000, "how often each call is timed, at most")
    memory_gib: float = setting(8.0, 0.0, 4096.0, "a naive way that needs more GiB is left out")

    def quick(self) -> Settings:
        """Without the lengths over 1024, when enough others are left."""
        return replace(self, lengths=up_to(self.lengths, 1024, at_least=2))

    def bytes_needed(self) -> float:
        """Inputs, the first results of both ways with mask and without, and tiles.  A naive way that does not fit is
        left out."""
        return 4.0 * (28 * self.heads * self.d_head * max(self.lengths) + 4 * max(TILE_SCORES, max(self.lengths)))


COLUMNS = (
    Column("case", "T, causal or full, pass"),
    Column("naive_s", "naive", "s", digits=3),
    Column("tiled_s", "tiled", "s", digits=3),
    Column("torch_naive_s", "PyTorch naive", "s", digits=3),
    Column("torch_fused_s", "PyTorch fused", "s", digits=3),
    Column("tiled_over_naive", "tiled / naive", "time", digits=3),
    Column("tiled_over_torch_naive", "tiled / PyTorch naive", "time", digits=3),
    Column("tiled_over_torch_fused", "tiled / PyTorch fused", "time", digits=3),
    Column("causal_over_full", "tiled, causal / full", "time", digits=3),
    Column("naive_peak_mib", "naive, peak", "MiB", digits=3),
    Column("tiled_peak_mib", "tiled, peak", "MiB", digits=3),
)


def rows(run: Run[Settings]) -> Measured:
    """Compares, counts and times.  Differences, counts and memory are the same every time; the seconds are not."""
    settings, xp = run.settings, run.xp
    keep_freed_memory()
    torch = import_torch() if xp is np else None
    with stopwatch(xp) as watch, torch_threads(torch, 1):
        run.facts |= {"dtype": DTYPE, "threads": watch.threads, "clock": watch.kind, "machine": machine()}
        for length in run.over(sorted(set(settings.lengths)), "T = {}"):
            calls = calls_of(length, settings, run.generator(length), xp, torch)
            budget_s = QUICK_BUDGET_S if run.quick else BUDGET_S
            measured = measure(calls, settings.turns, budget_s, watch.clock, xp)
            for causal in (False, True):
                for each in PASSES:
                    yield row(length, causal, each, measured)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    return (*same_numbers(rows), *counted_work(settings, run.seed), *memory(rows, settings.heads))


# Measuring


def calls_of(length: int, settings: Settings, rng: np.random.Generator, xp: Any, torch: Any | None) -> dict[Name, Call]:
    inputs = draw(rng, settings.heads, length, settings.d_head, DTYPE)
    needed = NAIVE_ARRAYS * settings.heads * length * length * inputs.q.itemsize
    free = free_memory()
    fits = needed <= min(settings.memory_gib * 2**30, needed if free is None else free)
    calls: dict[Name, Call] = {}
    for causal in (False, True):
        naive = fits and (not causal or length <= CAUSAL_NAIVE_LENGTH)
        made = numpy_calls(inputs, causal, xp, naive)
        if torch is not None:
            made |= torch_calls(inputs, causal, torch, naive)
        calls |= {(causal, *name): call for name, call in made.items()}
    return calls


def row(length: int, causal: bool, each: str, measured: Mapping[Name, Timed]) -> dict[str, Any]:
    case = f"{length} {'causal' if causal else 'full'} {each}"
    found: dict[str, Any] = {"case": case, "length": length, "causal": causal, "pass": each}
    here = {way: measured.get((causal, way, each)) for way in WAYS}
    for way, one in here.items():
        found[f"{way}_s"] = None if one is None else one.seconds
        found[f"{way}_s_half_range"] = None if one is None else one.half_range
        found[f"{way}_difference"] = None if one is None else one.difference
    for way in ("naive", "torch_naive", "torch_fused"):
        other = found[f"{way}_s"]
        found[f"tiled_over_{way}"] = None if other is None else found["tiled_s"] / other
    full = measured[False, "tiled", each].seconds
    found["causal_over_full"] = found["tiled_s"] / full if causal else None
    for way in ("naive", "tiled"):
        one = here[way]
        found[f"{way}_peak_mib"] = None if one is None or one.peak is None else one.peak / 2**20
    return found


# Judging


def same_numbers(rows: Sequence[Mapping[str, Any]]) -> tuple[Check, ...]:
    """Outputs and gradients, at every length, causal or not."""
    checks = []
    for way in WAYS:
        found = [row[f"{way}_difference"] for row in rows if row[f"{way}_difference"] is not None]
        if found and way != "naive":
            name, said = way.replace("_", "-"), way.replace("torch_", "PyTorch ")
            statement = f"{said}: the largest difference of outputs and gradients, as a share of the largest number"
            checks.append(at_most(f"same-{name}", statement, TOLERANCES[way], largest(found)))
    return tuple(checks)


def counted_work(settings: Settings, seed: int) -> tuple[Check, ...]:
    """What the products of one head do, forward and backward, at a length that does not take long."""
    length = max((n for n in settings.lengths if n <= COUNTED_LENGTH), default=COUNTED_LENGTH)
    inputs = draw(generator(seed), 1, length, settings.d_head, DTYPE)
    done = {causal: multiply_adds(inputs, "tiled", causal) for causal in (False, True)}
    naive = multiply_adds(inputs, "naive", causal=False)
    _, cache = tiled_attention_forward(inputs.q, inputs.k, inputs.v, causal=True)
    blocks = spans(length, cache.tiling.block_q)
    seen = sum((rows.stop - rows.start) * rows.stop for rows in blocks)  # each block sees the keys up to its own end
    return (
        exactly("work", f"tiled, T = {length}: seven products of T T D", 7 * length**2 * settings.d_head, done[False]),
        exactly("work-naive", "... where the naive way makes six", 7 / 6, done[False] / naive),
        exactly(
            "work-causal",
            f"tiled and causal, n = {len(blocks)} blocks of queries: about (n + 1) / 2n of that",
            seen / length**2,
            done[True] / done[False],
        ),
    )


# Saying


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    on_host = run.xp is np
    return notes_on(run.rows, run.settings, on_host and import_torch() is not None, on_host)


def notes_on(rows: Rows, settings: Settings, has_torch: bool, on_host: bool) -> tuple[Text, ...]:
    found = [
        *goal_notes(rows),
        Text(
            "Naive writes and reads T x T numbers between its products. Once they do not fit the cache, these trips to "
            "main memory, and the pages that the system must find for new arrays, are most of its time. A tile stays "
            "in the cache: tiled makes one product more, and is faster on long sequences (Dao et al. 2022)."
        ),
    ]
    if not has_torch:
        why = "PyTorch is not installed" if on_host else "PyTorch is compared on the processor alone"
        found.append(Text(f"{why}: its columns are empty. Nothing else here needs it."))
    left_out = [row["length"] for row in select(rows, False, "both") if row["naive_s"] is None]
    if left_out:
        found.append(
            Text(
                f"From T = {left_out[0]} on the naive ways are left out: their T x T arrays need more than memory_gib "
                f"({settings.memory_gib:g}) or more than is free now."
            )
        )
    found.append(
        Text(
            "Times are medians of turns, float32, one thread; they differ from run to run and from machine to machine. "
            "Where a spread is missing there was time for one turn, and the longest naive calls are timed without a "
            "mask only, because a mask saves them nothing. Counts, memory and differences are the same every time."
        )
    )
    return tuple(found)


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return (*(time_plot(run.rows, causal) for causal in (False, True)), *memory_plots(run.rows))


def time_plot(rows: Rows, causal: bool) -> Plot:
    """Seconds of forward and backward against T."""
    here = select(rows, causal, "both")
    last = next((row for row in reversed(here) if row["naive_s"] is not None), None)
    which = "Causal attention" if causal else "Attention"
    finding = (
        "in tiles alone: the whole does not fit the memory"
        if last is None
        else f"{1 / last['tiled_over_naive']:.2g} times as fast in tiles at T = {last['length']}"
    )
    series = []
    for way in WAYS:
        timed = [row for row in here if row[f"{way}_s"] is not None]
        if timed:
            errors = [row[f"{way}_s_half_range"] or 0.0 for row in timed]
            series.append(
                Series(NAMES[way], [row["length"] for row in timed], [row[f"{way}_s"] for row in timed], errors)
            )
    return Plot(
        f"{which}, forward and backward: {finding}", "T (tokens)", "time of one call (s)", tuple(series), True, True
    )
