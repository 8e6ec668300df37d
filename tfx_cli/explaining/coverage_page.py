"""`tfx explain --coverage`: which questions of the sources the course answers, and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx.errors import BadInput
from tfx.records import Column, Record, Table, Text
from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_records

if TYPE_CHECKING:
    from lessons.coverage import Answer


def show_coverage(face: Face, module: str | None = None) -> None:
    """All questions as a document or as plain lines; a terminal shows modules, or the questions of the one named.

    Raises BadInput for a number that no module has.
    """
    from lessons.coverage import coverage

    answers = list(coverage())
    if module is not None:
        numbers = list(dict.fromkeys(str(answer.question.module) for answer in answers))
        if module not in numbers:
            raise BadInput(f"no question belongs to a module {module}: they are 1 to {numbers[-1]}.", WHAT_NEXT)
        answers = [answer for answer in answers if str(answer.question.module) == module]
    if face is Face.json:
        gaps = sum(answer.gap for answer in answers)
        show_document({"questions": len(answers), "gaps": gaps, "rows": [row_of(answer) for answer in answers]})
    elif module is None and face is not Face.plain:
        show_records([counts(answers), Text(f"Those of one module: {WHAT_NEXT}")], face)
    else:
        show_records([listed(answers)], face)


WHAT_NEXT = "tfx explain 3 --coverage"


def row_of(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.question.id,
        "ask": answer.question.ask,
        "module": answer.question.module,
        "asked": answer.question.asked,
        "gap": answer.gap,
        "topic": answer.topic.name if answer.topic else "",
        "steps": list(answer.steps),
        "items": [item.id for item in answer.items],
    }


def counts(answers: Sequence[Answer]) -> Table:
    """One row a module; what is only a section or named in passing is counted apart."""
    columns = (
        Column("module", "module"),
        Column("asked", "questions"),
        Column("answered", "answered"),
        Column("others", "sections and parts"),
        Column("others_answered", "answered"),
    )
    numbers = list(dict.fromkeys(answer.question.module for answer in answers))
    groups = [(str(number), [one for one in answers if one.question.module == number]) for number in numbers]
    rows = [{"module": name, **count(group)} for name, group in [*groups, ("all", list(answers))]]
    return Table("Questions of the five sources, and how many the course answers", columns, tuple(rows))


def count(answers: Sequence[Answer]) -> dict[str, int]:
    asked = [answer for answer in answers if answer.question.asked]
    others = [answer for answer in answers if not answer.question.asked]
    return {
        "asked": len(asked),
        "answered": sum(not answer.gap for answer in asked),
        "others": len(others),
        "others_answered": sum(not answer.gap for answer in others),
    }


def listed(answers: Sequence[Answer]) -> Record:
    columns = (Column("id", "id"), Column("ask", "question"), Column("topic", "answered in"), Column("items", "items"))
    rows = tuple(
        {
            "id": answer.question.id,
            "ask": answer.question.ask,
            "topic": answer.topic.name if answer.topic and not answer.gap else "not yet",
            "items": len(answer.items),
        }
        for answer in answers
    )
    return Table(f"{len(answers)} questions, {sum(answer.gap for answer in answers)} not answered yet", columns, rows)
