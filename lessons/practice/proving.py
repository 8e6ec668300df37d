"""Proves that an exercise can be judged: every right way passes, every mistake is found and told from every other.

What a pack owes, in the order in which it is looked at:

    words       a title, rules, hints that do not stand alone, what is learned, the names of the results
    stub        it is judged as empty
    inputs      arguments of the stub, each input with words of its own
    solution    it passes, and so does what is taken for the truth; steps on the way are what it computes
    equal ways  they pass
    mistakes    each fails and gives something else than every other one

Who has not done a step is not told about those that stand on it.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from lessons.practice.cost import cost_of
from lessons.practice.exercise import Exercise
from lessons.practice.judging import Verdict, alike, judge, outcomes_of, tolerance_of, too_dear
from lessons.practice.steps import faults_of
from lessons.practice.trying import try_all

TODO = "TODO"


@dataclass(frozen=True)
class Step:
    """name: see above.  faults: sentences, none where all is well.  looked_at: False where an earlier step has some."""

    name: str
    faults: tuple[str, ...]
    looked_at: bool = True

    @property
    def well(self) -> bool:
        return self.looked_at and not self.faults


@dataclass(frozen=True)
class Proof:
    """kills: mistake -> places of the inputs on which it shows."""

    exercise: str
    mistakes: int
    equals: int
    inputs: int
    kills: dict[str, tuple[int, ...]]
    steps: tuple[Step, ...]

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(fault for step in self.steps for fault in step.faults)


def proof_of(exercise: Exercise) -> Proof:
    steps: list[Step] = []
    whole = True  # all that the later steps stand on
    for name, look, carries in STEPS:
        found = Step(name, tuple(look(exercise)) if whole else (), whole)
        steps.append(found)
        whole = whole and not (carries and found.faults)
    judged = whole or all(step.well for step in steps if step.name in CARRYING)
    kills = {mistake.id: _kills(exercise, mistake.function) for mistake in exercise.mistakes} if judged else {}
    there = all(step.well for step in steps if step.name in ("stub", "inputs"))
    inputs = len(exercise.cases) if there else 0
    return Proof(exercise.name, len(exercise.mistakes), len(exercise.equals), inputs, kills, tuple(steps))


def begun_wrong(exercise: Exercise) -> Iterator[str]:
    """Why no answer to it can be judged: of the stub, the inputs and the truth, nothing else."""
    early = [*_stub(exercise), *_inputs(exercise)]
    yield from early
    if early:
        return
    if exercise._solution is None:
        yield "there is no solution: a function under @exercise.solution"
        return
    name = exercise.right.__name__
    for case, outcome in zip(exercise.cases, outcomes_of(exercise, exercise.right), strict=True):
        if outcome.raised:
            yield f"{name} raises {': '.join(outcome.raised)} (input: {case.about})"
            return
        if outcome.value is None:
            yield f"{name} returns nothing (input: {case.about})"
            return
    yield from _passes(exercise, exercise.right)


def _kills(exercise: Exercise, function: Callable[..., Any]) -> tuple[int, ...]:
    pairs = zip(outcomes_of(exercise, function), outcomes_of(exercise, exercise.right), strict=True)
    return tuple(place for place, (m, r) in enumerate(pairs) if not alike(m, r, tolerance_of(exercise, place)))


def _words(exercise: Exercise) -> Iterator[str]:
    if len(exercise.hints) < 2 or not all(exercise.hints):
        yield "there are fewer than two hints"
    words = [exercise.title, exercise.learned, *exercise.rules, *exercise.hints, *exercise.results]
    if not exercise.rules or not all(text.isascii() for text in words):
        yield "a rule is missing, or a text is not ASCII"
    if not exercise.results:
        yield 'results names nothing: "y: (N)" names what is returned, and its axes'
    for text in words:
        if TODO in text or not text.strip():
            yield f'a text is still to be written: "{text}"'


def _stub(exercise: Exercise) -> Iterator[str]:
    if exercise._stub is None:
        yield "there is no stub: a function under @exercise.stub"


def _inputs(exercise: Exercise) -> Iterator[str]:
    if exercise._stub is None or exercise._inputs is None:
        yield "there are no inputs: a generator under @exercise.inputs"
        return
    try:
        cases = exercise.cases
    except Exception as error:
        file = inspect.getfile(exercise._inputs)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
        yield f"inputs raises {type(error).__name__}: {error}" + (f" (line {lines[-1]})" if lines else "")
        return
    if not cases:
        yield "inputs yields nothing: yield Given(about, arguments)"
    names = inspect.signature(exercise.given_stub).parameters
    for case in cases:
        if unknown := [name for name in case.arguments if name not in names]:
            yield f"{exercise.function_name} has no argument {', '.join(unknown)} (input: {case.about})"
    if len({case.about for case in cases}) < len(cases):
        yield "two inputs have the same words"


def _solution(exercise: Exercise) -> Iterator[str]:
    found = list(begun_wrong(exercise))
    yield from found
    if not found:
        yield from _passes(exercise, exercise.solved) if exercise.solved is not exercise.right else ()
        if _verdict(exercise, exercise.given_stub).kind != "stub":
            yield "the stub is not judged as empty"
        yield from faults_of(exercise)


def _equal_ways(exercise: Exercise) -> Iterator[str]:
    for function in exercise.equals:
        yield from _passes(exercise, function)


def _passes(exercise: Exercise, function: Callable[..., Any]) -> Iterator[str]:
    try:
        verdict = _verdict(exercise, function)
    except Exception as error:  # such as results that are not those that are named
        yield f"{function.__name__} cannot be judged: {type(error).__name__}: {error}"
        return
    most = exercise.most
    if verdict.passed and most and function is not exercise._truth:  # the library need not be frugal
        verdict = too_dear(exercise, cost_of(function, most.given, bool(most.flops))) or verdict
    if not verdict.passed:
        yield f"{function.__name__} does not pass: {verdict.kind}"


def _mistakes(exercise: Exercise) -> Iterator[str]:
    if not exercise.mistakes:
        yield "there is no mistake: a wrong function under @exercise.mistake"
    for mistake in exercise.mistakes:
        verdict = _verdict(exercise, mistake.function)
        if verdict.passed or not _kills(exercise, mistake.function):
            yield f"{mistake.id} passes"
        elif verdict.mistake is None and verdict.kind not in ("changed", "shared", "again"):
            yield f"{mistake.id} is judged {verdict.kind}, and not named"
    for one, other in combinations(exercise.mistakes, 2):
        pairs = zip(outcomes_of(exercise, one.function), outcomes_of(exercise, other.function), strict=True)
        if all(alike(a, b, tolerance_of(exercise, place)) for place, (a, b) in enumerate(pairs)):
            yield f"{one.id} and {other.id} give the same on every input"


def _verdict(exercise: Exercise, function: Callable[..., Any]) -> Verdict:
    return judge(exercise, try_all(function, [case.arguments for case in exercise.cases]))


#: name, what looks at it, and whether the later ones stand on it
STEPS: tuple[tuple[str, Callable[[Exercise], Iterator[str]], bool], ...] = (
    ("words", _words, False),
    ("stub", _stub, True),
    ("inputs", _inputs, True),
    ("solution", _solution, True),
    ("equal ways", _equal_ways, False),
    ("mistakes", _mistakes, False),
)
CARRYING = tuple(name for name, _, carries in STEPS if carries)
