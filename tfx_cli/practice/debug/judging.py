"""Asks a puzzle's file, judges it, gives hints, and says at the end what was planted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput, unknown_name
from tfx_cli.options import Face
from tfx_cli.practice.actions import record
from tfx_cli.practice.debug import puzzles
from tfx_cli.practice.debug.page import put_line, put_verdict
from tfx_cli.render.show import show_document
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.practice.debug.planting import Puzzle
    from lessons.practice.judging import Verdict


def puzzle_of(name: str) -> Puzzle:
    from lessons.practice.debug.planting import puzzle_named

    return puzzle_named(puzzles.current(name))


def ask(question: str, name: str, face: Face) -> None:
    """Runs the learner's file and shows what it answers."""
    from lessons.practice.debug.judging import asked
    from lessons.practice.debug.program import QUESTIONS
    from tfx_cli.practice.debug import mine, page
    from tfx_cli.practice.workspace import source_at

    if name.startswith("mine-") or (not name and puzzles.current("").startswith("mine-")):
        raise BadInput(*mine.NOT_ASKED)
    made = puzzle_of(name)
    known = made.program.questions
    if not question:
        raise BadInput("ask needs a question.", f"{made.name} can be asked: {', '.join(known)}")
    if question not in QUESTIONS:
        raise unknown_name("question", question, QUESTIONS, f"{made.name} can be asked: {', '.join(known)}")
    if question not in known:
        raise BadInput(f"{made.program.name} has no {question}.", f"It can be asked: {', '.join(known)}")
    path = puzzles.file_named(made.name)
    rows, verdict = asked(made.program, path.resolve(), source_at(path), question)
    expected = made.program.expected(question)
    if face is Face.json:
        show_document({
            "puzzle": made.name, "question": question, "about": QUESTIONS[question], "expected": expected,
            "rows": [{"row": row, "value": page.as_json(value)} for row, value in rows],
            "failed": verdict.says if verdict else None,
        })  # fmt: skip
    elif verdict:
        put_verdict(verdict, face is Face.plain)
    elif face is Face.plain:
        for row, value in rows:
            show_line(f"{question}\t{row}\t{page.told(value)}")
    else:
        show_line(f"{made.name}, {question}")
        for line in page.answer_lines(rows, expected):
            show_line(line)
    if verdict:
        raise typer.Exit(1)


def check(name: str, lines: list[int], face: Face) -> None:
    """Judges the learner's file, or the lines that they name."""
    from lessons.practice.debug.judging import judge_source
    from tfx_cli.practice.debug import mine, page
    from tfx_cli.practice.page import verdict_lines
    from tfx_cli.practice.workspace import source_at

    name = puzzles.current(name)
    if name.startswith("mine-"):
        mine.check(name, lines, face)
        return
    made = puzzle_of(name)
    path = puzzles.file_named(name)
    verdict = named_lines(made, lines) if lines else judge_source(made.program, path.resolve(), source_at(path))
    record(puzzles.PREFIX + name, "tried", verdict.kind)
    ended = verdict.kind in puzzles.ENDS
    if face is Face.json:
        show_document({
            "puzzle": name, "file": str(path), "verdict": verdict.kind, "passed": ended, "says": verdict.says,
            "evidence": list(verdict.evidence), "printed": verdict.printed,
            "bugs": [page.bug_document(made, bug) for bug in made.bugs] if ended else None,
        })  # fmt: skip
    elif face is Face.plain:
        put_verdict(verdict, face is Face.plain)
    else:
        for line in verdict_lines(verdict) if not ended else [f"Right: {verdict.says}"]:
            put_line(line)
        if ended:
            for bug in made.bugs:
                show_line()
                for line in page.bug_lines(made, bug):
                    show_line(line)
        show_line()
        put_time(name, ended)
    if not ended:
        raise typer.Exit(1)


def put_time(name: str, ended: bool) -> None:
    """How long it has taken, and what to type next."""
    begun = puzzles.begun()[name]
    if begun.at is not None and ended and begun.way == "read":
        seconds = int((datetime.now(UTC) - begun.at).total_seconds())
        show_line(f"time   {seconds // 60}:{seconds % 60:02}")
    if ended:
        show_line("next   tfx practice debug start")
    else:
        show_line(f"next   edit {begun.path}")
        show_line(f"       tfx practice debug check {name}")
        show_line(f"stuck  tfx practice debug hint {name}")


def named_lines(made: Puzzle, lines: list[int]) -> Verdict:
    """Whether a bug stands in each line that was named, and none elsewhere."""
    from lessons.practice.judging import Verdict

    places = [made.change(bug).lines for bug in made.bugs]
    wrong = [line for line in lines if not any(line in place for place in places)]
    if wrong:
        says = f"nothing is planted in line {' or '.join(map(str, wrong))} of the file as it was made."
        return Verdict(made.name, "elsewhere", says)
    found = sum(any(line in place for line in lines) for place in places)
    if found < len(places):
        return Verdict(made.name, "some", f"{found} of {len(places)} bugs stand in the lines that you named.")
    return Verdict(made.name, "found", "there it is." if found == 1 else "there they are.")


def hint(name: str, face: Face) -> None:
    """The family, then the function, then the line."""
    from tfx_cli.practice.debug import mine
    from tfx_cli.practice.debug.page import hints_of

    name = puzzles.current(name)
    hints = mine.hints_of(name) if name.startswith("mine-") else hints_of(puzzle_of(name))
    shown = puzzles.begun()[name].standing.hints if name in puzzles.begun() else 0
    number = min(shown + 1, len(hints))
    record(puzzles.PREFIX + name, "hint", str(number))
    words = hints[number - 1]
    if face is Face.json:
        show_document({"puzzle": name, "hint": words, "number": number, "of": len(hints)})
    else:
        put_line(f"hint {number} of {len(hints)}   {words}")


def reset(name: str, face: Face) -> None:
    """Begins anew; what was written stays beside the new file."""
    from tfx_cli.practice.workspace import moved_aside, written_once

    name = puzzles.current(name)
    if name.startswith("mine-"):
        raise BadInput(
            f"{name} was made from your own file, which may have changed.", "Begin another one: --way mine --seed N"
        )
    path, source = puzzles.file_named(name), puzzle_of(name).source
    kept = moved_aside(path)
    written_once(path, source)
    if face is Face.json:
        show_document({"puzzle": name, "file": str(path), "kept": str(kept) if kept else None})
    else:
        show_line(f"{path}: begun anew." + (f" What you wrote is kept as {kept}." if kept else ""))


def solution(name: str, give_up: bool, face: Face) -> None:
    """What was planted, after the end or after giving up."""
    from tfx_cli.practice.debug import mine
    from tfx_cli.practice.debug.page import bug_document, bug_lines

    name = puzzles.current(name)
    begun = puzzles.begun().get(name)
    if not (give_up or (begun and (begun.ended or begun.standing.gave_up))):
        raise BadInput(
            f"{name} is not fixed yet, and a solution ends the puzzle.",
            f"A hint: tfx practice debug hint {name}   or: tfx practice debug solution {name} --give-up",
        )
    if give_up and not (begun and (begun.ended or begun.standing.gave_up)):
        record(puzzles.PREFIX + name, "gave up")
    if name.startswith("mine-"):
        mine.solution(name, face)
        return
    made = puzzle_of(name)
    if face is Face.json:
        show_document({"puzzle": name, "bugs": [bug_document(made, bug) for bug in made.bugs]})
        return
    for bug in made.bugs:
        for line in bug_lines(made, bug):
            show_line(line)
