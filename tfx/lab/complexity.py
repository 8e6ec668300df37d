"""What does attention cost in FLOPs, bytes and seconds as n grows?

Counted: the four projections take 8 n d^2 FLOPs, scores and weighted sum 4 n^2 d (Vaswani et al. 2017, table 1, with
constants), so they are equal at n = 2d.  Measured: the library's own linear and attention, timed side by side, and the
memory that attention has alive at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tfx.backend import device_module, synchronize
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab import Progress, silent
from tfx.lab.complexity_findings import large_rows, notes, plots
from tfx.measure import counting
from tfx.measure.estimates import PowerLaw, fit_power_law
from tfx.measure.limits import generator, require_all_in_range, require_range
from tfx.measure.measuring import Timing, peak_bytes, thread_clock, time_in_turns
from tfx.measure.verdicts import at_most, between, exactly, within
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Column, Result

ITEMSIZE = 4  # float32
#: A measured exponent may lie this far from the counted one: caches and clocks are not in the count.
TIME_EXPONENTS = {"attention": (1.5, 2.6), "projections": (0.7, 1.4)}
#: Memory is counted without noise; what stands beside the weights and the output is a row of maxima and of sums.
MEMORY_SLACK = 0.03
#: The softmax takes time that the count of products leaves out, so attention overtakes early; noise may delay it.
CROSSING_SLACK = 1.25
#: Memory of the largest n, so that a typing error does not stop the machine.
MAX_GIB = 4.0

Calls = dict[tuple[str, int], Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    """lengths: the n to try; d_model, heads: of one attention layer; turns: how often each call is timed at most."""

    lengths: tuple[int, ...] = (64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096)
    d_model: int = 256
    heads: int = 1
    turns: int = 5


COLUMNS = (
    Column("n", "n"),
    Column("projection_mflop", "projections", "MFLOP"),
    Column("attention_mflop", "attention", "MFLOP"),
    Column("projection_ms", "projections", "ms", digits=3),
    Column("attention_ms", "attention", "ms", digits=3),
    Column("time_ratio", "attention / projections", "time", digits=3),
    Column("softmax_share", "softmax of attention", "time", digits=2),
    Column("attention_mib", "attention moves", "MiB", digits=3),
    Column("peak_mib", "peak memory", "MiB", digits=3),
    Column("attention_intensity", "attention", "FLOP/byte", digits=3),
)


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Counts, then times, then fits.  The counts are the same every time; the seconds are not, whatever the seed."""
    check_settings(settings)
    if quick:
        settings = shorten(settings)
    xp = device_module(device)
    start = time.perf_counter()
    lengths = sorted(set(settings.lengths))
    with blas_threads(1) as threads:
        calls = layer_calls(lengths, settings, seed, xp)
        single = threads == 1 and xp is np
        timings = time_in_turns(
            calls,
            settings.turns,
            budget_s=1.0 if quick else 15.0,
            clock=thread_clock() if single else time.perf_counter,
            wait=lambda: synchronize(xp),
            progress=lambda done, total: progress(done, total, "timing"),
        )
        peaks = {n: peak_bytes(calls["attention", n]) if xp is np else None for n in lengths}
    rows = [row(n, settings, timings, peaks[n]) for n in lengths]
    laws = fit(rows)
    crossing = time_crossing(rows)
    counted = counting.first_n_where(
        lambda n: counting.total_matmul_flops(counting.attention_core(n, settings.d_model, settings.heads)),
        lambda n: counting.total_matmul_flops(counting.projections(n, settings.d_model)),
    )
    return Result(
        name="complexity",
        title="Cost of one attention layer as n grows",
        seed=seed,
        params={
            **asdict(settings),
            "quick": quick,
            "device": device,
            "blas_threads": threads,
            "clock": "thread" if single else "wall",
        },
        columns=COLUMNS,
        rows=tuple(rows),
        checks=(
            *count_checks(lengths[-1], settings, counted),
            *memory_checks(rows[-1], settings),
            *time_checks(laws, crossing, counted),
        ),
        plots=plots(rows, laws, crossing, counted),
        notes=notes(rows, settings, threads, crossing, counted),
        break_it=("--set lengths=4,8,16,32",),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range, for heads that do not divide d_model and for too much memory."""
    require_all_in_range("lengths", settings.lengths, 1, 65_536, at_least=3)
    require_range("d_model", settings.d_model, 1, 8192)
    require_range("heads", settings.heads, 1, settings.d_model)
    require_range("turns", settings.turns, 3, 1000)
    if settings.d_model % settings.heads:
        raise BadInput(
            f"heads must divide d_model, but {settings.heads} does not divide {settings.d_model}.", "Try: --set heads=1"
        )
    longest = max(settings.lengths)
    gib = 4 * settings.heads * longest * longest * ITEMSIZE / 2**30
    if gib > MAX_GIB:
        raise BadInput(
            f"{settings.heads} heads at n = {longest} would need about {gib:.0f} GiB.",
            "Use fewer heads or smaller lengths.",
        )


def shorten(settings: Settings) -> Settings:
    """Without the lengths over 1024, when enough others are left."""
    short = tuple(n for n in settings.lengths if n <= 1024)
    return replace(settings, lengths=short) if len(set(short)) >= 4 else settings


# Measuring


def layer_calls(
    lengths: Sequence[int], settings: Settings, seed: int, xp: Any
) -> dict[tuple[str, int], Callable[[], Any]]:
    """The three things to time for every n: four projections, attention_forward, and its softmax alone."""
    d_model, heads = settings.d_model, settings.heads
    rng = generator(seed)

    def draw(*shape: int) -> Any:
        return xp.asarray(rng.standard_normal(shape, dtype=np.float32))

    w = draw(4, d_model, d_model) / math.sqrt(d_model)
    numbers = draw(heads * max(lengths) ** 2)  # scores for every n share these
    calls: Calls = {}
    for n in lengths:
        x, q, k, v = draw(n, d_model), *(draw(heads, n, d_model // heads) for _ in range(3))
        calls["projections", n] = lambda x=x: [linear_forward(x, w[i]) for i in range(4)]  # type: ignore[misc]
        calls["attention", n] = lambda q=q, k=k, v=v: attention_forward(q, k, v)  # type: ignore[misc]
        scores = numbers[: heads * n * n].reshape(heads, n, n)
        calls["softmax", n] = lambda scores=scores: softmax_forward(scores)  # type: ignore[misc]
    return calls


def row(n: int, settings: Settings, timings: Mapping[tuple[str, int], Timing], peak: int | None) -> dict[str, Any]:
    core = counting.attention_core(n, settings.d_model, settings.heads)
    attention, projections = timings["attention", n], timings["projections", n]
    moved = counting.total_bytes(core, ITEMSIZE)
    return {
        "n": n,
        "projection_mflop": counting.total_flops(counting.projections(n, settings.d_model)) / 1e6,
        "attention_mflop": counting.total_flops(core) / 1e6,
        "projection_ms": projections.median * 1e3,
        "projection_ms_half_range": projections.half_range * 1e3,
        "attention_ms": attention.median * 1e3,
        "attention_ms_half_range": attention.half_range * 1e3,
        "time_ratio": attention.median / projections.median,
        "softmax_share": timings["softmax", n].median / attention.median,
        "attention_mib": moved / 2**20,
        "peak_mib": None if peak is None else peak / 2**20,
        "attention_intensity": counting.total_flops(core) / moved,
    }


def fit(rows: Sequence[Mapping[str, Any]]) -> dict[str, PowerLaw]:
    """Exponents over the large-n part of the rows; memory only where it was measured."""
    large = large_rows(rows)
    x = [row["n"] for row in large]
    named = {"attention": "attention_ms", "projections": "projection_ms", "memory": "peak_mib"}
    return {
        name: fit_power_law(x, [row[key] for row in large]) for name, key in named.items() if large[0][key] is not None
    }


def time_crossing(rows: Sequence[Mapping[str, Any]]) -> float:
    """The n from which attention takes longer than the projections, between two lengths on log-log axes.

    The first length when it does so everywhere; NaN when it does not at the largest.
    """
    ahead = [row["time_ratio"] >= 1 for row in rows]
    if not ahead[-1]:
        return math.nan
    first = len(ahead) - ahead[::-1].index(False) if False in ahead else 0
    if first == 0:
        return float(rows[0]["n"])
    below, above = rows[first - 1], rows[first]
    share = -math.log(below["time_ratio"]) / math.log(above["time_ratio"] / below["time_ratio"])
    return float(below["n"] * (above["n"] / below["n"]) ** share)


# Judging


def count_checks(n: int, settings: Settings, counted: int) -> tuple[Check, ...]:
    """The counts of the steps against the formulas, exactly."""
    d, h = settings.d_model, settings.heads
    core = counting.total_matmul_flops(counting.attention_core(n, d, h))
    doubled = counting.total_matmul_flops(counting.attention_core(2 * n, d, h))
    rest = counting.first_n_where(
        lambda m: counting.total_matmul_flops(counting.attention_core(m, d, h)),
        lambda m: counting.total_matmul_flops((*counting.projections(m, d), *counting.feed_forward(m, d, 4 * d))),
    )
    projected = counting.total_flops(counting.projections(n, d))
    return (
        exactly("count-projections", f"four projections take 8 n d^2 FLOPs, at n = {n}", 8 * n * d * d, projected),
        exactly("count-attention", f"scores and weighted sum take 4 n^2 d FLOPs, at n = {n}", 4 * n * n * d, core),
        exactly("count-doubling", "twice the n, four times these FLOPs: not exponential", 4.0, doubled / core),
        exactly("count-crossing", "counted, they equal the projections at n = 2 d", 2 * d, counted),
        exactly("count-layer-crossing", "... and projections with feed-forward (4d wide) at n = 6 d", 6 * d, rest),
    )


def memory_checks(last: Mapping[str, Any], settings: Settings) -> tuple[Check, ...]:
    """The weights of every head, n^2 numbers each, and the output; nothing where memory was not measured."""
    if last["peak_mib"] is None:
        return ()
    n = last["n"]
    expected = (settings.heads * n * n + n * settings.d_model) * ITEMSIZE / 2**20
    statement = f"peak memory of attention is h n^2 + n d numbers, in MiB at n = {n}"
    return (within("memory", statement, expected, last["peak_mib"], MEMORY_SLACK * expected),)


def time_checks(laws: Mapping[str, PowerLaw], crossing: float, counted: int) -> tuple[Check, ...]:
    """Measured exponents, with wide limits because caches and other programs have a say, and the measured crossing."""
    checks = []
    for name, (low, high) in TIME_EXPONENTS.items():
        law = laws[name]
        statement = f"time of {name} grows like n^e, 95% interval {law.low:.2f} .. {law.high:.2f}"
        checks.append(between(f"time-{name}", statement, low, high, law.exponent))
    statement = f"measured, attention overtakes the projections by {CROSSING_SLACK:g} times the counted n"
    checks.append(at_most("time-crossing", statement, CROSSING_SLACK * counted, crossing))
    return tuple(checks)
