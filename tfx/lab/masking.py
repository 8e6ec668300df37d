"""What do causal, padding and fully blocked masks do, and what do the usual shortcuts get wrong?

The library blocks a score with -inf before the softmax (Vaswani et al. 2017, section 3.2.3), so a blocked weight is
exactly 0 and its gradient too.  Each case measures one number in the precisions named in its row.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tfx.backend import device_module, to_numpy
from tfx.gradcheck.mistakes.ops.attention import masks as wrong_masks
from tfx.lab import Progress, silent
from tfx.lab.mask_probes import blocked_weight, draw_heads
from tfx.lab.masking_cases import Case, cases
from tfx.measure.limits import require_range
from tfx.records import Column, Plot, Result, Series, Text

COLUMNS = (
    Column("case", "case"),
    Column("dtype", "float"),
    Column("should", "should be"),
    Column("measured", "measured", digits=3),
    Column("verdict", "verdict"),
)


@dataclass(frozen=True)
class Settings:
    """tokens, d_k: the size of each head; pads: filling at the end of a row; penalty: what the additive shortcut adds.

    mask: no runs the library without its masks, to see which checks notice.
    """

    tokens: int = 8
    d_k: int = 16
    pads: int = 3
    penalty: float = -1e9
    mask: bool = True


def run(settings: Settings, seed: int, quick: bool = False, device: str = "cpu", progress: Progress = silent) -> Result:
    """Measures every case.  It is so small that `quick` changes nothing."""
    check_settings(settings)
    xp = device_module(device)
    start = time.perf_counter()
    measured: list[Case] = []
    for case in cases(seed, xp=xp, **asdict(settings)):
        progress(len(measured), len(measured) + 1, case.case)
        measured.append(case)
    progress(len(measured), len(measured), "done")
    return Result(
        name="masking",
        title="What masks do, and what the shortcuts do",
        seed=seed,
        params={**asdict(settings), "quick": quick, "device": device},
        columns=COLUMNS,
        rows=tuple(row(case) for case in measured),
        checks=tuple(case.check for case in measured),
        plots=(row_sums_plot(settings, seed, xp), penalty_plot(settings, seed, xp)),
        notes=notes(measured),
        break_it=("--set mask=no", "--set penalty=-30", "--set penalty=-inf"),
        elapsed_s=time.perf_counter() - start,
    )


def check_settings(settings: Settings) -> None:
    """Raises BadInput for a setting out of range."""
    require_range("tokens", settings.tokens, 4, 64)
    require_range("d_k", settings.d_k, 2, 256)
    require_range("pads", settings.pads, 1, settings.tokens - 1)
    require_range("penalty", settings.penalty, float("-inf"), 0)


def row(case: Case) -> dict[str, Any]:
    return {
        "case": case.case,
        "dtype": case.dtype,
        "should": case.should,
        "measured": case.measured,
        "verdict": "right" if case.right else "WRONG",
    }


def notes(measured: Sequence[Case]) -> tuple[Text, ...]:
    wrong = sum(not case.right for case in measured)
    return (
        Text(
            f"{wrong} of {len(measured)} ways do not do what a mask should; the checks are about what each way does, "
            "so a check that a shortcut leaks can hold. float: bits of the precisions tried, the worst is shown; eps: "
            "the spacing of numbers near 1 in that precision."
        ),
        Text(
            "Block before the softmax, with -inf (Vaswani et al. 2017, section 3.2.3): exp(-inf) is exactly 0, so "
            "neither a value nor a gradient passes. Zeroing weights afterwards leaves the blocked scores in the "
            "denominator; zeroing scores before leaves exp(0) = 1."
        ),
        Text(
            "A row with nothing to attend to has no softmax. This library returns zeros; a bare -inf gives NaN, and a "
            "finite penalty gives weights to exactly those keys that were blocked."
        ),
    )


def row_sums_plot(settings: Settings, seed: int, xp: Any) -> Plot:
    """How much weight each query keeps when a causal mask comes too late."""
    heads = draw_heads(seed, settings.tokens, settings.pads, settings.d_k, "float64", xp)
    late = to_numpy(wrong_masks.softmax_then_mask(heads.scores, heads.causal)).sum(axis=-1).mean(axis=(0, 1))
    x = [float(i) for i in range(1, settings.tokens + 1)]
    return Plot(
        f"Masked after the softmax, the first query keeps {late[0]:.0%} of its weight, the last {late[-1]:.0%}",
        "query (it may see as many keys)",
        "mean sum of its weights",
        (
            Series("masked after the softmax", x, late.tolist()),
            Series("masked before: 1", x, [1.0] * len(x), kind="line"),
        ),
    )


def penalty_plot(settings: Settings, seed: int, xp: Any) -> Plot:
    """What a finite penalty leaves on blocked keys, added after or before dividing by sqrt(d_k)."""
    heads = draw_heads(seed, settings.tokens, settings.pads, settings.d_k, "float64", xp)
    sizes = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0]
    after = [blocked_weight(heads, -size) for size in sizes]
    before = [blocked_weight(heads, -size / settings.d_k**0.5) for size in sizes]
    return Plot(
        f"A penalty of -30 leaves {after[5]:.1g} on a blocked key; before the division by sqrt({settings.d_k}) it "
        f"leaves {before[5]:.1g}",
        "size of the penalty",
        "largest weight of a blocked key",
        (Series("added after the division", sizes, after), Series("added before the division", sizes, before)),
        log_x=True,
        log_y=True,
    )
