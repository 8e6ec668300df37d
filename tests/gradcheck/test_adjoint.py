"""The adjoint test on linear maps that have nothing to do with this library."""

import numpy as np
import pytest

from tfx.gradcheck import check_adjoint, is_linear

RNG = np.random.default_rng(0)
X, W, B = RNG.standard_normal((3, 4)), RNG.standard_normal((4, 2)), RNG.standard_normal(2)
INPUTS = {"x": X, "w": W, "b": B}


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_back(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def test_each_input_of_an_affine_map_agrees_to_rounding():
    report = check_adjoint(affine, affine_back, INPUTS)
    assert report.passes and report.worst < 1e-15 and list(report.inputs) == ["x", "w", "b"]


def test_gathering_and_scattering_are_adjoint():
    ids = np.array([2, 0, 2, 2])

    def scatter(dy, shape):
        dtable = np.zeros(shape)
        np.add.at(dtable, ids, dy)
        return dtable

    def overwrite(dy, shape):
        dtable = np.zeros(shape)
        dtable[ids] = dy
        return dtable

    table = {"table": RNG.standard_normal((3, 5))}
    assert check_adjoint(lambda table: (table[ids], table.shape), scatter, table).passes
    wrong = check_adjoint(lambda table: (table[ids], table.shape), overwrite, table)
    assert not wrong.passes and wrong.worst_input.name == "table"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda dx, dw, db: (-dx, dw, db),
        lambda dx, dw, db: (dx, dw, db / 3),
        lambda dx, dw, db: (dx, dw * (1 + 1e-12), db),
        lambda dx, dw, db: (dx, dw, db.astype("f4")),
        lambda dx, dw, db: (dx.T, dw, db),
    ],
    ids=["sign", "mean for sum", "the twelfth digit", "float32", "transposed"],
)
def test_a_wrong_adjoint_is_caught(wrong):
    assert not check_adjoint(affine, lambda dy, cache: wrong(*affine_back(dy, cache)), INPUTS).passes


def test_a_map_that_is_not_linear_fails_in_words():
    report = check_adjoint(lambda x: (np.tanh(x), x), lambda dy, x: dy, {"x": X})
    assert not report.passes and "forward is not linear in x" in report.summary()


def test_linear_in_one_input_is_enough_for_that_input():
    def layer(x, w):
        return np.tanh(x) @ w, (x, w)

    assert is_linear(layer, {"x": X, "w": W}, "w") and not is_linear(layer, {"x": X, "w": W}, "x")
    assert check_adjoint(layer, lambda dy, cache: np.tanh(cache[0]).T @ dy, {"x": X, "w": W}, wrt=["w"]).passes


def test_a_map_to_zero_has_the_adjoint_zero():
    def centred(x, b):
        z = x + b
        return z - z.mean(axis=-1, keepdims=True), None

    inputs = {"x": X, "b": np.ones((3, 1))}
    right = check_adjoint(centred, lambda dy, cache: (dy - dy.mean(axis=-1, keepdims=True), np.zeros((3, 1))), inputs)
    wrong = check_adjoint(centred, lambda dy, cache: (dy - dy.mean(axis=-1, keepdims=True), np.ones((3, 1))), inputs)
    assert right.passes and not wrong.passes


def test_an_input_of_length_zero_has_nothing_wrong():
    assert check_adjoint(lambda x: (x * 2, None), lambda dy, cache: dy * 2, {"x": np.zeros((0, 3))}).worst == 0.0
