"""PyTorch beside NumPy where no PyTorch is: its words, what is asked of it, and the verdict on gradients."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lessons.practice import frameworks
from lessons.practice.autograd import judge_gradients
from lessons.practice.bench import Left
from lessons.practice.comparing import alike, tolerance_of
from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.frameworks import judge_answer
from lessons.practice.in_torch import JUDGED, NOT_JUDGED, in_torch
from lessons.practice.slopes import gradient_of, pulls_of
from lessons.practice.tensors import leaves, mapped
from lessons.practice.trying import Outcome
from tfx.errors import EnvironmentProblem

EACH = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda one: one.name)


@EACH
def test_the_starter_is_the_same_stub_said_for_tensors(exercise):
    text = exercise.starter_in("torch")
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert function.name == exercise.function_name and "\nimport torch\n" in text and "numpy" not in text
    assert "array" not in text and "np." not in text and max(map(len, text.splitlines())) <= 100
    told = " ".join(line.removeprefix("#").removeprefix(" ").strip() for line in text.splitlines() if line[:1] == "#")
    assert (JUDGED in told, NOT_JUDGED in told) == (exercise.judges_gradients, not exercise.judges_gradients)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: array of scores -> an array", "x: tensor of scores -> a tensor"),
        ("np.swapaxes(k, -1, -2) turns; keepdims=True", "torch.swapaxes(k, -1, -2) turns; keepdim=True"),
        ("def softmax(x, axis=-1): ...", "def softmax(x, axis=-1): ..."),
    ],
)
def test_words_about_arrays_are_said_for_tensors(text, said):
    assert in_torch(text) == said


def test_without_pytorch_it_is_said_what_to_type(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem) as told:
        judge_answer(find_exercise("softmax"), Path("softmax.py"), "", "torch")
    assert told.value.message == "PyTorch is not installed."
    assert told.value.hint.startswith('Install it: pip install "tfx-learn[torch]"')


def test_a_pytorch_that_cannot_be_imported_is_no_verdict_on_the_learner(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("raise ImportError('libgomp is missing')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(frameworks, "need_torch", lambda: None)
    with pytest.raises(EnvironmentProblem) as told:
        judge_answer(find_exercise("softmax"), tmp_path / "softmax.py", "def softmax(x, axis=-1): return x", "torch")
    assert told.value.message == "PyTorch is there, and cannot be imported: ImportError: libgomp is missing."


def test_leaves_and_their_paths_of_a_tree():
    tree = {"w": [np.zeros(1), (2, {"b": 3})], "x": None}
    assert [path for path, _ in leaves(tree)] == ["w[0]", "w[1][0]", "w[1][1].b", "x"]
    assert mapped(lambda path, one: path, tree) == {"w": ["w[0]", ("w[1][0]", {"b": "w[1][1].b"})], "x": "x"}


def test_shapes_that_do_not_fit_are_one_exception_in_both():
    exercise = find_exercise("softmax")
    numpy, torch = Outcome(raised=("ValueError", "operands")), Outcome(raised=("RuntimeError", "The size of tensor"))
    assert alike(numpy, torch, tolerance_of(exercise, 0))
    assert not alike(numpy, Outcome(raised=("TypeError", "")), tolerance_of(exercise, 0))


WRONG = "the gradient for x is wrong: is a part of the way cut off (detach, .data, torch.no_grad)?"


def gradients(name: str) -> list[Outcome]:
    """What a right answer leaves, for the small inputs; none is known of the others, and none is judged there."""
    exercise = find_exercise(name)
    found = []
    for pull in pulls_of(exercise):
        paths = [path for path, one in leaves(exercise.cases[pull.place].arguments) if isinstance(one, np.ndarray)]
        found.append(
            Outcome(({path: gradient_of(exercise, pull, path) for path in paths}, dict.fromkeys(pull.upstream, "")))
        )
    return found


@pytest.fixture(scope="module")
def right() -> list[Outcome]:
    exercise = find_exercise("rope")
    assert exercise.judges_gradients
    return gradients("rope")


def test_right_gradients_are_right(right):
    assert judge_gradients(find_exercise("rope"), right) is None


def worse(right: list[Outcome], at: int, change) -> list[Outcome]:
    """The same with the gradient of one input changed."""
    ((path, gradient),) = right[at].value[0].items()
    carried = right[at].value[1]
    return [*right[:at], Outcome(({path: change(gradient)}, carried)), *right[at + 1 :]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: None, "no gradient arrives at x: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
        (np.zeros_like, "no gradient arrives at x: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
        (lambda g: g * np.nan, "the gradient for x is not finite: a NaN or an infinity that is replaced behind a step "
                               "still goes through the gradient of that step."),
        (lambda g: 2 * g, WRONG),
        (lambda g: g + 1e-4 * (np.arange(g.size).reshape(g.shape) == 3), WRONG),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", [0, -1])
def test_a_gradient_that_is_wrong_on_one_input_is_told(right, change, says, at):
    verdict = judge_gradients(find_exercise("rope"), worse(right, at % len(right), change))
    assert verdict is not None and (verdict.kind, verdict.says) == ("gradient", f"the numbers are right, and {says}")
    assert (
        verdict.evidence[0] == f"input: {find_exercise('rope').cases[pulls_of(find_exercise('rope'))[at].place].about}"
    )


def test_what_carries_no_gradient_is_named(right):
    (path, _), *_ = right[0].value[0].items()
    for how, says in (
        ("number", "y is no tensor: no gradient can go back through it (.item(), float, tolist)."),
        ("cut", "no graph hangs on y: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
    ):
        verdict = judge_gradients(find_exercise("rope"), [Outcome(({path: None}, {"": how})), *right[1:]])
        assert verdict is not None and verdict.says == f"the numbers are right, and {says}"


def test_what_is_raised_and_what_never_came_is_no_pass(right):
    rope = find_exercise("rope")
    verdict = judge_gradients(rope, [*right[:2], Outcome(raised=("RuntimeError", "a leaf")), *right[3:]], "Traceback")
    assert (
        verdict is not None
        and verdict.says.endswith("it raises RuntimeError: a leaf")
        and "Traceback" in verdict.evidence
    )
    assert judge_gradients(rope, right[:-1]) is not None
    assert not frameworks.judged(rope, Left(stage="done", outcomes=[Outcome(None)] * len(rope.cases))).passed
