"""check_gradients on code that has nothing to do with this library."""

from typing import NamedTuple

import numpy as np
import pytest

from tfx.gradcheck import check_gradients

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2))


def forward(x, w):
    return np.tanh(x @ w), (x, w, np.tanh(x @ w))


def backward(dy, cache):
    x, w, y = cache
    dz = dy * (1 - y * y)
    return dz @ w.T, x.T @ dz


def test_a_right_gradient_passes():
    report = check_gradients(forward, backward, {"x": X, "w": W})
    assert report.passes and 0 < report.worst < 1e-11
    assert {name: found.n_checked for name, found in report.inputs.items()} == {"x": 12, "w": 8}
    assert report.summary().startswith("gradients agree")


@pytest.mark.parametrize("index", [(0, 0), (2, 3), (1, 2)])
def test_one_wrong_element_is_named_with_both_values(index):
    def one_wrong(dy, cache):
        dx, dw = backward(dy, cache)
        dx[index] += 0.25
        return dx, dw

    report = check_gradients(forward, one_wrong, {"x": X, "w": W})
    worst = report.worst_input
    assert not report.passes
    assert (worst.name, worst.index) == ("x", index)
    assert worst.analytic - worst.numeric == pytest.approx(0.25, rel=1e-9)
    assert f"x[{index[0]}, {index[1]}]" in report.summary()
    assert f"{worst.analytic:.9g}" in report.summary() and f"{worst.numeric:.9g}" in report.summary()
    assert report.inputs["w"].error < 1e-11, "the other input is not blamed"


def test_the_error_is_relative_to_the_largest_element_of_the_tensor():
    report = check_gradients(lambda x: (x, None), lambda dy, cache: 1.001 * dy, {"x": X})
    assert report.worst == pytest.approx(1e-3, rel=1e-6)


class Grads(NamedTuple):
    dw: np.ndarray
    dx: np.ndarray


@pytest.mark.parametrize(
    "rename",
    [
        lambda dx, dw: (dx, dw),
        lambda dx, dw: [dx, dw],
        lambda dx, dw: {"w": dw, "x": dx},
        lambda dx, dw: Grads(dw, dx),
        lambda dx, dw: (dx, dw, None),
    ],
    ids=["tuple", "list", "mapping", "named tuple in another order", "tuple with None"],
)
def test_gradients_may_come_in_any_usual_form(rename):
    report = check_gradients(forward, lambda dy, cache: rename(*backward(dy, cache)), {"x": X, "w": W})
    assert report.passes


def test_only_float_inputs_are_checked_and_others_are_handed_on():
    ids = np.array([2, 0, 2])

    def pick_back(dy, cache):
        dtable = np.zeros((3, 4))
        np.add.at(dtable, cache, dy)
        return dtable

    report = check_gradients(lambda table, ids: (table[ids], ids), pick_back, {"table": X, "ids": ids})
    assert report.passes and list(report.inputs) == ["table"]


def test_wrt_chooses_the_inputs():
    report = check_gradients(forward, lambda dy, cache: backward(dy, cache)[1], {"x": X, "w": W}, wrt=["w"])
    assert report.passes and list(report.inputs) == ["w"]


def test_float32_inputs_are_checked_in_float64():
    assert check_gradients(forward, backward, {"x": X.astype("f4"), "w": W.astype("f4")}).worst < 1e-11


def test_a_scalar_output_is_fine():
    report = check_gradients(lambda x: (float((x * x).sum()), x), lambda dy, x: dy * 2 * x, {"x": X})
    assert report.passes


def test_an_upstream_gradient_of_ones_would_hide_a_missing_sum_but_a_random_one_does_not():
    def softmax(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        y = e / e.sum(axis=-1, keepdims=True)
        return y, y

    def always_zero(dy, y):
        return np.zeros_like(y)

    ones = np.ones_like(X)
    y = softmax(X)[1]
    np.testing.assert_allclose(y * (ones - (ones * y).sum(axis=-1, keepdims=True)), 0, atol=1e-15)
    assert not check_gradients(softmax, always_zero, {"x": X}).passes


def test_a_zero_gradient_is_measured_against_the_other_inputs():
    def shifted(x, b):
        z = x + b
        return z - z.mean(axis=-1, keepdims=True), None

    def shifted_back(dy, cache):
        return dy - dy.mean(axis=-1, keepdims=True), np.zeros((3, 1))

    assert check_gradients(shifted, shifted_back, {"x": X, "b": np.ones((3, 1))}).worst < 1e-9


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda dx, dw: (dx.T, dw), r"x: the gradient has shape \(4, 3\) but x has \(3, 4\)"),
        (lambda dx, dw: (dx, dw.astype("f4")), "w: the gradient is float32 but w is float64"),
        (lambda dx, dw: (dx * np.nan, dw), "x: the gradient has entries that are NaN or infinite"),
    ],
    ids=["transposed", "float32", "NaN"],
)
def test_a_gradient_that_cannot_be_compared_fails_in_words(spoil, words):
    report = check_gradients(forward, lambda dy, cache: spoil(*backward(dy, cache)), {"x": X, "w": W})
    assert not report.passes and report.worst == np.inf
    with pytest.raises(AssertionError, match=words):
        assert report.passes, report.summary()


def test_float32_inside_a_float64_backward_is_caught_by_the_tolerance():
    def rounds(dy, cache):
        dx, dw = backward(dy.astype("f4"), cache)
        return dx.astype("f8"), dw.astype("f8")

    assert not check_gradients(forward, rounds, {"x": X, "w": W}).passes


def test_a_backward_that_spoils_its_cache_is_caught():
    def destructive(dy, cache):
        x, w, y = cache
        y *= -y
        y += 1
        dz = dy * y
        return dz @ w.T, x.T @ dz

    report = check_gradients(forward, destructive, {"x": X, "w": W})
    assert not report.passes
    assert report.inputs["x"].problem == "backward overwrites what forward kept for it; let it work on a copy"


def test_directions_see_the_whole_tensor():
    right = check_gradients(forward, backward, {"x": X, "w": W}, directions=2)
    assert right.worst < 1e-11 and right.inputs["x"].n_checked == 2

    def one_wrong(dy, cache):
        dx, dw = backward(dy, cache)
        dx[2, 1] += 1e-3
        return dx, dw

    wrong = check_gradients(forward, one_wrong, {"x": X, "w": W}, directions=1)
    assert not wrong.passes and wrong.worst_input.name == "x"


def test_max_elements_limits_the_work():
    report = check_gradients(forward, backward, {"x": X, "w": W}, max_elements=3)
    assert {found.n_checked for found in report.inputs.values()} == {3}


def test_the_same_seed_gives_the_same_numbers():
    first, second = (check_gradients(forward, backward, {"x": X, "w": W}, seed=4) for _ in range(2))
    assert first.inputs == second.inputs


def test_the_inputs_are_left_alone():
    x, w = X.copy(), W.copy()
    check_gradients(forward, backward, {"x": x, "w": w})
    assert np.array_equal(x, X) and np.array_equal(w, W)


def test_inputs_of_length_zero_have_nothing_wrong():
    assert check_gradients(lambda x: (x * 2, None), lambda dy, cache: dy * 2, {"x": np.zeros((0, 3))}).worst == 0.0


@pytest.mark.parametrize(
    ("back", "wrt", "words"),
    [
        (backward, ["x", "v"], "wrt must name some of the inputs .*'v'"),
        (backward, ["x"], "2 gradients for 1 inputs: x"),
        (lambda dy, cache: {"x": dy}, None, "no gradient for w"),
    ],
)
def test_a_mismatch_of_names_is_an_error(back, wrt, words):
    with pytest.raises(ValueError, match=words):
        check_gradients(forward, back, {"x": X, "w": W}, wrt=wrt)


def test_the_upstream_gradient_is_not_drawn_like_the_inputs_of_the_same_seed():
    """x and dy from one stream would be equal, and a backward that mixes them up would pass."""
    seen = []

    def backward(dy, cache):
        seen.append(dy)
        return dy

    x = np.random.default_rng(3).standard_normal((2, 5))
    check_gradients(lambda x: (x, None), backward, {"x": x}, seed=3)
    assert not np.isclose(seen[0], x).any()
