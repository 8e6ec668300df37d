"""The checks of a step in one line: they are there to be trusted, and read when one fails."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.records import Check, Record, Text
from tfx_cli.render.number_text import brief, is_number


def folded(records: Sequence[Record]) -> list[Record]:
    """The records with one line in the place of the last check; all of them as they are when a check fails."""
    checks = [record for record in records if isinstance(record, Check)]
    if not checks or not all(check.holds for check in checks):
        return list(records)
    line = Text(checks_in_words(checks))
    last = max(index for index, record in enumerate(records) if isinstance(record, Check))
    shown = (line if index == last else record for index, record in enumerate(records))
    return [record for record in shown if not isinstance(record, Check)]


def checks_in_words(checks: Sequence[Check]) -> str:
    """`3 checks hold, worst 2e-16`: the largest measured difference of those whose tolerance is a number."""
    words = "1 check holds" if len(checks) == 1 else f"{len(checks)} checks hold"
    differences = [
        abs(check.measured - check.expected)
        for check in checks
        if is_number(check.tolerance) and not isinstance(check.measured, str) and not isinstance(check.expected, str)
    ]
    return f"{words}, worst {brief(max(differences), 1)}" if differences else words
