"""The pictures of the experiment `layer-costs`: multiply-adds counted, and time measured, against n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series

#: The layers that are drawn.
DRAWN = ("scores and sum", "attention", "RNN", "GRU", "LSTM")


def layer_costs_plots(rows: Sequence[Mapping[str, Any]], lengths: Sequence[int], d: int) -> tuple[Plot, ...]:
    """lengths: those with a time, at width d."""
    drawn = {row["way"]: row for row in rows if row["way"] in DRAWN}

    def curve(way: str) -> Series:
        row = drawn[way]
        return Series(way, lengths, [(row["nnd"] * n * n * d + row["ndd"] * n * d * d) / 1e6 for n in lengths])

    def time(way: str) -> Series:
        return Series(way, lengths, [drawn[way][f"ms_{n}"] for n in lengths])

    below = drawn["LSTM"]["below"]
    slower = drawn["attention"]["ms"] / drawn["RNN"]["ms"]
    return (
        Plot(
            f"With its maps attention takes fewer multiply-adds than an LSTM below n = {below:g} d = {below * d:g}",
            "n (tokens)",
            f"million multiply-adds of one layer, d = {d}",
            tuple(map(curve, DRAWN)),
            log_x=True,
            log_y=True,
        ),
        Plot(
            f"In time, on one core, attention takes {slower:.2g} times as long as an RNN at n = {lengths[-1]}",
            "n (tokens)",
            f"time of one layer (ms), d = {d}",
            tuple(map(time, DRAWN)),
            log_x=True,
            log_y=True,
        ),
    )
