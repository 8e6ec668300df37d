"""The gradient doctor: each of its sentences on a fault that was planted, and silence where nothing fits."""

from __future__ import annotations

import re

import numpy as np
import pytest

from lessons.practice.comparing import Tolerance
from lessons.practice.doctor import Case, doctor, explained
from lessons.practice.exercise import Exercise, Given, exercises, find_exercise
from lessons.practice.judging import judge, outcomes_of
from lessons.practice.steps import examined, sizes_of
from lessons.practice.trying import try_all


def said(exercise, function) -> list[str]:
    """What is said of a wrong function, result by result; N for how many inputs are wrong."""
    outcomes = try_all(function, [case.arguments for case in exercise.cases], twice=False)
    lines = examined(exercise, outcomes_of(exercise, exercise.right), outcomes)
    return [re.sub(r"on all \d+ inputs where", "on all N inputs where", line) for line in lines]


def attention(**changes):
    """The right gradients, one of them changed."""
    right = find_exercise("attention-backward").right

    def function(dout, q, k, v, mask=None):
        found = dict(zip(("dq", "dk", "dv"), right(dout, q, k, v, mask), strict=True))
        at = {**found, "D": q.shape[-1], "T": q.shape[-2], "dout": dout, "q": q, "k": k, "v": v}
        return tuple({**found, **{name: change(at) for name, change in changes.items()}}.values())

    return function


def layer_norm(**changes):
    right = find_exercise("layer-norm-backward").right

    def function(dy, x, gamma, eps=1e-5):
        found = dict(zip(("dx", "dgamma", "dbeta"), right(dy, x, gamma, eps), strict=True))
        deviation = np.sqrt(x.var(-1, keepdims=True) + eps)
        n = (x - x.mean(-1, keepdims=True)) / deviation
        at = {**found, "dy": dy, "x": x, "gamma": gamma, "n": n, "g": dy * gamma, "s": deviation}
        return tuple({**found, **{name: change(at) for name, change in changes.items()}}.values())

    return function


def softmax(change):
    def function(dp, p, axis=-1):
        return change(p, dp, (dp * p).sum(axis, keepdims=True), axis)

    return function


def tokens(x):
    return tuple(range(x.ndim - 1))


DQ, DK, DV = "dk and dv are right on all inputs; dq is not.", "dq and dv are right on all inputs; dk is not.", (
    "dq and dk are right on all inputs; dv is not."
)  # fmt: skip
DX, DGAMMA, DBETA = (
    "dgamma and dbeta are right on all inputs; dx is not.", "dx and dbeta are right on all inputs; dgamma is not.",
    "dx and dgamma are right on all inputs; dbeta is not.",
)  # fmt: skip
EVERY = "on all N inputs where it is wrong"
CROSSED = "the inner sum (the cross term) is missing or another."

PLANTED = {
    "a factor": ("attention-backward", attention(dq=lambda a: 2 * a["dq"]),
        [DQ, "dq is 2 times what is right, on all N inputs where it is wrong."]),
    "a sign": ("attention-backward", attention(dk=lambda a: -a["dk"]),
        [DK, "dk has the wrong sign, on all N inputs where it is wrong: it is -1 times what is right."]),
    "sqrt(D)": ("attention-backward", attention(dq=lambda a: a["dq"] * a["D"] ** 0.5),
        [DQ, "dq is sqrt(D) times what is right, on all N inputs where it is wrong."]),
    "1 / sqrt(D)": ("attention-backward", attention(dk=lambda a: a["dk"] / a["D"] ** 0.5),
        [DK, "dk is 1 / sqrt(D) times what is right, on all N inputs where it is wrong."]),
    "- D": ("attention-backward", attention(dk=lambda a: -a["dk"] * a["D"]),
        [DK, "dk is -D times what is right, on all N inputs where it is wrong."]),
    "1 / T": ("attention-backward", attention(dv=lambda a: a["dv"] / a["T"]),
        [DV, "dv is 1 / T times what is right, on all N inputs where it is wrong."]),
    "another one": ("attention-backward",
        attention(dk=lambda a: a["dq"] if a["q"].shape == a["k"].shape else a["dk"]),
        [DK, "dk is what dq should be, on all N inputs where it is wrong."]),
    "a transpose": ("attention-backward", attention(dq=lambda a: np.swapaxes(a["dq"], -1, -2)),
        [DQ, "dq is the transpose of what is right, on all N inputs where it is wrong."]),
    "no cross term": ("softmax-backward", softmax(lambda p, dp, inner, axis: p * dp),
        ["dx differs by p times one number for each slice along the axis, on all N inputs where it is wrong: "
         + CROSSED]),
    "a cross term of another axis": ("softmax-backward",
        softmax(lambda p, dp, inner, axis: p * (dp - (dp * p).sum(keepdims=True))),
        ["dx differs by p times one number for each slice along the axis, on all N inputs where it is wrong: "
         + CROSSED]),
    "the factor p": ("softmax-backward", softmax(lambda p, dp, inner, axis: dp - inner),
        ["dx lacks the factor p, on all N inputs where it is wrong."]),
    "p twice": ("softmax-backward", softmax(lambda p, dp, inner, axis: p * p * (dp - inner)),
        ["dx is multiplied by p once too often, on all N inputs where it is wrong."]),
    "the length of a slice": ("softmax-backward",
        softmax(lambda p, dp, inner, axis: p * (dp - inner) / p.shape[axis]),
        ["dx is 1 / (length of a slice) times what is right, on all N inputs where it is wrong."]),
    "no variance term": ("layer-norm-backward",
        layer_norm(dx=lambda a: (a["g"] - a["g"].mean(-1, keepdims=True)) / a["s"]),
        [DX, "dx differs by n times one number for each slice along the last axis, on all N inputs where it is wrong: "
         + CROSSED]),
    "no mean term": ("layer-norm-backward",
        layer_norm(dx=lambda a: (a["g"] - a["n"] * (a["g"] * a["n"]).mean(-1, keepdims=True)) / a["s"]),
        [DX, "dx differs by one number for each slice along the last axis, on all N inputs where it is wrong: what is"
         " the same all along it, a sum or a mean, is missing or another."]),
    "not divided": ("layer-norm-backward", layer_norm(dx=lambda a: a["dx"] * a["s"]),
        [DX, "dx is what is right times another number in each slice along the last axis, on all N inputs where it is"
         " wrong: look at what divides it."]),
    "not summed": ("layer-norm-backward", layer_norm(dgamma=lambda a: a["dy"] * a["n"]),
        [DGAMMA, "dgamma is not summed, on all N inputs where it is wrong: with the sum over all axes but the last it"
         " is right."]),
    "summed over one axis": ("layer-norm-backward",
        layer_norm(dbeta=lambda a: a["dy"].sum(0) if a["dy"].ndim > 1 else a["dy"]),
        [DBETA, "dbeta is not summed, on all N inputs where it is wrong: with the sum over all axes but the last it is"
         " right."]),
    "summed over the last axis": ("layer-norm-backward", layer_norm(dbeta=lambda a: a["dy"].sum(-1)),
        [DBETA, "dbeta is dy summed over the last axis, where the sum is over all axes but the last, on all N inputs"
         " where it is wrong."]),
    "a product summed over the last axis": ("layer-norm-backward",
        layer_norm(dgamma=lambda a: (a["dy"] * a["n"]).sum(-1)),
        [DGAMMA, "dgamma is dy * n summed over the last axis, where the sum is over all axes but the last, on all N"
         " inputs where it is wrong."]),
    "a mean for a sum": ("layer-norm-backward", layer_norm(dbeta=lambda a: a["dy"].mean(tokens(a["dy"]))),
        [DBETA, "dbeta is 1 / (number of rows) times what is right, on all N inputs where it is wrong."]),
    "gamma in dgamma": ("layer-norm-backward", layer_norm(dgamma=lambda a: a["dgamma"] * a["gamma"]),
        [DGAMMA, "dgamma is multiplied by gamma once too often, on all N inputs where it is wrong."]),
    "dx summed": ("layer-norm-backward", layer_norm(dx=lambda a: a["dx"].sum(0)),
        [DX, "dx is summed over the first axis, where it should not be, on all N inputs where it is wrong."]),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_gets_its_sentence(fault):
    name, function, lines = PLANTED[fault]
    assert said(find_exercise(name), function) == lines


def made(change) -> tuple[Exercise, object]:
    """y = x + tanh(x) over rows, and its backward with `change`."""
    exercise = Exercise("branch-backward", "A branch", ["dy and x are (T, C)."], ["a", "b"], "both.", ["dx: (T, C)"])
    exercise.stub(lambda dy, x: None)
    exercise.solution(lambda dy, x: dy + dy * (1 - np.tanh(x) ** 2))
    shapes = ((3, 4), (2, 5), (1, 3))
    exercise.inputs(lambda rng: (Given(str(s), {"dy": rng.random(s), "x": rng.standard_normal(s)}) for s in shapes))
    return exercise, lambda dy, x: change(dy, dy * (1 - np.tanh(x) ** 2))


def test_a_residual_that_is_missing_or_there_twice_is_told():
    exercise, function = made(lambda dy, branch: branch)
    outcomes = try_all(function, [case.arguments for case in exercise.cases], twice=False)
    assert examined(exercise, outcomes_of(exercise, exercise.right), outcomes) == [
        "dx lacks dy, which is to be added (the residual), on all 3 inputs where it is wrong."
    ]
    assert said(*made(lambda dy, branch: branch + 2 * dy)) == [
        "dx has dy added once too often, on all N inputs where it is wrong."
    ]


rng = np.random.default_rng(1)

SILENT = {
    "noise": ("attention-backward", attention(dq=lambda a: a["dq"] + 1e-3 * rng.standard_normal(a["dq"].shape))),
    "one number": ("attention-backward", attention(dv=lambda a: a["dv"] + 1.0 * (a["dv"] == a["dv"].max()))),
    "a factor that changes": ("attention-backward", attention(dk=lambda a: a["dk"] * rng.random())),
    "zeros": ("attention-backward", attention(dq=lambda a: 0 * a["dq"])),
    "NaN": ("attention-backward", attention(dq=lambda a: a["dq"] * np.nan)),
    "complex": ("attention-backward", attention(dq=lambda a: a["dq"] * 1j)),
    "another power": ("layer-norm-backward", layer_norm(dgamma=lambda a: np.cbrt(a["dgamma"]))),
    "both terms missing": ("layer-norm-backward", layer_norm(dx=lambda a: a["g"] / a["s"])),
    "x for n": ("layer-norm-backward", layer_norm(dgamma=lambda a: (a["dy"] * a["x"]).sum(tokens(a["x"])))),
    "another shape": ("layer-norm-backward", layer_norm(dgamma=lambda a: rng.random(9))),
    "a number": ("layer-norm-backward", layer_norm(dgamma=lambda a: 1.5)),
    "an empty array": ("layer-norm-backward", layer_norm(dgamma=lambda a: np.zeros((0, 3)))),
}  # fmt: skip


@pytest.mark.parametrize("fault", SILENT)
def test_where_nothing_fits_nothing_is_said_but_which_results_are_right(fault):
    name, function = SILENT[fault]
    (line,) = said(find_exercise(name), function)
    assert line.endswith("is not.") and line.count("right on all inputs") == 1


def test_what_fits_one_input_and_not_the_next_is_not_said():
    case = {"tolerance": Tolerance(1e-9)}
    twice = [Case(c * np.arange(4.0), np.arange(4.0), **case) for c in (2, 2)]
    other = [Case(c * np.arange(4.0), np.arange(4.0), **case) for c in (2, 3)]
    assert explained("y", twice) == ["y is 2 times what is right, everywhere."] and explained("y", other) == []
    assert explained("y", [Case(np.array([3.0]), np.array([2.0]), **case)]) == [], "any number is a multiple of another"
    assert doctor("y", 3 * np.arange(4.0), np.arange(4.0)) == ["y is 3 times what is right, everywhere."]


#: mistake -> what is said of the numbers, beside which results are right
OF_THE_BANKS = {
    "attention-backward/cross-term-missing":
        f"dq differs by p @ k times one number for each slice along the last axis, {EVERY}: {CROSSED}",
    "attention-backward/queries-and-keys-exchanged": f"dq is what dk should be, {EVERY}.",
    "cross-entropy/sum-for-mean": f"loss is (rows that count) times what is right, {EVERY}.",
    "cross-entropy/in-bits": f"loss is 1.4427 times what is right, 1 / log(2), {EVERY}.",
    "cross-entropy/sign-missing": f"loss has the wrong sign, {EVERY}: it is -1 times what is right.",
    "cross-entropy-backward/mean-not-divided": f"dlogits is (rows that count) times what is right, {EVERY}.",
    "cross-entropy-backward/upstream-left-out": f"dlogits is 1 / dloss times what is right, {EVERY}.",
    "noam/factor-left-out": f"rate is 1 / factor times what is right, {EVERY}.",
    "feed-forward-backward/residual-inside": f"dx has dy added once too often, {EVERY}.",
    "feed-forward-backward/maps-turned": f"dw_1 is the transpose of what is right, {EVERY}.",
    "gelu/half-missing": f"y is 2 times what is right, {EVERY}.",
    "gelu/x-missing": f"y lacks the factor x, {EVERY}.",
    "softmax/not-divided":
        f"p is what is right times another number in each slice along the axis, {EVERY}: look at what divides it.",
    "softmax/maximum-of-all": "",
    "top-k/a-large-negative-number": "",
    "noam/rises-as-a-root": "",
}  # fmt: skip


@pytest.mark.parametrize("name", OF_THE_BANKS)
def test_mistakes_of_the_banks_get_sentences_that_are_true(name):
    exercise = find_exercise(name.partition("/")[0])
    function = next(mistake.function for mistake in exercise.mistakes if mistake.id == name)
    lines = [line for line in said(exercise, function) if "right on all inputs" not in line]
    assert lines[:1] == ([OF_THE_BANKS[name]] if OF_THE_BANKS[name] else [])


def test_a_mask_is_told_by_its_opposite_and_its_transpose():
    mask = np.tri(4, dtype=bool)
    assert doctor("mask", ~mask, mask) == [
        "mask is the opposite of what is right, everywhere: True where False belongs."
    ]
    assert doctor("mask", mask.T, mask) == ["mask is the transpose of what is right, everywhere."]
    assert doctor("mask", mask * 2, mask) == doctor("mask", np.eye(4, dtype=bool), mask) == []


def test_sizes_have_the_names_that_the_stub_gives_them():
    exercise = find_exercise("attention-backward")
    sizes = sizes_of(exercise, exercise.cases[1].arguments)
    assert {name: sizes[name] for name in ("T", "S", "D", "Dv")} == {"T": 4, "S": 6, "D": 5, "Dv": 7}
    exercise = find_exercise("cross-entropy")
    place = next(n for n, case in enumerate(exercise.cases) if case.about == "padding and smoothing")
    keep = exercise.cases[place].arguments["keep"]
    sizes = sizes_of(exercise, exercise.cases[place].arguments)
    assert (sizes["V"], sizes["smoothing"], sizes["(True in keep)"]) == (6, 0.2, keep.sum())


@pytest.mark.parametrize(
    "exercise",
    [  # every fourth of them in every run of the tests
        pytest.param(exercise, id=exercise.name, marks=pytest.mark.slow if place % 4 else ())
        for place, exercise in enumerate(exercises().values())
    ],
)
def test_whatever_comes_back_is_judged_without_a_breakdown(exercise):
    """Arrays of any shape and type in the place of every result."""
    values = [
        np.zeros((0, 3)), np.array(1.5), np.full((2, 2), np.nan), np.ones((1, 1, 1, 1)), np.array([True, False]),
        np.array([2**62]), 1e308 * np.ones((3, 4)), np.ones(3) * 1j, -np.inf, 7, "text", None, {"a": 1}, (1.0, 2.0),
    ]  # fmt: skip
    for value in values:
        found = tuple([value] * len(exercise.results)) if len(exercise.results) > 1 else value
        verdict = judge(
            exercise, try_all(lambda found=found, **_: found, [c.arguments for c in exercise.cases], twice=False)
        )
        assert not verdict.passed and verdict.says.endswith(".")
    right = exercise.right
    for change in (lambda y: y.astype(bool), lambda y: y.astype(complex), lambda y: np.asarray(y)[..., None], np.ravel):

        def function(change=change, **arguments):
            found = right(**arguments)
            return (
                tuple(change(np.asarray(one)) for one in found)
                if isinstance(found, tuple)
                else change(np.asarray(found))
            )

        assert judge(exercise, try_all(function, [c.arguments for c in exercise.cases], twice=False)).says
