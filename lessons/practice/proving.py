"""Proves that an exercise can be judged: every right way passes, every mistake is found and told from every other.

What a pack owes: a stub that is judged as empty, a solution and equal ways that pass, a bank of which each mistake
fails and gives something else than every other one, hints that do not stand alone, rules in sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lessons.practice.exercise import Exercise
from lessons.practice.judging import alike, judge, outcomes_of, tolerance_of
from lessons.practice.trying import try_all


@dataclass(frozen=True)
class Proof:
    """faults: sentences, none where all is well.  kills: mistake -> places of the inputs on which it shows."""

    exercise: str
    mistakes: int
    equals: int
    inputs: int
    kills: dict[str, tuple[int, ...]]
    faults: tuple[str, ...]


def proof_of(exercise: Exercise) -> Proof:
    kills = {
        mistake.id: tuple(
            place
            for place, (m, r) in enumerate(
                zip(outcomes_of(exercise, mistake.function), outcomes_of(exercise, exercise.right), strict=True)
            )
            if not alike(m, r, tolerance_of(exercise, place))
        )
        for mistake in exercise.mistakes
    }
    return Proof(
        exercise.name, len(exercise.mistakes), len(exercise.equals), len(exercise.cases), kills,
        tuple(_faults(exercise, kills)),
    )  # fmt: skip


def _faults(exercise: Exercise, kills: dict[str, tuple[int, ...]]) -> Iterator[str]:
    if _verdict(exercise, exercise.given_stub) != "stub":
        yield "the stub is not judged as empty"
    for function in (exercise.solved, exercise.right, *exercise.equals):
        kind = _verdict(exercise, function)
        if kind != "passed":
            yield f"{function.__name__} does not pass: {kind}"
    for mistake in exercise.mistakes:
        verdict = judge(exercise, try_all(mistake.function, [case.arguments for case in exercise.cases]))
        if verdict.passed or not kills[mistake.id]:
            yield f"{mistake.id} passes"
        elif verdict.mistake is None and verdict.kind not in ("changed", "shared", "again"):
            yield f"{mistake.id} is judged {verdict.kind}, and not named"
    for one, other in combinations(exercise.mistakes, 2):
        pairs = zip(outcomes_of(exercise, one.function), outcomes_of(exercise, other.function), strict=True)
        if all(alike(a, b, tolerance_of(exercise, place)) for place, (a, b) in enumerate(pairs)):
            yield f"{one.id} and {other.id} give the same on every input"
    if len(exercise.hints) < 2 or not all(exercise.hints):
        yield "there are fewer than two hints"
    words = [exercise.title, exercise.learned, *exercise.rules, *exercise.hints]
    if not exercise.rules or not all(text.isascii() for text in words):
        yield "a rule is missing, or a text is not ASCII"


def _verdict(exercise: Exercise, function: Any) -> str:
    return judge(exercise, try_all(function, [case.arguments for case in exercise.cases])).kind
