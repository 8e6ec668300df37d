"""The CSV face of a table: one header line with the columns' keys, full precision, nothing for what is missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.records import Column


def table_as_csv(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """RFC 4180 except for the line ends, which are those of the other text files here."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.key for column in columns)
    for row in rows:
        writer.writerow(exact(row.get(column.key)) for column in columns)
    return text.getvalue()


def exact(value: Any) -> Any:
    """A float by its shortest exact text, a NumPy scalar as the number it is."""
    if hasattr(value, "item"):
        value = value.item()
    return "" if value is None else repr(value) if isinstance(value, float) else value
