"""How an exercise, a verdict and a proof are shown, and their fields in JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_cli.practice.framework import Framework
from tfx_cli.practice.workspace import Standing
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.cells import cells

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict
    from tfx_cli.practice.learning import Look


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """What was printed, the verdict in a sentence, what shows it, and the mistake."""
    yield from printed_lines(verdict)
    yield sentence_of(verdict)
    for line in verdict.evidence if not verdict.passed else ():
        yield from ("  " + part for part in line.split("\n"))
    yield from naming_lines(verdict)


def printed_lines(verdict: Verdict) -> Iterator[str]:
    if verdict.printed:
        on = ", on this input" if verdict.shown >= 0 else ""
        yield from (
            f"your program printed{on}:",
            *("  " + line for line in verdict.printed.rstrip("\n").split("\n")),
            "",
        )


def sentence_of(verdict: Verdict) -> str:
    if verdict.kind == "grader":
        return f"No verdict: {verdict.says}"
    return f"Right: {verdict.says}" if verdict.passed else f"Not yet ({verdict.kind}): {verdict.says}"


def evidence_lines(verdict: Verdict, width: int) -> Iterator[str]:
    """Sentences end between words; what has lines of its own, such as a traceback, stays as it is."""
    for line in verdict.evidence if not verdict.passed else ():
        yield from (f"  {part}" for part in line.split("\n")) if "\n" in line else wrapped(f"  {line}", width, "  ")


def naming_lines(verdict: Verdict) -> Iterator[str]:
    """The mistake, if it has a name."""
    if verdict.mistake:
        yield from ("", f"This mistake has a name: {verdict.mistake.says}.", f"  {verdict.mistake.hint}")
    elif verdict.candidates:
        yield from ("", "It may be one of these:", *(f"  {mistake.says}" for mistake in verdict.candidates))
    elif verdict.kind in ("values", "shape", "not finite", "type"):
        yield from ("", "It is none of the known mistakes.")


def fitted_lines(verdict: Verdict, look: Look | None, width: int) -> Iterator[str]:
    """The verdict for a terminal, and where the course clears the mistake up."""
    yield from printed_lines(verdict)
    yield from wrapped(sentence_of(verdict), width)
    yield from evidence_lines(verdict, width)
    yield from after_lines(verdict, look, width)


def after_lines(verdict: Verdict, look: Look | None, width: int) -> Iterator[str]:
    """What the mistake is called, its hint, and where to look; commands are never broken."""
    for line in naming_lines(verdict):
        yield from wrapped(line, width) or [""]
    if look:
        yield ""
        for line in look.lines:
            label, _, command = line.partition(": tfx ")
            yield from [line] if cells(line) <= width else [*wrapped(f"{label}:", width), f"    tfx {command}"]


def verdict_rows(verdict: Verdict) -> Iterator[str]:
    """The same as records: a word, a tab, what it is."""
    yield f"verdict\t{verdict.kind}\t{verdict.says}"
    yield from (f"evidence\t{part}" for line in verdict.evidence for part in line.split("\n"))
    if verdict.mistake:
        yield f"mistake\t{verdict.mistake.id}\t{verdict.mistake.says}"
    yield from (f"candidate\t{one.id}\t{one.says}" for one in verdict.candidates)
    yield from (f"printed\t{line}" for line in verdict.printed.splitlines())


def next_lines(verdict: Verdict, path: Path, exercise: Exercise) -> Iterator[str]:
    """What to type after a verdict."""
    name, words = exercise.name, Framework(verdict.framework).words
    if verdict.kind == "grader":
        yield "next    tfx doctor"
    elif verdict.passed:
        yield f"next      tfx practice{words}"
        if about := about_of(exercise):
            yield f"about     {about}"
        yield f"one way   tfx practice solution {name}"
    else:
        yield f"next    edit {path}, then"
        yield f"        tfx practice check {name}{words}"
        yield f"stuck   tfx practice hint {name}{words}"


def about_of(exercise: Exercise) -> str:
    """The command that shows what the exercise is about; "" for a pack's that belongs to no topic."""
    from lessons.practice.exercise import has_topic, topic_of

    if not has_topic(exercise):
        return ""
    return f"tfx explain {topic_of(exercise).name}" + (f" --step {exercise.step}" if exercise.step else "")


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
        "frameworks": [one for one in Framework if one.has(exercise)],
        "function": exercise.function_name,
        "signature": exercise.signature,
        "results": list(exercise.results),
        "rules": list(exercise.rules),
        "mistakes": [mistake.id for mistake in exercise.mistakes],
        "state": standing.word,
    }
