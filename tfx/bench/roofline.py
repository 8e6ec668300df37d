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

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.allocator import keep_freed_memory
from tfx.bench.machine import large_copy_mib, machine, usable_cores
from tfx.bench.roof import ITEMSIZE, bytes_of, operation_row, peak, step_row
from tfx.bench.roofline_findings import findings, roofs
from tfx.bench.roofline_operations import Sizes, new_model, operations, step_flops
from tfx.bench.training_step import TrainingStep, gpt_bytes
from tfx.lab.frame import Measured, Run
from tfx.measure.counting_array import counting_in
from tfx.measure.measuring import Timing
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_most, between, exactly
from tfx.models import GPT
from tfx.records import Check, Column, Plot, Text
from tfx.settings import require_divisor, setting

QUESTION = "What the machine can do, and how near each operation comes"
ORDER = 4
TITLE = "What the machine can do, and how near each operation comes"

#: A copy that is in the cache: what it reads and writes, together, in bytes.
CACHED_BYTES = 2**22
#: Sums along rows that are made by a product, on top of the products that are counted.
SUMS = 1.1
#: Of BLAS against float64, in units of the last place of float32.
TOLERANCE = 1e-5

Call = Callable[[], Any]


@dataclass(frozen=True)
class Settings:
    d_model: int = setting(256, 1, 2048, "width of the GPT")
    heads: int = setting(4, 1, 2048, "of the GPT; they divide d_model")
    layers: int = setting(4, 1, 24, "of the GPT")
    vocab: int = setting(256, 2, 65_536, "different tokens")
    length: int = setting(128, 2, 2048, "tokens in a row")
    batch: int = setting(16, 1, 512, "rows of text in a step")
    matrix: int = setting(1024, 16, 8192, "rows and columns of the product that gives the peak")
    copy_mib: int = setting(0, 0, 4096, "what the large copy reads; 0: eight times the last cache, as memory allows")
    turns: int = setting(5, 3, 1000, "how often each call is timed, at most")

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.d_model, self.heads, self.layers, self.vocab, self.length, self.batch)

    def quick(self) -> Settings:
        """Fewer rows of text, and a smaller product."""
        return replace(self, batch=min(self.batch, 2), matrix=min(self.matrix, 512))

    def check(self) -> None:
        require_divisor("heads", self.heads, "d_model", self.d_model)

    def bytes_needed(self) -> float:
        """The whole step; inputs, results and copies of single operations; the product and the large copy."""
        step = gpt_bytes(self.vocab, self.d_model, self.heads, self.layers, self.length, self.batch)
        tokens = self.batch * self.length
        alone = tokens * (60 * self.d_model + 8 * self.heads * self.length + 8 * self.vocab)
        copied = 2 * 2**20 * (self.copy_mib or large_copy_mib())
        return step + ITEMSIZE * (2.0 * alone + 3.0 * self.matrix**2) + copied


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


def rows(run: Run[Settings]) -> Measured:
    """Measures both roofs, then each operation and the whole step, all in turns.  Counts are the same every time."""
    settings, seed, xp = run.settings, run.seed, run.xp
    keep_freed_memory()
    copy_bytes = 2 * 2**20 * (settings.copy_mib or (64 if run.quick else large_copy_mib()))
    rng = run.generator()

    def draw(*shape: int) -> Any:
        return xp.asarray(rng.standard_normal(shape, dtype=np.float32))

    ids = rng.integers(settings.vocab, size=(settings.batch, settings.length + 1))
    counted = counted_flops(new_model(settings.sizes, seed), ids)
    on_device = xp.asarray(ids)
    placed = operations(settings.sizes, draw, on_device[:, 1:])
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
        budget_s = 2.0 if run.quick else 25.0
        with stopwatch(xp, threads) as watch:
            timings[threads] = watch.in_turns(calls, settings.turns, budget_s, run.saying(f"timing, {threads} threads"))
    one, all_cores = (peak(timings[threads], settings.matrix) for threads in (1, cores))
    if xp is np and all_cores < one:
        all_cores = math.nan  # other programs had the cores
    slowest = copy_bytes / timings[1]["copy", copy_bytes].median / 1e9
    bandwidths = {size: size / timings[1]["copy", size].median / 1e9 for size in (copy_bytes, CACHED_BYTES)}
    run.facts |= {
        "dtype": "float32",
        "copied_mib": copy_bytes / 2**21,
        "clock": "thread, and wall for several threads" if xp is np else "wall",
        "memory_gb_per_s": bandwidths[copy_bytes],
        "cache_gb_per_s": bandwidths[CACHED_BYTES],
        "peak_gflop_per_s": one,
        "peak_all_gflop_per_s": None if math.isnan(all_cores) else all_cores,
        "machine": machine(),
    }
    for each in placed:
        yield operation_row(each, timings[1], settings.matrix, slowest)
    for threads in timings:
        yield step_row(settings.sizes, threads, timings[threads]["step"], one if threads == 1 else all_cores)
    yield from same_numbers(a, b, product, xp)
    yield from counted_work(settings, counted)
    yield from trained(losses)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """All of them came with the rows."""
    return ()


# Measuring


def copying(xp: Any, n_bytes: int) -> Call:
    """A call that reads half of these bytes and writes the other half."""
    source = xp.ones(max(1, n_bytes // 2 // ITEMSIZE), dtype="float32")
    target = xp.zeros_like(source)
    target[...] = source  # pages that were never written to are mapped on the first copy
    return lambda: xp.copyto(target, source)


def whole_step(settings: Settings, seed: int, ids: Any, xp: Any, threads: int) -> tuple[Call, list[float]]:
    """The training step, and the list to which it adds its losses."""
    model = new_model(settings.sizes, seed)
    model.to_device(xp)
    step, losses = TrainingStep(model, threads if xp is np else 1), []  # type: tuple[TrainingStep, list[float]]
    return lambda: losses.append(step(ids)), losses


def counted_flops(model: GPT, ids: np.ndarray) -> int:
    """Of the products that one forward and backward really does."""
    step = TrainingStep(model)
    with counting_in(model) as counted:
        step(ids)
        return 2 * counted.multiply_adds


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
    low, high = step_flops(settings.sizes), SUMS * step_flops(settings.sizes, causal=False)
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


# Saying


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    return findings(run.rows, run.facts)


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return (roofs(run.rows, run.facts),)
