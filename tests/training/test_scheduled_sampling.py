"""Scheduled sampling: what is read the second time, and what is learnt from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.train import inverse_sigmoid_decay, mixed_inputs, next_token_loss, scheduled_sampling_loss

RNG = np.random.default_rng
SIZE: dict[str, Any] = {"d_model": 16, "n_heads": 2, "d_ff": 16, "n_layers": 1}
IDS = RNG(0).integers(7, size=(4, 9))


def gradient_of(model: Any, loss: Any, ids: np.ndarray = IDS) -> dict[str, np.ndarray]:
    model.zero_grad()
    loss(model, ids, RNG(3))
    return {name: parameter.grad.copy() for name, parameter in model.parameters().items()}


def test_with_nothing_but_the_truth_it_is_teacher_forcing():
    model = DecoderOnly(7, **SIZE)
    want, have = gradient_of(model, next_token_loss()), gradient_of(model, scheduled_sampling_loss(1.0))
    assert all(np.array_equal(have[name], grad) for name, grad in want.items())


def test_a_guess_stands_one_place_after_the_place_that_made_it_and_the_first_token_stays():
    logits = np.eye(7)[(IDS + 1) % 7]
    mixed = mixed_inputs(IDS, logits, RNG(0), truth=0.0)
    assert np.array_equal(mixed[:, 0], IDS[:, 0]) and np.array_equal(mixed[:, 1:], (IDS[:, :-1] + 1) % 7)
    assert np.array_equal(mixed_inputs(IDS, logits, RNG(0), truth=1.0), IDS)
    many = np.zeros((500, 20), int)
    guessed = mixed_inputs(many, np.eye(7)[many + 1], RNG(1), truth=0.7)
    assert guessed[:, 1:].mean() == pytest.approx(0.3, abs=0.02)


def test_the_gradient_is_that_of_the_second_reading_alone():
    model = DecoderOnly(7, **SIZE, dtype="float64")
    have = gradient_of(model, scheduled_sampling_loss(0.5))
    guesses, _ = model.forward(IDS[:, :-1])
    read = mixed_inputs(IDS[:, :-1], guesses, RNG(3), 0.5)
    assert (read != IDS[:, :-1]).any()
    model.zero_grad()
    logits, cache = model.forward(read)
    _, ce_cache = cross_entropy_forward(logits, IDS[:, 1:])
    model.backward(cross_entropy_backward(1.0, ce_cache), cache)
    for name, parameter in model.parameters().items():
        np.testing.assert_allclose(have[name], parameter.grad, rtol=0, atol=1e-14)


def test_the_share_of_truth_falls_as_published():
    assert inverse_sigmoid_decay(0, 10) == pytest.approx(10 / 11)
    assert inverse_sigmoid_decay(round(10 * math.log(10)), 10) == pytest.approx(0.5, abs=0.01)
    falls = [inverse_sigmoid_decay(step, 10) for step in range(0, 10_000, 50)]
    assert falls == sorted(falls, reverse=True) and falls[-1] < 1e-100
    with pytest.raises(ValueError, match="at least 1"):
        inverse_sigmoid_decay(1, 0.5)
