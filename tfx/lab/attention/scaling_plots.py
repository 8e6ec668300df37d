"""The pictures of the experiment `scaling`: variance, top weight and Jacobian against d_k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.measure.power_laws import fit_power_law
from tfx.records import Plot, Series


def scaling_plots(rows: Sequence[Mapping[str, Any]], law: str, scale: str, keys: int) -> tuple[Plot, ...]:
    """law: the variance of q.k in words; scale: what scores are multiplied by, in words; keys: scores of a row."""
    x = [row["d_k"] for row in rows]

    def curve(key: str, label: str) -> Series:
        return Series(label, x, [row[key] for row in rows], [row[key + "_se"] for row in rows])

    return (
        Plot(
            variance_finding(rows, scale),
            "d_k",
            "variance",
            (
                curve("variance", "q.k, measured"),
                Series("theory: " + law, x, [row["law"] for row in rows], kind="line"),
                curve("scaled_variance", f"q.k times {scale}, measured"),
                Series("theory: 1", x, [1.0] * len(x), kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
        Plot(
            top_weight_finding(rows, keys),
            "d_k",
            "mean top weight",
            (curve("top_raw", "raw"), curve("top_scaled", f"times {scale}")),
            log_x=True,
        ),
        Plot(
            jacobian_finding(rows),
            "d_k",
            "mean Frobenius norm of the softmax Jacobian",
            (curve("jacobian_raw", "raw"), curve("jacobian_scaled", f"times {scale}")),
            log_x=True,
        ),
    )


def variance_finding(rows: Sequence[Mapping[str, Any]], scale: str) -> str:
    raw, scaled = [row["variance"] for row in rows], [row["scaled_variance"] for row in rows]
    if len(rows) == 1:
        return f"At d_k = {rows[0]['d_k']} Var(q.k) is {raw[0]:.3g}; that of q.k times {scale} is {scaled[0]:.3g}"
    grows = f"lies in {min(raw):.3g} .. {max(raw):.3g}"
    if min(raw) > 0:
        grows = f"grows like d_k^{fit_power_law([row['d_k'] for row in rows], raw).exponent:.2f}"
    return f"Var(q.k) {grows}; that of q.k times {scale} lies in {min(scaled):.3g} .. {max(scaled):.3g}"


def top_weight_finding(rows: Sequence[Mapping[str, Any]], keys: int) -> str:
    first, last = rows[0], rows[-1]
    if len(rows) == 1:
        return f"Top weight of {keys} keys: raw {first['top_raw']:.2f}, scaled {first['top_scaled']:.2f}"
    return (
        f"Top weight of {keys} keys: raw {first['top_raw']:.2f} to {last['top_raw']:.2f}, "
        f"scaled {first['top_scaled']:.2f} to {last['top_scaled']:.2f}"
    )


def jacobian_finding(rows: Sequence[Mapping[str, Any]]) -> str:
    peak, last = max(rows, key=lambda row: row["jacobian_raw"]), rows[-1]
    if peak is last:
        return f"The raw softmax Jacobian is largest at d_k = {peak['d_k']}: norm {peak['jacobian_raw']:.2g}"
    return (
        f"The raw softmax Jacobian is largest at d_k = {peak['d_k']} and then shrinks: "
        f"{peak['jacobian_raw']:.2g} to {last['jacobian_raw']:.2g}"
    )
