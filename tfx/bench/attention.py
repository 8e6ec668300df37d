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

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.backend import device_module
from tfx.bench.attention_findings import memory_law, notes, peaks_of_both, plots
from tfx.bench.attention_turns import Measured, Name, measure
from tfx.bench.attention_ways import (
    PASSES,
    WAYS,
    Call,
    draw,
    multiply_adds,
    numpy_calls,
    torch_calls,
)
from tfx.bench.machine import machine
from tfx.bench.pytorch import import_torch, torch_threads
from tfx.blas_threads import blas_threads
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.efficient.tiles import spans
from tfx.errors import BadInput
from tfx.measure.limits import require_all_in_range, require_range
from tfx.measure.measuring import thread_clock
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most, exactly
from tfx.records import Check, Column, Result

DTYPE = "float32"
#: Largest difference from the naive way (tiled where that is left out), as a share of the largest number.
TOLERANCES = {"naive": 1e-5, "tiled": 1e-5, "torch_naive": 1e-4, "torch_fused": 1e-4}
#: Memory of the tiled way like T^e.
MEMORY_EXPONENT = 1.1
#: Of the naive way's peak, at MEMORY_LENGTH tokens; the share is proportional to 1 / T.
MEMORY_SHARE, MEMORY_LENGTH = 0.05, 8192
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
    """lengths: the T to try; heads, d_head: of one attention; turns: how often each call is timed at most;
    memory_gib: a naive way that needs more is left out."""

    lengths: tuple[int, ...] = (128, 256, 512, 1024, 2048, 4096, 8192)
    heads: int = 4
    d_head: int = 64
    turns: int = 7
    memory_gib: float = 8.0


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


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Compares, counts and times.  Differences, counts and memory are the same every time; the seconds are not."""
    check_settings(settings)
    if quick:
        settings = shorten(settings)
    xp = device_module(device)
    keep_freed_memory()
    start = time.perf_counter()
    torch = import_torch() if xp is np else None
    lengths = sorted(set(settings.lengths))
    rows: list[dict[str, Any]] = []
    with blas_threads(1) as threads, torch_threads(torch, 1):
        single = threads == 1 and xp is np
        clock = thread_clock() if single else time.perf_counter
        for at, length in enumerate(lengths):
            progress(at, len(lengths), f"T = {length}")
            calls = calls_of(length, settings, generator(seed, length), xp, torch)
            budget_s = QUICK_BUDGET_S if quick else BUDGET_S
            measured = measure(calls, settings.turns, budget_s, clock, xp)
            rows += [row(length, causal, each, measured) for causal in (False, True) for each in PASSES]
        progress(len(lengths), len(lengths), "done")
    return Result(
        name="attention",
        title="Exact attention, whole and in tiles",
        seed=seed,
        params={
            **asdict(settings),
            "quick": quick,
            "device": device,
            "dtype": DTYPE,
            "threads": threads,
            "clock": "thread" if single else "wall",
            "machine": machine(),
        },
        columns=COLUMNS,
        rows=tuple(rows),
        checks=(*same_numbers(rows), *counted_work(settings, seed), *memory(rows, settings.heads)),
        plots=plots(rows),
        notes=notes(rows, settings, torch is not None, xp is np),
        break_it=("--set lengths=512,1024,2048 --set heads=1",),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range."""
    require_all_in_range("lengths", settings.lengths, 1, 65_536, at_least=2)
    require_range("heads", settings.heads, 1, 1024)
    require_range("d_head", settings.d_head, 1, 1024)
    require_range("turns", settings.turns, 3, 1000)
    require_range("memory_gib", settings.memory_gib, 0, 4096)
    if settings.heads * settings.d_head * max(settings.lengths) > 2**27:
        raise BadInput("Inputs of more than 512 MiB each are too many.", "Use fewer heads or smaller lengths.")


def shorten(settings: Settings) -> Settings:
    """Without the lengths over 1024, when enough others are left."""
    short = tuple(n for n in settings.lengths if n <= 1024)
    return replace(settings, lengths=short) if len(set(short)) >= 2 else settings


# Measuring


def calls_of(length: int, settings: Settings, rng: np.random.Generator, xp: Any, torch: Any | None) -> dict[Name, Call]:
    inputs = draw(rng, settings.heads, length, settings.d_head, DTYPE)
    needed = NAIVE_ARRAYS * settings.heads * length * length * inputs.q.itemsize
    fits = needed <= min(settings.memory_gib * 2**30, available_bytes())
    calls: dict[Name, Call] = {}
    for causal in (False, True):
        naive = fits and (not causal or length <= CAUSAL_NAIVE_LENGTH)
        made = numpy_calls(inputs, causal, xp, naive)
        if torch is not None:
            made |= torch_calls(inputs, causal, torch, naive)
        calls |= {(causal, *name): call for name, call in made.items()}
    return calls


def available_bytes(meminfo: Path = Path("/proc/meminfo")) -> float:
    """Memory that a program may take without others being pushed out; no limit where Linux does not tell."""
    if meminfo.is_file():
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return float("inf")


def row(length: int, causal: bool, each: str, measured: Mapping[Name, Measured]) -> dict[str, Any]:
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
            checks.append(at_most(f"same-{name}", statement, TOLERANCES[way], max(found)))
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


def memory(rows: Sequence[Mapping[str, Any]], heads: int) -> tuple[Check, ...]:
    """Peaks of forward and backward, where they were measured and a tile is only a part of the scores."""
    checks = []
    for causal in (False, True):
        name, which = ("-causal", "tiled and causal") if causal else ("", "tiled")
        law = memory_law(rows, causal, heads)
        if law is not None:
            statement = f"{which}: peak memory grows like T^e, forward and backward"
            checks.append(at_most(f"memory{name}", statement, MEMORY_EXPONENT, law.exponent))
        both = [row for row in peaks_of_both(rows, causal) if row["naive_peak_mib"] is not None]
        if both:
            last = both[-1]
            bound = MEMORY_SHARE * max(1.0, MEMORY_LENGTH / last["length"])
            statement = f"{which}: share of the naive peak at T = {last['length']} (5% at {MEMORY_LENGTH}, like 1 / T)"
            checks.append(
                at_most(f"memory-share{name}", statement, bound, last["tiled_peak_mib"] / last["naive_peak_mib"])
            )
    return tuple(checks)
