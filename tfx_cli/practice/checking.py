"""`tfx practice check`: one file, or every exercise that was passed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput, EnvironmentProblem, many
from tfx_cli.options import Face
from tfx_cli.practice.actions import current_or, standings
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.learning import keep
from tfx_cli.practice.workspace import Standing, file_of, source_at
from tfx_cli.render.files import attempted
from tfx_cli.render.show import show_document
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import say, show_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise

#: the word in the place of a name
ALL = "all"


def check(word: str, name: str, framework: Framework, face: Face) -> None:
    """Judges a file; only those of the learner's own folder are kept in the history."""
    from lessons.practice.frameworks import judge_answer
    from tfx_cli.practice.page import fitted_lines, next_lines, verdict_document, verdict_rows

    if word == ALL and not name:
        check_all(framework, face)
        return
    exercise, path, own, framework = asked_for(word, name, framework)
    verdict = judge_answer(exercise, path.resolve(), source_at(path), framework)
    look, problem = attempted(lambda: keep(exercise, verdict)) if own else (None, None)
    if face is Face.json:
        show_document(verdict_document(verdict, exercise, path))
    elif face is Face.plain:
        for line in [*verdict_rows(verdict), *([f"look\t{look.command}\t{look.due}"] if look else [])]:
            show_line(line)
    else:
        for line in fitted_lines(verdict, look, prose_width()):
            show_line(line)
        if own:
            show_line()
            for line in next_lines(verdict, path, exercise):
                show_line(line)
    if problem:  # the verdict holds all the same
        say(problem.message, problem.hint)
    if not verdict.passed:
        raise typer.Exit(1)


def asked_for(word: str, name: str, framework: Framework) -> tuple[Exercise, Path, bool, Framework]:
    """The exercise, the file, whether that is the learner's own, and its framework.  Raises BadInput."""
    from lessons.practice.exercise import find_exercise
    from tfx_cli.practice.grading import exercise_for

    if name:
        if not word:
            raise BadInput(
                "--exercise says what a file is for, and no file is named.", f"Type: tfx practice check {name}"
            )
        return framework.require(find_exercise(name)), Path(word), False, framework
    if word.endswith(".py") or len(Path(word).parts) > 1:
        exercise = exercise_for(Path(word), "", "check")
        own = [one for one in Framework if file_of(exercise, one).resolve() == Path(word).resolve()]
        return exercise, Path(word), bool(own), own[0] if own else framework
    exercise = framework.require(find_exercise(word or current_or("check")))
    path = file_of(exercise, framework)
    if not path.exists():
        raise BadInput(f"{path} is not there yet.", f"Begin it: tfx practice start {exercise.name}{framework.words}")
    return exercise, path, True, framework


def check_all(framework: Framework, face: Face) -> None:
    """Judges every exercise that was passed before once more; what broke is pending again."""
    now = standings()
    with progress_on_stderr() as progress:
        broken, looked_at = checked_again(now, framework, progress)
    gone = sum(one.passed for one in now.values()) - looked_at
    if face is Face.json:
        show_document({"checked": looked_at, "broken": broken, "not_here": gone})
    else:
        for line in again_lines(broken, looked_at, gone):
            show_line(line)
    if broken:
        raise typer.Exit(1)


def checked_again(
    now: Mapping[str, Standing], framework: Framework, progress: Callable[[int, int, str], None]
) -> tuple[dict[str, str], int]:
    """What of it is not right any more -> the verdict, and how many files were looked at: those of the exercises that
    were passed before and whose files are in this folder."""
    from lessons.practice.exercise import exercises
    from lessons.practice.frameworks import judge_answer

    files = {name: file_of(exercises()[name], framework) for name, one in now.items() if one.passed}
    here = {name: path for name, path in files.items() if path.is_file()}
    broken: dict[str, str] = {}
    for place, (name, path) in enumerate(here.items()):
        progress(place, len(here), name)
        try:
            verdict = judge_answer(exercises()[name], path.resolve(), source_at(path), framework)
        except (BadInput, EnvironmentProblem) as problem:
            broken[name] = problem.message
            continue
        if not verdict.passed or now[name].last != "passed":
            keep(exercises()[name], verdict)
        if not verdict.passed:
            broken[name] = verdict.kind
    return broken, len(here)


def again_lines(broken: Mapping[str, str], looked_at: int, gone: int) -> Iterator[str]:
    yield f"Checked again: {many(looked_at, 'exercise')}; {len(broken) or 'none'} broke."
    yield from (f"  pending again   {name}   ({why})" for name, why in broken.items())
    if gone:
        yield f"  not in this folder, and not looked at: {gone}"
