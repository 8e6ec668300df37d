"""Mistakes planted in right answers in PyTorch: is each rejected, and is none called what it is not?

    python -m tests.mutation --tensors                  every answer
    python -m tests.mutation --tensors softmax lora     to these exercises

Beside changes in the text (mutants.py, anywhere.py) there are those of PyTorch: a part cut off from the gradient,
a step in place, a copy left out; and a gradient that is a little off for one argument, on some inputs alone.
What passes is judged again on inputs that were drawn anew, and what is named is held against the mistake there.
"""

from __future__ import annotations

import ast
import copy
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lessons.practice.exercise import Exercise, exercises
from lessons.practice.judging import Verdict
from lessons.practice.slopes import pulls_of
from lessons.practice.tensors import leaves, mapped
from tests.lessons.practice.torch_here import exercise_of, of_function, solutions
from tests.mutation.answers import AGAIN, LONGEST, _at_most, _read
from tests.mutation.anywhere import mutants_anywhere
from tests.mutation.mutants import in_place, mutants_of

#: methods and their forms that write to the tensor itself
IN_PLACE = (
    "masked_fill",
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "sqrt",
    "exp",
    "clamp",
    "addcmul",
    "scatter",
    "tril",
    "triu",
)
#: when a gradient is off: words, and whether these arguments are meant
WHERE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "always": lambda a: True,
    "where one text alone comes in": lambda a: _first(a).shape[0] == 1,
    "where there are two axes": lambda a: _first(a).ndim == 2,
    "where there are more axes": lambda a: _first(a).ndim > 2,
    "where a mask comes in": lambda a: any(np.asarray(one).dtype == bool for _, one in leaves(a) if one is not None),
    "where no mask comes in": lambda a: all(np.asarray(one).dtype != bool for _, one in leaves(a) if one is not None),
    "where numbers are large": lambda a: any(np.abs(one).max(initial=0) > 20 for _, one in leaves(a) if _is_float(one)),
}


class Planted(NamedTuple):
    """says: what was changed.  fate: passed (and is seen on new inputs), same, misnamed, named, unknown, or slow."""

    answer: str
    says: str
    fate: str
    verdict: str


def _is_float(one: Any) -> bool:
    return isinstance(one, np.ndarray) and one.dtype.kind == "f"


def _first(arguments: dict[str, Any]) -> Any:
    return next(one for _, one in leaves(arguments) if _is_float(one) and one.ndim)


def planted(path: Path, most: int, rng: random.Random) -> Iterator[Planted]:
    """Changed answers, `most` of them drawn at random, and every gradient that is off; all judged."""
    exercise = exercise_of(path)
    seen: dict[str, Any] = {}
    for mutant in (*mutants_of(path), *mutants_anywhere(path), *in_place(path, changes(path))):
        seen.setdefault(mutant.source, mutant)
    for mutant in rng.sample(list(seen.values()), min(most, len(seen))):
        function = _read(mutant, exercise.function_name)
        if function is not None:
            yield Planted(path.stem, f"{mutant.number}: {mutant.mutation}", *_fate(exercise, function))
    right = _function(path.read_text(encoding="utf-8"), exercise)
    for says, function in gradients_off(exercise, right):
        yield Planted(path.stem, says, *_fate(exercise, function))


def _function(source: str, exercise: Exercise) -> Callable[..., Any]:
    space: dict[str, Any] = {"__name__": "practice"}
    exec(source, space)
    function: Callable[..., Any] = space[exercise.function_name]
    return function


def changes(path: Path) -> Iterator[tuple[ast.expr, str]]:
    """(the node that is replaced, the text that replaces it)."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        for statement in function.body:
            for node in ast.walk(statement):
                text = ast.unparse(node)
                if (
                    isinstance(node, ast.Name)
                    and isinstance(node.ctx, ast.Load)
                    and node.id not in ("torch", "math", "F")
                ):
                    yield node, f"{text}.detach()"
                if isinstance(node, ast.Call | ast.BinOp | ast.Subscript):
                    yield node, f"({text}).detach()"
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                    yield from _called(node, node.func)


def _called(node: ast.Call, function: ast.Attribute) -> Iterator[tuple[ast.expr, str]]:
    one = ast.unparse(function.value)
    if function.attr in ("clone", "contiguous", "reshape", "expand"):
        yield node, one
    if function.attr in IN_PLACE and one not in ("torch", "math", "F"):
        yield node, f"{one}.{function.attr}_({', '.join(map(ast.unparse, [*node.args, *node.keywords]))})"
    for at, word in enumerate(node.keywords):
        if word.arg in ("dim", "keepdim", "unbiased", "correction", "stable", "descending"):
            fewer = copy.deepcopy(node)
            del fewer.keywords[at]
            yield node, ast.unparse(fewer)


def gradients_off(exercise: Exercise, right: Callable[..., Any]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The right numbers, and a gradient of one argument that is a tenth too large, on some inputs."""
    import torch

    class Larger(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            return x.clone()

        @staticmethod
        def backward(context: Any, dy: Any) -> Any:
            return 1.1 * dy

    judged = [exercise.cases[pull.place].arguments for pull in pulls_of(exercise)]
    paths = list(dict.fromkeys(path for one in judged for path, value in leaves(one) if _is_float(value)))
    for path in paths if len(paths) <= 16 else paths[::7]:
        for words, when in WHERE.items():
            if not any(when(one) and path in dict(leaves(one)) for one in judged):
                continue
            yield f"the gradient for {path} is a tenth too large {words}", bent(right, path, when, Larger.apply)


def bent(right: Callable[..., Any], path: str, when: Callable[[dict[str, Any]], bool], how: Any) -> Callable[..., Any]:
    """The right function, whose argument at `path` goes through `how` where `when` holds."""

    def function(**a: Any) -> Any:
        numbers = mapped(lambda _, one: one.detach().numpy() if hasattr(one, "detach") else one, a)
        return right(**(mapped(lambda at, one: how(one) if at == path else one, a) if when(numbers) else a))

    return function


def _fate(exercise: Exercise, function: Callable[..., Any]) -> tuple[str, str]:
    try:
        with _at_most(LONGEST * 4), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdict = of_function(exercise, function)
            if not verdict.passed and verdict.mistake is None:
                return "unknown", verdict.kind
            again = [of_function(_drawn_anew(exercise, seed), function) for seed in AGAIN]
    except TimeoutError:
        return "slow", ""
    if any("TimeoutError" in one.says for one in (verdict, *again)):  # it ended a call, which took it for its own
        return "slow", ""
    if verdict.passed:
        other = next((one for one in again if not one.passed), None)
        return ("same", "") if other is None else ("passed", f"{other.says} {other.evidence}")
    return _name_kept(verdict, again)


def _name_kept(verdict: Verdict, again: list[Verdict]) -> tuple[str, str]:
    assert verdict.mistake is not None
    other = next((one for one in again if verdict.mistake not in (one.mistake, *one.candidates)), None)
    return ("named", verdict.mistake.id) if other is None else ("misnamed", f"{verdict.mistake.id}, and: {other.says}")


ANEW: dict[tuple[str, int], Exercise] = {}


def _drawn_anew(exercise: Exercise, seed: int) -> Exercise:
    """The same with other inputs."""
    if (exercise.name, seed) not in ANEW:
        other = copy.copy(exercise)
        assert exercise._inputs is not None
        other.__dict__["cases"] = tuple(exercise._inputs(np.random.default_rng(seed)))
        ANEW[exercise.name, seed] = other
    return ANEW[exercise.name, seed]


def run_tensors(names: list[str], most: int, seed: int) -> int:
    """Prints the counts, and every one that passes or is misnamed; 1 where there is one."""
    known, total = exercises(), Counter[str]()
    for stem, path in solutions().items():
        if exercise_of(path).name not in (names or known):
            continue
        start, fates = time.process_time(), Counter[str]()
        for one in planted(path, most, random.Random(seed)):
            fates[one.fate] += 1
            if one.fate in ("passed", "misnamed"):
                print(f"{one.fate}: {one.answer}: {one.says}\n  {one.verdict}", flush=True)
        print(f"{stem}: {dict(fates)}, {time.process_time() - start:.1f} s", file=sys.stderr, flush=True)
        total += fates
    print(f"{sum(total.values())} planted: " + ", ".join(f"{count} {fate}" for fate, count in total.most_common()))
    return int(total["passed"] + total["misnamed"] > 0)
