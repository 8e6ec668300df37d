"""Lion against the published program in loops, and what follows from moving by a sign."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.strict_device import StrictArray, download, synced, upload
from tests.training.test_optim import gradients, layer, on_the_device, run
from tfx.optim import Lion, decays_everything
from tfx.params import flatten


def published_lion(value: float, grads: list[float], rate: float, decay: float) -> float:
    """Chen et al. 2023, program 1, for one number."""
    m = 0.0
    for g in grads:
        c = 0.9 * m + 0.1 * g
        value = value - rate * (math.copysign(1.0, c) * (c != 0) + decay * value)
        m = 0.99 * m + 0.01 * g
    return value


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_twenty_steps_agree_with_the_published_program_number_by_number(decay):
    grads, optimizer = gradients(20), Lion(layer(), decay, decays=decays_everything)
    before = optimizer.parameters.value.copy()
    expected = [published_lion(x, [g[i] for g in grads], 0.05, decay) for i, x in enumerate(before)]
    np.testing.assert_allclose(run(optimizer, grads, 0.05), expected, rtol=1e-12)


def test_every_entry_moves_by_the_rate_whatever_its_gradient():
    optimizer = Lion(layer())
    for grad in [*gradients(5), np.full(16, 1e-200), np.full(16, -1e200)]:
        before = optimizer.parameters.value.copy()
        np.testing.assert_allclose(abs(run(optimizer, [grad], 0.01) - before), 0.01, rtol=1e-9)


def test_without_any_gradient_nothing_moves():
    optimizer = Lion(layer())
    before = optimizer.parameters.value.copy()
    assert np.array_equal(run(optimizer, [np.zeros(16)], 0.01), before)


def test_the_size_of_the_loss_does_not_matter():
    small, large = Lion(layer()), Lion(layer())
    run(small, gradients(6), 0.01)
    run(large, [1024 * grad for grad in gradients(6)], 0.01)  # a power of two: the same bits
    assert np.array_equal(small.parameters.value, large.parameters.value)


def test_a_new_gradient_counts_more_for_the_step_than_for_the_memory():
    """After ten steps up, one gradient of the same size down turns the step only if 0.1 g outweighs the memory."""
    ups = [np.ones(16)] * 10
    remembered = 1 - 0.99**10
    for size, sign in ((0.9 * remembered / 0.1 * 0.9, -1), (0.9 * remembered / 0.1 * 1.1, 1)):
        optimizer = Lion(layer())
        before = run(optimizer, ups, 0.01)
        after = run(optimizer, [np.full(16, -size)], 0.01)
        np.testing.assert_allclose(after - before, sign * 0.01, rtol=1e-9)


def test_matrices_decay_and_offsets_do_not_and_one_average_is_kept():
    linear = layer()
    linear.b.value += 3.0
    w, optimizer = linear.w.value.copy(), Lion(linear, weight_decay=0.1)
    run(optimizer, [np.zeros(16)] * 30, 0.2)
    np.testing.assert_allclose(linear.w.value, w * (1 - 0.2 * 0.1) ** 30, rtol=1e-12)
    assert (linear.b.value == 3.0).all() and optimizer.averages == ("mean",)


def test_it_goes_on_from_its_state_with_the_same_bits_in_float32():
    grads = [grad.astype("float32") for grad in gradients(9)]
    whole, first, second = (Lion(layer().astype("float32"), 0.1) for _ in range(3))
    run(whole, grads, 0.1)
    run(first, grads[:4], 0.1)
    second.parameters.value[...] = first.parameters.value
    second.load_state(first.state())
    assert np.array_equal(run(second, grads[4:], 0.1), whole.parameters.value)
    assert second.mean.dtype == second.parameters.value.dtype == "float32" and second.steps == 9


def test_a_step_on_the_device_makes_nobody_wait():
    here, there = Lion(layer(), 0.1), Lion(on_the_device(flatten(layer())), 0.1)
    waits = synced.count
    for grad in gradients(3):
        here.parameters.grad[...] = grad
        there.parameters.grad[...] = upload(grad.copy())
        here.step(0.1)
        there.step(0.1)
    assert synced.count == waits and isinstance(there.parameters.value, StrictArray)
    np.testing.assert_allclose(download(there.parameters.value), here.parameters.value, rtol=1e-13)
