"""What does attention cost in FLOPs, bytes and seconds as n grows?

Counted: the four projections take 8 n d^2 FLOPs, scores and weighted sum 4 n^2 d (Vaswani et al. 2017, table 1, with
constants), so they are equal at n = 2d.  Measured: the library's own linear and attention, timed side by side, and the
memory that attention has alive at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.cost.complexity_plots import complexity_plots
from tfx.lab.frame import Measured, Run
from tfx.measure import counting
from tfx.measure.crossing import crossing
from tfx.measure.measuring import Timing, peak_bytes
from tfx.measure.power_laws import PowerLaw, fit_power_law
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import at_most, between, exactly, within
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.linear import linear_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import require_divisor, setting, up_to

QUESTION = "What does attention cost in FLOPs, bytes and seconds as n grows?"
ORDER = 4
TITLE = "Cost of one attention layer as n grows"
CLAIM = (
    "Attention costs n^2 in time and in memory, its projections cost n: so only beyond n = 2 d_model do its products "
    "outnumber theirs."
)
BREAK_IT = ("--set lengths=4,8,16,32",)

ITEMSIZE = 4  # float32
#: A measured exponent may lie this far from the counted one: caches and clocks are not in the count.
TIME_EXPONENTS = {"attention": (1.5, 2.6), "projections": (0.7, 1.4)}
#: Memory is counted without noise; what stands beside the weights and the output is a row of maxima and of sums.
MEMORY_SLACK = 0.03
#: The softmax takes time that the count of products leaves out, so attention overtakes early; noise may delay it.
CROSSING_SLACK = 1.25
#: Exponents are fitted from the largest n down to this share of it: below, the cost of calling Python shows.
FIT_SHARE = 1 / 8

Calls = dict[tuple[str, int], Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting(
        (64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096), 1, 65_536, "the n to try", at_least=3
    )
    d_model: int = setting(256, 1, 8192, "width of the attention layer")
    heads: int = setting(1, 1, 8192, "of the attention layer; they divide d_model")
    turns: int = setting(5, 3, 1000, "how often each call is timed, at most")

    def quick(self) -> Settings:
        """Without the lengths over 1024, when enough others are left."""
        return replace(self, lengths=up_to(self.lengths, 1024, at_least=4))

    def check(self) -> None:
        require_divisor("heads", self.heads, "d_model", self.d_model)

    def bytes_needed(self) -> float:
        """Scores for the softmax, and scores, weights and a temporary of attention; inputs of all lengths; weights, and
        the draws that they are scaled from."""
        numbers = 4 * self.heads * max(self.lengths) ** 2 + 5 * self.d_model * sum(set(self.lengths))
        return float(ITEMSIZE * (numbers + 9 * self.d_model**2))


COLUMNS = (
    Column("n", "length n"),
    Column("projection_mflop", "projections", "MFLOP", detail=True),
    Column("attention_mflop", "attention", "MFLOP", detail=True),
    Column("projection_ms", "projections", "ms", digits=3),
    Column("attention_ms", "attention", "ms", digits=3),
    Column("time_ratio", "attention / projections", digits=3),
    Column("softmax_share", "softmax / attention", "time", digits=2, detail=True),
    Column("attention_mib", "attention moves", "MiB", digits=3, detail=True),
    Column("peak_mib", "memory", "MiB", digits=3),
    Column("attention_intensity", "attention", "FLOP/byte", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Counts, then times all lengths in turns.  The counts are the same every time; the seconds are not, whatever the
    seed."""
    settings, xp = run.settings, run.xp
    lengths = sorted(set(settings.lengths))
    with stopwatch(xp) as watch:
        calls = layer_calls(lengths, settings, run.generator(), xp)
        timings = watch.in_turns(calls, settings.turns, 1.0 if run.quick else 15.0, run.saying("timing"))
        peaks = {n: peak_bytes(calls["attention", n]) if xp is np else None for n in lengths}
    run.facts |= {"blas_threads": watch.threads, "clock": watch.kind}
    for n in lengths:
        yield row(n, settings, timings, peaks[n])


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    return (
        *count_checks(rows[-1]["n"], settings, counted_crossing(settings)),
        *memory_checks(rows[-1], settings),
        *time_checks(fit(rows), time_crossing(rows), counted_crossing(settings)),
    )


# Measuring


def layer_calls(lengths: Sequence[int], settings: Settings, rng: np.random.Generator, xp: Any) -> Calls:
    """The three things to time for every n: four projections, attention_forward, and its softmax alone."""
    d_model, heads = settings.d_model, settings.heads

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


def large_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows to which the power laws are fitted, at least three."""
    large = [row for row in rows if row["n"] >= rows[-1]["n"] * FIT_SHARE]
    return large if len(large) >= 3 else list(rows[-3:])


def fit(rows: Sequence[Mapping[str, Any]]) -> dict[str, PowerLaw]:
    """Exponents over the large-n part of the rows; memory only where it was measured."""
    large = large_rows(rows)
    x = [row["n"] for row in large]
    named = {"attention": "attention_ms", "projections": "projection_ms", "memory": "peak_mib"}
    return {
        name: fit_power_law(x, [row[key] for row in large]) for name, key in named.items() if large[0][key] is not None
    }


def time_crossing(rows: Sequence[Mapping[str, Any]]) -> float:
    """The n from which attention takes longer than the projections; NaN when it does not at the largest."""
    return crossing([row["n"] for row in rows], [row["time_ratio"] for row in rows])


def counted_crossing(settings: Settings) -> int:
    """The n from which the products of attention are no fewer than those of its projections."""
    return counting.attention_overtakes(settings.d_model, settings.heads)


# Judging


def count_checks(n: int, settings: Settings, counted: int) -> tuple[Check, ...]:
    """The counts of the steps against the formulas, exactly."""
    d, h = settings.d_model, settings.heads
    core = counting.total_matmul_flops(counting.attention_core(n, d, h))
    doubled = counting.total_matmul_flops(counting.attention_core(2 * n, d, h))
    rest = counting.attention_overtakes(d, h, d_ff=4 * d)
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


def time_checks(laws: Mapping[str, PowerLaw], measured: float, counted: int) -> tuple[Check, ...]:
    """Measured exponents, with wide limits because caches and other programs have a say, and the measured crossing."""
    checks = []
    for name, (low, high) in TIME_EXPONENTS.items():
        law = laws[name]
        statement = f"time of {name} grows like n^e, 95% interval {law.low:.2f} .. {law.high:.2f}"
        checks.append(between(f"time-{name}", statement, low, high, law.exponent))
    statement = f"measured, attention overtakes the projections by {CROSSING_SLACK:g} times the counted n"
    checks.append(at_most("time-crossing", statement, CROSSING_SLACK * counted, measured))
    return tuple(checks)


# Saying


def asked_pair(lengths: Iterable[int]) -> tuple[int, int]:
    """The largest n that has its double, and that; else the last two."""
    known = sorted(set(lengths))
    pairs = [(n, 2 * n) for n in known if 2 * n in known]
    return pairs[-1] if pairs else (known[-2], known[-1])


def prompt(run: Run[Settings]) -> str:
    short, long = asked_pair(run.settings.lengths)
    return f"From n = {short} to {long}, how many times as long does attention take?"


def question(run: Run[Settings]) -> Question:
    short, long = (next(row for row in run.rows if row["n"] == n) for n in asked_pair(run.settings.lengths))
    explanation = (
        f"Its FLOPs grow {long['attention_mflop'] / short['attention_mflop']:.3g} times, those of the projections "
        f"{long['projection_mflop'] / short['projection_mflop']:.3g} times."
    )
    return Question(prompt(run), long["attention_ms"] / short["attention_ms"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The two lengths that were asked for, and the first at which attention takes longer."""
    n, pair = [row["n"] for row in run.rows], asked_pair(run.settings.lengths)
    overtakes = [index for index, row in enumerate(run.rows) if row["time_ratio"] > 1]
    return (*map(n.index, pair), *overtakes[:1])


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    last, counted, crossed = run.rows[-1], counted_crossing(run.settings), time_crossing(run.rows)
    measured = f"near n = {crossed:.0f}" if math.isfinite(crossed) else f"not up to n = {last['n']}"
    clock = "one BLAS thread" if run.facts["blas_threads"] == 1 else "as many BLAS threads as the system chose"
    return (
        Text(
            f"By its products attention overtakes its projections at n = 2 d_model = {counted}, in time {measured}. "
            f"At n = {last['n']} it takes {last['time_ratio']:.1f} times as long as they do."
        ),
        Text(
            "Between the products n^2 numbers pass through the softmax: few FLOPs, much memory. At "
            f"n = {last['n']} the softmax takes {last['softmax_share']:.0%} of the time of attention."
        ),
        Text(
            "n^2 d against n d^2 is why short sequences are cheap (Vaswani et al. 2017, table 1). The table hides the "
            "constants: n = d is not yet the turning point. The n^2 memory is the stored weights; tiling avoids it "
            "(Dao et al. 2022, FlashAttention)."
        ),
        Text(
            f"Times are medians, float32, {clock}; they differ from run to run and from machine to machine, whatever "
            "the seed. Counts do not. A multiply-add is two FLOPs here. More heads (--set heads=8) leave the products "
            "as they are and multiply the n^2 part; a narrower model (--set d_model=64) is overtaken earlier."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, fitted = run.rows, [row["n"] for row in large_rows(run.rows)]
    return complexity_plots(rows, fit(rows), fitted, counted_crossing(run.settings), time_crossing(rows))
