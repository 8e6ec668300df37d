"""`--way mine`: a bug in a copy of a file that the learner has passed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.actions import record, standings
from tfx_cli.practice.debug import puzzles
from tfx_cli.practice.debug.page import put_line, put_verdict
from tfx_cli.render.show import show_document
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict

NOT_ASKED = ("a function is judged, not asked.", "Type: tfx practice debug check   or: tfx practice debug hint")


def exercise_chosen(name: str, seed: int) -> Exercise:
    """The one that is named, else one that the seed draws; it has to be passed."""
    from lessons.practice.exercise import find_exercise

    passed = [one for one, standing in standings().items() if standing.last == "passed"]
    if not passed:
        raise BadInput(
            "no exercise is passed yet, and a bug is put into what you have solved.", "Begin one: tfx practice"
        )
    exercise = find_exercise(name or passed[seed % len(passed)])
    if exercise.name not in passed:
        raise BadInput(
            f"{exercise.name} is not passed yet, and a bug is put into what you have solved.",
            f"Passed: {', '.join(passed)}",
        )
    return exercise


def start(name: str, seed: int | None, family: str, bugs: int, face: Face) -> None:
    from lessons.practice.debug.mine import plant
    from lessons.practice.debug.planting import known_family
    from tfx_cli.practice.workspace import file_of, source_at, written_once

    known_family(family)
    if bugs != 1:
        raise BadInput("--way mine plants one bug.", "Leave out --bugs, or take another way.")
    exercise = exercise_chosen(name, seed or 0)
    given = seed is not None
    seed = free_seed(exercise) if seed is None else seed
    puzzle = f"mine-{exercise.name}-{seed}"
    path = puzzles.file_named(puzzle)
    known = puzzles.begun().get(puzzle)
    new = not path.exists()
    planted_now = known.planted if known else ""
    if new or not planted_now:
        own = file_of(exercise)
        there = set() if given else {one.planted for one in puzzles.begun().values()}
        made = plant(exercise, own.resolve(), source_at(own) if own.exists() else "", seed, family, there)
        if made is None:
            where = f" of the family {family}" if family else ""
            raise BadInput(f"nothing{where} can be planted in {exercise.name}.", "Take another exercise or family.")
        header = f"# {puzzle}: 1 bug is planted below, in what "
        header += (
            "you have passed.\n" if made.own else "one may write: yours is not right now, or has no place for it.\n"
        )
        new = written_once(path, header + made.source)
        planted_now = made.kept
    record(puzzles.PREFIX + puzzle, "started", "mine", planted_now)
    if face is Face.json:
        show_document({"puzzle": puzzle, "exercise": exercise.name, "file": str(path), "new": new, "way": "mine"})
        return
    show_line(f"{path}: " + ("made for you." if new else "there already, and left as it is."))
    show_line(f"bugs    1, in {exercise.signature}")
    show_line(f"found   tfx practice debug check {puzzle} --line N")
    show_line(f"mend    edit the file, then tfx practice debug check {puzzle}")
    show_line(f"stuck   tfx practice debug hint {puzzle}")


def free_seed(exercise: Exercise) -> int:
    seed = 1
    while puzzles.file_named(f"mine-{exercise.name}-{seed}").exists():
        seed += 1
    return seed


def planted_in(name: str) -> tuple[str, str, int, str]:
    """Family, rewrite, line and function.  Raises BadInput where the history does not know them."""
    from lessons.practice.debug.mine import from_history

    begun = puzzles.begun().get(name)
    found = from_history(begun.planted) if begun else None
    if found is None:
        raise BadInput(f"the history does not say what was planted in {name}.", "Begin another one: --way mine")
    return found


def exercise_of(name: str) -> Exercise:
    from lessons.practice.exercise import find_exercise

    return find_exercise(name.removeprefix("mine-").rpartition("-")[0])


def check(name: str, lines: list[int], face: Face) -> None:
    from lessons.practice.judging import judge_file
    from tfx_cli.practice.page import verdict_document
    from tfx_cli.practice.workspace import source_at

    exercise, path = exercise_of(name), puzzles.file_named(name)
    verdict = named(name, lines) if lines else judge_file(exercise, path.resolve(), source_at(path))
    record(puzzles.PREFIX + name, "tried", verdict.kind, verdict.mistake.id if verdict.mistake else "")
    ended = verdict.kind in puzzles.ENDS
    if face is Face.json:
        show_document({**verdict_document(verdict, exercise, path), "puzzle": name, "passed": ended})
    else:
        put_verdict(verdict, face is Face.plain)
        if face is Face.terminal:
            if ended:
                put_line(told(name))
            show_line()
            for line in next_lines(name, path, ended):
                show_line(line)
    if not ended:
        raise typer.Exit(1)


def named(name: str, lines: list[int]) -> Verdict:
    from lessons.practice.judging import Verdict

    line = planted_in(name)[2]
    if set(lines) == {line}:
        return Verdict(name, "found", "there it is.")
    return Verdict(name, "elsewhere", "not there, or not there alone; lines are those of the file as it was made.")


def next_lines(name: str, path: Path, ended: bool) -> Iterator[str]:
    if ended:
        yield "next   tfx practice debug start"
    else:
        yield f"next   edit {path}"
        yield f"       tfx practice debug check {name}"
        yield f"stuck  tfx practice debug hint {name}"


def told(name: str) -> str:
    from lessons.practice.debug.rewrites import NAMES

    family, rewrite, line, _ = planted_in(name)
    return f"line {line}   {NAMES[rewrite][1]} ({family})."


def hints_of(name: str) -> list[str]:
    from lessons.practice.debug.program import FAMILIES

    family, _, line, function = planted_in(name)
    return [
        f"The family: {family} ({FAMILIES[family]}).",
        f"It is in {function or 'no function, on top'}.",
        f"It is in line {line} of the file as it was made.",
    ]


def solution(name: str, face: Face) -> None:
    """What was planted, and where the right file is."""
    from tfx_cli.practice.workspace import file_of

    if face is Face.json:
        family, rewrite, line, _ = planted_in(name)
        show_document({"puzzle": name, "family": family, "rewrite": rewrite, "line": line, "says": told(name)})
        return
    show_line(told(name))
    show_line(f"right   {file_of(exercise_of(name))}")
