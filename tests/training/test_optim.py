"""Optimisers against formulas and against straight-line copies of the published algorithms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tfx.nn.linear import Linear
from tfx.optim import SGD, Adam, AdamW, clip_by_norm, global_norm
from tfx.params import flatten


def layer() -> Linear:
    return Linear(3, 4, np.random.default_rng(0), dtype="float64")


def gradients(n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.standard_normal(16) * 10.0 ** rng.integers(-3, 3, size=16) for _ in range(n)]


def run(optimizer: Any, grads: list[np.ndarray], rate: float) -> np.ndarray:
    for grad in grads:
        optimizer.parameters.grad[...] = grad
        optimizer.step(rate)
    return optimizer.parameters.value.copy()


def test_adams_first_step_is_the_rate_times_the_sign():
    optimizer = Adam(layer(), eps=0.0)
    before = optimizer.parameters.value.copy()
    grad = gradients(1)[0]
    after = run(optimizer, [grad], 0.01)
    np.testing.assert_allclose(after, before - 0.01 * np.sign(grad), rtol=1e-12)


def test_adams_first_step_by_hand_with_eps():
    optimizer = Adam(layer(), beta1=0.8, beta2=0.9, eps=0.5)
    before = optimizer.parameters.value[0]
    after = run(optimizer, [np.full(16, 2.0)], 0.1)[0]
    # m = 0.2 * 2 = 0.4 -> / (1 - 0.8) = 2;  v = 0.1 * 4 = 0.4 -> / (1 - 0.9) = 4;  step 0.1 * 2 / (2 + 0.5)
    assert after == pytest.approx(before - 0.08, rel=1e-12)


def test_adamws_first_step_adds_the_decay_of_the_old_value():
    plain, decayed = Adam(layer()), AdamW(layer(), weight_decay=0.3)
    before = plain.parameters.value.copy()
    grad = gradients(1)[0]
    difference = run(decayed, [grad], 0.1) - run(plain, [grad], 0.1)
    is_matrix = np.arange(16) < 12  # w comes before b
    np.testing.assert_allclose(difference, np.where(is_matrix, -0.1 * 0.3 * before, 0), atol=1e-15)


def published_adam(value: float, grads: list[float], rate: float, decay: float) -> float:
    """Kingma and Ba 2015, algorithm 1, with the decay of Loshchilov and Hutter 2019, for one number."""
    m = v = 0.0
    for t, g in enumerate(grads, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        value = value - rate * (m_hat / (math.sqrt(v_hat) + 1e-8) + decay * value)
    return value


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_twenty_steps_agree_with_the_published_algorithm_number_by_number(decay):
    grads = gradients(20)
    settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    optimizer: Adam
    optimizer = (
        AdamW(layer(), decay, decays=lambda name, shape: True, **settings) if decay else Adam(layer(), **settings)
    )
    before = optimizer.parameters.value.copy()
    after = run(optimizer, grads, 0.05)
    expected = [published_adam(x, [g[i] for g in grads], 0.05, decay) for i, x in enumerate(before)]
    np.testing.assert_allclose(after, expected, rtol=1e-11, atol=1e-13)


def test_sgd_with_momentum_agrees_with_its_recurrence():
    grads = gradients(20)
    optimizer = SGD(layer(), momentum=0.7)
    value, velocity = optimizer.parameters.value.copy(), np.zeros(16)
    for grad in grads:
        velocity = 0.7 * velocity + grad
        value = value - 0.01 * velocity
    np.testing.assert_allclose(run(optimizer, grads, 0.01), value, rtol=1e-12)


def test_sgd_without_momentum_walks_down_the_gradient():
    optimizer = SGD(layer())
    before, grad = optimizer.parameters.value.copy(), gradients(1)[0]
    np.testing.assert_array_equal(run(optimizer, [grad], 0.5), before - 0.5 * grad)


def test_with_zero_gradient_adamw_shrinks_matrices_geometrically_and_leaves_biases_alone():
    linear = layer()
    linear.b.value += 3.0
    w = linear.w.value.copy()
    optimizer = AdamW(linear, weight_decay=0.1)
    run(optimizer, [np.zeros(16)] * 30, 0.2)
    np.testing.assert_allclose(linear.w.value, w * (1 - 0.2 * 0.1) ** 30, rtol=1e-12)
    assert (linear.b.value == 3.0).all()


def test_clipping_keeps_the_direction_and_reports_the_norm_before():
    grad = np.array([3.0, 0.0, 4.0])
    assert clip_by_norm(grad, 1.0) == 5.0
    np.testing.assert_allclose(grad, [0.6, 0.0, 0.8], rtol=1e-15)


def test_a_short_gradient_is_not_stretched():
    grad = np.array([0.3, 0.4])
    assert clip_by_norm(grad, 1.0) == 0.5
    np.testing.assert_array_equal(grad, [0.3, 0.4])


def test_the_norm_of_large_float32_gradients_does_not_overflow():
    grad = np.full(4, 1e30, dtype="float32")
    assert global_norm(grad) == pytest.approx(2e30, rel=1e-6)
    clip_by_norm(grad, 1.0)
    np.testing.assert_allclose(grad, 0.5, rtol=1e-6)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_float32_parameters_and_averages_stay_float32(kind):
    linear = layer().astype("float32")
    optimizer = kind(linear)
    flat = flatten(linear)
    flat.grad[...] = 1.0
    clip_by_norm(flat.grad, 0.5)
    optimizer.step(0.1)
    arrays = [flat.value, flat.grad, *(v for v in optimizer.state().values() if isinstance(v, np.ndarray))]
    assert {array.dtype.name for array in arrays} == {"float32"}


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_an_optimiser_goes_on_from_its_state_with_the_same_bits(kind):
    grads = gradients(9)
    whole = kind(layer())
    run(whole, grads, 0.1)
    first = kind(layer())
    run(first, grads[:4], 0.1)
    second = kind(layer())
    second.parameters.value[...] = first.parameters.value
    second.load_state(first.state())
    run(second, grads[4:], 0.1)
    np.testing.assert_array_equal(whole.parameters.value, second.parameters.value)
    assert second.steps == 9


def test_the_state_of_another_optimiser_or_size_is_refused():
    with pytest.raises(ValueError, match="velocity"):
        Adam(layer()).load_state(SGD(layer()).state())
    with pytest.raises(ValueError, match="entries"):
        Adam(layer()).load_state(Adam(Linear(2, 2, np.random.default_rng(0), dtype="float64")).state())
