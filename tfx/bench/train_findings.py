"""What the rows of the benchmark `train` say: the aim, what a busy machine leaves untold, and the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.measure.stopwatch import TOO_BUSY
from tfx.records import Plot, Series, Text

#: A step should take no longer than PyTorch's at this width.
GOAL, GOAL_WIDTH = 1.0, 128

Rows = Sequence[Mapping[str, Any]]


def told(row: dict[str, Any], before: Rows) -> dict[str, Any]:
    """The row, without what its time would claim when a step of the same width was quicker with fewer threads: then
    other programs had the cores, or threads do not pay for so small a step."""
    fewer = [other for other in before if other["d_model"] == row["d_model"] and other["threads"] < row["threads"]]
    timed = [key for key in ("tfx_s", "torch_s") if row[key] is not None]
    if not any(row[key] > other[key] for other in fewer for key in timed):
        return row
    return {**row, "ratio": None, "tokens_per_s": None, "gflop_per_s": None}


def notes_on(rows: Rows, with_torch: bool, on_host: bool) -> tuple[Text, ...]:
    if not on_host:
        return (Text("On a card PyTorch takes no part here, and the number of threads counts for nothing."),)
    if not with_torch:
        return (
            Text(
                "PyTorch is not installed, so there is nothing to compare with. In an environment that has both "
                "(pip install torch) it takes part."
            ),
            *not_told(rows),
        )
    found = [verdict(row) for row in rows if row["d_model"] == GOAL_WIDTH]
    said = (
        Text(
            "Medians of steps taken in turns; PyTorch in eager mode, fused attention, fused AdamW. With one thread "
            "the thread's own clock counts, with several the clock on the wall."
        ),
    )
    aim = (Text(f"The aim was PyTorch's time at d_model {GOAL_WIDTH}: {'; '.join(found)}."),) if found else ()
    return (*said, *aim, *not_told(rows))


def not_told(rows: Rows) -> tuple[Text, ...]:
    """Nothing, or which rows the clock could not judge."""
    busy = [f"d_model {row['d_model']} with {in_threads(row)}" for row in rows if row["tokens_per_s"] is None]
    if not busy:
        return ()
    return (Text(f"{', '.join(busy)}: {TOO_BUSY}. A step took longer than in one thread."),)


def verdict(row: Mapping[str, Any]) -> str:
    if row["ratio"] is None:
        return f"with {in_threads(row)} {TOO_BUSY}"
    return f"{'met' if row['ratio'] <= GOAL else 'missed'} with {in_threads(row)} ({row['ratio']:.2f})"


def in_threads(row: Mapping[str, Any]) -> str:
    return f"{row['threads']} thread{'s' * (row['threads'] > 1)}"


def time_plot(rows: Rows) -> tuple[Plot, ...]:
    """Time of a step by width, a curve for each library and number of threads; nothing for a single width."""
    widths = list(dict.fromkeys(row["d_model"] for row in rows))
    if len(widths) < 2:
        return ()
    curves = []
    for threads in dict.fromkeys(row["threads"] for row in rows):
        those = [row for row in rows if row["threads"] == threads]
        for name, key in (("tfx", "tfx_s"), ("PyTorch", "torch_s")):
            if those[0][key] is not None:
                label = f"{name}, {in_threads(those[0])}"
                errors = [row[f"{key}_half_range"] * 1e3 for row in those]
                curves.append(Series(label, widths, [row[key] * 1e3 for row in those], errors))
    title = "A training step: " + ", ".join(
        f"{row['ratio']:.2f}x" if row["ratio"] is not None else f"{row['tfx_s'] * 1e3:.0f} ms" for row in rows
    )
    return (Plot(title, "d_model", "time of a step (ms)", tuple(curves), log_x=True, log_y=True),)
