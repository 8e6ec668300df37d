"""What the benchmark `decode` says about its rows: notes, and plots whose titles state the finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tfx.measure.estimates import PowerLaw
from tfx.records import Plot, Series, Text

if TYPE_CHECKING:
    from tfx.bench.decode import Settings

Rows = Sequence[Mapping[str, Any]]


def straight_line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """a, b of y = a + b x, least squares of the error as a share of y: long times do not drown the short ones."""
    weights = [1 / (each * each) for each in y]
    total = sum(weights)
    mean_x = sum(w * each for w, each in zip(weights, x, strict=True)) / total
    mean_y = sum(w * each for w, each in zip(weights, y, strict=True)) / total
    both = sum(w * (u - mean_x) * (v - mean_y) for w, u, v in zip(weights, x, y, strict=True))
    b = both / sum(w * (u - mean_x) ** 2 for w, u in zip(weights, x, strict=True))
    return mean_y - b * mean_x, b


def seconds_of_text(rows: Rows, way: str) -> float:
    """Of all tokens from the first context to the last, each as if it lay on a straight line between its neighbours."""
    found = 0.0
    for before, after in pairwise(rows):
        found += (after["context"] - before["context"]) * (before[f"{way}_s"] + after[f"{way}_s"]) / 2
    return found


def notes(rows: Rows, settings: Settings) -> tuple[Text, ...]:
    first, last = rows[0], rows[-1]
    fixed, each = straight_line([row["context"] for row in rows], [row["stored_s"] for row in rows])
    growing = f" and {each * 1e6:.2g} us for each token of context" if each > 0 else ", whatever the context"
    texts = {way: seconds_of_text(rows, way) for way in ("stored", "joined", "recomputed")}
    return (
        Text(
            f"Stored: a token takes about {fixed * 1e3:.2g} ms{growing}. "
            f"At context {last['context']} it is {last['speedup']:.3g} times as fast as recomputing. "
            f"All tokens from {first['context']} to {last['context']}: about {texts['stored']:.3g} s stored, "
            f"{texts['joined']:.3g} s joined, {texts['recomputed']:.3g} s recomputed."
        ),
        Text(
            "One token makes every product a matrix times a vector: each weight and each stored number is read for one "
            f"multiply-add. So memory sets the pace ({last['stored_gb_per_s']:.2g} GB/s at context {last['context']}), "
            "and several texts side by side cost little more than one (Pope et al. 2022, section 2.1)."
        ),
        Text(
            "What is left to grow is the look at everything stored: scores, weights and their sum. A window or fewer "
            "key and value heads shrink it. The extra memory of a stored token is those scores, one row a head and "
            "block; the whole pass needs a square of them."
        ),
        Text(
            f"Times are medians of at most {settings.turns} turns, taken in turns, one BLAS thread; they differ from "
            "run to run and from machine to machine. Tokens, counts and memory do not."
        ),
    )


def plots(rows: Rows, laws: Mapping[str, PowerLaw]) -> tuple[Plot, ...]:
    n, last = [row["context"] for row in rows], rows[-1]
    fixed, each = straight_line(n, [row["stored_s"] for row in rows])

    def points(way: str) -> Series:
        seconds, errors = [row[f"{way}_s"] for row in rows], [row[f"{way}_s_half_range"] for row in rows]
        return Series(way, n, [1e3 * s for s in seconds], [1e3 * e for e in errors])

    made = [
        Plot(
            f"With stored keys and values, token {last['context']} comes {last['speedup']:.3g} times as fast; without, "
            f"its time grows like n^{laws['recomputed'].exponent:.2f}",
            "context n (tokens)",
            "time of one token (ms)",
            (
                points("stored"),
                Series("a + b n", n, [1e3 * (fixed + each * x) for x in n], kind="line"),
                points("joined"),
                points("recomputed"),
            ),
            log_x=True,
            log_y=True,
        )
    ]
    if last["stored_peak_mib"] is not None:
        series = tuple(Series(w, n, [r[f"{w}_peak_mib"] for r in rows]) for w in ("stored", "joined", "recomputed"))
        made.append(
            Plot(
                f"Buffers need {last['stored_peak_mib']:.3g} MiB on top for token {last['context']}, joining "
                f"{last['joined_peak_mib']:.3g} MiB, recomputing {last['recomputed_peak_mib']:.3g} MiB",
                "context n (tokens)",
                "memory of one token, beyond what is stored (MiB)",
                series,
                log_x=True,
                log_y=True,
            )
        )
    return tuple(made)
