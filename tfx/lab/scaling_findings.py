"""What the experiment `scaling` says about its rows: notes, and plots whose titles state the finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx.measure.estimates import fit_power_law
from tfx.records import Check, Plot, Series, Text

if TYPE_CHECKING:
    from tfx.lab.scaling import Settings


def notes(checks: Sequence[Check], settings: Settings) -> tuple[Text, ...]:
    """What the numbers mean; when the draws are not ideal, first which law holds then."""
    said = [
        Text(
            "Each of the d_k products adds its own variance of 1, so q.k has variance d_k and standard deviation "
            "sqrt(d_k). Dividing by sqrt(d_k), not by d_k, brings the deviation back to 1 (Vaswani et al. 2017, "
            "section 3.2.1, footnote 4)."
        ),
        Text(
            "This speaks of independent coordinates with mean 0 and variance 1, as at initialisation. Training may "
            "grow the scores again; the scale does not bound them."
        ),
    ]
    if settings.flaws.law_in_words() != "d_k":
        law = next(check for check in checks if check.id == "law")
        held = "holds" if law.holds else "fails"
        said.insert(
            0,
            Text(
                "These queries and keys are not ideal. The true law here is "
                f"Var(q.k) = {settings.flaws.law_in_words()}: "
                f"the check `law` {held}, with the worst row {law.measured:.1f} s.e. away."
            ),
        )
    if settings.scale is not None:
        said.insert(0, Text(f"The scale is {settings.scale:g} for every d_k, in the place of 1/sqrt(d_k)."))
    return tuple(said)


def plots(rows: Sequence[Mapping[str, Any]], settings: Settings) -> tuple[Plot, ...]:
    x = [row["d_k"] for row in rows]
    scale = "1/sqrt(d_k)" if settings.scale is None else f"{settings.scale:g}"

    def curve(key: str, label: str) -> Series:
        return Series(label, x, [row[key] for row in rows], [row[key + "_se"] for row in rows])

    return (
        Plot(
            variance_finding(rows, scale),
            "d_k",
            "variance",
            (
                curve("variance", "q.k, measured"),
                Series("theory: " + settings.flaws.law_in_words(), x, [row["law"] for row in rows], kind="line"),
                curve("scaled_variance", f"q.k times {scale}, measured"),
                Series("theory: 1", x, [1.0] * len(x), kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
        Plot(
            top_weight_finding(rows, settings.keys),
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
        return f"At d_k = {rows[0]['d_k']} Var(q.k) is {raw[0]:.3g}; times {scale} it is {scaled[0]:.3g}"
    grows = f"lies in {min(raw):.3g} .. {max(raw):.3g}"
    if min(raw) > 0:
        grows = f"grows like d_k^{fit_power_law([row['d_k'] for row in rows], raw).exponent:.2f}"
    return f"Var(q.k) {grows}; times {scale} it lies in {min(scaled):.3g} .. {max(scaled):.3g}"


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
