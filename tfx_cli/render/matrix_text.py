"""A matrix as facts and text: labels, range, largest entry, and numbers that keep their digits.

How it is drawn is the business of tfx_cli.render.terminal_matrix and tfx_cli.render.html.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tfx.records import Matrix
from tfx_cli.render.number_text import brief

#: the longest label that is shown whole above or beside a matrix
LABEL = 12


@dataclass(frozen=True)
class Grid:
    """The values of a Matrix record as lists, with a label for every row and column."""

    name: str
    axes: tuple[str, str]
    values: list[list[Any]]
    row_labels: tuple[str, ...]
    col_labels: tuple[str, ...]

    @classmethod
    def of(cls, record: Matrix) -> Grid:
        """A vector becomes one row.  Labels that are missing become indices from 0."""
        values = record.values
        if hasattr(values, "get") and hasattr(values, "dtype"):  # a device array
            values = values.get()
        rows = values.tolist() if hasattr(values, "tolist") else [list(row) if _is_row(row) else row for row in values]
        if rows and not isinstance(rows[0], list):
            rows = [rows]
        n_rows, n_cols = len(rows), len(rows[0]) if rows else getattr(values, "shape", (0, 0))[-1]
        return cls(
            record.name,
            record.axes,
            rows,
            tuple(record.rows) or tuple(map(str, range(n_rows))),
            tuple(record.cols) or tuple(map(str, range(n_cols))),
        )

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.row_labels), len(self.col_labels)

    @cached_property
    def finite(self) -> list[float]:
        return [value for row in self.values for value in row if math.isfinite(value)]

    @cached_property
    def low(self) -> float:
        return min(self.finite, default=0.0)

    @cached_property
    def high(self) -> float:
        return max(self.finite, default=0.0)

    def part(self, value: float) -> float | None:
        """Where `value` lies between the lowest (0) and the highest (1); None when it is not finite."""
        if not math.isfinite(value):
            return None
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0

    def heading(self) -> str:
        """`S   rows: query, columns: key`"""
        if self.shape[0] == 1:
            return f"{self.name}   columns: {self.axes[1]}"
        return f"{self.name}   rows: {self.axes[0]}, columns: {self.axes[1]}"

    def summary(self) -> str:
        """Shape, range and the place of the largest entry in words."""
        n_rows, n_cols = self.shape
        size = f"{n_rows} x {n_cols}"
        if not self.finite:
            return f"{size}, no finite value"
        if all(isinstance(value, bool) for row in self.values for value in row):
            return f"{size}   yes (1): {sum(map(sum, self.values))} of {n_rows * n_cols}"
        words = f"{size}   range {brief(self.low, 3)} .. {brief(self.high, 3)}"
        if self.high > self.low:
            row, col = next(
                (i, j) for i, row in enumerate(self.values) for j, value in enumerate(row) if value == self.high
            )
            where = self.col_labels[col] if n_rows == 1 else f"{self.row_labels[row]}, {self.col_labels[col]}"
            words += f"   largest: {where}"
        blocked = sum(value == -math.inf for row in self.values for value in row)
        strange = n_rows * n_cols - len(self.finite) - blocked
        words += f"   blocked: {blocked}" if blocked else ""
        return words + (f"   not finite: {strange}" if strange else "")


@dataclass(frozen=True)
class CellFormat:
    """One format for all cells of a matrix: `decimals` after dividing by 10**exponent."""

    decimals: int
    exponent: int = 0

    def text(self, value: Any) -> str:
        if isinstance(value, bool):
            return str(int(value))
        if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        if value == 0:
            return "0"  # an exact zero shows that it is one
        text = f"{value / 10.0**self.exponent:.{self.decimals}f}"
        return text[1:] if not text.strip("-0.") and text.startswith("-") else text  # no "-0.00"


def cell_format(values: Sequence[Sequence[Any]], extra: int = 0) -> CellFormat:
    """About three significant digits for the largest entry, `extra` more when there is room.

    Whole numbers stay whole; very small or large ones get a common power of ten, so that no column is all zeros.
    """
    finite = [abs(value) for row in values for value in row if math.isfinite(value)]
    largest = max(finite, default=0.0)
    if all(value == int(value) for value in finite) and largest < 1e6:
        return CellFormat(0)
    exponent = math.floor(math.log10(largest))
    if -2 <= exponent <= 3:
        return CellFormat(max(2 - max(exponent, 0), 0 if exponent > 2 else 1) + (1 if exponent == -2 else 0) + extra)
    return CellFormat(2 + extra, exponent)


def short_label(label: str, room: int) -> str:
    """The label, cut with a full stop at the end when it is longer than `room`."""
    label = " ".join(label.split()) or '""'
    return label if len(label) <= room else label[: max(room - 1, 1)] + "."


def pooled(values: Sequence[Sequence[Any]], rows: int, cols: int) -> tuple[list[list[float]], int, int]:
    """At most rows x cols means of equal blocks, and the block's height and width."""
    n_rows, n_cols = len(values), len(values[0])
    high, wide = -(-n_rows // rows), -(-n_cols // cols)
    if high == wide == 1:
        return [list(row) for row in values], 1, 1
    means = []
    for top in range(0, n_rows, high):
        line = []
        for left in range(0, n_cols, wide):
            block = [value for row in values[top : top + high] for value in row[left : left + wide]]
            kept = [value for value in block if math.isfinite(value)]
            line.append(sum(kept) / len(kept) if kept else block[0])
        means.append(line)
    return means, high, wide


def _is_row(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or hasattr(value, "__iter__")
