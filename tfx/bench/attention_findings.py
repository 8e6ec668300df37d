"""What the benchmark `attention` says about its rows: goals, notes, and plots whose titles state the finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx.bench.attention_ways import PASSES, WAYS
from tfx.efficient.tiled_attention import TILE_SCORES
from tfx.measure.estimates import PowerLaw, fit_power_law
from tfx.records import Plot, Series, Text

if TYPE_CHECKING:
    from tfx.bench.attention import Settings

Rows = Sequence[Mapping[str, Any]]

#: Goals of speed hold from this length on, in one thread: time of the tiled way over that of another, at most.
GOAL_LENGTH = 2048
GOALS = {"torch_naive": 1.0, "torch_fused": 1.5}
#: "About half": time of causal over full.
HALF = (0.4, 0.6)
#: A law of growth is fitted from the longest sequence down to this share of it.
FIT_SHARE = 1 / 8

NAMES = {"naive": "naive", "tiled": "tiled", "torch_naive": "PyTorch naive", "torch_fused": "PyTorch fused"}
PASS_NAMES = {"forward": "forward", "both": "forward + backward"}


def select(rows: Rows, causal: bool, each: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["causal"] is causal and row["pass"] == each]


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


def notes(rows: Rows, settings: Settings, has_torch: bool, on_host: bool) -> tuple[Text, ...]:
    found = [
        *goal_notes(rows),
        Text(
            "Naive writes and reads T x T numbers between its products. Once they do not fit the cache, these trips to "
            "main memory, and the pages that the system must find for new arrays, are most of its time. A tile stays "
            "in the cache: tiled makes one product more, and is faster on long sequences (Dao et al. 2022)."
        ),
    ]
    if not has_torch:
        why = "PyTorch is not installed" if on_host else "PyTorch is compared on the processor alone"
        found.append(Text(f"{why}: its columns are empty. Nothing else here needs it."))
    left_out = [row["length"] for row in select(rows, False, "both") if row["naive_s"] is None]
    if left_out:
        found.append(
            Text(
                f"From T = {left_out[0]} on the naive ways are left out: their T x T arrays need more than memory_gib "
                f"({settings.memory_gib:g}) or more than is free now."
            )
        )
    found.append(
        Text(
            "Times are medians of turns, float32, one thread; they differ from run to run and from machine to machine. "
            "Where a spread is missing there was time for one turn, and the longest naive calls are timed without a "
            "mask only, because a mask saves them nothing. Counts, memory and differences are the same every time."
        )
    )
    return tuple(found)


def goal_notes(rows: Rows) -> list[Text]:
    """Each goal of speed, met or not, by the worst row that it speaks of."""
    found = []
    for other, goal in GOALS.items():
        for each in PASSES:
            ratios = [
                (row[f"tiled_over_{other}"], row)
                for row in rows
                if row["pass"] == each and row["length"] >= GOAL_LENGTH and row[f"tiled_over_{other}"] is not None
            ]
            said = f"Goal, {PASS_NAMES[each]}: tiled takes at most {goal:g} times as long as {NAMES[other]} from T = "
            if not ratios:
                continue
            worst, row = max(ratios, key=lambda pair: pair[0])
            verdict = "met" if worst <= goal else "not met"
            causal = ", causal" if row["causal"] else ""
            found.append(
                Text(f"{said}{GOAL_LENGTH} on: {verdict}, at worst {worst:.2f} (T = {row['length']}{causal}).")
            )
    for each in PASSES:
        last = select(rows, True, each)[-1]
        if last["length"] >= GOAL_LENGTH:
            low, high = HALF
            share = last["causal_over_full"]
            verdict = "met" if low <= share <= high else "not met"
            said = f"Goal, {PASS_NAMES[each]}: tiled and causal takes about half of the time of full"
            found.append(Text(f"{said}: {verdict}, {share:.2f} at T = {last['length']}."))
    return found


def plots(rows: Rows) -> tuple[Plot, ...]:
    return (*(time_plot(rows, causal) for causal in (False, True)), *memory_plots(rows))


def time_plot(rows: Rows, causal: bool) -> Plot:
    """Seconds of forward and backward against T."""
    here = select(rows, causal, "both")
    last = next((row for row in reversed(here) if row["naive_s"] is not None), None)
    which = "Causal attention" if causal else "Attention"
    finding = (
        "in tiles alone: the whole does not fit the memory"
        if last is None
        else f"{1 / last['tiled_over_naive']:.2g} times as fast in tiles at T = {last['length']}"
    )
    series = []
    for way in WAYS:
        timed = [row for row in here if row[f"{way}_s"] is not None]
        if timed:
            errors = [row[f"{way}_s_half_range"] or 0.0 for row in timed]
            series.append(
                Series(NAMES[way], [row["length"] for row in timed], [row[f"{way}_s"] for row in timed], errors)
            )
    return Plot(
        f"{which}, forward and backward: {finding}", "T (tokens)", "time of one call (s)", tuple(series), True, True
    )


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
