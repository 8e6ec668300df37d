"""Words that several faces use for the same record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tfx_cli.options import PICTURES, Face
from tfx_cli.render.number_text import brief
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from tfx.records import Check, Question, Said, Source


def check_numbers(record: Check) -> str:
    """`measured 1.003, expected 1 +- 0.02`; what says nothing new is left out."""
    measured, expected = brief(record.measured), brief(record.expected)
    if measured == expected:
        return measured if isinstance(record.measured, str) else f"measured {measured}, as expected"
    tolerance = brief(record.tolerance, 2)
    around = "" if tolerance in ("0", "none", "-", "") else f" +- {tolerance}"
    if isinstance(record.tolerance, str) and around:
        around = f" ({record.tolerance})"
    return f"measured {measured}, expected {expected}{around}"


def answer_of(record: Question) -> str:
    """`11.31 bits.  Because ...`"""
    unit = f" {record.unit}" if record.unit else ""
    return f"{brief(record.answer)}{unit}.  {record.explanation}"


def verdict_words(record: Said) -> str:
    """`Too strong: at moderate widths the raw row has the larger Jacobian. (C005)`"""
    claim = f" ({record.claim})" if record.claim else ""
    return f"{record.verdict.capitalize()}: {record.truth}{claim}"


def source_words(record: Source) -> str:
    """`Vaswani et al. 2017, "Attention Is All You Need", section 3.2.1`"""
    place = f", {record.place}" if record.place else ""
    return f'{record.authors} {record.year}, "{record.title}"{place}'


def saved_line(path: Path, face: Face) -> str:
    """`plot saved: scaling.png`"""
    if face is Face.plain:
        return f"saved\t{on_one_line(path)}"
    return f"{'plot' if path.suffix.lower() in PICTURES else 'file'} saved: {on_one_line(path)}"
