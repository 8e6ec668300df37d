"""What do attention, recurrent layers and a convolution cost, like for like: with their projections on both sides?

    attention      2 n n d + 4 n d d       scores and weighted sum, and the maps Q, K, V and output
    RNN            2 n d d                 W_x and W_h; a GRU has three pairs of them, an LSTM four
    convolution    K n d d                 K taps, each a d x d map

Multiply-adds are counted by running the library's layers on arrays that count (tfx/measure/counting_array.py), for
every n with every d; a and b of a n n d + b n d d are then solved for, and have to explain every count.  Tables that
leave the constants and the projections out compare n n d with n d d.
Sources: Vaswani et al. 2017, table 1 (orders only); tfx/measure/counting.py (the formulas).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.cost.layer_costs_plots import layer_costs_plots
from tfx.lab.frame import Measured, Run
from tfx.measure import counting
from tfx.measure.counting_array import CountingArray, counted, counting_in
from tfx.measure.measuring import Timing, told_apart
from tfx.measure.power_laws import fit_power_law
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import agree, at_most, exactly, largest
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.convolution import Convolution1d
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.params import Layer
from tfx.records import Check, Column, Plot, Question, Text
from tfx.settings import require_divisor, setting, up_to

QUESTION = "What do attention, RNN, GRU, LSTM and convolution cost like for like, and from which n on?"
TITLE = "Multiply-adds of one layer, n tokens of width d"
CLAIM = (
    "Attention costs n n d and a recurrent layer n d d, so attention is cheaper where n is less than d, its "
    "projections left out."
)
BREAK_IT = ("--set kv_heads=1",)
HOST_ONLY = "Counts are the same everywhere, and times are compared on one core."

CORE, ATTENTION, RNN, GRU, LSTM = "scores and sum", "attention", "RNN", "GRU", "LSTM"
CONVOLUTION = "convolution"


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((32, 64, 128, 256, 512), 1, 4096, "the n to try", at_least=3)
    widths: tuple[int, ...] = setting((16, 32, 64, 128), 1, 1024, "the d to try", at_least=3)
    heads: int = setting(4, 1, 16, "of attention; they divide every width")
    kv_heads: int = setting(4, 1, 16, "heads of keys and values; fewer than heads are shared, and cost less")
    taps: int = setting(3, 1, 9, "of the convolution")
    turns: int = setting(5, 3, 1000, "how often each call is timed, at most")

    def quick(self) -> Settings:
        """Without lengths over 256 and widths over 64, where enough others are left."""
        return replace(self, lengths=up_to(self.lengths, 256, at_least=3), widths=up_to(self.widths, 64, at_least=3))

    def full(self) -> Settings:
        """Up to n = 1024 and d = 256 as well."""
        return replace(self, lengths=(*self.lengths, 1024), widths=(*self.widths, 256))

    def check(self) -> None:
        for width in self.widths:
            require_divisor("heads", self.heads, "every width", width)
        require_divisor("kv_heads", self.kv_heads, "heads", self.heads)

    def bytes_needed(self) -> float:
        """Weights of attention, what an LSTM keeps of every step, and the maps of the widest layers."""
        n, d = max(self.lengths), max(self.widths)
        return 4.0 * (4 * self.heads * n * n + 40 * n * d + (30 + self.taps) * d * d) + 2e3 * n


COLUMNS = (
    Column("way", "layer"),
    Column("nnd", "times n*n*d", digits=3),
    Column("ndd", "times n*d*d", digits=3),
    Column("below", "cheaper until n / d", digits=3),
    Column("ms", "time", "ms", digits=3),
    Column("mflop", "largest n and d", "MFLOP", detail=True),
    Column("power_n", "power of n", digits=3, detail=True),
    Column("power_d", "power of d", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Counts of every layer, then the time of all of them in turns, at the largest width."""
    settings = run.settings
    lengths, d = sorted(set(settings.lengths)), max(settings.widths)
    timed = {name: make(d, np.random.default_rng(0)) for name, make in makers(settings).items()}
    calls: dict[tuple[str, int], Callable[[], Any]] = {}
    for n in lengths:
        x = run.generator(n).standard_normal((1, n, d)).astype("float32")
        for name, layer in timed.items():
            calls[name, n] = lambda layer=layer, x=x: layer.forward(x)  # type: ignore[misc]
        heads = run.generator(n, 1).standard_normal((3, settings.heads, n, d // settings.heads)).astype("float32")
        calls[CORE, n] = lambda heads=heads: attention_forward(*heads)  # type: ignore[misc]
    with stopwatch() as watch:
        timings = watch.in_turns(calls, settings.turns, 0.6 if run.quick else 3.0, run.saying("timing"))
    run.facts |= {"blas_threads": watch.threads, "clock": watch.kind}
    for name in (CORE, *timed):
        yield measure_row(settings, name, {n: timings[name, n] for n in lengths})


def measure_row(settings: Settings, name: str, timings: Mapping[int, Timing]) -> dict[str, Any]:
    lengths, widths = sorted(set(settings.lengths)), sorted(set(settings.widths))
    n, d = lengths[-1], widths[-1]
    counts = {(n, d): multiply_adds(settings, name, n, d) for n in lengths for d in widths}
    nnd, ndd, off = terms(counts)
    return {
        "way": name,
        "nnd": nnd,
        "ndd": ndd,
        "off": off,
        "below": cheaper_below(settings, name) / widths[0],
        "mflop": 2 * counts[n, d] / 1e6,
        "power_n": fit_power_law(lengths, [counts[each, d] for each in lengths]).exponent,
        "power_d": fit_power_law(widths, [counts[n, each] for each in widths]).exponent,
        "ms": timings[n].median * 1e3,
        "ms_half_range": timings[n].half_range * 1e3,
        **{f"ms_{each}": timings[each].median * 1e3 for each in lengths},
    }


def makers(settings: Settings) -> dict[str, Callable[[int, np.random.Generator], Layer]]:
    """What makes each layer for a width, in float32."""

    def recurrent(cell: str) -> Callable[[int, np.random.Generator], Layer]:
        return lambda d, rng: RecurrentCell(cell, d, d, rng)

    return {
        ATTENTION: lambda d, rng: MultiHeadAttention(d, settings.heads, rng, n_kv_heads=settings.kv_heads),
        RNN: recurrent("rnn"),
        GRU: recurrent("gru"),
        LSTM: recurrent("lstm"),
        CONVOLUTION: lambda d, rng: Convolution1d(d, d, settings.taps, rng),
    }


def multiply_adds(settings: Settings, name: str, n: int, d: int) -> int:
    """Of the forward pass of that layer over n tokens of width d, by running it."""
    if name == CORE:
        q, k, v = (np.full((settings.heads, n, d // settings.heads), 0.5).view(CountingArray) for _ in range(3))
        counted.reset()
        attention_forward(q, k, v)
        return counted.multiply_adds
    layer: Any = makers(settings)[name](d, np.random.default_rng(0))
    with counting_in(layer) as found:
        layer.forward(np.full((1, n, d), 0.5, dtype="float32"))
        return found.multiply_adds


def terms(counts: Mapping[tuple[int, int], int]) -> tuple[float, float, float]:
    """a, b of a n n d + b n d d, by least squares of the error as a share of the count, and the largest such error."""
    table = np.array([[n * n * d / count, n * d * d / count] for (n, d), count in counts.items()])
    (a, b), *_ = np.linalg.lstsq(table, np.ones(len(table)), rcond=None)
    return round(float(a), 9) + 0.0, round(float(b), 9) + 0.0, float(np.abs(table @ (a, b) - 1).max())


def cheaper_below(settings: Settings, name: str) -> int:
    """The first n, at the smallest width, from which attention with its projections takes no fewer multiply-adds than
    that layer; 0 where that is so from the first token on.  Of the scores and the sum: the n from which they alone take
    no fewer than an RNN."""
    d = min(settings.widths)
    mine, other = (CORE, RNN) if name == CORE else (ATTENTION, name)
    first = counting.first_n_where(
        lambda n: multiply_adds(settings, mine, n, d), lambda n: multiply_adds(settings, other, n, d)
    )
    return first if first > 1 else 0


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    by_way, settings = {row["way"]: row for row in run.rows}, run.settings
    expected = {
        CORE: ("scores", "scores and weighted sum", 2, 0),
        ATTENTION: ("attention", "attention with its four maps", 2, 4),
        RNN: ("rnn", "an RNN", 0, 2),
        GRU: ("gru", "a GRU", 0, 6),
        LSTM: ("lstm", "an LSTM", 0, 8),
        CONVOLUTION: ("convolution", f"a convolution of {settings.taps} taps", 0, settings.taps),
    }
    n, d, off = max(settings.lengths), max(settings.widths), largest(row["off"] for row in run.rows)
    core, whole = counting.attention_core(n, d, settings.heads), counting.projections(n, d)
    formulas = [
        counting.total_matmul_flops(costs) / 1e6 for costs in (core, (*core, *whole), counting.recurrence(n, d))
    ]
    return (
        *(
            agree(id, f"{what}: {a} n*n*d + {b} n*d*d", [by_way[way][key] for key in ("nnd", "ndd")], (a, b), 1e-6)
            for way, (id, what, a, b) in expected.items()
        ),
        at_most("two-terms", "two such terms explain every count: off by", 1e-9, off),
        agree(
            "formulas",
            "counted by running is what the formulas say, in MFLOP",
            [by_way[way]["mflop"] for way in (CORE, ATTENTION, RNN)],
            formulas,
            1e-9,
        ),
        exactly("scores-cross", "scores and sum take as many as an RNN at n = d", 1.0, by_way[CORE]["below"]),
        exactly("rnn-cross", "attention with its maps takes no fewer than an RNN from", 0.0, by_way[RNN]["below"]),
        exactly("gru-cross", "... than a GRU from n = d on", 1.0, by_way[GRU]["below"]),
        exactly("lstm-cross", "... than an LSTM from n = 2 d on", 2.0, by_way[LSTM]["below"]),
    )  # fmt: skip


# Saying


def prompt(run: Run[Settings]) -> str:
    return "Attention costs less than an LSTM below which n / d, maps counted?"


def question(run: Run[Settings]) -> Question:
    lstm = next(row for row in run.rows if row["way"] == LSTM)
    attention = next(row for row in run.rows if row["way"] == ATTENTION)
    explanation = (
        f"{attention['nnd']:g} n*n*d + {attention['ndd']:g} n*d*d is less than {lstm['ndd']:g} n*d*d as long as that."
    )
    return Question(prompt(run), lstm["below"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    by_way = {row["way"]: row for row in run.rows}
    n, d = max(run.settings.lengths), max(run.settings.widths)

    def where(way: str) -> str:
        below = by_way[way]["below"]
        return f"below n = {'' if below == 1 else f'{below:g} '}d" if below else "never"

    return (
        Text(
            f"With its maps attention takes fewer multiply-adds than an LSTM {where(LSTM)}, than a GRU {where(GRU)}, "
            f"than a simple RNN {where(RNN)}. Scores and sum alone take fewer than an RNN {where(CORE)}."
        ),
        Text(
            "The table of Vaswani et al. 2017 (table 1) gives orders, n n d and n d d, for scores and sum against one "
            "product with the state. In the first row the last but one column is the n / d below which these two alone "
            "are cheaper than an RNN; in the others, below which attention with its maps is cheaper than that layer."
        ),
        Text(time_said(by_way, n, d)),
    )


def time_said(by_way: Mapping[str, Mapping[str, Any]], n: int, d: int) -> str:
    """The time of attention over that of an RNN, or that the clock cannot tell."""
    attention, rnn = (Timing(by_way[way]["ms"] / 1e3, by_way[way]["ms_half_range"] / 1e3) for way in (ATTENTION, RNN))
    place = f"At n = {n} and d = {d}, on one core,"
    if not told_apart(attention, rnn):
        return f"{place} the times of attention and RNN cannot be told apart in this run. Times differ from run to run."
    return (
        f"{place} attention takes {attention.median / rnn.median:.2g} times as long as the RNN: counts leave out the "
        "softmax, and that n small products take longer than one large one. Times differ from run to run."
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return layer_costs_plots(run.rows, sorted(set(run.settings.lengths)), max(run.settings.widths))
