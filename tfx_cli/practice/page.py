"""How an exercise, a verdict and a proof are shown, and their fields in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_cli.practice.framework import Framework
from tfx_cli.practice.workspace import Standing

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """What was printed, the verdict in a sentence, what shows it, and the mistake."""
    if verdict.printed:
        yield from ("your program printed:", *("  " + line for line in verdict.printed.rstrip("\n").split("\n")), "")
    if verdict.passed:
        yield f"Right: {verdict.says}"
        return
    yield f"Not yet ({verdict.kind}): {verdict.says}"
    for line in verdict.evidence:
        yield from ("  " + part for part in line.split("\n"))
    if verdict.mistake:
        yield from ("", f"This mistake has a name: {verdict.mistake.says}.", f"  {verdict.mistake.hint}")
    elif verdict.candidates:
        yield from ("", "It may be one of these:", *(f"  {mistake.says}" for mistake in verdict.candidates))
    elif verdict.kind in ("values", "shape", "not finite", "type"):
        yield from ("", "It is none of the known mistakes.")


def verdict_rows(verdict: Verdict) -> Iterator[str]:
    """The same as records: a word, a tab, what it is."""
    yield f"verdict\t{verdict.kind}\t{verdict.says}"
    yield from (f"evidence\t{part}" for line in verdict.evidence for part in line.split("\n"))
    if verdict.mistake:
        yield f"mistake\t{verdict.mistake.id}\t{verdict.mistake.says}"
    yield from (f"candidate\t{one.id}\t{one.says}" for one in verdict.candidates)
    yield from (f"printed\t{line}" for line in verdict.printed.splitlines())


def next_line(verdict: Verdict, path: Path, exercise: Exercise) -> str:
    words = Framework(verdict.framework).words
    if verdict.passed:
        return f"next   tfx practice{words}     look at one way to write it: tfx practice solution {exercise.name}"
    stuck = f"tfx practice hint {exercise.name}{words}"
    return f"next   edit {path}, then tfx practice check {exercise.name}{words}     stuck: {stuck}"


def verdict_document(verdict: Verdict, exercise: Exercise, path: Path) -> dict[str, Any]:
    from tfx_cli.practice.learning import command_of

    mistake = verdict.mistake
    return {
        "verdict": verdict.kind,
        "passed": verdict.passed,
        "exercise": exercise.name,
        "framework": verdict.framework,
        "file": str(path),
        "says": verdict.says,
        "mistake": {"id": mistake.id, "name": mistake.says} if mistake else None,
        "see": command_of(exercise, verdict) or None,
        "candidates": [{"id": one.id, "name": one.says} for one in verdict.candidates],
        "rules": list(exercise.rules_in(verdict.framework)),
        "evidence": list(verdict.evidence),
        "printed": verdict.printed,
    }


def exercise_document(exercise: Exercise, standing: Standing) -> dict[str, Any]:
    from lessons.practice.exercise import has_topic, topic_of

    return {
        "name": exercise.name,
        "title": exercise.title,
        "topic": topic_of(exercise).name if has_topic(exercise) else None,
        "step": exercise.step or None,
        "level": exercise.level,
        "function": exercise.function_name,
        "signature": exercise.signature,
        "results": list(exercise.results),
        "rules": list(exercise.rules),
        "mistakes": [mistake.id for mistake in exercise.mistakes],
        "state": standing.word,
    }
