"""How much memory does attention need when it never holds all scores at once?

Exact attention builds n x n scores.  Tiled attention goes over blocks of keys with a running maximum and a running sum,
and keeps one number for each query for the way back.  Both compute every score: the output and the multiply-adds are
the same, the memory is not.
Sources: Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"; Rabe and Staats 2021, "Self-attention
Does Not Need O(n^2) Memory"; Dao et al. 2022, "FlashAttention", section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.lab.frame import Measured, Run
from tfx.measure.counting_array import CountingArray, counted
from tfx.measure.held_memory import held_bytes
from tfx.measure.measuring import peak_bytes
from tfx.measure.verdicts import at_most, exactly, largest, within
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How much memory does attention need when it never holds all scores at once?"
ORDER = 3
TITLE = "Peak memory of exact and tiled attention, forward and backward"
CLAIM = (
    "Tiled attention needs memory in proportion to the length, exact attention in proportion to its square; the output "
    "is the same to rounding, and so are the multiply-adds."
)
HOST_ONLY = "the peak that is measured here is that of the host's memory."
BREAK_IT = ("--set tile=16384",)


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((256, 512, 1024, 2048), 64, 16_384, "lengths", at_least=3)
    width: int = setting(32, 4, 512, "width of a head")
    tile: int = setting(64, 4, 16_384, "keys and queries of a tile")

    def quick(self) -> Settings:
        """Without the longest length, while three are left."""
        return replace(self, lengths=self.lengths[:-1] if len(set(self.lengths)) > 3 else self.lengths)

    def full(self) -> Settings:
        """Twice the longest length."""
        return replace(self, lengths=(*self.lengths, 2 * max(self.lengths)))

    def bytes_needed(self) -> float:
        """Scores, weights and their gradients at the longest length."""
        n = max(self.lengths)
        return 8.0 * (4 * n * n + 12 * n * self.width)


COLUMNS = (
    Column("n", "n"),
    Column("exact", "peak, exact", "MiB", digits=3),
    Column("tiled", "peak, tiled", "MiB", digits=3),
    Column("ratio", "exact / tiled", digits=3),
    Column("difference", "largest difference", digits=2),
    Column("kept_exact", "kept, exact", "MiB", digits=3, detail=True),
    Column("kept_tiled", "kept, tiled", "MiB", digits=3, detail=True),
    Column("more_work", "multiply-adds, tiled / exact", digits=4, detail=True),
)
MIB = 2.0**20


def rows(run: Run[Settings]) -> Measured:
    for n in run.over(sorted(set(run.settings.lengths)), "n = {}"):
        yield measure_row(n, run.settings, run.generator(n))


def measure_row(n: int, settings: Settings, rng: np.random.Generator) -> dict[str, Any]:
    q, k, v, dout = rng.standard_normal((4, n, settings.width))
    tile = min(settings.tile, n)

    def exact() -> tuple[Any, ...]:
        out, cache = attention_forward(q, k, v)
        return out, held_bytes(cache), *attention_backward(dout, cache)

    def tiled() -> tuple[Any, ...]:
        out, cache = tiled_attention_forward(q, k, v, block_q=tile, block_k=tile)
        return out, held_bytes(cache), *tiled_attention_backward(dout, cache)

    (out, kept, *grads), (other, kept_tiled, *grads_tiled) = exact(), tiled()
    peaks = [peak_bytes(call) for call in (exact, tiled)]
    pairs = zip((out, *grads), (other, *grads_tiled), strict=True)
    return {
        "n": n,
        "exact": peaks[0] / MIB,
        "tiled": peaks[1] / MIB,
        "ratio": peaks[0] / peaks[1],
        "difference": largest(float(abs(a - b).max()) for a, b in pairs),
        "kept_exact": kept / MIB,
        "kept_tiled": kept_tiled / MIB,
        "more_work": multiply_adds(tiled_attention_forward, n, settings, block_q=tile, block_k=tile)
        / multiply_adds(attention_forward, n, settings),
    }


def multiply_adds(attend: Any, n: int, settings: Settings, **sizes: int) -> int:
    """Those that the products of a forward really make."""
    heads = np.random.default_rng(0).standard_normal((3, n, settings.width)).view(CountingArray)
    counted.reset()
    attend(*heads, **sizes)
    return counted.multiply_adds


def powers(run: Run[Settings]) -> tuple[float, float]:
    """Of the length in both peaks, from the two longest lengths: there what does not grow weighs least."""
    n, exact, tiled = ([row[key] for row in run.rows[-2:]] for key in ("n", "exact", "tiled"))
    step = np.log(n[1] / n[0])
    return float(np.log(exact[1] / exact[0]) / step), float(np.log(tiled[1] / tiled[0]) / step)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    exact, tiled = powers(run)
    apart = largest(row["difference"] for row in run.rows)
    more = farthest(row["more_work"] for row in run.rows)
    return (
        at_most("same", "outputs and gradients, largest difference", 1e-10, apart),
        within("quadratic", "power of the length in the peak of exact attention", 2.0, exact, 0.15),
        within("linear", "power of the length in the peak of tiled attention", 1.0, tiled, 0.15),
        exactly("work", "multiply-adds of tiled over exact attention, farthest from 1", 1.0, more),
    )


def farthest(ratios: Iterable[float]) -> float:
    """From 1; NaN when one is."""
    found = list(ratios)
    return found[int(np.argmax(np.abs(np.array(found) - 1)))]


def prompt(run: Run[Settings]) -> str:
    return "The length doubles. How many times the memory does exact attention need at its peak?"


def question(run: Run[Settings]) -> Question:
    return Question(prompt(run), 2.0 ** powers(run)[0], 0.1, "Twice the queries, and twice the keys for each.")


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    last, (exact, tiled) = run.rows[-1], powers(run)
    return (
        Text(
            f"At n = {last['n']:,} exact attention needs {last['ratio']:.0f} times the memory of tiled attention. Its "
            f"peak grows as n to the {exact:.2f}, that of tiled attention as n to the {tiled:.2f}."
        ),
        Text(
            "Both make the same multiply-adds, so tiling does not change that attention is quadratic in work (Dao et "
            "al. 2022, section 3.1). On a card it is faster because fewer bytes travel; that is not measured here."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    n, exact, tiled = ([row[key] for row in run.rows] for key in ("n", "exact", "tiled"))
    return (
        Plot(
            f"Peak memory, forward and backward: {run.rows[-1]['ratio']:.0f} times less in tiles at n = {n[-1]:,}",
            "n",
            "peak [MiB]",
            (Series("exact", n, exact), Series("tiled", n, tiled)),
            log_x=True,
            log_y=True,
        ),
    )
