"""How near does each operation come to what the machine can do?

A machine can compute so many FLOPs in a second, and move so many bytes.  An operation that takes F FLOPs and must move
M bytes has the intensity F / M, and cannot be faster than

    attainable = min(peak, F / M * bandwidth)          GFLOP/s

Left of peak / bandwidth memory sets the pace, right of it arithmetic.  Both are measured here, not looked up: the peak
is a product of two large float32 matrices by BLAS, the bandwidth a copy.  A copy in the cache is several times as fast
as one in memory, so each operation is compared with a copy that moves as many bytes as it must; the picture shows the
two extremes.
What is counted as FLOPs and as traffic: roofline_operations.py.
Source: Williams, Waterman and Patterson 2009, "Roofline: An Insightful Visual Performance Model".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.backend import device_module, synchronize
from tfx.bench.machine import machine, usable_cores
from tfx.bench.roofline_findings import notes, plots
from tfx.bench.roofline_operations import (
    Operation,
    new_model,
    operations,
    step_flops,
    step_numbers,
)
from tfx.bench.training_step import TrainingStep
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.measure.counting_array import counting_in
from tfx.measure.limits import require_range
from tfx.measure.measuring import Timing, thread_clock, time_in_turns
from tfx.measure.progress import Progress, silent
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_most, between, exactly
from tfx.models import GPT
from tfx.records import Check, Column, Result

ITEMSIZE = 4  # float32
#: A copy that is in the cache: what it reads and writes, together, in bytes.
CACHED_BYTES = 2**22
#: Sums along rows that are made by a product, on top of the products that are counted.
SUMS = 1.1
#: Of BLAS against float64, in units of the last place of float32.
TOLERANCE = 1e-5

Call = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    """d_model, heads, layers, vocab: of the GPT; batch and length: of what it reads; matrix: rows and columns of the
    product that gives the peak; copy_mib: what the large copy reads, 0 for eight times the last-level cache; turns: how
    often each call is timed at most."""

    d_model: int = 256
    heads: int = 4
    layers: int = 4
    vocab: int = 256
    length: int = 128
    batch: int = 16
    matrix: int = 1024
    copy_mib: int = 0
    turns: int = 5


COLUMNS = (
    Column("operation", "operation"),
    Column("threads", "threads"),
    Column("mflop", "work", "MFLOP"),
    Column("mib", "traffic", "MiB", digits=3),
    Column("intensity", "intensity", "FLOP/byte", digits=3),
    Column("time_s", "time", "s", digits=3),
    Column("gflop_per_s", "achieved", "GFLOP/s", digits=3),
    Column("attainable_gflop_per_s", "attainable", "GFLOP/s", digits=3),
    Column("share", "of that", digits=2),
    Column("bound", "bound by"),
)


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Measures both roofs, then each operation and the whole step, all in turns.  Counts are the same every time."""
    check_settings(settings)
    if quick:
        settings = replace(settings, batch=min(settings.batch, 2), matrix=min(settings.matrix, 512))
    xp = device_module(device)
    keep_freed_memory()
    start = time.perf_counter()
    copy_bytes = 2 * 2**20 * (settings.copy_mib or (64 if quick else 8 * last_level_cache_mib()))
    rng = generator(seed)

    def draw(*shape: int) -> Any:
        return xp.asarray(rng.standard_normal(shape, dtype=np.float32))

    ids = rng.integers(settings.vocab, size=(settings.batch, settings.length + 1))
    counted = counted_flops(new_model(settings, seed), ids)
    on_device = xp.asarray(ids)
    placed = operations(settings, draw, on_device[:, 1:])
    a, b = draw(settings.matrix, settings.matrix), draw(settings.matrix, settings.matrix)
    product = xp.empty_like(a)
    copies = {size: copying(xp, size) for size in {copy_bytes, CACHED_BYTES, *(bytes_of(each) for each in placed)}}
    single: dict[Any, Call] = {
        "peak": lambda: xp.matmul(a, b, out=product),
        **{("copy", size): call for size, call in copies.items()},
        **{each.name: each.call for each in placed},
    }
    cores = usable_cores()
    timings: dict[int, dict[Any, Timing]] = {}
    losses: dict[int, list[float]] = {}
    for threads in sorted({1, cores}):
        steps, losses[threads] = whole_step(settings, seed, on_device, xp, threads)
        calls = {**single, "step": steps} if threads == 1 else {"peak": single["peak"], "step": steps}
        with blas_threads(threads) as used:
            alone = threads == 1 and used == 1 and xp is np
            timings[threads] = time_in_turns(
                calls,
                settings.turns,
                budget_s=(2.0 if quick else 25.0),
                clock=thread_clock() if alone else time.perf_counter,
                wait=lambda: synchronize(xp),
                progress=lambda done, total, threads=threads: progress(done, total, f"timing, {threads} threads"),  # type: ignore[misc]
            )
    slowest = copy_bytes / timings[1]["copy", copy_bytes].median / 1e9
    rows = [operation_row(each, timings[1], settings, slowest) for each in placed]
    rows += [
        step_row(settings, threads, timings[threads]["step"], peak(timings[threads], settings)) for threads in timings
    ]
    bandwidths = {size: size / timings[1]["copy", size].median / 1e9 for size in (copy_bytes, CACHED_BYTES)}
    roofs = {
        "memory_gb_per_s": bandwidths[copy_bytes],
        "cache_gb_per_s": bandwidths[CACHED_BYTES],
        "peak_gflop_per_s": peak(timings[1], settings),
        "peak_all_gflop_per_s": peak(timings[cores], settings),
    }
    return Result(
        name="roofline",
        title="What the machine can do, and how near each operation comes",
        seed=seed,
        params={
            **asdict(settings),
            "quick": quick,
            "device": device,
            "dtype": "float32",
            "copied_mib": copy_bytes / 2**21,
            "clock": "thread, and wall for several threads" if xp is np else "wall",
            **roofs,
            "machine": machine(),
        },
        columns=COLUMNS,
        rows=tuple(rows),
        checks=(
            *same_numbers(a, b, product, xp),
            *counted_work(settings, counted),
            *trained(losses),
        ),
        plots=plots(rows, roofs),
        notes=notes(rows, roofs, copy_bytes),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range and for heads that do not divide d_model."""
    for name, low, high in (
        ("d_model", 1, 2048),
        ("layers", 1, 24),
        ("vocab", 2, 65_536),
        ("length", 2, 2048),
        ("batch", 1, 512),
        ("matrix", 16, 8192),
        ("copy_mib", 0, 4096),
        ("turns", 3, 1000),
    ):
        require_range(name, getattr(settings, name), low, high)
    require_range("heads", settings.heads, 1, settings.d_model)
    if settings.d_model % settings.heads:
        raise BadInput(
            f"heads must divide d_model, but {settings.heads} does not divide {settings.d_model}.", "Try: --set heads=1"
        )


# Measuring


def last_level_cache_mib(caches: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Size of the largest cache of the first core, as Linux tells it; elsewhere 32 MiB, as much as most have."""
    sizes = [int(size.read_text(encoding="ascii").strip().removesuffix("K")) for size in caches.glob("index*/size")]
    return max(1, max(sizes) // 1024) if sizes else 32


def copying(xp: Any, n_bytes: int) -> Call:
    """A call that reads half of these bytes and writes the other half."""
    source = xp.ones(max(1, n_bytes // 2 // ITEMSIZE), dtype="float32")
    target = xp.zeros_like(source)
    target[...] = source  # pages that were never written to are mapped on the first copy
    return lambda: xp.copyto(target, source)


def whole_step(settings: Settings, seed: int, ids: Any, xp: Any, threads: int) -> tuple[Call, list[float]]:
    """The training step, and the list to which it adds its losses."""
    model = new_model(settings, seed)
    model.to_device(xp)
    step, losses = TrainingStep(model, threads if xp is np else 1), []  # type: tuple[TrainingStep, list[float]]
    return lambda: losses.append(step(ids)), losses


def counted_flops(model: GPT, ids: np.ndarray) -> int:
    """Of the products that one forward and backward really does."""
    step = TrainingStep(model)
    with counting_in(model) as counted:
        step(ids)
        return 2 * counted.multiply_adds


def bytes_of(operation: Operation) -> int:
    return operation.numbers * ITEMSIZE


def peak(timings: Mapping[Any, Timing], settings: Settings) -> float:
    """GFLOP/s of the product."""
    return 2 * settings.matrix**3 / timings["peak"].median / 1e9


def operation_row(
    operation: Operation, timings: Mapping[Any, Timing], settings: Settings, slowest: float
) -> dict[str, Any]:
    """slowest: GB/s in memory.  (In the cache some sizes fall below it: C libraries have slow spots.)"""
    moved = bytes_of(operation)
    bandwidth = max(slowest, moved / timings["copy", moved].median / 1e9)
    return row(operation.name, 1, operation.flops, moved, timings[operation.name], peak(timings, settings), bandwidth)


def step_row(settings: Settings, threads: int, timing: Timing, peak: float) -> dict[str, Any]:
    """The whole step does so much with each number that only the peak is above it."""
    moved = step_numbers(settings) * ITEMSIZE
    return row("training step", threads, step_flops(settings), moved, timing, peak, float("inf"))


def row(
    name: str, threads: int, flops: int, moved: int, timing: Timing, peak: float, bandwidth: float
) -> dict[str, Any]:
    intensity, achieved = flops / moved, flops / timing.median / 1e9
    attainable = min(peak, intensity * bandwidth)
    return {
        "operation": name,
        "threads": threads,
        "mflop": flops / 1e6,
        "mib": moved / 2**20,
        "intensity": intensity,
        "time_s": timing.median,
        "time_s_half_range": timing.half_range,
        "gflop_per_s": achieved,
        "attainable_gflop_per_s": attainable,
        "share": achieved / attainable,
        "bound": "arithmetic" if attainable == peak else "memory",
    }


# Judging


def same_numbers(a: Any, b: Any, product: Any, xp: Any) -> tuple[Check, ...]:
    """That what was timed as the peak is a product of matrices."""
    want = a[:16].astype("float64") @ b.astype("float64")
    difference = float(xp.abs(product[:16] - want).max() / xp.abs(want).max())
    return (
        at_most(
            "product", "the timed product against float64, largest difference / largest number", TOLERANCE, difference
        ),
    )


def counted_work(settings: Settings, counted: int) -> tuple[Check, ...]:
    """The formula for the step against what the code does: at most every pair of tokens, and sums made by products."""
    low, high = step_flops(settings), SUMS * step_flops(settings, causal=False)
    return (
        between("work", "FLOPs of the products in one training step: no fewer than are needed", low, high, counted),
    )


def trained(losses: Mapping[int, Sequence[float]]) -> tuple[Check, ...]:
    """That what was timed as a training step trains, the same on any number of threads."""
    one, last = losses[1], losses[max(losses)]
    return (
        at_most("trains", "the loss after the steps that were timed, against the first", one[0], one[-1]),
        exactly(
            "same-loss", "the first loss, with as many threads as there are cores", round(one[0], 4), round(last[0], 4)
        ),
    )
