"""Adafactor against the published algorithm in loops, and what it keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.strict_device import StrictArray, download, synced, upload
from tests.training.test_optim import on_the_device
from tfx.models import Encoder
from tfx.nn.linear import Linear
from tfx.optim import Adafactor, AdamW
from tfx.params import Layer, Parameter, flatten
from tfx.schedule import inverse_square_root


class Shapes(Layer):
    """A matrix, a vector, a stack of matrices and one number."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.m, self.v, self.s = (Parameter(rng.standard_normal(shape)) for shape in ((3, 4), (5,), (2, 3, 2)))
        self.one = Parameter(np.array(0.7))


def gradients(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(30) * 10.0 ** rng.integers(-3, 2, size=30) for _ in range(n)]


def run(optimizer: Adafactor, grads: list[np.ndarray], rate: float) -> np.ndarray:
    for grad in grads:
        optimizer.parameters.grad[...] = grad
        optimizer.step(rate)
    return optimizer.parameters.value.copy()


def published_matrix(value: list[list[float]], grads: list[np.ndarray], rate: float) -> list[list[float]]:
    """Shazeer and Stern 2018, algorithm 4, entry by entry."""
    n_rows, n_columns = len(value), len(value[0])
    rows, columns = [0.0] * n_rows, [0.0] * n_columns
    cells = [(i, j) for i in range(n_rows) for j in range(n_columns)]
    for t, g in enumerate(grads, start=1):
        b = 1 - t**-0.8
        alpha = max(1e-3, math.sqrt(sum(value[i][j] ** 2 for i, j in cells) / len(cells))) * rate
        for i in range(n_rows):
            rows[i] = b * rows[i] + (1 - b) * sum(g[i][j] ** 2 + 1e-30 for j in range(n_columns))
        for j in range(n_columns):
            columns[j] = b * columns[j] + (1 - b) * sum(g[i][j] ** 2 + 1e-30 for i in range(n_rows))
        u = {(i, j): g[i][j] / math.sqrt(rows[i] * columns[j] / sum(rows)) for i, j in cells}
        rms = math.sqrt(sum(entry**2 for entry in u.values()) / len(cells))
        for i, j in cells:
            value[i][j] -= alpha * u[i, j] / max(1.0, rms / 1.0)
    return value


def published_vector(value: list[float], grads: list[np.ndarray], rate: float) -> list[float]:
    """Algorithm 5: the same without factors."""
    squares, n = [0.0] * len(value), len(value)
    for t, g in enumerate(grads, start=1):
        b = 1 - t**-0.8
        alpha = max(1e-3, math.sqrt(sum(x**2 for x in value) / n)) * rate
        squares = [b * v + (1 - b) * (x**2 + 1e-30) for v, x in zip(squares, g, strict=True)]
        u = [x / math.sqrt(v) for x, v in zip(g, squares, strict=True)]
        rms = math.sqrt(sum(x**2 for x in u) / n)
        value = [x - alpha * y / max(1.0, rms) for x, y in zip(value, u, strict=True)]
    return value


def test_twelve_steps_agree_with_the_published_algorithms_number_by_number():
    layer, grads = Shapes(), gradients(12)
    before = {name: p.value.copy() for name, p in layer.parameters().items()}
    optimizer = Adafactor(layer)
    run(optimizer, grads, 0.05)
    views = [{name: optimizer.parameters.view(g, name) for name in before} for g in grads]
    matrix = published_matrix(before["m"].tolist(), [g["m"] for g in views], 0.05)
    np.testing.assert_allclose(layer.m.value, matrix, rtol=1e-12)
    vector = published_vector(before["v"].tolist(), [g["v"] for g in views], 0.05)
    np.testing.assert_allclose(layer.v.value, vector, rtol=1e-12)
    one = published_vector([float(before["one"])], [g["one"].reshape(1) for g in views], 0.05)
    np.testing.assert_allclose(layer.one.value, one[0], rtol=1e-12)


def test_an_array_with_more_axes_keeps_rows_and_columns_of_each_matrix_in_it():
    layer, grads = Shapes(), gradients(4)
    before = layer.s.value.copy()
    optimizer = Adafactor(layer, relative=False, clip=math.inf)
    run(optimizer, grads, 0.05)
    for k in range(2):
        rows, columns, value = np.zeros(3), np.zeros(2), before[k]
        for t, grad in enumerate(grads, start=1):
            g, b = optimizer.parameters.view(grad, "s")[k], 1 - t**-0.8
            rows, columns = b * rows + (1 - b) * (g**2).sum(1), b * columns + (1 - b) * (g**2).sum(0)
            value = value - 0.05 * g / np.sqrt(np.outer(rows, columns) / rows.sum())
        np.testing.assert_allclose(layer.s.value[k], value, rtol=1e-12)


def test_of_squares_of_rank_one_nothing_is_lost():
    """Then the factored form is the plain one: without clipping, the first step is lr times the sign."""
    layer = Linear(3, 4, np.random.default_rng(0), bias=False, dtype="float64")
    before, optimizer = layer.w.value.copy(), Adafactor(layer, relative=False)
    grad = np.outer([1.0, -3.0, 0.2], [5.0, 1.0, -2.0, 0.1])
    run(optimizer, [grad.reshape(-1)], 0.1)
    np.testing.assert_allclose(layer.w.value, before - 0.1 * np.sign(grad), rtol=1e-12)


def test_no_update_is_longer_than_the_clip_in_root_mean_square():
    for clip in (1.0, 0.3):
        layer, grads = Shapes(), gradients(6)
        optimizer = Adafactor(layer, relative=False, clip=clip)
        for grad in [*grads, 1e4 * grads[0]]:
            before = layer.m.value.copy()
            run(optimizer, [grad], 1.0)
            assert math.sqrt(((layer.m.value - before) ** 2).mean()) <= clip * (1 + 1e-12)


def test_a_relative_step_is_a_share_of_what_it_changes_and_leaves_zero_all_the_same():
    layer = Linear(3, 3, np.random.default_rng(0), dtype="float64")
    layer.w.value *= 100
    size, optimizer = math.sqrt((layer.w.value**2).mean()), Adafactor(layer)
    grad = np.ones(12)
    before = layer.w.value.copy()
    run(optimizer, [grad], 0.01)
    np.testing.assert_allclose(before - layer.w.value, 0.01 * size, rtol=1e-9)
    np.testing.assert_allclose(layer.b.value, -0.01 * 1e-3, rtol=1e-12)  # it was 0: the floor eps2


def test_the_papers_rate_is_the_t5_schedule():
    for step in (1, 10_000, 40_000):
        assert inverse_square_root(step, 10_000) == pytest.approx(min(1e-2, 1 / math.sqrt(step)))


def test_what_is_kept_is_rows_and_columns_where_adam_keeps_everything_twice():
    layer = Linear(512, 2048, np.random.default_rng(0), bias=False)
    assert Adafactor(layer).n_kept == 512 + 2048
    assert AdamW(layer).mean.size + AdamW(layer).square.size == 2 * 512 * 2048
    model = Encoder(50, d_model=64, n_heads=4, d_ff=256, n_layers=2)
    matrices = [p.shape for p in model.parameters().values() if len(p.shape) == 2]
    rest = sum(p.value.size for p in model.parameters().values() if len(p.shape) < 2)
    assert Adafactor(model).n_kept == sum(map(sum, matrices)) + rest < 0.05 * 2 * model.n_parameters


def test_momentum_is_an_average_of_updates_and_costs_one_more_number_each():
    layer, grads = Shapes(), gradients(1)
    optimizer, plain = Adafactor(layer, momentum=0.9), Adafactor(Shapes())
    before = optimizer.parameters.value.copy()
    step = before - run(plain, grads, 0.05)
    np.testing.assert_allclose(before - run(optimizer, grads, 0.05), 0.1 * step, rtol=1e-9)
    assert optimizer.n_kept == plain.n_kept + before.size


def test_a_zero_gradient_moves_nothing_and_tiny_float32_gradients_move_as_far_as_large_ones():
    layer = Shapes()
    before = flatten(layer).value.copy()
    assert np.array_equal(run(Adafactor(layer), [np.zeros(30)] * 2, 0.1), before)
    moves = []
    for size in (1e-9, 1.0, 1e12):  # their squares still stand above eps1 = 1e-30
        one = Shapes().astype("float32")
        start = flatten(one).value.copy()
        optimizer = Adafactor(one)
        moves.append(run(optimizer, [size * gradients(1)[0].astype("float32")], 0.1) - start)
        assert optimizer.rows.dtype == optimizer.parameters.value.dtype == "float32"
    np.testing.assert_allclose(moves[0], moves[1], rtol=1e-4)
    np.testing.assert_allclose(moves[2], moves[1], rtol=1e-4)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_it_goes_on_from_its_state_with_the_same_bits(momentum):
    grads = gradients(9)
    whole, first, second = (Adafactor(Shapes(), momentum=momentum) for _ in range(3))
    run(whole, grads, 0.1)
    run(first, grads[:4], 0.1)
    second.parameters.value[...] = first.parameters.value
    second.load_state(first.state())
    assert np.array_equal(run(second, grads[4:], 0.1), whole.parameters.value)
    with pytest.raises(ValueError, match="keeps"):
        Adafactor(Shapes(), momentum=0.9 - momentum).load_state(first.state())


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_on_the_device_makes_nobody_wait(momentum):
    here, there = (Adafactor(flat, momentum=momentum) for flat in (flatten(Shapes()), on_the_device(flatten(Shapes()))))
    waits = synced.count
    for grad in gradients(3):
        here.parameters.grad[...] = grad
        there.parameters.grad[...] = upload(grad.copy())
        here.step(0.1)
        there.step(0.1)
    assert synced.count == waits and isinstance(there.parameters.value, StrictArray)
    np.testing.assert_allclose(download(there.parameters.value), here.parameters.value, rtol=1e-13)
