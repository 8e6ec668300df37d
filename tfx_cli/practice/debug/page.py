"""How a puzzle, its answers, its hints and its end are shown, and their fields in JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import prose_width, width
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.practice.debug.planting import Puzzle
    from lessons.practice.debug.program import Bug, Rows
    from lessons.practice.debug.proving import Measured, ProgramProof
    from lessons.practice.judging import Verdict


def listing(source: str) -> Iterator[str]:
    """Numbered lines.  What is wider than the terminal goes on behind the number."""
    lines = source.rstrip("\n").split("\n")
    column = len(str(len(lines)))
    room = max(width() - column - 2, 20)
    for number, line in enumerate(lines, 1):
        first, *rest = folded(line, room)
        yield f"{number:{column}}  {first}".rstrip()
        yield from (f"{'':{column}}  {part}" for part in rest)


def folded(line: str, room: int) -> list[str]:
    """A line of code in pieces of that many letters."""
    return [line[at : at + room] for at in range(0, len(line), room)] or [""]


def told(value: Any) -> str:
    """A number in four digits, a text as it is."""
    if isinstance(value, str) or value is None:
        return value or "nothing"
    return f"{value + 0.0:.4g}"  # -0 becomes 0


def as_json(value: Any) -> Any:
    """NaN and infinity are no JSON, and become words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def answer_lines(rows: Rows, expected: str) -> Iterator[str]:
    from lessons.practice.debug.program import LEAST

    column = max(len(row) for row, _ in rows) + 2
    narrow = 2 + column + max(len(told(value)) for _, value in rows) > width()
    for row, value in rows:
        yield from (f"  {row}", f"    {told(value)}") if narrow else (f"  {row:{column}}{told(value)}",)
    yield ""
    if any(isinstance(value, float) and 0 < abs(value) < LEAST for _, value in rows):
        yield from wrapped(f"A number below {LEAST:g} is rounding, or an epsilon's, and counts as 0.", prose_width())
    yield from wrapped(f"to expect   {expected}", prose_width())


def hints_of(puzzle: Puzzle) -> list[str]:
    """Family, function, line."""
    from lessons.practice.debug.program import FAMILIES, function_at

    families = dict.fromkeys(bug.family for bug in puzzle.bugs)
    lines = [puzzle.change(bug).line for bug in puzzle.bugs]
    functions = dict.fromkeys(function_at(puzzle.source, at) or "no function, on top" for at in lines)
    return [
        "The family: " + "; ".join(f"{family} ({FAMILIES[family]})" for family in families) + ".",
        f"It is in {' and in '.join(functions)}.",
        f"It is in line {' and in line '.join(map(str, lines))} of the file as it was made.",
    ]


def bug_lines(puzzle: Puzzle, bug: Bug) -> Iterator[str]:
    """What it was, why people write it, and the lines."""
    yield from wrapped(f"line {puzzle.change(bug).line}   {bug.says} ({bug.family}).", prose_width())
    yield from wrapped(f"  Why it is written: {bug.why}.", prose_width(), "  ")
    for line in patch(puzzle, bug):
        first, *rest = folded(line, max(width() - 4, 20))
        yield from (first, *(f"    {part}" for part in rest))


def patch(puzzle: Puzzle, bug: Bug) -> Iterator[str]:
    """Whole lines: - as planted, + as it was."""
    change = puzzle.change(bug)
    yield from (f"  - {line}" for line in change.wrong)
    yield from (f"  + {line}" for line in change.right)


def bug_document(puzzle: Puzzle, bug: Bug) -> dict[str, Any]:
    return {
        "id": bug.id,
        "family": bug.family,
        "says": bug.says,
        "why": bug.why,
        "lines": list(puzzle.change(bug).lines),
        "patch": list(patch(puzzle, bug)),
    }


def measured_line(one: Measured) -> str:
    """Of a bug that hides: a row, as it is right and with the bug."""
    return f"{one.question}, {one.row}: right {told(one.right)}, with it {told(one.got)}"


def measured_document(one: Measured) -> dict[str, Any]:
    return {"question": one.question, "row": one.row, "right": as_json(one.right), "with_it": as_json(one.got)}


def proof_lines(proof: ProgramProof, most: int) -> Iterator[str]:
    """Each bug, and below it what was measured: of the right program, and with the bug.  most: letters of a line."""
    well = "proved" if not proof.faults else "NOT PROVED"
    yield from wrapped(
        f"debug/{proof.program}   {well}: {len(proof.symptoms)} bugs, {len(proof.hidden)} that hide", most
    )
    for name, one in proof.symptoms.items():
        said = f"{one.question}, {one.row}: {told(one.right)}, with it {told(one.got)}"
        yield f"  {name.partition('/')[2]}"
        yield from (f"      {line}" for line in wrapped(said, most - 6))
    yield from (f"  {name.partition('/')[2]} hides" for name in proof.hidden)
    yield from (f"  {line}" for fault in proof.faults for line in wrapped(f"fault: {fault}", most - 2))


def proof_rows(proofs: Sequence[ProgramProof]) -> Iterator[str]:
    """The same as records: a word, a tab, what it is."""
    for proof in proofs:
        yield f"program\t{proof.program}\t{'proved' if not proof.faults else 'not proved'}"
        for name, one in proof.symptoms.items():
            yield f"bug\t{name}\t{one.question}\t{one.row}\t{told(one.right)}\t{told(one.got)}\t{one.seen}"
        yield from (f"hides\t{name}" for name in proof.hidden)
        yield from (f"fault\t{proof.program}\t{fault}" for fault in proof.faults)


def proof_document(proof: ProgramProof) -> dict[str, Any]:
    return {
        "program": proof.program,
        "proved": not proof.faults,
        "symptoms": {name: {**measured_document(one), "direction": one.seen} for name, one in proof.symptoms.items()},
        "hidden": {name: [measured_document(one) for one in rows] for name, rows in proof.hidden.items()},
        "faults": list(proof.faults),
    }


def put_verdict(verdict: Verdict, plain: bool) -> None:
    from tfx_cli.practice.page import verdict_lines, verdict_rows

    for line in verdict_rows(verdict) if plain else verdict_lines(verdict):
        show_line(line) if plain else put_line(line)


def put_line(line: str) -> None:
    for part in [line] if line.startswith(" ") else wrapped(line, prose_width()) or [""]:
        show_line(part)
