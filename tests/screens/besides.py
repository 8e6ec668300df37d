"""What an experiment gives beside its page: its pictures, in words, and what only --json and --csv say of its rows."""

from __future__ import annotations

from collections.abc import Iterator

from tests.lab.quick_runs import evenly_timed
from tfx.records import Series


def besides(name: str) -> Iterator[str]:
    yield from drawn_by(name)
    if values := list(values_without_a_column(name)):
        yield from ("", "rows, where no column shows it", *values)


def drawn_by(name: str) -> Iterator[str]:
    """Each picture of an experiment: its words, and how many points every curve has, and the first and the last."""
    for plot in evenly_timed(name).plots:
        yield f"\npicture   {plot.title}"
        for axis, log in ((plot.x_label, plot.log_x), (plot.y_label, plot.log_y)):
            yield f"  axis    {axis}{' on a log scale' * log}"
        for curve in plot.series:
            names = f"; {', '.join(curve.names)}" if curve.names else ""
            yield f"  {curve.kind:7} {curve.label}: {len(curve.x)} from {point(curve, 0)} to {point(curve, -1)}{names}"


def point(curve: Series, at: int) -> str:
    """`(64, 0.98 +- 0.01)`."""
    error = f" +- {curve.error[at]:.2g}" if curve.error is not None else ""
    return f"({curve.x[at]:.3g}, {curve.y[at]:.3g}{error})"


def values_without_a_column(name: str) -> Iterator[str]:
    """`closed_top   0.333, 0.391, ...`: of every row."""
    result = evenly_timed(name)
    shown = {column.key for column in result.columns}
    for key in dict.fromkeys(key for row in result.rows for key in row if key not in shown):
        yield f"  {key:7} {', '.join(in_short(row.get(key)) for row in result.rows)}"


def in_short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
