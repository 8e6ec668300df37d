"""What `tfx practice ACTION` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.grading import Format
from tfx_cli.render.show import show_document
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
    from tfx_cli.learner.state import open_to_write

    with open_to_write() as state:
        if state.notice:
            tell(f"tfx: {state.notice}")
        state.record_practice(exercise.name, act, verdict, mistake)


def standings() -> dict[str, Standing]:
    from lessons.practice.exercise import exercises
    from tfx_cli.practice.workspace import standing_of

    lines = history()
    return {name: standing_of(name, lines) for name in exercises()}


def show_all(face: Face) -> None:
    """Every exercise with what became of it, and every derivation where no pack is in use."""
    from lessons.practice.exercise import exercises
    from lessons.practice.packs import FOLDERS
    from tfx_cli.practice.derive.progress import all_kept
    from tfx_cli.practice.derive.records import derivation_document
    from tfx_cli.practice.derive.script import list_kept
    from tfx_cli.practice.page import exercise_document
    from tfx_cli.render.show import show_list

    now, known = standings(), exercises()
    derived = {} if FOLDERS.get() else all_kept()
    if face is Face.json:
        documents = [exercise_document(one, now[name]) for name, one in known.items()]
        others = [derivation_document(one.attempt.derivation, one) for one in derived.values()]
        show_document({"exercises": documents, "derivations": others})
        return
    passed = sum(one.last == "passed" for one in now.values())
    entries = {name: f"{one.title}: {now[name].word}" for name, one in known.items()}
    show_list(f"Exercises, {passed} of {len(known)} passed", entries, "begin one: tfx practice start NAME", face)
    if derived and face is Face.plain:
        for name, one in derived.items():
            show_line(f"derive/{name}\t{one.attempt.derivation.title}: {one.word}")
    elif derived:
        show_line()
        list_kept(derived, "begin one: tfx practice derive NAME", face)


def show_next(framework: Framework = Framework.numpy) -> None:
    """The first exercise that is not passed, and what to type."""
    from lessons.practice.exercise import exercises
    from tfx_cli.practice.workspace import file_of

    now, known = standings(), framework.those_of(exercises())
    passed = sum(now[name].last == "passed" for name in known)
    show_line(f"Practice: {passed} of {len(known)} exercises passed")
    show_line()
    current = next((one for name, one in known.items() if now[name].last != "passed"), None)
    if current is None:
        show_line("  All are passed.  Take one up again: tfx practice list")
        return
    show_line(f"  {current.name}   {current.title}: {now[current.name].word}")
    begun = file_of(current, framework).exists()
    show_line(f"  next   tfx practice {'check' if begun else 'start'} {current.name}{framework.words}")
    show_line("  all    tfx practice list")


def start(exercise: Exercise, framework: Framework, face: Face) -> None:
    """Makes the learner's file, or names the one that is there."""
    from lessons.practice.exercise import has_topic, topic_of
    from tfx_cli.practice.workspace import begin

    path, new = begin(exercise, framework)
    if face is Face.json:
        show_document({"exercise": exercise.name, "framework": framework, "file": str(path), "new": new})
        return
    show_line(f"{path}: " + ("made for you." if new else "there already, and left as it is."))
    show_line(f"write   {exercise.signature}")
    if has_topic(exercise):
        step = f" --step {exercise.step}" if exercise.step else ""
        show_line(f"about   tfx explain {topic_of(exercise).name}{step}")
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
    show_line(f"{path}: begun anew." + (f" What you wrote is kept as {kept}." if kept else ""))


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


def check(word: str, name: str, framework: Framework, face: Face) -> None:
    """Judges a file; only those of the learner's own folder are kept in the history."""
    from lessons.practice.exercise import find_exercise
    from lessons.practice.frameworks import judge_answer
    from tfx_cli.practice.learning import keep
    from tfx_cli.practice.page import next_line, verdict_document, verdict_lines, verdict_rows
    from tfx_cli.practice.workspace import file_of, source_at
    from tfx_cli.render.wrapping import wrapped
    from tfx_cli.terminal.console import prose_width

    if name and not word:
        raise BadInput("--exercise says what a file is for, and no file is named.", f"Type: tfx practice check {name}")
    if not word:
        raise BadInput("check needs the name of an exercise, or a file.", "For example: tfx practice check softmax")
    exercise = framework.require(find_exercise(name or word))
    path = Path(word) if name else file_of(exercise, framework)
    if not name and not path.exists():
        raise BadInput(f"{path} is not there yet.", f"Begin it: tfx practice start {exercise.name}{framework.words}")
    verdict = judge_answer(exercise, path.resolve(), source_at(path), framework)
    look = None if name else keep(exercise, verdict)
    if face is Face.json:
        show_document(verdict_document(verdict, exercise, path))
    elif face is Face.plain:
        for line in [*verdict_rows(verdict), *([f"look\t{look.command}\t{look.due}"] if look else [])]:
            show_line(line)
    else:
        for line in [*verdict_lines(verdict), *(["", *look.lines] if look else [])]:
            for part in wrapped(line, prose_width()) if not line.startswith(" ") else [line]:
                show_line(part)
        if not name:
            show_line()
            show_line(next_line(verdict, path, exercise))
    if not verdict.passed:
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
        show_line(f"hint {number} of {len(exercise.hints)}   {words}")


def solution(exercise: Exercise, give_up: bool, face: Face) -> None:
    """One way to write it, after a pass or after giving up."""
    from lessons.practice.exercise import source_of
    from tfx_cli.practice.workspace import standing_of

    now = standing_of(exercise.name, history())
    if not (now.passed or now.gave_up or give_up):
        raise BadInput(
            f"{exercise.name} is not passed yet, and a solution ends the puzzle.",
            f"A hint: tfx practice hint {exercise.name}   or: tfx practice solution {exercise.name} --give-up",
        )
    if give_up and not (now.passed or now.gave_up):
        note(exercise, "gave up")
    source = source_of(exercise.solved).replace("def solution(", f"def {exercise.function_name}(", 1)
    if face is Face.json:
        show_document({"exercise": exercise.name, "solution": source})
    else:
        for line in source.rstrip("\n").split("\n"):
            show_line(line)
