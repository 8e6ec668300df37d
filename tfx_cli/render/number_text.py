"""Numbers and cells as text: significant digits, never an ellipsis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx.records import Column


def number_text(value: Any, digits: int = 4) -> str:
    """A number with `digits` significant digits; whole numbers whole, with thousands kept plain; words as they are."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < max(digits, 6):
        return f"{value:.{max(digits - 1 - exponent, 0)}f}"
    return f"{value:.{digits - 1}e}"


def brief(value: Any, digits: int = 4) -> str:
    """`number_text` without zeros at the end: `4`, `0.02`, `1.003`."""
    text = number_text(value, digits)
    return text.rstrip("0").rstrip(".") if is_number(value) and "." in text and "e" not in text else text


def cell_text(value: Any, digits: int) -> str:
    """A table cell: number, word, yes or no, or `-` for nothing."""
    return number_text(value, digits)


def column_texts(values: Sequence[Any], digits: int) -> list[str]:
    """The cells of one column: `digits` significant digits each, but short numbers (0.5, 16.0) stay short."""
    floats = [value for value in values if is_number(value) and not isinstance(value, int)]
    short = all(brief(value, digits) == brief(value, 15) for value in floats)
    return [brief(value, digits) if short else cell_text(value, digits) for value in values]


def label_of(column: Column) -> str:
    """`memory (MiB)`, or the label alone."""
    return f"{column.label} ({column.unit})" if column.unit else column.label


def is_number(value: Any) -> bool:
    return not isinstance(value, (str, bool)) and value is not None
