"""The picture of the experiment `exposure-bias`: what is right, letter by letter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Plot, Series


def exposure_bias_plots(truth: Sequence[Mapping[str, Any]], sampled: Sequence[Mapping[str, Any]]) -> tuple[Plot, ...]:
    """Rows of both ways of training; the picture shows those that were trained least."""
    first, other = truth[0], sampled[0]
    places = range(1, len(first["by_place"]) + 1)
    law = [sum(share**t for share in first["forced_by_seed"]) / len(first["forced_by_seed"]) for t in places]
    return (
        Plot(
            f"Reading the truth {first['forced']:.0%} are right at every place; reading itself, {first['free']:.0%} "
            f"at letter {places[-1]}",
            "letter written",
            "share of texts that are right there",
            (
                Series("reading the truth, mean", places, [first["forced"]] * len(places), kind="line"),
                Series("reading itself", places, first["by_place"]),
                Series("(1 - e)^t", places, law, kind="line"),
                Series("reading itself, scheduled sampling", places, other["by_place"]),
            ),
        ),
    )
