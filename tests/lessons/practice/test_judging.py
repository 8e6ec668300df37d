"""The judge: right ways pass however they are written, wrong ones never, and only a mistake that fits gets its name."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.practice.comparing import Tolerance, differences, inputs_of
from lessons.practice.exercise import Exercise, Given, exercises, find_exercise
from lessons.practice.judging import judge, outcomes_of
from lessons.practice.proving import proof_of
from lessons.practice.trying import try_all
from tfx.ops.basics.softmax import softmax_forward


def verdict_on(name, function):
    exercise = find_exercise(name)
    return judge(exercise, try_all(function, [case.arguments for case in exercise.cases]))


def right(x, axis=-1):
    return softmax_forward(np.asarray(x, float), axis)[0]


def plain_floats(x, axis=-1):
    """Lists of lists."""

    def row(scores):
        top = max(scores)
        if top == -math.inf:
            return [0.0] * len(scores)
        e = [math.exp(one - top) for one in scores]
        return [one / sum(e) for one in e]

    moved = np.moveaxis(x, axis, -1)
    rows = np.array([row([float(one) for one in scores]) for scores in moved.reshape(-1, moved.shape[-1])])
    return np.moveaxis(rows.reshape(moved.shape), -1, axis).tolist()


def by_sigmoid_of_pairs(x, axis=-1):
    """1 over the sum of exp of differences."""
    x = np.moveaxis(x.astype(float), axis, -1)
    with np.errstate(all="ignore"):
        gaps = np.exp(x[..., None, :] - x[..., :, None])
    p = np.where(np.isneginf(x), 0, 1 / np.nansum(gaps, axis=-1))
    return np.moveaxis(p, -1, axis)


def complex_numbers(x, axis=-1):
    return right(x, axis).astype(complex).real


def long_floats(x, axis=-1):
    """In longdouble, some of whose bytes hold nothing."""
    return right(x.astype(np.longdouble), axis).astype(np.longdouble)


@pytest.mark.parametrize("function", [right, plain_floats, by_sigmoid_of_pairs, complex_numbers, long_floats])
def test_unusual_right_ways_pass(function):
    assert verdict_on("softmax", function).kind == "passed"


KEPT: dict[str, np.ndarray] = {}


def remembers(x, axis=-1):
    return KEPT.setdefault(str(x.shape), right(x, axis)).copy()


def second_call(x, axis=-1):
    second_call.calls += 1
    return right(x, axis) * (1 if second_call.calls <= len(find_exercise("softmax").cases) else 1 + 1e-6)


second_call.calls = 0

WRONG = {
    "right for one row": lambda x, axis=-1: right(x, axis) if x.ndim < 2 else right(x, axis) * (1 + 1e-6),
    "right without -inf": lambda x, axis=-1: np.nan_to_num(right(np.nan_to_num(x, neginf=-20.0), axis)),
    "right for short rows": lambda x, axis=-1: right(x[..., :500], axis) if x.shape[-1] > 500 else right(x, axis),
    "right for small scores": lambda x, axis=-1: right(np.clip(x, -700, 700), axis),
    "rounded": lambda x, axis=-1: np.round(right(x, axis), 6),
    "right along positive axes": lambda x, axis=-1: right(x, axis if axis >= 0 or axis == -1 else 0),
    "float32 inside": lambda x, axis=-1: right(np.asarray(x, np.float32), axis),
    "whole numbers are cut": lambda x, axis=-1: right(x, axis) if x.dtype != np.float32 else right(x, axis) * 1.001,
    "keeps the first": remembers,
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ways_outside_the_bank_are_not_passed_and_not_named(name):
    verdict = verdict_on("softmax", WRONG[name])
    assert not verdict.passed and verdict.mistake is None and verdict.candidates == ()


def test_a_second_call_that_gives_something_else_is_noticed():
    verdict = verdict_on("softmax", second_call)
    assert verdict.kind == "again" and "the same call later gives something else" in verdict.says


@pytest.mark.parametrize("second", [None, "text", 1.0, (), [1.0, "a"], np.zeros(3), (np.zeros(3), np.zeros(2), 1.0)])
def test_whatever_comes_of_the_second_call_is_looked_at(second):
    """The first gives arrays of several sizes; the second raises, for None, or gives something else."""
    exercise = find_exercise("rms-norm-backward")
    n = len(exercise.cases)
    calls = iter(range(2 * n))

    def function(dy, x, gamma, eps=1e-5):
        if next(calls) < n:
            return exercise.right(dy, x, gamma, eps)
        if second is None:
            raise ValueError("a second time")
        return second

    assert judge(exercise, try_all(function, [case.arguments for case in exercise.cases])).kind == "again"


def test_a_second_call_may_be_rounded_differently():
    """Its numbers are summed in another order."""

    def in_any_order(x, axis=-1):
        order = np.random.default_rng().permutation(x.shape[axis])
        shifted = np.exp(x - np.where(np.isneginf(top := x.max(axis=axis, keepdims=True)), 0, top))
        total = np.take(shifted, order, axis).cumsum(axis=axis).take([-1], axis)
        return shifted / np.where(total == 0, 1, total)

    assert verdict_on("softmax", in_any_order).passed


def test_an_argument_that_is_written_to_is_told():
    def in_place(x, axis=-1):
        x[...] = right(x, axis)
        return x.copy()

    says = "the result is right, but x is written to: it is changed after the call."
    assert verdict_on("softmax", in_place).says == says


def test_a_result_in_the_memory_of_an_argument_is_told():
    exercise = Exercise("turned", "Turned", ["x has two axes."], ["a", "b"], "turned.", ["y: (B, A)"])
    exercise.stub(lambda x: None)
    exercise.solution(lambda x: x.T.copy())
    exercise.inputs(lambda rng: iter([Given("two rows", {"x": rng.random((2, 3))})]))
    verdict = judge(exercise, try_all(lambda x: x.T, [case.arguments for case in exercise.cases]))
    assert (verdict.kind, verdict.evidence) == ("shared", ("input: two rows",))
    assert verdict.says == (
        "the result is right, but it lies in the memory of x: who changes the one changes the other."
    )


MERGED = [("e", "s"), ("es", "t")]


def pairs_of_texts(function):
    exercise = Exercise("pairs", "Pairs", ["n pairs."], ["a", "b"], "pairs.", ["merges: a list of pairs"], texts=True)
    exercise.stub(lambda n: None)
    exercise.solution(lambda n: MERGED[:n])
    exercise.mistake(joined)
    exercise.inputs(lambda rng: iter([Given(f"n = {n}", {"n": n}) for n in (2, 0, 1)]))
    return judge(exercise, try_all(function, [case.arguments for case in exercise.cases]))


def joined(n):
    """Texts, not pairs.

    Why: So.
    Hint: Look.
    """
    return ["".join(pair) for pair in MERGED[:n]]


@pytest.mark.parametrize("made", [list, tuple, lambda pairs: [list(pair) for pair in pairs],
                                  lambda pairs: [tuple(map(np.str_, pair)) for pair in pairs]])  # fmt: skip
def test_lists_and_tuples_of_texts_are_alike(made):
    assert pairs_of_texts(lambda n: made(MERGED[:n])).passed


@pytest.mark.parametrize(
    ("function", "kind", "says"),
    [
        (lambda n: MERGED[:1], "values",
         "merges has the length 1, and 2 is asked for; as far as both go they are alike."),
        (lambda n: MERGED[:n][::-1], "values", "merges[0] is ('es', 't'), and ('e', 's') is right."),
        (joined, "values", "merges[0] is es, and ('e', 's') is right."),
        (lambda n: np.array(MERGED[:n]), "type", "merges is no list of texts, or of tuples of texts."),
        (lambda n: [1, 2], "type", "merges is no list of texts, or of tuples of texts."),
        (lambda n: "es", "type", "merges is no list of texts, or of tuples of texts."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_list_of_texts_is_told(function, kind, says):
    verdict = pairs_of_texts(function)
    assert (verdict.kind, verdict.says) == (kind, says)
    assert (verdict.mistake is not None) == (function is joined)


def test_two_results_of_one_shape_may_come_in_a_list_of_lists():
    exercise = Exercise("both", "Both", ["x is (n,)."], ["a", "b"], "both.", ["twice: (n,)", "half: (n,)"])
    exercise.stub(lambda x: None)
    exercise.solution(lambda x: (2 * x, x / 2))
    exercise.inputs(lambda rng: iter([Given(f"n = {n}", {"x": rng.standard_normal(n)}) for n in (2, 3)]))

    @exercise.mistake
    def exchanged(x):
        """They are exchanged.

        Why: So.
        Hint: Look.
        """
        return x / 2, 2 * x

    calls = [case.arguments for case in exercise.cases]
    assert judge(exercise, try_all(lambda x: [(2 * x).tolist(), (x / 2).tolist()], calls)).passed
    verdict = judge(exercise, try_all(lambda x: [(x / 2).tolist(), (2 * x).tolist()], calls))
    assert verdict.kind == "values" and verdict.mistake.id == "both/exchanged"
    alone = judge(exercise, try_all(lambda x: 2 * x, calls))
    assert (alone.kind, alone.says) == ("type", "2 results are asked for (twice, half), and 1 came.")


@pytest.mark.parametrize("made", [list, tuple, np.array, lambda ids: [np.int64(one) for one in ids]])
def test_ids_beside_a_number_may_be_a_list_a_tuple_or_an_array(made):
    exercise = Exercise("ids", "Ids", ["n ids."], ["a", "b"], "ids.", ["ids: (N,)", "total: one number"])
    exercise.stub(lambda n: None)
    exercise.solution(lambda n: (np.arange(n), n / 2))
    exercise.inputs(lambda rng: iter([Given(f"n = {n}", {"n": n}) for n in (1, 3)]))
    calls = [case.arguments for case in exercise.cases]
    assert judge(exercise, try_all(lambda n: (made(range(n)), n / 2), calls)).passed
    assert judge(exercise, try_all(lambda n: [made(range(n)), n / 2], calls)).passed
    verdict = judge(exercise, try_all(lambda n: (made(range(1, n + 1)), n / 2), calls))
    assert verdict.says == "ids[0] is 1, and 0 is right."


def test_the_first_difference_is_told_and_what_it_amounts_to():
    exercise = find_exercise("softmax")
    blocked = sum(not one.value.any() for one in outcomes_of(exercise, exercise.right))  # twice 0 is right
    n = len(exercise.cases)
    verdict = verdict_on("softmax", lambda x, axis=-1: 2 * right(x, axis))
    assert verdict.kind == "values" and verdict.mistake is None
    first = right(find_exercise("softmax").cases[0].arguments["x"])[0, 0]
    assert verdict.says == f"p[0, 0] is {2 * first:.6g}, and {first:.6g} is right."
    assert verdict.evidence == (
        "input: a matrix, along the last axis",
        "  x (2, 5): 1.38 -0.574 1.16 -1.99 -0.616 0.0821 1.45 -1.83 1.34 -1.35",
        "10 of 10 numbers of p differ.",
        f"p is 2 times what is right, on all {n - blocked} inputs where it is wrong.",
        f"right on {blocked} of {n} inputs.",
    )


def test_a_mistake_of_the_bank_is_named_and_its_evidence_counted():
    verdict = verdict_on("softmax", lambda x, axis=-1: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True))
    assert verdict.mistake is not None and verdict.mistake.id == "softmax/maximum-not-subtracted"
    n, shows = len(find_exercise("softmax").cases), len(proof_of(find_exercise("softmax")).kills[verdict.mistake.id])
    assert verdict.evidence[-2:] == (
        f"right on {n - shows} of {n} inputs.", f"on all {n} inputs it gives what this mistake gives."
    )  # fmt: skip


def parts(value):
    return list(value) if isinstance(value, tuple) else [value]


def whole(some):
    return tuple(some) if len(some) > 1 else some[0]


def changed(exercise, place, how):
    """The right function, with result `place` changed by `how(result, arguments)`."""

    def function(**arguments):
        found = parts(exercise.right(**arguments))
        result = np.array(found[place])
        found[place] = how(result.astype(float) if result.dtype.kind in "biu" else result, arguments)
        return whole(found)

    return function


def last_of_the_first_axis(result, arguments):
    if result.ndim > 1 and len(result) > 1:
        result[-1] *= 1 + 1e-5
    return result


def options_off_their_defaults(result, arguments):
    plain = {name for name, value in arguments.items() if isinstance(value, np.ndarray) and value.dtype.kind == "f"}
    return result if plain == set(arguments) else result * (1 + 1e-5)


def one_number(result, arguments):
    result.flat[-1] += 1e-5 * np.abs(result).max(initial=0) + 1e-12
    return result


SUBTLE = {
    "a hundred-thousandth too large": lambda result, arguments: result * (1 + 1e-5),
    "the last of the first axis": last_of_the_first_axis,
    "options off their defaults": options_off_their_defaults,
    "one number": one_number,
    "only where an axis has the size 1": lambda r, arguments: r * (1 + 1e-5) if 1 in r.shape else r,
    "only where no axis has the size 1": lambda r, arguments: r if 1 in r.shape else r * (1 + 1e-5),
    "float32 inside": lambda result, arguments: result.astype(np.float32),
}


#: every way with every third exercise in each run of the tests
THIRDS = [
    pytest.param(exercise, how, id=f"{exercise.name}-{how}", marks=pytest.mark.slow if (place + turn) % 3 else ())
    for place, exercise in enumerate(one for one in exercises().values() if not one.texts)
    for turn, how in enumerate(SUBTLE)
]


@pytest.mark.parametrize(("exercise", "how"), THIRDS)
def test_what_is_subtly_wrong_is_neither_passed_nor_named(exercise, how):
    calls = [case.arguments for case in exercise.cases]
    right = outcomes_of(exercise, exercise.right)
    for place in range(len(exercise.results)):
        function = changed(exercise, place, SUBTLE[how])
        given = [parts(one.value)[place] for one in try_all(function, calls, twice=False)]
        if all(np.array_equal(a, parts(b.value)[place]) for a, b in zip(given, right, strict=True)):
            continue  # this result is 0 there, or has no such axis
        verdict = judge(exercise, try_all(function, calls, twice=False))
        assert not verdict.passed and verdict.mistake is None and not verdict.candidates, (place, verdict)


def test_inputs_are_shown_in_a_line_each():
    lines = inputs_of({
        "x": np.arange(6.0).reshape(2, 3), "long": np.arange(90) / 7, "keep": np.array([True, False]), "n": 2,
        "w": {"q": np.ones((2, 3)), "k": [np.ones(4)]}, "text": "a\nb", "half": np.ones(2, np.float32),
    })  # fmt: skip
    assert lines == [
        "x (2, 3): 0 1 2 3 4 5",
        "long (90,): 0 0.143 0.286 0.429 0.571 0.714 0.857 1 1.14 1.29 1.43 1.57 ...",
        "keep (2,): True False", "n = 2", "w: q (2, 3), k[0] (4,)", "text = 'a\\nb'", "half (2,) float32: 1 1",
    ]  # fmt: skip
    assert max(map(len, inputs_of({"w": [np.ones(2)] * 99, "words": ["word"] * 99, "x": np.ones(99) / 3}))) <= 80


def test_what_is_0_on_paper_may_be_rounding_of_what_went_in_and_no_more():
    tolerance = Tolerance(1e-9, 1e-5)
    for off, differs in ((1e-10, False), (1e-7, True)):
        assert differences(np.array([off, 0.0]), np.zeros(2), tolerance).any() == differs
    assert differences(np.array([1e-10, 1e-5]), np.array([0.0, 1e-5]), tolerance).any(), "beside another number"
