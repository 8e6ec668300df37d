"""Mistakes planted in right answers to exercises, one at a time: is each rejected, and is none called what it is not?

    python -m tests.mutation --answers                  every exercise
    python -m tests.mutation --answers softmax lora     of these

They are changes in the text of solutions and of the equal ways (mutants.py, anywhere.py), which nobody chose.  One
that passes computes the same thing, and stands in equivalent.toml with the reason, or shows an input that is missing.
One that is named is held against the mistake of that name on inputs that were drawn anew.
"""

from __future__ import annotations

import ast
import inspect
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lessons.practice.exercise import Exercise, exercises
from lessons.practice.judging import Tolerance, Verdict, alike, judge, tolerance_of
from lessons.practice.trying import Outcome, try_all
from tests.mutation.anywhere import mutants_anywhere
from tests.mutation.equivalent import is_equivalent
from tests.mutation.mutants import Mutant, mutants_of

#: seconds that one wrong answer may take; the seeds of the inputs that are drawn anew
LONGEST, AGAIN = 5, (1, 2, 3)


class Planted(NamedTuple):
    """function: the changed one.  fate: passed, misnamed, named, unknown, or slow."""

    mutant: Mutant
    function: str
    fate: str
    says: str


def planted(exercise: Exercise) -> Iterator[Planted]:
    """Every mutant of the right answers to one exercise, judged."""
    path = Path(inspect.getfile(exercise.given_stub))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    answers = {node.name for node in functions if _registered_as(node, "solution", "equal")}
    others = {node.name for node in functions if node.decorator_list} - answers
    seen: set[str] = set()
    for mutant in (*mutants_of(path), *mutants_anywhere(path)):
        if mutant.source in seen or is_equivalent(mutant):
            continue
        seen.add(mutant.source)
        inside = next((one for one in functions if one.lineno <= mutant.number <= (one.end_lineno or 0)), None)
        if inside is None or inside.name in others:
            continue
        for name in sorted(answers if inside.name not in answers else {inside.name}):
            if inside.name == name or _uses(functions, name, inside.name):
                function = _read(mutant, name)
                if function is not None:
                    yield Planted(mutant, name, *_fate(exercise, function))


def _registered_as(node: ast.FunctionDef, *kinds: str) -> bool:
    return any(ast.unparse(one).endswith(tuple(f"exercise.{kind}" for kind in kinds)) for one in node.decorator_list)


def _uses(functions: list[ast.FunctionDef], name: str, helper: str) -> bool:
    body = next(one for one in functions if one.name == name)
    return any(isinstance(node, ast.Name) and node.id == helper for node in ast.walk(body))


def _read(mutant: Mutant, name: str) -> Callable[..., Any] | None:
    """The function of the changed file; None where the file cannot be read any more."""
    space: dict[str, Any] = {"__name__": "planted", "__file__": str(mutant.path)}
    try:
        exec(compile(mutant.source, str(mutant.path), "exec"), space)
    except Exception:
        return None
    function: Callable[..., Any] = space[name]
    return function


def _fate(exercise: Exercise, function: Callable[..., Any]) -> tuple[str, str]:
    try:
        with _at_most(LONGEST):
            verdict = judge(exercise, try_all(function, [case.arguments for case in exercise.cases]))
            if verdict.passed:
                return "passed", _differs_on_new_inputs(exercise, function)
            if verdict.mistake is None:
                return "unknown", verdict.kind
            return _named(exercise, function, verdict)
    except TimeoutError:
        return "slow", ""


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _drawn_anew(exercise: Exercise) -> Iterator[tuple[dict[str, Any], Tolerance]]:
    assert exercise._inputs is not None
    for seed in AGAIN:
        for place, case in enumerate(exercise._inputs(np.random.default_rng(seed))):
            yield case.arguments, tolerance_of(exercise, place)


def _places(exercise: Exercise, one: Callable[..., Any], other: Callable[..., Any]) -> int:
    """The number of new inputs on which two functions do not do the same, though both are steady there."""
    count = 0
    for arguments, tolerance in _drawn_anew(exercise):
        a, b = (_once(function, arguments) for function in (one, other))
        steady = all(alike(x, _once(f, _nudged(arguments)), Tolerance(1e-6)) for f, x in ((one, a), (other, b)))
        count += steady and not alike(a, b, tolerance)
    return count


def _nudged(arguments: dict[str, Any]) -> dict[str, Any]:
    """Other roundings: what changes much by them is no number to compare."""
    return {
        name: value * (1 + 1e-15 * np.arange(1, value.size + 1).reshape(value.shape))
        if isinstance(value, np.ndarray) and value.dtype == np.float64
        else value
        for name, value in arguments.items()
    }


def _once(function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
    return try_all(function, [arguments], twice=False)[0]


def _differs_on_new_inputs(exercise: Exercise, function: Callable[..., Any]) -> str:
    count = _places(exercise, function, exercise.right)
    return f"differs on {count} new inputs" if count else "differs on no new input"


def _named(exercise: Exercise, function: Callable[..., Any], verdict: Verdict) -> tuple[str, str]:
    assert verdict.mistake is not None
    count = _places(exercise, function, verdict.mistake.function)
    if count:
        return "misnamed", f"{verdict.mistake.id}, and differs from it on {count} new inputs"
    return "named", verdict.mistake.id


def run_answers(names: list[str]) -> int:
    """Prints the counts, and every one that passes or is misnamed; 1 where there is one."""
    known = exercises()
    total: Counter[str] = Counter()
    for name in names or list(known):
        start = time.process_time()
        fates: Counter[str] = Counter()
        for one in planted(known[name]):
            fates[one.fate] += 1
            if one.fate in ("passed", "misnamed"):
                print(f"{one.fate}: {name}.{one.function}: {one.says}\n{one.mutant.diff()}", flush=True)
        print(f"{name}: {dict(fates)}, {time.process_time() - start:.1f} s", file=sys.stderr, flush=True)
        total += fates
    print(f"{sum(total.values())} planted: " + ", ".join(f"{count} {fate}" for fate, count in total.most_common()))
    return int(total["passed"] + total["misnamed"] > 0)
