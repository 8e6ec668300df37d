"""What `tfx bench train` says about its rows, and its plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series, Text

#: A step should take no longer than PyTorch's at this width.
GOAL, GOAL_WIDTH = 1.0, 128


def notes(rows: Sequence[Mapping[str, Any]], with_torch: bool, on_host: bool) -> tuple[Text, ...]:
    if not on_host:
        return (Text("On a card PyTorch takes no part here, and the number of threads counts for nothing."),)
    if not with_torch:
        return (
            Text(
                "PyTorch is not installed, so there is nothing to compare with. In an environment that has both "
                "(pip install torch) it takes part."
            ),
        )
    found = [verdict(row) for row in rows if row["d_model"] == GOAL_WIDTH]
    said = (
        Text(
            "Medians of steps taken in turns; PyTorch in eager mode, fused attention, fused AdamW. With one thread "
            "the thread's own clock counts, with several the clock on the wall."
        ),
    )
    return (*said, Text(f"The aim was PyTorch's time at d_model {GOAL_WIDTH}: {'; '.join(found)}.")) if found else said


def verdict(row: Mapping[str, Any]) -> str:
    word = "met" if row["ratio"] <= GOAL else "missed"
    return f"{word} with {row['threads']} thread{'s' * (row['threads'] > 1)} ({row['ratio']:.2f})"


def plots(rows: Sequence[Mapping[str, Any]]) -> tuple[Plot, ...]:
    """Time of a step by width, a curve for each library and number of threads; nothing for a single width."""
    widths = list(dict.fromkeys(row["d_model"] for row in rows))
    if len(widths) < 2:
        return ()
    curves = []
    for threads in dict.fromkeys(row["threads"] for row in rows):
        those = [row for row in rows if row["threads"] == threads]
        for name, key in (("tfx", "tfx_s"), ("PyTorch", "torch_s")):
            if those[0][key] is not None:
                label = f"{name}, {threads} thread{'s' * (threads > 1)}"
                errors = [row[f"{key}_half_range"] * 1e3 for row in those]
                curves.append(Series(label, widths, [row[key] * 1e3 for row in those], errors))
    title = "A training step: " + ", ".join(
        f"{row['ratio']:.2f}x" if row["ratio"] is not None else f"{row['tfx_s'] * 1e3:.0f} ms" for row in rows
    )
    return (Plot(title, "d_model", "time of a step (ms)", tuple(curves), log_x=True, log_y=True),)
