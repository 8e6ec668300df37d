"""What `tfx practice ACTION` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.grading import Format
from tfx_cli.render.show import show_document
from tfx_cli.render.wrapping import labelled, wrapped
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line, tell, write

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from tfx_cli.learner.practised import Practised
    from tfx_cli.practice.workspace import Standing


def history() -> list[Practised]:
    """What was done before; nothing where there is no history."""
    from tfx_cli.learner.state import open_to_read

    with open_to_read() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        return state.practice()


def note(exercise: Exercise, act: str, verdict: str = "", mistake: str = "") -> None:
    record(exercise.name, act, verdict, mistake)


def record(name: str, act: str, verdict: str = "", mistake: str = "") -> None:
    """Appends a line to the history.  name: of an exercise, or `debug/NAME` of a puzzle."""
    from tfx_cli.learner.state import open_to_write

    with open_to_write() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        state.record_practice(name, act, verdict, mistake)


def standings(lines: Sequence[Practised] | None = None) -> dict[str, Standing]:
    """lines: the history, where it is known already."""
    from lessons.exercise_names import listed
    from tfx_cli.practice.workspace import standing_of

    own: dict[str, list[Practised]] = {name: [] for name in listed()}
    for line in history() if lines is None else lines:
        if line.exercise in own:
            own[line.exercise].append(line)
    return {name: standing_of(name, lines) for name, lines in own.items()}


def show_next(framework: Framework) -> None:
    """The exercise to go on with, and what to type."""
    from lessons.exercise_names import PACKED, listed
    from tfx_cli.practice.workspace import current_name, file_of

    lines = history()
    known = framework.names_of(listed())
    now = {name: one for name, one in standings(lines).items() if name in known}
    passed = sum(one.last == "passed" for one in now.values())
    show_line(f"Practice: {passed} of {len(known)} exercises passed")
    show_line()
    current = known[current_name(now, lines)]
    if now[current.name].last == "passed":
        show_line("  All are passed.  Take one up again: tfx practice list")
        return
    for line in labelled(
        current.name, f"{current.title}: {now[current.name].word}", prose_width(), column=len(current.name) + 3
    ):
        show_line(line)
    begun = file_of(current, framework).exists()
    show_line(f"  next   tfx practice {'check' if begun else 'start'} {current.name}{framework.words}")
    show_line("  all    tfx practice list")
    if PACKED.get() is None:
        show_line("  or     tfx practice derive")
        show_line("         tfx practice debug")


def current_or(action: str) -> str:
    """The exercise that is worked on, for an action without a name.  Raises BadInput where nothing was begun."""
    from tfx_cli.practice.workspace import current_name

    lines = history()
    if not lines:
        or_file = ", or a file" if action == "check" else ""
        raise BadInput(
            f"{action} needs the name of an exercise{or_file}.", f"For example: tfx practice {action} softmax"
        )
    return current_name(standings(lines), lines)


def start(exercise: Exercise, framework: Framework, face: Face) -> None:
    """Makes the learner's file, or names the one that is there."""
    from tfx_cli.practice.page import about_of
    from tfx_cli.practice.taking_up import take_up

    taken = take_up(exercise, framework)
    path, new = taken.path, taken.new
    if face is Face.json:
        said = {"exercise": exercise.name, "framework": framework, "file": str(path), "new": new}
        show_document({**said, "notes": list(taken.notes)})
        return
    show_line(f"{path}: " + ("made for you." if new else "there already, and left as it is."))
    for note in taken.notes:
        for line in wrapped(note, prose_width()):
            show_line(line)
    show_line(f"write   {exercise.signature}")
    if about := about_of(exercise):
        show_line(f"about   {about}")
    show_line(f"next    edit it, then tfx practice check {exercise.name}{framework.words}")


def reset(exercise: Exercise, framework: Framework, face: Face) -> None:
    """Begins anew; what was written stays beside the new file."""
    from tfx_cli.practice.workspace import begin, set_aside

    kept = set_aside(exercise, framework)
    path, _ = begin(exercise, framework)
    if face is Face.json:
        show_document(
            {"exercise": exercise.name, "framework": framework, "file": str(path), "kept": str(kept) if kept else None}
        )
        return
    show_line(f"{path}: begun anew.")
    if kept:
        show_line(f"What you wrote is kept: {kept}")


def grade_all(names: list[str], exercise: str, framework: Framework, form: Format) -> None:
    """Judges files for a teacher; nothing is kept in the history."""
    from tfx_cli.practice import grading

    if not names:
        raise BadInput("grade needs files.", "For example: tfx practice grade class/*/softmax.py")
    graded = list(grading.grade([Path(name) for name in names], exercise, framework))
    if form is Format.json:
        show_document(grading.document(graded))
    elif form is Format.junit:
        write(grading.junit(graded))
    elif form is Format.gradescope:
        import json as standard

        write(standard.dumps(grading.gradescope(graded), indent=1, allow_nan=False) + "\n")
    else:
        for line in grading.text_lines(graded):
            show_line(line)
    if not all(one.verdict.passed for one in graded):
        raise typer.Exit(1)


def next_hint(exercise: Exercise, framework: Framework = Framework.numpy) -> tuple[int, str]:
    """Its number and its words; that it was shown is kept.  The last one stays."""
    from tfx_cli.practice.workspace import standing_of

    number = min(standing_of(exercise.name, history()).hints + 1, len(exercise.hints))
    note(exercise, "hint", str(number))
    return number, exercise.said_in(framework, exercise.hints[number - 1])


def hint(exercise: Exercise, framework: Framework, face: Face) -> None:
    """The next hint."""
    number, words = next_hint(exercise, framework)
    if face is Face.json:
        show_document({"exercise": exercise.name, "hint": words, "number": number, "of": len(exercise.hints)})
    else:
        for line in labelled(f"hint {number} of {len(exercise.hints)}", words, prose_width(), margin="", column=14):
            show_line(line)


def solution(exercise: Exercise, give_up: bool, face: Face) -> None:
    """One way to write it, after a pass or after giving up."""
    from tfx_cli.practice.workspace import standing_of

    now = standing_of(exercise.name, history())
    if not (now.passed or now.gave_up or give_up):
        raise BadInput(
            f"{exercise.name} is not passed yet, and a solution ends the puzzle.",
            f"A hint: tfx practice hint {exercise.name}   or: tfx practice solution {exercise.name} --give-up",
        )
    if give_up and not (now.passed or now.gave_up):
        note(exercise, "gave up")
    lines = solution_lines(exercise)
    if face is Face.json:
        show_document({"exercise": exercise.name, "solution": "\n".join(lines) + "\n"})
    else:
        for line in lines:
            show_line(line)


def solution_lines(exercise: Exercise) -> list[str]:
    from lessons.practice.exercise import source_of

    source = source_of(exercise.solved).replace("def solution(", f"def {exercise.function_name}(", 1)
    return source.rstrip("\n").split("\n")
