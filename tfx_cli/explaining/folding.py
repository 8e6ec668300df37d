"""The checks of a step in one line: they are there to be trusted, and read when one fails."""

from __future__ import annotations

from collections.abc import Sequence

from tfx.records import Check, Record, Text
from tfx_cli.render.number_text import brief, is_number


def folded(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """The records without checks, and the line that stands for those; all as they are when a check fails."""
    checks = [record for record in records if isinstance(record, Check)]
    if not checks or not all(check.holds for check in checks):
        return list(records), []
    return [record for record in records if not isinstance(record, Check)], [Text(checks_in_words(checks))]


def checks_in_words(checks: Sequence[Check]) -> str:
    """`3 checks hold, worst 2e-16`: the largest measured difference of those whose tolerance is a number."""
    words = "1 check holds" if len(checks) == 1 else f"{len(checks)} checks hold"
    differences = [
        abs(check.measured - check.expected)
        for check in checks
        if is_number(check.tolerance) and not isinstance(check.measured, str) and not isinstance(check.expected, str)
    ]
    return f"{words}, worst {brief(max(differences), 1)}" if differences else words
