"""The peak memory of attention, from the rows of the benchmark `attention`: its law, its share, its picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.bench.attention_ways import Rows, select
from tfx.efficient.tiled_attention import TILE_SCORES
from tfx.measure.power_laws import PowerLaw, fit_power_law
from tfx.measure.verdicts import at_most
from tfx.records import Check, Plot, Series

#: Memory of the tiled way like T^e.
MEMORY_EXPONENT = 1.1
#: Of the naive way's peak, at MEMORY_LENGTH tokens; the share is proportional to 1 / T.
MEMORY_SHARE, MEMORY_LENGTH = 0.05, 8192
#: A law of growth is fitted from the longest sequence down to this share of it.
FIT_SHARE = 1 / 8


def peaks_of_both(rows: Rows, causal: bool) -> list[Mapping[str, Any]]:
    """The rows of forward and backward in which the memory of the tiled way was measured."""
    return [row for row in select(rows, causal, "both") if row["tiled_peak_mib"] is not None]


def memory_law(rows: Rows, causal: bool, heads: int) -> PowerLaw | None:
    """Growth of the tiled way's peak over the long sequences, or None where too few are longer than a tile."""
    found = peaks_of_both(rows, causal)
    large = [row for row in found if row["length"] >= FIT_SHARE * found[-1]["length"]]
    cut = [row for row in large if heads * row["length"] ** 2 >= TILE_SCORES]
    if len(cut) < 2:
        return None
    return fit_power_law([row["length"] for row in cut], [row["tiled_peak_mib"] for row in cut])


def memory(rows: Rows, heads: int) -> tuple[Check, ...]:
    """Peaks of forward and backward, where they were measured and a tile is only a part of the scores."""
    checks = []
    for causal in (False, True):
        name, which = ("-causal", "tiled and causal") if causal else ("", "tiled")
        law = memory_law(rows, causal, heads)
        if law is not None:
            statement = f"{which}: peak memory grows like T^e, forward and backward"
            checks.append(at_most(f"memory{name}", statement, MEMORY_EXPONENT, law.exponent))
        both = [row for row in peaks_of_both(rows, causal) if row["naive_peak_mib"] is not None]
        if both:
            last = both[-1]
            bound = MEMORY_SHARE * max(1.0, MEMORY_LENGTH / last["length"])
            statement = f"{which}: share of the naive peak at T = {last['length']} (5% at {MEMORY_LENGTH}, like 1 / T)"
            checks.append(
                at_most(f"memory-share{name}", statement, bound, last["tiled_peak_mib"] / last["naive_peak_mib"])
            )
    return tuple(checks)


def memory_plots(rows: Rows) -> tuple[Plot, ...]:
    """Peak memory of forward and backward against T, where it was measured."""
    here = peaks_of_both(rows, causal=False)
    if not here:
        return ()
    naive = [row for row in here if row["naive_peak_mib"] is not None]
    series = [Series("tiled", [row["length"] for row in here], [row["tiled_peak_mib"] for row in here])]
    title = f"Tiled attention needs {size(here[-1]['tiled_peak_mib'])} at T = {here[-1]['length']}"
    if naive:
        series.append(Series("naive", [row["length"] for row in naive], [row["naive_peak_mib"] for row in naive]))
        title += f", naive {size(naive[-1]['naive_peak_mib'])} at T = {naive[-1]['length']}"
    return (Plot(title, "T (tokens)", "peak memory of forward and backward (MiB)", tuple(series), True, True),)


def size(mib: float) -> str:
    return f"{mib:.3g} MiB" if mib < 1000 else f"{mib / 1024:.3g} GiB"
