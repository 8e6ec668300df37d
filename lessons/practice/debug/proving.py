"""Proves that a program's bugs can be seen, and that no file with one passes.

What a program owes: it passes itself; each bug's text stands in it once, changes an output or a gradient, is judged
wrong, and moves the row that is its symptom in the direction that is said.  A bug without a symptom moves no row so far
that it could be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from lessons.practice.debug.judging import difference, judge, leaves, outcomes_here, right_outcomes
from lessons.practice.debug.program import FAMILIES, QUESTIONS, Bug, Program, planted, seen, space_of
from lessons.practice.judging import Tolerance, alike
from lessons.practice.trying import Outcome

#: an output or a gradient has to differ by so much of the largest number
SHOWS = Tolerance(1e-6, 1e-9)


@dataclass(frozen=True)
class Measured:
    """One row of an answer: of the right program and of the one with the bug.  seen: higher, lower, other or nothing."""

    question: str
    row: str
    right: Any
    got: Any

    @property
    def seen(self) -> str:
        return seen(self.question, self.row, self.right, self.got)


@dataclass(frozen=True)
class ProgramProof:
    """symptoms: what was measured of each bug that can be planted; hidden: of the others, the rows that moved most."""

    program: str
    symptoms: dict[str, Measured]
    hidden: dict[str, tuple[Measured, ...]]
    faults: tuple[str, ...]


@cache
def right_answers(program: Program, question: str) -> dict[str, Any]:
    return answers(program, program.source, question)


def answers(program: Program, source: str, question: str) -> dict[str, Any]:
    """Row -> what a source of our own answers; nothing where it raises."""
    with np.errstate(all="ignore"):
        try:
            return dict(program.questions[question](space_of(source, program.name)))
        except (ValueError, IndexError, ArithmeticError, TypeError):
            return {}


def measured(program: Program, bug: Bug, question: str) -> list[Measured]:
    """Every row of a question.  A row that the bug makes impossible is None."""
    got = answers(program, planted(program.source, [bug]), question)
    return [Measured(question, row, right, got.get(row)) for row, right in right_answers(program, question).items()]


@cache
def measured_everywhere(program: Program, bug: Bug) -> tuple[Measured, ...]:
    return tuple(one for question in program.questions for one in measured(program, bug, question))


def measured_of_hidden(program: Program, bug: Bug, most: int = 3) -> tuple[Measured, ...]:
    """The rows of numbers that a hidden bug moves most, by the ratio; all questions are asked."""
    rows = measured_everywhere(program, bug)
    moved = [one for one in rows if not isinstance(one.right, str) and one.got is not None and one.got != one.right]

    def ratio(one: Measured) -> float:
        sizes = sorted((abs(one.right), abs(one.got)))
        return sizes[1] / sizes[0] if sizes[0] > 1e-9 else 0.0

    return tuple(sorted(moved, key=ratio, reverse=True)[:most])


@cache
def program_proof(program: Program) -> ProgramProof:
    """What is measured of every bug, and what is at fault; kept, as it is asked again."""
    symptoms: dict[str, Measured] = {}
    hidden: dict[str, tuple[Measured, ...]] = {}
    faults = list(_faults_of_program(program))
    for bug in program.every:
        faults += _faults_of_bug(program, bug)
        if program.source.count(bug.old) != 1:
            continue
        if bug.symptom:
            found = {one.row: one for one in measured(program, bug, bug.symptom.question)}
            one = found.get(bug.symptom.row)
            if one is None:
                faults.append(f"{bug.id}: nothing is answered in the row {bug.symptom.row}")
                continue
            symptoms[bug.id] = one
            if one.seen != bug.symptom.direction:
                faults.append(f"{bug.id}: {one.row} is {one.seen or 'not seen'}, not {bug.symptom.direction}")
        else:
            hidden[bug.id] = measured_of_hidden(program, bug)
            rows = measured_everywhere(program, bug)
            faults += [f"{bug.id} does not hide: {one.row} is {one.seen}" for one in rows if one.seen]
    return ProgramProof(program.name, symptoms, hidden, tuple(faults))


def _faults_of_program(program: Program) -> Iterator[str]:
    verdict = judge(program, outcomes_here(program, program.source, twice=True))
    if not verdict.passed:
        yield f"the right program does not pass: {verdict.says}"
    if set(program.asking.QUESTIONS) - set(QUESTIONS):
        yield "it is asked what has no name in QUESTIONS"
    for question in program.questions:
        if not program.expected(question):
            yield f"nothing is said of what to expect of {question}"
        for row, value in right_answers(program, question).items():
            if not isinstance(value, str | float):
                yield f"{question}, {row}: {value!r} is no text and no float"
    ids = [bug.id for bug in program.every]
    yield from (f"{one} stands there twice" for one in sorted({one for one in ids if ids.count(one) > 1}))


def _faults_of_bug(program: Program, bug: Bug) -> Iterator[str]:
    if bug.family not in FAMILIES:
        yield f"{bug.id}: there is no family {bug.family}"
    if not all(text and text.isascii() for text in (bug.says, bug.why)):
        yield f"{bug.id}: a sentence is missing, or is not ASCII"
    times = program.source.count(bug.old)
    if times != 1:
        yield f"{bug.id}: its text stands {times} times in the program"
        return
    if not shows(program, planted(program.source, [bug])):
        yield f"{bug.id} changes no output and no gradient, or is not judged wrong"


def shows(program: Program, source: str) -> bool:
    """Whether some judged call gives what is not right, and by more than rounding.  The calls end with the first."""
    for call, right in zip(program.judged, right_outcomes(program), strict=True):
        (got,) = outcomes_here(program, source, [call], twice=True)
        if difference(call, right, got) and (got.raised or not got.again or differs(right.value, got.value)):
            return True
    return False


def differs(right: Any, got: Any) -> bool:
    """By more than 1e-6 somewhere."""
    wanted, have = dict(leaves("", right)), dict(leaves("", got))
    if wanted.keys() != have.keys():
        return True
    return any(not alike(Outcome(value=have[label]), Outcome(value=one), SHOWS) for label, one in wanted.items())
