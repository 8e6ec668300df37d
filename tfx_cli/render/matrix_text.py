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
from tfx_cli.render.colors import Scale
from tfx_cli.render.number_text import brief


@dataclass(frozen=True)
class Grid:
    """The values of a Matrix record as lists, with a label for every row and column."""

    name: str
    axes: tuple[str, str]
    values: list[list[Any]]
    row_labels: tuple[str, ...]
    col_labels: tuple[str, ...]
    focus: tuple[int, ...] = ()

    @classmethod
    def of(cls, record: Matrix) -> Grid:
        """A vector becomes one row.  Labels that are missing count from 1."""
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
            tuple(record.rows) or counted(n_rows),
            tuple(record.cols) or counted(n_cols),
            record.focus,
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

    @cached_property
    def scale(self) -> Scale:
        """Which colours the numbers get."""
        return Scale.of(self.low, self.high)

    @cached_property
    def truths(self) -> bool:
        """Whether it holds yes and no instead of numbers."""
        return all(isinstance(value, bool) for row in self.values for value in row)

    @cached_property
    def zero_rows(self) -> tuple[int, ...]:
        """The rows of a matrix that are zero everywhere."""
        if self.shape[0] == 1 or self.truths:
            return ()
        return tuple(i for i, row in enumerate(self.values) if all(value == 0 for value in row))

    @cached_property
    def shown_rows(self) -> tuple[int, ...]:
        """The rows in focus, or else all that say something."""
        return self.focus or tuple(i for i in range(len(self.values)) if i not in self.zero_rows)

    @cached_property
    def kept_back(self) -> int:
        """How many rows that say something are not in focus."""
        return len(set(range(len(self.values))) - set(self.zero_rows) - set(self.shown_rows))

    @cached_property
    def form(self) -> CellFormat:
        """How all its cells are written where there is room for three digits."""
        return cell_format(self.values)

    def heading(self) -> str:
        """`S   rows: query, columns: key`"""
        if self.shape[0] == 1:
            return f"{self.name}   columns: {self.axes[1]}"
        return f"{self.name}   rows: {self.axes[0]}, columns: {self.axes[1]}"

    def zero_words(self) -> str:
        """`11 rows are zero: the, animal, did`, or nothing; of those that are not shown."""
        count = len(set(self.zero_rows) - set(self.focus))
        if not count:
            return ""
        if self.focus:
            return f"{count} {'row is' if count == 1 else 'rows are'} zero"
        if count == len(self.values):
            return f"all {count} rows are zero"
        names = ", ".join(" ".join(self.row_labels[i].split()) for i in self.zero_rows)
        return f"1 row is zero: {names}" if count == 1 else f"{count} rows are zero: {names}"

    def kept_words(self) -> str:
        """`11 more rows: d shows them`, or nothing."""
        return (
            f"{self.kept_back} more row{'s' * (self.kept_back > 1)}: d shows {'them' if self.kept_back > 1 else 'it'}"
            * (self.kept_back > 0)
        )

    def caption(self) -> str:
        """Shape, range, and where the largest entry by size is, in the units of the cells."""
        if not self.finite:
            return f"{self.size}, no finite value"
        if self.truths:
            return f"{self.size}   yes (1): {sum(map(sum, self.values))} of {self.shape[0] * self.shape[1]}"
        power = self.form.exponent
        low, high = (self.form.brief(value) for value in (self.low, self.high))
        words = f"{self.size}   range {low} .. {high}" + (f" (times 1e{power})" if power else "")
        if self.high > self.low:
            largest = self.low if -self.low > self.high else self.high
            by_size = " by size" if self.low < 0 else ""
            words += f"   largest{by_size}: {self.where(largest)} ({self.form.brief(largest)})"
        return words + self._odd_ones()

    @property
    def size(self) -> str:
        return f"{self.shape[0]} x {self.shape[1]}"

    def where(self, entry: float) -> str:
        """`it, animal`: the labels of the first entry with that value."""
        row, col = next((i, j) for i, row in enumerate(self.values) for j, value in enumerate(row) if value == entry)
        return self.col_labels[col] if self.shape[0] == 1 else f"{self.row_labels[row]}, {self.col_labels[col]}"

    def _odd_ones(self) -> str:
        blocked = sum(value == -math.inf for row in self.values for value in row)
        strange = self.shape[0] * self.shape[1] - len(self.finite) - blocked
        return (f"   blocked: {blocked}" if blocked else "") + (f"   not finite: {strange}" if strange else "")


def counted(n: int) -> tuple[str, ...]:
    """`1, 2, 3`."""
    return tuple(str(i + 1) for i in range(n))


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

    def brief(self, value: float) -> str:
        """Three significant digits in the units of the cells, for the text beside them."""
        return brief(value / 10.0**self.exponent, 3)


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
