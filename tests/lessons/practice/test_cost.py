"""What a call costs is counted right, and only an answer that is right and takes more than a rule allows is told so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lessons.practice import judging
from lessons.practice.bench import Left
from lessons.practice.cost import cost_of
from lessons.practice.exercise import Exercise, Given, Most, find_exercise
from lessons.practice.judging import judge_file
from lessons.practice.proving import proof_of

A, B = np.ones((3, 4)), np.ones((4, 5))


def by_hand(a, b):
    return [[sum(float(x) * float(y) for x, y in zip(row, b[:, j], strict=True)) for j in range(5)] for row in a]


@pytest.mark.parametrize(
    ("function", "flops"),
    [
        (lambda a, b: a @ b, 2 * 3 * 4 * 5),
        (lambda a, b: a.dot(b), 2 * 3 * 4 * 5),
        (lambda a, b: np.dot(a, b), 2 * 3 * 4 * 5),
        (lambda a, b: np.tensordot(a, b, 1), 2 * 3 * 4 * 5),
        (lambda a, b: np.einsum("ij,jk->ik", a, b), 2 * 3 * 4 * 5),
        (lambda a, b: np.einsum("...ij,...jk->...ik", a[None], b[None]), 2 * 3 * 4 * 5),
        (lambda a, b: np.exp(a) + 1, 12 + 12),
        (lambda a, b: a.sum(axis=-1), 12),
        (lambda a, b: np.swapaxes(a, 0, 1), 0),
        (lambda a, b: (a[:, :, None] * b[None]).sum(axis=1), 60 + 60),
        (lambda a, b: 1 / 0 if type(a) is not np.ndarray else a, 0),
    ],
)
def test_operations_are_counted(function, flops):
    assert cost_of(function, {"a": A, "b": B}).flops == flops
    assert cost_of(function, {"a": A, "b": B}, counting=False).flops == 0


def test_loops_over_numbers_are_not_counted_as_more_than_arrays():
    assert cost_of(by_hand, {"a": A, "b": B}).flops <= 2 * 3 * 4 * 5


def test_bytes_are_those_that_are_held_at_once():
    def in_turn(n):
        return sum(np.ones(n).sum() for _ in range(10))

    def together(n):
        return len([np.ones(n) for _ in range(10)])

    assert 80_000 <= cost_of(in_turn, {"n": 10_000}).bytes < 170_000
    assert 800_000 <= cost_of(together, {"n": 10_000}).bytes < 900_000


def chain(*sizes):
    """Matrices whose product is (a b) c."""
    shapes = itertools.pairwise(sizes)
    return {name: np.random.default_rng(2).random(shape) for name, shape in zip("abc", shapes, strict=True)}


def product(flops: int = 0) -> Exercise:
    """Three matrices in a row: (a b) c is cheaper than a (b c)."""
    exercise = Exercise("product", "A product", ["first a b."], ["a", "b"], "cheap.", ["y: (T, D)"])
    exercise.stub(lambda a, b, c: None)
    exercise.solution(lambda a, b, c: a @ b @ c)
    exercise.inputs(lambda rng: iter([Given("small", chain(2, 3, 4, 5))]))
    exercise.given_stub.__name__ = "product"
    exercise.most = Most("large", lambda rng: chain(2, 50, 60, 70), flops=flops)
    return exercise


def told(tmp_path, source, exercise):
    return judge_file(exercise, tmp_path / "product.py", f"import numpy as np\ndef product(a, b, c):\n    {source}\n")


def test_too_many_operations_are_told(tmp_path):
    ours = 2 * 2 * 50 * 60 + 2 * 2 * 60 * 70
    exercise = product(2 * ours)
    assert told(tmp_path, "return a @ b @ c", exercise).passed
    assert told(
        tmp_path, "return [[sum(x * y for x, y in zip(r, s)) for s in zip(*c)] for r in a @ b]", exercise
    ).passed
    verdict = told(tmp_path, "return a @ (b @ c)", exercise)
    theirs = 2 * 50 * 60 * 70 + 2 * 2 * 50 * 70
    assert (verdict.kind, verdict.passed) == ("too slow", False)
    assert verdict.says == f"the results are right, and it takes {theirs:,} operations, where {2 * ours:,} are allowed."
    assert verdict.evidence == ("input: large", f"one way to write it takes {ours:,}.")
    assert told(tmp_path, "return a @ (b @ c)", product(0)).passed, "nothing is judged that no bound states"


def test_what_a_larger_input_raises_is_shown(tmp_path):
    verdict = told(tmp_path, "return a @ b @ c if len(b) < 9 else 1 / 0", product(10**9))
    assert (verdict.kind, verdict.says) == (
        "raises", "the results are right, and on a larger input it raises an exception.",
    )  # fmt: skip
    assert verdict.evidence[1].startswith("Traceback") and verdict.evidence[1].endswith(
        "ZeroDivisionError: division by zero"
    )
    verdict = told(tmp_path, "return a @ b @ c if len(b) < 9 else np.ones(10**11)", product(10**9))
    assert (verdict.kind, verdict.says) == (
        "too much memory", "the results are right, and on a larger input there is not enough memory for it.",
    )  # fmt: skip


@pytest.mark.parametrize(("ended", "kind"), [("time", "too slow"), ("signal", "too much memory")])
def test_a_larger_input_that_ends_the_process_is_told(ended, kind, tmp_path, monkeypatch):
    run = judging.run_file
    monkeypatch.setattr(judging, "run_file", lambda *a, **more: Left(ended=ended) if more else run(*a))
    verdict = told(tmp_path, "return a @ b @ c", product(10**9))
    assert verdict.kind == kind and verdict.says.startswith("the results are right, and on a larger input ")


WHOLE_ROWS = """import numpy as np
def online_softmax(q, k, v, block, mask=None):
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    scores = scores if mask is None else np.where(mask, scores, -np.inf)
    top = scores.max(-1)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top)[..., None])
    total = e.sum(-1)
    return e @ v / np.where(total == 0, 1, total)[..., None], top, total
"""


def test_whole_rows_of_scores_are_right_and_too_much_memory(tmp_path):
    exercise = find_exercise("online-softmax")
    verdict = judge_file(exercise, tmp_path / "online_softmax.py", WHOLE_ROWS)
    assert verdict.kind == "too much memory" and verdict.mistake is None
    assert verdict.says.endswith(f" bytes at once, where {exercise.most.bytes:,} are allowed.")
    assert verdict.evidence[0] == "input: 16 queries, 512 keys in blocks of 16"


def test_a_pack_whose_own_ways_are_too_dear_is_not_proved():
    exercise = product(10)
    assert "<lambda> does not pass: too slow" in proof_of(exercise).faults
