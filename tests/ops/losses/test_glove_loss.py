"""GloVe's weighted squares."""

import math

import numpy as np
import pytest

from tfx.ops.losses.glove_loss import glove_loss_backward, glove_loss_forward

COUNTS = np.array([0.5, 1.0, 40.0, 100.0, 3000.0])


def draw():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in ((5, 4), (5, 4), (5,), (5,))]


def test_the_loss_is_the_papers_sum_over_the_number_of_pairs():
    word, context, b, d = draw()
    total = 0.0
    for n, count in enumerate(COUNTS):
        weight = (count / 100) ** 0.75 if count < 100 else 1.0
        total += weight * (word[n] @ context[n] + b[n] + d[n] - math.log(count)) ** 2
    assert glove_loss_forward(word, context, b, d, COUNTS)[0] == pytest.approx(total / 5, rel=1e-13)


def test_vectors_that_give_the_logarithms_cost_nothing_and_stay():
    word, context, b, _ = draw()
    d = np.log(COUNTS) - (word * context).sum(axis=-1) - b
    loss, cache = glove_loss_forward(word, context, b, d, COUNTS)
    assert loss < 1e-28
    assert all(np.abs(gradient).max() < 1e-13 for gradient in glove_loss_backward(1.0, cache))


def test_rare_pairs_pull_less_and_frequent_ones_no_more_than_at_the_ceiling():
    zero = np.zeros((5, 4))
    offsets = 1 + np.log(COUNTS)  # every pair is off by 1
    _, cache = glove_loss_forward(zero, zero, offsets, 0 * offsets, COUNTS)
    pull = glove_loss_backward(1.0, cache).dword_offset
    assert pull[0] < pull[1] < pull[2] < pull[3] == pytest.approx(pull[4], rel=1e-12)


def test_one_pair_alone_costs_the_square_of_its_miss():
    word, context, zero = np.array([[2.0]]), np.array([[3.0]]), np.zeros(1)
    loss, cache = glove_loss_forward(word, context, zero, zero, np.array([100.0]))
    miss = 6 - math.log(100)
    assert loss == pytest.approx(miss**2, rel=1e-14)
    assert glove_loss_backward(1.0, cache).dword.item() == pytest.approx(2 * miss * 3, rel=1e-14)


def test_no_pairs_cost_nothing():
    loss, cache = glove_loss_forward(*(x[:0] for x in draw()), COUNTS[:0])
    assert loss == 0 and glove_loss_backward(1.0, cache).dword.shape == (0, 4)


def test_float32_stays_float32_with_counts_in_float64():
    loss, cache = glove_loss_forward(*(x.astype(np.float32) for x in draw()), COUNTS)
    assert loss.dtype == np.float32
    assert {g.dtype for g in glove_loss_backward(np.float64(2.0), cache)} == {np.dtype("float32")}


def test_pairs_that_never_met_and_shapes_that_do_not_fit_are_refused():
    word, context, b, d = draw()
    with pytest.raises(ValueError, match="every count must be above 0"):
        glove_loss_forward(word, context, b, d, np.array([1.0, 0, 1, 1, 1]))
    with pytest.raises(ValueError, match="word and context are both"):
        glove_loss_forward(word, context[:, :3], b, d, COUNTS)
    with pytest.raises(ValueError, match="one number for each of 5 pairs"):
        glove_loss_forward(word, context, b[:, None], d, COUNTS)
