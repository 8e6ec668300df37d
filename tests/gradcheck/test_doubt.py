"""Wrong, right or not decidable: the check accuses no right code, and says what kept it from deciding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.gradcheck import CONTROLS, CaseReport, ControlReport, InputReport, Report, check_adjoint, check_gradients
from tfx.gradcheck.cases import CASES
from tfx.ops.basics.softmax import softmax_backward, softmax_forward

Z = np.random.default_rng(0).standard_normal((3, 4))
OPERATIONS = [case for case in CASES if case.covers.split(".")[1] in ("ops", "efficient")]


def overwriting(x: np.ndarray) -> tuple[Any, Any]:
    x *= 2
    return x, None


def with_dropout() -> Any:
    rng = np.random.default_rng(1)

    def forward(x: np.ndarray) -> tuple[Any, Any]:
        keep = (rng.random(x.shape) > 0.3) / 0.7
        return x * keep, keep

    return forward


def times_two(dy: np.ndarray, cache: Any) -> np.ndarray:
    return 2 * dy


def relu(x: np.ndarray) -> tuple[Any, Any]:
    return np.maximum(x, 0), x


def relu_back(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return dy * (x > 0)


def with_a(value: float) -> np.ndarray:
    x = Z.copy()
    x[1, 2] = value
    return x


def single(x: np.ndarray) -> tuple[Any, Any]:
    return np.tanh(x.astype("float32")), x


def hidden_single(x: np.ndarray) -> tuple[Any, Any]:
    return np.tanh(x.astype("float32")).astype("float64"), x


def tanh_back(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    return dy * (1 - np.tanh(x) ** 2)


UNDECIDED = {
    "overwritten": (overwriting, times_two, Z, "forward overwrites x; let it work on a copy"),
    "random": (
        with_dropout(), lambda dy, keep: dy * keep, Z,
        "forward gives another result each time; give it the same random numbers in every call",
    ),
    "kink": (
        relu, relu_back, with_a(0.0), "a kink: forward has one slope to the left of here and another to the right",
    ),
    "tie": (
        lambda x: (x.max(axis=-1), x), lambda dy, x: dy[:, None] * (np.arange(4) == x.argmax(-1)[:, None]),
        np.array([[1.0, 1.0, 0.0, -1.0]]), "a kink: forward has one slope to the left of here and another to the right",
    ),
    "float32": (single, tanh_back, Z, "forward's result is float32, too few digits to tell; let it compute in float64"),
    "float32 inside": (
        hidden_single, tanh_back, Z, "forward's result has no more digits than float32; let it compute in float64",
    ),
    "integers": (
        lambda x: ((4 * x).astype(int), x), lambda dy, x: 4 * dy, Z,
        "forward's result is int64, which moves in steps; let it compute in float64",
    ),
    "infinite": (
        lambda x: (np.exp(x), np.exp(x)), lambda dy, y: dy * y, Z + 800, "forward's result is not finite here",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_breaks_an_assumption_is_named_and_nobody_accused(name):
    forward, backward, x, reason = UNDECIDED[name]
    with np.errstate(all="ignore"):
        report = check_gradients(forward, backward, {"x": x.copy()})
    assert report.verdict == "undecided" and not report.passes
    assert report.inputs["x"].doubt == reason
    assert report.summary().startswith(f"not decidable: {reason}")


@pytest.mark.parametrize("size", [1, 10, 30, 100, 300, 1e4])
def test_a_saturated_softmax_is_right_or_below_what_rounding_leaves(size):
    report = check_gradients(softmax_forward, softmax_backward, {"x": Z * size})
    assert report.verdict == "agree" if size <= 30 else report.verdict != "differ"
    if report.verdict == "undecided":
        assert report.inputs["x"].doubt.startswith("rounding alone makes ")


@pytest.mark.parametrize("size", [1e2, 1e4, 1e5, 1e8])
def test_large_inputs_lose_no_digits_to_the_step(size):
    x = abs(Z) * size + size
    assert check_gradients(lambda x: (np.log(x), x), lambda dy, x: dy / x, {"x": x}).passes
    assert check_gradients(lambda x: (x * x, x), lambda dy, x: 2 * x * dy, {"x": x}).passes
    wrong = check_gradients(lambda x: (np.log(x), x), lambda dy, x: 1.001 * dy / x, {"x": x})
    assert wrong.verdict == "differ"


@pytest.mark.parametrize("place", [1e-3, 1e-5, 1e-7])
def test_a_kink_close_by_is_seen_through_or_named(place):
    report = check_gradients(relu, relu_back, {"x": with_a(place)})
    assert report.verdict == ("agree" if place >= 1e-5 else "undecided")


def test_a_wrong_gradient_beside_a_kink_is_still_wrong():
    def wrong(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
        dx = relu_back(dy, x)
        dx[0, 0] += 0.1
        return dx

    report = check_gradients(relu, wrong, {"x": with_a(0.0)})
    assert report.verdict == "differ" and report.worst_input.index == (0, 0)


@pytest.mark.parametrize("slope", [-0.5, 1.5])
def test_a_gradient_outside_both_slopes_of_a_kink_is_wrong(slope):
    report = check_gradients(relu, lambda dy, x: dy * np.where(x == 0, slope, x > 0), {"x": with_a(0.0)})
    assert report.verdict == "differ" and report.worst_input.index == (1, 2)


def test_an_eps_that_backward_forgets_is_wrong_and_no_kink():
    def norm(x: np.ndarray) -> tuple[Any, Any]:
        r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
        return x * r, x

    def without_eps(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
        r = 1 / np.sqrt((x * x).mean(-1, keepdims=True))
        return r * (dy - x * r * r * (dy * x).mean(-1, keepdims=True))

    assert check_gradients(norm, without_eps, {"x": Z}).verdict == "differ"


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([1.0, 2.0], "only float arrays have gradients: x is a list"),
        (np.array([1, 2]), r"only float arrays have gradients: x is an integer array \(int64\)"),
        (np.array([1j]), r"only float arrays have gradients: x is a complex array \(complex128\)"),
        (3, "only float arrays have gradients: x is an int"),
    ],
)
def test_what_has_no_gradient_is_said(x, words):
    with pytest.raises(ValueError, match=words):
        check_gradients(lambda x: (np.asarray(x) * 2, None), times_two, {"x": x})


def test_a_plain_number_is_checked_like_an_array():
    def scaled(x: np.ndarray, s: np.ndarray) -> tuple[Any, Any]:
        return x * s, (x, s)

    right = check_gradients(scaled, lambda dy, c: (dy * c[1], (dy * c[0]).sum()), {"x": Z, "s": 2.0})
    assert right.passes and list(right.inputs) == ["x", "s"]
    wrong = check_gradients(scaled, lambda dy, c: (dy * c[1], np.array(999.0)), {"x": Z, "s": 2.0})
    assert wrong.verdict == "differ" and wrong.worst_input.name == "s"


@pytest.mark.parametrize("check", [check_gradients, check_adjoint])
@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda x: ((x, x), None), r"forward gave 2 outputs; join them to one array, \(y, cache\) is what it returns"),
        (lambda x: x * 2, r"forward returned a float array \(float64\) alone; it returns \(y, cache\)"),
        (lambda x: None, r"forward returned nothing alone; it returns \(y, cache\)"),
        (lambda x: (x * 2, x, x), r"forward returned 3 things; it returns \(y, cache\), the cache being one of them"),
        (lambda x: (None, x), r"forward's y is nothing; a gradient needs an array of floats"),
        (lambda x: ("y", x), r"forward's y is a str; a gradient needs an array of floats"),
    ],
)
def test_what_forward_has_to_return_is_said(check, forward, words):
    with pytest.raises(ValueError, match=words):
        check(forward, times_two, {"x": Z})


def test_a_backward_that_takes_dy_for_another_shape_is_named():
    with pytest.raises(ValueError, match=r"backward fails on a dy of y's shape, \(3, 2\): matmul: .*mismatch"):
        check_gradients(lambda x, w: (x @ w, (x, w)), lambda dy, c: (c[1] @ dy, c[0].T @ dy), {"x": Z, "w": Z[:2].T})


def overwrites_dy(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    dy *= 2
    return dy


def overwrites_its_cache(dy: np.ndarray, cache: dict[str, Any]) -> np.ndarray:
    dx = dy * cache["kept"][0]
    cache["kept"][0][...] = 0
    return dx


@pytest.mark.parametrize(
    ("forward", "backward", "what"),
    [
        (lambda x: (2 * x, x), overwrites_dy, "dy"),
        (lambda x: (x * x / 2, {"kept": [x.copy()]}), overwrites_its_cache, "what forward kept for it"),
    ],
)
def test_a_backward_that_overwrites_what_it_is_given_is_told_so(forward, backward, what):
    report = check_gradients(forward, backward, {"x": Z})
    assert report.verdict == "differ"
    assert report.inputs["x"].problem == f"backward overwrites {what}; let it work on a copy"


@pytest.mark.parametrize("name", ["overwritten", "random"])
def test_the_adjoint_test_says_so_too(name):
    forward, backward, x, reason = UNDECIDED[name]
    report = check_adjoint(forward, backward, {"x": x.copy()})
    assert report.verdict == "undecided" and report.inputs["x"].doubt == reason


def test_a_check_that_could_not_decide_has_caught_nothing_and_passed_nothing():
    mistake = CONTROLS[0]
    undecided = Report({"x": InputReport("x", 1.0, (0,), 1.0, 2.0, n_checked=1, doubt="a kink")}, 1e-9)
    assert not ControlReport(mistake, undecided).caught
    assert not any(row.passes for row in CaseReport(CASES[0], undecided).rows())
    assert CaseReport(CASES[0], undecided).rows()[0].element == (
        "x[0]: analytic 1, numeric 2, relative error 1.0e+00; not decidable: a kink"
    )


def verdicts(cases: list[Any], size: float, elements: int) -> dict[str, str]:
    """The verdict on every case with its inputs multiplied by size."""
    found = {}
    for case in cases:
        problem = case.build(np.random.default_rng(0))
        floats = [name for name, x in problem.inputs.items() if np.asarray(x).dtype.kind == "f"]
        inputs = {name: x * size if name in floats else x for name, x in problem.inputs.items()}
        with np.errstate(all="ignore"):
            report = check_gradients(
                problem.forward, problem.backward, {**inputs, **problem.fixed}, floats,
                max_elements=elements, directions=problem.directions,
            )  # fmt: skip
        found[f"{case.op} {case.variant}"] = report.verdict
    return found


@pytest.mark.parametrize("size", [30.0, 1e4])
def test_no_operation_of_ours_is_accused_however_large_its_inputs(size):
    found = verdicts(OPERATIONS[::5], size, 2)
    assert "differ" not in found.values()
    assert list(found.values()).count("undecided") < 0.1 * len(found)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1.0, 30.0, 100.0, 1e4])
def test_no_operation_of_ours_is_accused_at_any_size(size):
    found = verdicts(OPERATIONS, size, 6)
    assert "differ" not in found.values()
    assert list(found.values()).count("undecided") < 0.06 * len(found)
