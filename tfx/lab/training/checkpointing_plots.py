"""The pictures of the experiment `checkpointing`: what is held, by the length of a segment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series


def checkpointing_plots(rows: Sequence[Mapping[str, Any]], layers: int) -> tuple[Plot, ...]:
    every = [row["every"] for row in rows]
    lengths = range(every[0], every[-1] + 1)
    kept = rows[0]["kept"]
    thin, thick = (min(rows, key=lambda row: row[key]) for key in ("thin", "thick"))

    def plot(title: str, key: str, law: Sequence[float]) -> Plot:
        return Plot(
            title,
            "blocks in a segment",
            "arrays held, in inputs",
            (
                Series("counted", every, [row[key] for row in rows]),
                Series("theory", lengths, law, kind="line"),
            ),
            log_x=True,
        )

    segments = [math.ceil(layers / k) for k in lengths]
    return (
        plot(
            f"{layers} layers that keep one array: fewest are held in segments of {thin['every']}, near sqrt({layers})",
            "thin",
            [n + k for n, k in zip(segments, lengths, strict=True)],
        ),
        plot(
            f"{layers} Transformer blocks that keep {kept:.0f} arrays: fewest in segments of {thick['every']}, "
            f"{thick['share']:.0%} of all",
            "thick",
            [n + kept * k - 1 for n, k in zip(segments, lengths, strict=True)],
        ),
    )
