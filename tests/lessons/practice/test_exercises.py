"""Every exercise is proved: right ways pass, every mistake is found and told from every other."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import replace

import numpy as np
import pytest

from lessons.course import lesson_of
from lessons.practice.comparing import tolerance_of
from lessons.practice.exercise import Exercise, Given, exercises, source_of, topic_of
from lessons.practice.proving import proof_of

EACH = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda one: one.name)


@EACH
def test_it_is_proved(exercise):
    proof = proof_of(exercise)
    assert proof.faults == ()
    assert proof.mistakes >= 8 and proof.equals >= 1 and all(proof.kills.values())
    if not exercise.texts:  # no input is so badly conditioned that what is wrong is near enough
        assert max(tolerance_of(exercise, place).relative for place in range(proof.inputs)) < 0.02


@EACH
def test_the_starter_is_python_with_the_rules_on_top_and_nothing_of_the_solution(exercise):
    text = exercise.starter
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert function.name == exercise.function_name and ast.get_docstring(function)
    assert text.startswith(f"# {exercise.title}\n") and max(map(len, text.splitlines())) <= 100
    assert isinstance(function.body[-1], ast.Expr) and len(function.body) == 2
    body = source_of(exercise.solved).partition("\n")[2].strip().splitlines()
    assert not any(line.strip() in text for line in body if len(line.split()) > 1)


@EACH
def test_no_hint_is_the_answer(exercise):
    """None has a whole expression of the solution in it."""
    hints = ["".join(hint.split()) for hint in exercise.hints]
    lines = ["".join(line.partition("#")[0].split()) for line in source_of(exercise.solved).splitlines()[1:]]
    said = [re.sub(r"^(return|\w+(,\w+)*=)", "", line) for line in lines]
    assert not [line for line in said if len(line) > 14 and any(line in hint for hint in hints)]


@EACH
def test_its_step_its_arguments_and_its_results_are_those_of_its_function(exercise):
    assert not exercise.step or exercise.step in {scene.name for scene in lesson_of(topic_of(exercise)).scenes}
    names = set(inspect.signature(exercise.given_stub).parameters)
    assert all(set(case.arguments) <= names for case in exercise.cases)
    assert all(set(inspect.signature(one.function).parameters) == names for one in exercise.mistakes)
    assert len({case.about for case in exercise.cases}) == len(exercise.cases) >= 12


@EACH
def test_the_inputs_have_what_one_general_example_lacks(exercise):
    """Sizes of 1, sizes that coincide, another type, and each option off its default."""
    arrays = [[v for v in case.arguments.values() if isinstance(v, np.ndarray)] for case in exercise.cases]
    shapes = [[one.shape for one in some] for some in arrays]
    if any(arrays):
        assert any(1 in shape for some in shapes for shape in some)
        assert any(len(set(shape)) < len(shape) for some in shapes for shape in some if len(shape) > 1)
        types = {str(one.dtype) for some in arrays for one in some}
        assert "float32" in types or (len(types) > 1 and not any(name.startswith("float") for name in types))
    for name, parameter in inspect.signature(exercise.given_stub).parameters.items():
        if parameter.default is not inspect.Parameter.empty:
            assert any(name in case.arguments for case in exercise.cases), name
            assert any(name not in case.arguments for case in exercise.cases), name


def made(*, solution=lambda x: 2.0 * x, equal=lambda x: x + x, wrong=(), inputs=(1.0, 2.0)) -> Exercise:
    exercise = Exercise("doubled", "Doubled", ["x is a number."], ["one", "two"], "twice is twice.", ["y: a number"])
    exercise.stub(lambda x: None)
    exercise.solution(solution)
    exercise.equal(equal)
    exercise.inputs(lambda rng: iter([Given(f"x = {x}", {"x": np.array([x, -x, 3 * x])}) for x in inputs]))
    for name, function in wrong:
        function.__name__, function.__doc__ = name, "It is wrong.\n\nWhy: So.\nHint: Look."
        exercise.mistake(function)
    return exercise


@pytest.mark.parametrize(
    ("exercise", "fault"),
    [
        (made(wrong=[("thrice", lambda x: 3 * x), ("also_thrice", lambda x: x + x + x)]),
         "doubled/thrice and doubled/also-thrice give the same on every input"),
        (made(wrong=[("right", lambda x: x * 2)]), "doubled/right passes"),
        (made(equal=lambda x: x + 1), "<lambda> does not pass: values"),
        (made(equal=lambda x: np.add(x, x, out=x)), "<lambda> does not pass: changed"),
        (replace(made(), hints=["one"]), "there are fewer than two hints"),
        (replace(made(), rules=[]), "a rule is missing, or a text is not ASCII"),
    ],
)  # fmt: skip
def test_what_is_not_proved_is_said(exercise, fault):
    assert fault in proof_of(exercise).faults
