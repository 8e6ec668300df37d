"""Optimisers against formulas and against straight-line copies of the published algorithms."""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.strict_device import StrictArray, download, synced, upload
from tfx.nn.linear import Linear
from tfx.optim import (
    SGD,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    clip_by_norm,
    clip_by_value,
    decays_everything,
    global_norm,
)
from tfx.params import FlatParameters, flatten


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
    optimizer = AdamW(layer(), decay, decays=decays_everything, **settings) if decay else Adam(layer(), **settings)
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


def test_nesterovs_momentum_is_the_gradient_taken_where_the_velocity_leads():
    target, rate, momentum = np.linspace(-1, 1, 16), 0.1, 0.8
    slope = np.linspace(0.5, 2, 16)  # the gradient of a quadratic bowl
    optimizer = SGD(layer(), momentum, nesterov=True)
    ahead = optimizer.parameters.value.copy()  # without velocity, both places are the same
    place, velocity = ahead.copy(), np.zeros(16)
    for _ in range(10):
        ahead = place - rate * momentum * velocity  # look where the velocity alone leads, and take the gradient there
        velocity = momentum * velocity + slope * (ahead - target)
        place = place - rate * velocity
        optimizer.parameters.grad[...] = slope * (optimizer.parameters.value - target)
        optimizer.step(rate)
    np.testing.assert_allclose(optimizer.parameters.value, place - rate * momentum * velocity, rtol=1e-12)


def test_a_gradient_that_stays_moves_momentum_by_its_geometric_sum():
    optimizer = SGD(layer(), momentum=0.9)
    run(optimizer, [np.ones(16)] * 400, 0.0)
    np.testing.assert_allclose(optimizer.velocity, 1 / (1 - 0.9), rtol=1e-12)


def test_the_weight_of_the_gradient_turns_the_velocity_into_an_average():
    grads = gradients(5)
    optimizer = SGD(layer(), momentum=0.7, grad_weight=0.3)
    run(optimizer, grads, 0.01)
    average = grads[0]  # the first gradient counts in full
    for grad in grads[1:]:
        average = 0.7 * average + 0.3 * grad
    np.testing.assert_allclose(optimizer.velocity, average, rtol=1e-12)


def test_adagrad_agrees_with_its_recurrence():
    grads = gradients(20)
    optimizer = Adagrad(layer(), eps=1e-3, rate_decay=0.1, start=0.5)
    value, squares = optimizer.parameters.value.copy(), np.full(16, 0.5)
    for t, grad in enumerate(grads):
        squares = squares + grad**2
        value = value - 0.05 / (1 + 0.1 * t) * grad / (np.sqrt(squares) + 1e-3)
    np.testing.assert_allclose(run(optimizer, grads, 0.05), value, rtol=1e-12)


def test_adagrads_steps_fall_as_one_over_the_root_of_the_step():
    optimizer = Adagrad(layer(), eps=0.0)
    for t in range(1, 30):
        before = optimizer.parameters.value.copy()
        after = run(optimizer, [np.full(16, -3.0)], 0.2)
        np.testing.assert_allclose(after - before, 0.2 / math.sqrt(t), rtol=1e-9)


@pytest.mark.parametrize("kind", [SGD, Adagrad, Adam, Adafactor, Lion])
def test_l2_is_the_gradient_of_half_the_squared_length(kind):
    grads, penalty = gradients(6), 0.3
    penalised, plain = kind(layer(), l2=penalty), kind(layer())
    for grad in grads:
        run(plain, [grad + penalty * plain.parameters.value], 0.05)
        run(penalised, [grad], 0.05)
        assert np.array_equal(penalised.parameters.grad, grad)  # what backward wrote stays
    np.testing.assert_allclose(penalised.parameters.value, plain.parameters.value, rtol=1e-12)


def test_for_plain_descent_l2_and_weight_decay_are_one_but_in_adam_large_gradients_switch_l2_off():
    start, rate, decay = layer().w.value.reshape(-1), 0.01, 0.1
    sgd = SGD(layer(), l2=decay)
    run(sgd, [np.zeros(16)] * 10, rate)
    shrunk = start * (1 - rate * decay) ** 10
    np.testing.assert_allclose(sgd.parameters.value[:12], shrunk, rtol=1e-12)
    # a gradient that changes sign moves Adam nowhere on average; 1e6 and 1 should decay alike, and do in AdamW only
    swing = np.where(np.arange(16) % 2, 1e6, 1.0)
    shares = {}
    for kind, optimizer in (("l2", Adam(layer(), l2=decay)), ("decoupled", AdamW(layer(), decay))):
        still = Adam(layer())
        for step in range(200):
            run(still, [swing * (-1) ** step], rate)
            run(optimizer, [swing * (-1) ** step], rate)
        shares[kind] = abs(optimizer.parameters.value - still.parameters.value)[:12] / abs(start)
    assert shares["decoupled"][1::2] == pytest.approx(shares["decoupled"][::2], rel=0.3)
    assert shares["l2"][1::2].max() < 1e-4 * shares["l2"][::2].min()


def test_epsilon_hat_is_epsilon_times_the_bias_of_the_root():
    grads = gradients(5)
    hat, plain = Adam(layer(), eps=0.3, eps_hat=True), Adam(layer(), eps=0.0)
    for t, grad in enumerate(grads, start=1):
        plain.eps = 0.3 / math.sqrt(1 - 0.98**t)
        run(plain, [grad], 0.1)
        run(hat, [grad], 0.1)
        np.testing.assert_allclose(hat.parameters.value, plain.parameters.value, rtol=1e-12)


def test_without_bias_correction_the_first_step_has_the_wrong_length():
    optimizer = Adam(layer(), beta1=0.9, beta2=0.96, eps=0.0, bias_correction=False)
    before = optimizer.parameters.value.copy()
    after = run(optimizer, [np.full(16, 5.0)], 0.1)
    np.testing.assert_allclose(before - after, 0.1 * 0.1 / math.sqrt(0.04), rtol=1e-12)  # 0.1 m / sqrt(0.04 g^2)


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


def test_clipping_by_value_changes_the_direction():
    grad = np.array([3.0, -0.5, 4.0])
    assert clip_by_value(grad, 1.0) == math.sqrt(9 + 0.25 + 16)
    np.testing.assert_array_equal(grad, [1.0, -0.5, 1.0])
    before, after = np.array([3.0, -0.5, 4.0]), np.array([3.0, -0.5, 4.0])
    clip_by_norm(after, 1.0)
    cosine = lambda x, y: float(x @ y) / (global_norm(x) * global_norm(y))  # noqa: E731
    assert cosine(before, after) == pytest.approx(1, abs=1e-15)
    assert cosine(before, grad) < 0.97


def test_an_eps_in_the_norm_makes_the_clipped_gradient_a_little_shorter():
    grad = np.array([3.0, 0.0, 4.0])
    assert clip_by_norm(grad, 1.0, eps=0.25) == 5.0
    np.testing.assert_allclose(grad, np.array([3.0, 0.0, 4.0]) / 5.25, rtol=1e-15)
    within = np.array([0.6, 0.8])
    clip_by_norm(within, 1.5, eps=0.25)
    np.testing.assert_array_equal(within, [0.6, 0.8])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_told_and_nothing_is_scaled(bad):
    grad = np.array([1.0, bad])
    assert not math.isfinite(clip_by_norm(grad, 1.0))
    np.testing.assert_array_equal(grad, [1.0, bad])
    assert not math.isfinite(clip_by_value(grad, 0.5))
    assert grad[0] == 0.5


def test_a_short_gradient_is_not_stretched():
    grad = np.array([0.3, 0.4])
    assert clip_by_norm(grad, 1.0) == 0.5
    np.testing.assert_array_equal(grad, [0.3, 0.4])


def test_the_norm_of_large_float32_gradients_does_not_overflow():
    grad = np.full(4, 1e30, dtype="float32")
    assert global_norm(grad) == pytest.approx(2e30, rel=1e-6)
    clip_by_norm(grad, 1.0)
    np.testing.assert_allclose(grad, 0.5, rtol=1e-6)


@pytest.mark.parametrize("kind", [SGD, Adagrad, Adam, AdamW])
def test_float32_parameters_and_averages_stay_float32(kind):
    linear = layer().astype("float32")
    optimizer = kind(linear)
    flat = flatten(linear)
    flat.grad[...] = 1.0
    clip_by_norm(flat.grad, 0.5)
    optimizer.step(0.1)
    arrays = [flat.value, flat.grad, *(v for v in optimizer.state().values() if isinstance(v, np.ndarray))]
    assert {array.dtype.name for array in arrays} == {"float32"}


@pytest.mark.parametrize("kind", [SGD, Adagrad, Adam, AdamW])
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


def on_the_device(flat: FlatParameters) -> FlatParameters:
    return dataclasses.replace(flat, value=upload(flat.value), grad=upload(flat.grad))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9, "nesterov": True, "grad_weight": 0.5, "l2": 0.1}),
        (Adagrad, {"rate_decay": 0.1}),
        (Adam, {"l2": 0.1}),
        (AdamW, {"weight_decay": 0.1}),
    ],
)
def test_a_step_on_the_device_makes_nobody_wait(kind, options):
    here, there = kind(layer(), **options), kind(on_the_device(flatten(layer())), **options)
    waits = synced.count
    for grad in gradients(3):
        here.parameters.grad[...] = grad
        there.parameters.grad[...] = upload(grad.copy())
        here.step(0.1)
        there.step(0.1)
    assert synced.count == waits
    assert isinstance(there.parameters.value, StrictArray)
    np.testing.assert_allclose(download(there.parameters.value), here.parameters.value, rtol=1e-13)


def test_a_gradient_whose_squares_overflow_is_clipped_too():
    grad = np.array([3e200, -4e200, 0.0])
    assert clip_by_norm(grad, 1.0) == pytest.approx(5e200, rel=1e-14)
    np.testing.assert_allclose(grad, [0.6, -0.8, 0.0], rtol=1e-14)


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
def test_clipping_on_the_device_waits_for_nothing(clip):
    for factor in (1.0, 1e-6):  # too long, and short enough already
        grad = factor * gradients(1)[0]
        there, waits = upload(grad.copy()), synced.count
        norm = clip(there, 1.0)
        assert synced.count == waits
        assert float(norm) == pytest.approx(clip(grad, 1.0), rel=1e-14)
        np.testing.assert_allclose(download(there), grad, rtol=1e-14)


def test_a_norm_on_the_device_that_is_not_finite_leaves_the_gradient_alone():
    grad = np.array([1.0, np.inf, 2.0])
    there = upload(grad.copy())
    assert math.isinf(float(clip_by_norm(there, 1.0)))
    assert np.array_equal(download(there), grad)


RULES: tuple[Any, ...] = (
    SGD,
    partial(SGD, momentum=0.9, nesterov=True),
    Adam,
    partial(Adam, eps_hat=True, l2=0.1),
    partial(AdamW, weight_decay=0.1),
    Adagrad,
    Adafactor,
    partial(Adafactor, momentum=0.9),
    partial(Lion, weight_decay=0.1),
)


@pytest.mark.parametrize("size", [1e-3, 1.0, 300.0, 3000.0])
@pytest.mark.parametrize("make", RULES, ids=str)
def test_a_step_in_float16_is_the_step_in_float32_rounded_once(make, size):
    """Squares of gradients beyond 256 or below 2e-4 are no numbers of float16."""
    half, wide = (Linear(3, 4, np.random.default_rng(0), dtype=dtype) for dtype in ("float16", "float32"))
    rules = [make(half), make(wide)]
    for grad in gradients(5):
        grad = (grad / np.abs(grad).max() * size).astype("float16")
        rules[1].parameters.value[...] = rules[0].parameters.value
        for rule in rules:
            rule.parameters.grad[...] = grad
            rule.step(0.01)
        with np.errstate(over="ignore"):
            wanted = rules[1].parameters.value.astype("float16")
        assert rules[0].parameters.value.dtype == "float16" and np.isfinite(wanted).all()
        np.testing.assert_array_equal(rules[0].parameters.value, wanted)
