"""What does each cheaper way to attend save, and how far is it from attention?

Each variant runs on two kinds of heads of the same size: rows that change slowly from one token to the next, and random
rows.  Its error is the distance from exact attention as a share of its size.  Its memory is what it keeps for the way
back, counted.  Its time is measured in turns with exact attention; it overtakes at the first length from which on it is
faster by more than both scatter.
Sources: Tay et al. 2022, "Efficient Transformers: A Survey"; for each variant its file in tfx/efficient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.cost.attention_variants import VARIANTS, Attend
from tfx.lab.frame import Measured, Run
from tfx.measure.held_memory import held_bytes
from tfx.measure.measuring import told_apart
from tfx.measure.stopwatch import Stopwatch, stopwatch
from tfx.measure.verdicts import at_least, at_most, largest, smallest
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What does each cheaper kind of attention save, and how far is it from attention?"
ORDER = 4
TITLE = "Cheaper attention: memory, time and error against exact attention"
CLAIM = (
    "Efficient variants bring the memory of attention from quadratic to linear. All but the tiled one pay with another "
    "output, unless neighbours are alike."
)
HOST_ONLY = "the seconds of this experiment are those of the CPU."
BREAK_IT = ("--set variants=exact,tiled",)


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((128, 256, 512, 1024), 64, 4096, "lengths", at_least=2)
    width: int = setting(32, 4, 256, "width of a head")
    variants: tuple[str, ...] = setting(tuple(VARIANTS), words=tuple(VARIANTS), about="ways to attend")
    turns: int = setting(15, 3, 1000, "turns of the clock")

    def quick(self) -> Settings:
        """Three lengths and few turns."""
        return replace(self, lengths=self.lengths[:3], turns=min(self.turns, 5))

    def full(self) -> Settings:
        """Twice the longest length, and many turns."""
        return replace(self, lengths=(*self.lengths, 2 * max(self.lengths)), turns=max(self.turns, 60))

    def bytes_needed(self) -> float:
        """Scores, weights and two inputs at the longest length."""
        n = max(self.lengths)
        return 4.0 * (4 * n * n + 12 * n * self.width)


COLUMNS = (
    Column("variant", "variant"),
    Column("smooth", "error, alike neighbours", "%", digits=2),
    Column("random", "error, random rows", "%", digits=2),
    Column("power", "memory grows as n to the", digits=2),
    Column("overtakes", "faster from n on"),
    Column("kib", "memory, longest", "KiB", digits=3, detail=True),
    Column("ratio", "time of exact / its, longest", digits=2, detail=True),
    Column("scatter", "scatter of it", digits=1, detail=True),
    Column("expected", "power of the paper", digits=2, detail=True),
    Column("exact", "attends to all", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    with stopwatch() as watch:
        run.facts |= {"blas_threads": watch.threads, "clock": watch.kind}
        for name in run.over(dict.fromkeys(run.settings.variants)):
            yield measure_row(name, run, watch)


def measure_row(name: str, run: Run[Settings], watch: Stopwatch) -> dict[str, Any]:
    settings, variant = run.settings, VARIANTS[name]
    lengths = sorted(set(settings.lengths))
    memory, ratios = [], []
    for n in lengths:
        attend = variant.make(n, settings.width, run.generator(n, 1))
        heads = random_rows(run.generator(n, 2), n, settings.width)
        memory.append(held_bytes(attend(*heads)[1]))
        ratios.append(time_ratio(attend, heads, settings, watch, run.quick) if name != "exact" else (1.0, 0.0))
    n = lengths[-1]
    attend = variant.make(n, settings.width, run.generator(n, 1))
    return {
        "variant": name,
        "smooth": 100 * error(attend, smooth_rows(run.generator(n, 3), n, settings.width)),
        "random": 100 * error(attend, random_rows(run.generator(n, 2), n, settings.width)),
        "power": growth(lengths, memory),
        "overtakes": overtaking(lengths, ratios),
        "kib": memory[-1] / 1024,
        "ratio": ratios[-1][0],
        "scatter": ratios[-1][1],
        "expected": variant.power,
        "exact": variant.exact,
    }


def random_rows(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    q, k, v = rng.standard_normal((3, n, d)).astype("float32")
    return q, k, v


def smooth_rows(rng: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random walks of the same mean size."""
    walks = np.cumsum(rng.standard_normal((3, n, d)), axis=1)
    q, k, v = (walks / walks.std(axis=(1, 2), keepdims=True)).astype("float32")
    return q, k, v


def error(attend: Attend, heads: tuple[np.ndarray, ...]) -> float:
    """Distance from exact attention, as a share of its size."""
    q, k, v = heads
    exact, _ = attention_forward(q, k, v)
    return float(np.linalg.norm(attend(q, k, v)[0] - exact) / np.linalg.norm(exact))


def time_ratio(
    attend: Attend, heads: tuple[np.ndarray, ...], settings: Settings, watch: Stopwatch, quick: bool
) -> tuple[float, float]:
    """Seconds of exact attention over those of the variant, and the scatter; negative scatter: not told apart."""
    q, k, v = heads
    calls = {"exact": lambda: attention_forward(q, k, v), "this": lambda: attend(q, k, v)}
    timed = watch.in_turns(calls, settings.turns, 0.1 if quick else 1.0)
    exact, this = timed["exact"], timed["this"]
    ratio = exact.median / this.median
    scatter = ratio * (exact.half_range / exact.median + this.half_range / this.median)
    return ratio, scatter if told_apart(exact, this) else -scatter


def overtaking(lengths: Sequence[int], ratios: Sequence[tuple[float, float]]) -> str:
    """The first length from which on it is faster than exact attention, by more than the scatter."""
    first = None
    for n, (ratio, scatter) in zip(reversed(lengths), reversed(ratios), strict=True):
        if ratio <= 1 or scatter < 0:
            break
        first = n
    return "-" if first is None else f"{first:,}"


def growth(lengths: Sequence[int], memory: Sequence[float]) -> float:
    """The power of n between the two longest lengths."""
    return math.log(memory[-1] / memory[-2]) / math.log(lengths[-1] / lengths[-2])


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    of = {row["variant"]: row for row in run.rows}
    exact = [row["random"] for row in of.values() if row["exact"]]
    others = [row for row in of.values() if not row["exact"]]
    errors = [row["random"] for row in others] or [0.0]
    off = largest([0.0, *(abs(row["power"] - row["expected"]) for row in of.values())])
    return (
        at_most("exact", "error of exact and tiled attention, %", 1e-3, largest([0.0, *exact])),
        at_most("power", "powers of memory, largest distance from those of the papers", 0.3, off),
        at_least(
            "price",
            "smallest error on random rows of what is not exact, %",
            20.0,
            smallest(errors),
        ),
        at_least("alike", "random error over error with alike neighbours, Nystrom", 5.0, gain(of.get("nystrom", {}))),
    )


def gain(row: dict[str, Any]) -> float:
    return row["random"] / row["smooth"] if row else math.nan


def prompt(run: Run[Settings]) -> str:
    return "Twice the length: how many times the memory does a window of fixed width keep?"


def question(run: Run[Settings]) -> Question:
    row = next((row for row in run.rows if row["variant"] == "window"), run.rows[0])
    return Question(prompt(run), 2.0 ** row["power"], 0.15, "Each token keeps as many scores as before.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    shown = ("exact", "tiled", "window", "linear", "nystrom")
    return tuple(index for index, row in enumerate(run.rows) if row["variant"] in shown)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    n = max(run.settings.lengths)
    others = [row for row in run.rows if not row["exact"]] or list(run.rows)
    best = min(others, key=lambda row: row["random"])
    fast = [row["variant"] for row in run.rows if row["overtakes"] != "-"]
    return (
        Text(
            f"Of what is not exact, {best['variant']} is nearest on random rows: {best['random']:.0f}% off at "
            f"n = {n:,}. {len(fast)} of {len(run.rows) - 1} overtake exact attention here."
        ),
        Text(
            "Random rows are the hardest case: their attention has no pattern and no low rank. A model is trained with "
            "its variant, and its rows are not random (Tay et al. 2022)."
        ),
        Text("Seconds are of this machine, one thread, NumPy. Memory is counted and the same everywhere."),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    others = [row for row in run.rows if not row["exact"]] or list(run.rows)
    best = min(others, key=lambda row: row["random"])
    return (
        Plot(
            f"n = {max(run.settings.lengths):,}: of what is not exact, {best['variant']} is nearest on random rows",
            "memory kept [KiB]",
            "error on random rows [%]",
            (
                Series(
                    "variants",
                    [row["kib"] for row in run.rows],
                    [row["random"] for row in run.rows],
                    names=[row["variant"] for row in run.rows],
                ),
            ),
            log_x=True,
        ),
    )
