"""Reversal by hand: in a wide vector it is exact, what is fed back matters, and attention looks at one place."""

import numpy as np
import pytest

from tfx.lab.sequences.reversal import Reverser, share_right


def test_the_context_is_the_sum_of_turned_codes_and_the_state_loses_what_was_written():
    model, ids = Reverser(np.random.default_rng(0), 24, 5), np.array([[3, 1, 4, 0]])
    assert np.allclose(model.turn @ model.turn.T, np.eye(24))
    powers = [np.linalg.matrix_power(model.turn, k) for k in range(4)]
    assert model.encode(ids)[0, -1] == pytest.approx(sum(model.codes[i] @ powers[3 - t] for t, i in enumerate(ids[0])))
    told = model.from_one_vector(model.encode(ids)[:, -1], 4, ids[:, ::-1])
    assert told.states[0, 3] == pytest.approx(model.codes[3])  # all later symbols are taken away, to the last digit
    assert told.states[0, 2] == pytest.approx(model.codes[1] + model.codes[3] @ powers[1])


def test_a_wide_vector_reverses_and_a_narrow_one_does_less_the_longer_the_text():
    assert share_right(np.random.default_rng(0), 512, 10, 8, 80, "vector") == 1
    shares = [share_right(np.random.default_rng(1), 24, 10, n, 400, "vector") for n in (2, 8, 32)]
    assert shares[0] > shares[1] + 0.2 > shares[2] + 0.4


def test_told_the_truth_it_writes_more_and_with_attention_all():
    ways = ("vector", "forced", "attention")
    own, told, attention = (share_right(np.random.default_rng(2), 32, 10, 16, 400, way) for way in ways)
    assert own + 0.15 < told < 0.95 and attention == 1


def test_weights_lie_on_the_anti_diagonal_and_ask_for_one_place():
    weights = Reverser(np.random.default_rng(3), 64, 9).with_attention(np.array([[0, 1, 2, 3, 4]])).weights
    assert weights is not None and np.allclose(weights[0], np.eye(5)[::-1], atol=1e-3)
