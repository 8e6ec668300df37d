"""Pictures of rounded weights: right answers by bits, and signal over noise beside its law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.measure.estimates import mean_with_error
from tfx.records import Plot, Series


def quantisation_plots(rows: Sequence[Mapping[str, Any]]) -> tuple[Plot, ...]:
    bits = [row["bits"] for row in rows]
    low = min(rows, key=lambda row: row["bits"])
    lawful = [row for row in rows if row["bits"] > 2]

    def curve(label: str, key: str) -> Series:
        errors = [100 * mean_with_error(row[f"{key}_by_seed"])[1] for row in rows]
        return Series(label, bits, [row[key] for row in rows], errors)

    return (
        Plot(
            f"{low['bits']} bit{'' if low['bits'] == 1 else 's'}: {low['after']:.3g}% right, rounded after training, "
            f"{low['aware']:.3g}% learnt so, {low['before']:.3g}% without",
            "bits for each weight",
            "new points named rightly (%)",
            (
                curve("rounded after training", "after"),
                curve("learnt with rounded weights", "aware"),
                Series("not rounded", bits, [row["before"] for row in rows], kind="line"),
            ),
        ),
        Plot(
            f"Signal over noise: {rows[0]['ratio']:.3g} dB with {rows[0]['bits']} bits, {low['ratio']:.2g} dB with "
            f"{low['bits']}",
            "bits for each weight",
            "signal over noise (dB)",
            (
                Series("measured", bits, [row["ratio"] for row in rows]),
                Series(
                    "law: the square of a step / 12",
                    [row["bits"] for row in lawful],
                    [row["law"] for row in lawful],
                    kind="line",
                ),
            ),
        ),
    )
