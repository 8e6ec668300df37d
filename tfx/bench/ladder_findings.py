"""What `tfx bench ladder` says about its rows: a note for every rung, and a plot whose title states the finding.

Whether a rung was faster is read off the measurement; the reason to expect it is the rung's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from tfx.bench.ladders import Ladder
from tfx.measure.measuring import Timing
from tfx.records import Plot, Series, Text

if TYPE_CHECKING:
    from tfx.bench.ladder import Settings

Row = Mapping[str, Any]

#: Times that differ by less than this factor count as equal, however steady the clock was.
CLEAR = 1.05
#: Fewer page faults than this are not worth a word.
FAULTS = 100
#: Characters in a line under the plot.
LABEL_WIDTH = 100


def notes(rows: Sequence[Row], ladder: Ladder, yardstick: Timing, settings: Settings) -> tuple[Text, ...]:
    steps = [Text(step_note(row, before)) for before, row in pairwise(rows)]
    return (*steps, Text(summary(rows, ladder, yardstick)), Text(how_measured(settings)))


def step_note(row: Row, before: Row) -> str:
    """What changed, what it bought, and why: the reason to expect more speed, and the price."""
    why, price = row["why"], row["price"]
    comparison = compare(row, before)
    if comparison > 0:
        bought = (f"{row['times_before']:.3g} times faster.", why, price)
    elif comparison < 0:
        bought = (f"{1 / row['times_before']:.3g} times slower here.", price, why and f"The idea: {why}")
    else:
        bought = ("No clear difference here.", why and f"The idea: {why}", price)
    return " ".join(filter(None, (f"{row['rung']} {row['name']}.", row["change"], *bought, faults_note(row, before))))


def faults_note(row: Row, before: Row) -> str:
    """Page faults, where the step made many more of them, or spared them."""
    then, now = before["page_faults"], row["page_faults"]
    if then is None or max(then, now) < FAULTS or max(then, now) < 2 * min(then, now):
        return ""
    return f"Page faults: {then} before, {now} now."


def compare(row: Row, other: Row) -> int:
    """1 when row is clearly faster than the other, -1 when it is clearly slower, 0 when the clock cannot tell."""
    ratio = other["time_s"] / row["time_s"]
    distance = abs(other["time_s"] - row["time_s"])
    if max(ratio, 1 / ratio) < CLEAR or distance < min(other["time_s_half_range"], row["time_s_half_range"]):
        return 0
    return 1 if ratio > 1 else -1


def summary(rows: Sequence[Row], ladder: Ladder, yardstick: Timing) -> str:
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
    ratio = last["time_s"] / yardstick.median
    words.append(f"The last rung takes {ratio:.3g} times as long as {ladder.yardstick[0]}.")
    return " ".join(words)


def how_measured(settings: Settings) -> str:
    return (
        f"Times are medians of up to {settings.turns} turns, {settings.dtype}, one thread, all rungs in turn; they "
        "differ from machine to machine. The rate counts only what the result needs, not what a rung does on top. Page "
        "faults depend on the C library's allocator. A difference is relative to the largest number."
    )


def plots(rows: Sequence[Row], ladder: Ladder, yardstick: Timing) -> tuple[Plot, ...]:
    numbers = [row["rung"] for row in rows]
    names = ", ".join(f"{row['rung']} {row['name']}" for row in rows)
    return (
        Plot(
            f"{ladder.title}: {rows[-1]['times_first']:.3g} times faster in {len(rows) - 1} steps",
            fill(f"rung: {names}", LABEL_WIDTH),
            "time of one call (s)",
            (
                Series("rung", numbers, [row["time_s"] for row in rows], [row["time_s_half_range"] for row in rows]),
                Series(ladder.yardstick[0], numbers, [yardstick.median] * len(numbers), kind="line"),
            ),
            log_y=True,
        ),
    )
